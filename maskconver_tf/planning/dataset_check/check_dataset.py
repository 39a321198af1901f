"""The root of `maskconver data check`: opens the dataset, checks it and writes the report."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from maskconver_tf.errors import UserError
from maskconver_tf.planning.dataset_check.check_parts import check_parts
from maskconver_tf.planning.dataset_check.model_grid import ModelGrid
from maskconver_tf.planning.dataset_check.open_parts import open_parts
from maskconver_tf.planning.dataset_check.report import Report
from maskconver_tf.planning.dataset_check.write_report import make_report_folder, write_report


def check_dataset(
    folder: str | None,
    val: str | None,
    source: str,
    options: Mapping[str, str | None],
    val_options: Mapping[str, str | None],
    out: str | None,
    *,
    input_sizes: list[tuple[int, int]],
    num_slots: int,
    label_stride: int,
    mask_stride: int,
    ceiling_pictures: int,
    workers: int | None,
    make_fusion: Callable[[], Any],
) -> Report:
    """Checks a dataset, and writes the report to the folder `out` if one is given.

    Args:
      folder: folder of the dataset or of its training part, or None to open `source`.
      val: folder of validation, or None.
      source: name of the source to open if `folder` is None.
      options: options of the source; None for those that were not given.
      val_options: options for validation. Those that were not given are the options of training.
      out: folder to write, or None.
      input_sizes, num_slots, label_stride, mask_stride: see `ModelGrid`.
      ceiling_pictures: number of pictures of each part that measure the PQ ceiling; 0 for none.
      workers: number of processes; None for one per CPU.
      make_fusion: makes a `PanopticFusion`; called only to measure ceilings.

    Raises:
      UserError: the dataset cannot be opened, an argument is out of range, or two arguments
        exclude each other.
    """
    grid = ModelGrid(input_sizes, num_slots, label_stride, mask_stride)
    if ceiling_pictures < 0:
        raise UserError(
            f"--ceiling_pictures {ceiling_pictures}: expected 0 or more pictures; give 0 to "
            "measure no ceiling"
        )
    parts = open_parts(folder, val, source, options, val_options)
    if out is not None:
        make_report_folder(Path(out))  # A check may take hours: fail now, not at its end.
    make_ceiling = _ceiling_maker(grid, make_fusion) if ceiling_pictures else None
    report = check_parts(parts, grid, make_ceiling, ceiling_pictures, workers)
    if out is None:
        return report
    return dataclasses.replace(report, page_file=write_report(report, Path(out)))


def _ceiling_maker(grid: ModelGrid, make_fusion: Callable[[], Any]) -> Callable[..., Any]:
    """Returns a function that makes a `Ceiling` for a class list and an input size."""
    from maskconver_tf.planning.dataset_check.ceiling import Ceiling  # Loads TensorFlow.

    fuse = make_fusion()

    def make(categories: Any, input_size: tuple[int, int]) -> Any:
        return Ceiling(
            categories, input_size, fuse, grid.num_slots, grid.label_stride, grid.mask_stride
        )

    return make
