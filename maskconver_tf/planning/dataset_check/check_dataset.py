"""The root of `maskconver data check`: opens the dataset, checks it and writes the report."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from maskconver_tf.errors import UserError
from maskconver_tf.files.paths import make_out_folder
from maskconver_tf.planning.dataset_check.advice.auto_sizes import auto_sizes
from maskconver_tf.planning.dataset_check.advice.settings_advice import TrainingView
from maskconver_tf.planning.dataset_check.advice.size_ceilings import SizeCeilings
from maskconver_tf.planning.dataset_check.check_parts import check_parts
from maskconver_tf.planning.dataset_check.model_grid import ModelGrid
from maskconver_tf.planning.dataset_check.open_parts import open_parts
from maskconver_tf.planning.dataset_check.report import Report
from maskconver_tf.planning.dataset_check.write_report import write_report


def check_dataset(
    folder: str | None,
    val: str | None,
    source: str,
    options: Mapping[str, str | None],
    val_options: Mapping[str, str | None],
    out: str | None,
    *,
    input_sizes: list[tuple[int, int]] | None,
    num_slots: int,
    label_stride: int,
    mask_stride: int,
    ceiling_pictures: int,
    workers: int | None,
    make_fusion: Callable[[], Any],
    view: TrainingView | None = None,
) -> Report:
    """Checks a dataset, and writes the report to the folder `out` if one is given.

    Args:
      folder: folder of the dataset or of its training part, or None to open `source`.
      val: folder of validation, or None.
      source: name of the source to open if `folder` is None.
      options: options of the source; None for those that were not given.
      val_options: options for validation. Those that were not given are the options of training.
      out: folder to write, or None.
      input_sizes: see `ModelGrid`; None to compare sizes that fit the pictures.
      num_slots, label_stride, mask_stride: see `ModelGrid`.
      ceiling_pictures: number of pictures of each part that measure the PQ ceiling; 0 for none.
      workers: number of processes; None for one per CPU.
      make_fusion: makes a `PanopticFusion`; called only to measure ceilings.
      view: what the training sees, for warnings; None for the defaults.

    Raises:
      UserError: the dataset cannot be opened, an argument is out of range, or two arguments
        exclude each other.
    """
    grid = ModelGrid(input_sizes or ((640, 640),), num_slots, label_stride, mask_stride)
    if ceiling_pictures < 0:
        raise UserError(
            f"--ceiling_pictures {ceiling_pictures}: expected 0 or more pictures; give 0 to "
            "measure no ceiling"
        )
    parts = open_parts(folder, val, source, options, val_options)
    if input_sizes is None:
        grid = dataclasses.replace(grid, input_sizes=auto_sizes(next(iter(parts.values()))))
    if out is not None:
        make_out_folder(out)  # A check may take hours: fail now, not at its end.
    make_ceiling = _ceiling_maker(grid, make_fusion) if ceiling_pictures else None
    report = check_parts(parts, grid, make_ceiling, ceiling_pictures, workers, view=view)
    if out is None:
        return report
    return dataclasses.replace(report, page_file=write_report(report, Path(out)))


def _ceiling_maker(grid: ModelGrid, make_fusion: Callable[[], Any]) -> Callable[..., Any]:
    """Returns a function that makes `SizeCeilings` for a class list and an input size."""
    from maskconver_tf.planning.dataset_check.ceiling import Ceiling  # Loads TensorFlow.

    fuse = make_fusion()

    def make(categories: Any, input_size: tuple[int, int]) -> SizeCeilings:
        def with_labels(label_stride: int) -> Ceiling:
            slots, stride = grid.num_slots, grid.mask_stride
            return Ceiling(categories, input_size, fuse, slots, label_stride, stride)

        return SizeCeilings(with_labels, input_size, grid.label_stride, grid.mask_stride)

    return make
