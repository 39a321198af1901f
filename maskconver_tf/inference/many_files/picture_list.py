"""Finds the pictures to predict: files, folders, patterns and lists of files."""

from __future__ import annotations

import glob
import itertools
import os
from collections.abc import Callable, Collection, Iterator
from pathlib import Path, PurePath
from typing import NamedTuple

from maskconver_tf.datasets.sources.label_pictures.folder_pairs import PICTURE_SUFFIXES
from maskconver_tf.errors import UserError, suggest_name
from maskconver_tf.files.paths import same_file_key

_LIST_SUFFIX = ".txt"
_SUFFIXES = ", ".join(PICTURE_SUFFIXES)


class ListedPicture(NamedTuple):
    """A picture to predict.

    Attributes:
      path: its file.
      stem: path of its results below the folder of results, without suffix.
    """

    path: str
    stem: str


def list_pictures(
    inputs: list[str], out: str, results: Collection[Path] = ()
) -> list[ListedPicture]:
    """Finds the pictures that the user named.

    Args:
      inputs: each is a picture, a folder, a pattern such as `pictures/*.jpg`, or a .txt file with
        one path in each line. Paths in a list start at the list's folder, or at the working folder
        if the file is not there; empty lines and lines that begin with # are passed over.
      out: the folder of results. If it lies below a folder or pattern, nothing in it counts.
      results: resolved paths of earlier results, which no folder and no pattern finds.

    Returns:
      Each picture once. Pictures of a folder are sorted by name, and their stems have the names of
      the folders below it.

    Raises:
      UserError: an input is none of these, or has no picture; the message has a line for each.
    """
    found: list[ListedPicture] = []
    problems: list[str] = []
    for name in inputs:
        try:
            found += _pictures_of(name, out, results)
        except UserError as error:
            problems.append(str(error))
    if problems:
        raise UserError("\n".join(problems))
    once: dict[str, ListedPicture] = {}
    for picture in found:
        once.setdefault(same_file_key(os.path.abspath(picture.path)), picture)
    return list(once.values())


def give_unique_stems(
    pictures: list[ListedPicture], files_of: Callable[[str], list[str]], taken: set[str]
) -> list[ListedPicture]:
    """Adds a number to a stem if its files would replace others.

    Args:
      files_of: returns the names of the files for a stem.
      taken: names that no picture may have.
    """
    taken = {name.casefold() for name in taken}
    unique = []
    for picture in pictures:
        for number in itertools.count(1):
            stem = picture.stem if number == 1 else f"{picture.stem}_{number}"
            # A picture may have no file of its own, but no two may have one stem.
            names = {name.casefold() for name in (*files_of(stem), f"{stem}/")}
            if taken.isdisjoint(names):
                break
        taken |= names
        unique.append(picture._replace(stem=stem))
    return unique


def _pictures_of(name: str, out: str, results: Collection[Path]) -> list[ListedPicture]:
    path = Path(name)
    if path.is_dir():
        return _pictures_in_folder(path, out, results)
    if path.is_file():
        return _pictures_of_list(path) if path.suffix.lower() == _LIST_SUFFIX else [_single(name)]
    if glob.has_magic(name):
        return _pictures_of_pattern(name, out, results)
    raise UserError(f"{name}: no such picture; check the path{_similar(path)}")


def _single(name: str) -> ListedPicture:
    return ListedPicture(name, Path(name).stem)


def _pictures_in_folder(folder: Path, out: str, results: Collection[Path]) -> list[ListedPicture]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    pictures = sorted(_only_pictures(files, folder, out, results))
    if not pictures:
        found = (
            f"with {len(files)} other file{'s' * (len(files) > 1)}" if files else "without files"
        )
        raise UserError(
            f"{folder}: a folder {found}; expected pictures that end in {_SUFFIXES}, in it or "
            "below. Check the path"
        )
    return [_below(path, folder) for path in pictures]


def _pictures_of_pattern(pattern: str, out: str, results: Collection[Path]) -> list[ListedPicture]:
    parts = PurePath(pattern).parts
    fixed = Path(*itertools.takewhile(lambda part: not glob.has_magic(part), parts))
    files = [Path(name) for name in glob.glob(pattern, recursive=True)]
    files = [path for path in files if path.is_file()]
    pictures = sorted(_only_pictures(files, fixed, out, results))
    if not pictures:
        found = f"{len(files)} files, none of them a picture" if files else "no file"
        raise UserError(
            f"{pattern}: found {found}; expected files that end in {_SUFFIXES}. Check the pattern"
        )
    return [_below(path, fixed) for path in pictures]


def _only_pictures(
    files: list[Path], base: Path, out: str, results: Collection[Path]
) -> Iterator[Path]:
    """Leaves out hidden files, files that are no pictures, and results."""
    folder, start = Path(out).resolve(), base.resolve()
    out_is_below = folder != start and start in folder.parents
    for path in files:
        below = path.relative_to(base) if path.is_relative_to(base) else path
        is_hidden = any(part.startswith(".") for part in below.parts)
        if is_hidden or path.suffix.lower() not in PICTURE_SUFFIXES:
            continue
        real = path.resolve()
        if real not in results and not (out_is_below and folder in real.parents):
            yield path


def _below(path: Path, base: Path) -> ListedPicture:
    return ListedPicture(str(path), path.relative_to(base).with_suffix("").as_posix())


def _pictures_of_list(path: Path) -> list[ListedPicture]:
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise UserError(
            f"{path}: not UTF-8 text; expected a list with the path of one picture in each line. "
            "Save it as UTF-8"
        ) from None
    names = [(number, line.strip()) for number, line in enumerate(lines, start=1)]
    names = [(number, name) for number, name in names if name and not name.startswith("#")]
    if not names:
        raise UserError(
            f"{path}: an empty list; expected the path of one picture in each line. Add one"
        )
    found = {number: _listed(path, name) for number, name in names}
    missing = [(number, name) for number, name in names if found[number] is None]
    if missing:
        number, name = missing[0]
        more = f" ({len(missing) - 1} more are missing, too)" if len(missing) > 1 else ""
        raise UserError(
            f"{path}, line {number}: {name}: no such picture{more}; expected a path that starts "
            "at the list's folder or at the working folder. Correct the list"
        )
    return [_single(str(found[number])) for number, _ in names]


def _listed(path: Path, name: str) -> Path | None:
    return next((p for p in (path.parent / name, Path(name)) if p.is_file()), None)


def _similar(path: Path) -> str:
    try:
        return suggest_name(path.name, [other.name for other in path.parent.iterdir()])
    except OSError:
        return ""
