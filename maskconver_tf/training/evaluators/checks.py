"""Checks before a model is scored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.class_difference import class_difference
from maskconver_tf.errors import UserError
from maskconver_tf.training.run_files.run_folder import join_first_names


def check_same_classes(categories: Categories, eval_input: Any, whose: str) -> None:
    """Raises `UserError` if `eval_input` has other classes than `categories`.

    `whose` says for the message who has `categories`, for example "the model".
    """
    found = eval_input.folder.categories
    if differs := class_difference(found, categories):
        raise UserError(
            f"{eval_input.data_dir}: this dataset has {len(found)} classes "
            f"({join_first_names(found.names)}), but {whose} has {len(categories)} "
            f"({join_first_names(categories.names)}). They differ in "
            f"{differs}. Evaluate on a dataset built from the same class list"
        )


def check_local_folder(out: str) -> Path:
    """Returns `out` as a path. Raises `UserError` if it is in a bucket."""
    if "://" in out:
        raise UserError(
            f"--out {out}: found an address in a bucket; expected a local folder for the results. "
            "Write them to this machine, such as --out results, and copy them"
        )
    return Path(out)
