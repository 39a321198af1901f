"""Chooses the pictures of the validation part: whole groups, nearly the wanted share."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from maskconver_tf.errors import UserError
from maskconver_tf.planning.first_configuration.parts.connected import connected


def group_by_folder(names: Sequence[str], groups: np.ndarray) -> np.ndarray:
    """Joins groups that share a folder; the folder is all of a name before its last slash.

    Args:
      names: file name of each picture.
      groups: number of the group of each picture, int `[n]`.

    Returns:
      The new number of each picture, int `[n]`.

    Raises:
      UserError: all pictures lie in one folder.
    """
    folders = [name.replace("\\", "/").rpartition("/")[0] for name in names]
    if len(set(folders)) < 2:
        found = f"only the folder {folders[0]!r}" if folders[0] else "no folder"
        raise UserError(
            f"--group_by folder: found {found} in the file names, such as {names[0]!r}; expected "
            "two folders or more. Remove --group_by, or build the dataset from a folder above"
        )
    return connected([groups.tolist(), folders])


def choose_val(names: Sequence[str], groups: np.ndarray, share: float) -> np.ndarray:
    """Chooses the validation pictures; the same ones for the same names and groups.

    Groups come in an order that looks random and depends on their names alone. A group is taken if
    the part stays at or below the wanted number of pictures. If none fits, the smallest is taken.

    Args:
      names: file name of each picture; pictures of one name belong to one group.
      groups: number of the group of each picture, int `[n]`.
      share: wanted share of the pictures, between 0 and 1.

    Returns:
      Whether each picture is one of validation, bool `[n]`.

    Raises:
      UserError: all pictures belong to one group.
    """
    numbers, sizes = np.unique(groups, return_counts=True)
    if len(numbers) < 2:
        raise UserError(
            f"--split {share:g}: all {len(groups)} pictures belong together (one picture, one "
            "folder, or all alike), so they cannot be divided; expected two groups or more. Give "
            "--eval_data DIR, or more pictures"
        )
    wanted = max(1, round(share * len(groups)))
    keys = {number: _key(names, groups, number) for number in numbers.tolist()}
    taken, count = [], 0
    for number, size in sorted(zip(numbers.tolist(), sizes.tolist(), strict=True), key=_by(keys)):
        if count + size <= wanted and len(taken) < len(numbers) - 1:
            taken.append(number)
            count += size
    if not taken:
        taken = [numbers[np.argmin(sizes)]]
    return np.isin(groups, taken)


def _by(keys: dict[int, bytes]):
    return lambda group: keys[group[0]]


def _key(names: Sequence[str], groups: np.ndarray, number: int) -> bytes:
    """Returns a hash of the first name of a group."""
    first = min(names[i] for i in np.flatnonzero(groups == number))
    return hashlib.sha256(first.encode("utf-8", "surrogatepass")).digest()
