"""Opens the parts of the dataset to check: training, validation and others."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from maskconver_tf.datasets.records.folder import is_dataset_folder
from maskconver_tf.datasets.sources.coco.panoptic_folder import find_panoptic_parts
from maskconver_tf.datasets.sources.dataset_folder import DatasetFolderSource
from maskconver_tf.datasets.sources.named_source import open_named_source
from maskconver_tf.datasets.sources.options import ALL_SOURCES_OPTIONS
from maskconver_tf.datasets.sources.source import Source
from maskconver_tf.errors import UserError
from maskconver_tf.files.paths import local_or_remote_path


def open_parts(
    folder: str | None,
    val: str | None,
    source: str,
    options: Mapping[str, str | None],
    val_options: Mapping[str, str | None],
) -> dict[str, Source]:
    """Opens the parts that the command line names; arguments as in `check_dataset`.

    Returns:
      Name of the part -> its source. Training comes first.
    """
    given = {name: value for name, value in options.items() if value is not None}
    val_given = {name: value for name, value in val_options.items() if value is not None}
    limit = {name: given.pop(name) for name in ALL_SOURCES_OPTIONS if name in given}
    if folder is None:
        if not given:
            raise UserError(
                "DIR: missing; expected the folder of a dataset, or --source and its options. "
                "Give one of the two"
            )
        parts = {"train": open_named_source(source, options)}
        if val_given:
            parts["val"] = open_named_source(source, given | limit | val_given)
        return parts | _open_val(val, parts, limit)
    if given or val_given:
        names = ", ".join(f"--{name}" for name in given) or f"--val_{next(iter(val_given))}"
        raise UserError(f"{names}: cannot be combined with DIR {folder}; remove one of them")
    parts = open_folder(folder, limit)
    return parts | _open_val(val, parts, limit)


def open_folder(
    folder: str | os.PathLike, options: Mapping[str, str] | None = None
) -> dict[str, Source]:
    """Opens a dataset folder, which is one part, or all parts of a COCO panoptic folder.

    A dataset folder may be remote (`gs://bucket/folder`); a COCO panoptic folder must be local.

    Args:
      options: options of `ALL_SOURCES_OPTIONS`, for a COCO panoptic folder.

    Raises:
      UserError: the folder does not exist or is neither of the two.
    """
    path = local_or_remote_path(folder)
    if is_dataset_folder(path):
        return {path.name: DatasetFolderSource(path)}
    if not path.is_dir():
        found = "a file" if path.exists() else "nothing"
        raise UserError(f"{path}: found {found}, expected the folder of a dataset; check the path")
    if not isinstance(path, Path):
        raise UserError(
            f"{path}: found a folder without dataset.json; expected one that `maskconver data "
            "build` wrote, because only such a folder can be checked in a bucket. Build the "
            "dataset, or copy the folder here"
        )
    parts = find_panoptic_parts(path)
    return {
        part: open_named_source("coco_panoptic", paths | (options or {}))
        for part, paths in parts.items()
    }


def _open_val(
    folder: str | None, others: Mapping[str, Source], options: Mapping[str, str]
) -> dict[str, Source]:
    """Opens the folder of --val, if there is one, as the part "val"."""
    if folder is None:
        return {}
    opened = open_folder(folder, options)
    if len(opened) != 1 or "val" in others:
        raise UserError(
            f"--val {folder}: found the parts {', '.join([*others, *opened])} in total; expected "
            "one part for validation. Remove --val to check all parts of a folder"
        )
    return {"val": next(iter(opened.values()))}
