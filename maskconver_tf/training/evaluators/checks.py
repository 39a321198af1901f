"""What must hold before a model is scored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.errors import UserError
from maskconver_tf.training.run_files.run_folder import first_names


def check_same_classes(categories: Categories, eval_input: Any, whose: str) -> None:
    """Raises `UserError` where `eval_input` has other classes than `categories`, which are `whose`
    ("the model", say)."""
    found = eval_input.folder.categories
    if found.to_coco() != categories.to_coco():
        raise UserError(
            f"{eval_input.data_dir}: this dataset has {len(found)} classes ({first_names(found)}), "
            f"{whose} {len(categories)} ({first_names(categories)}); evaluate on data built from "
            "the same class list"
        )


def local_folder(out: str) -> Path:
    """`out` as a path; raises `UserError` where it is in a bucket."""
    if "://" in out:
        raise UserError(f"--out {out}: results are files on a disk; give a local folder")
    return Path(out)
