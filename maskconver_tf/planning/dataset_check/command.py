"""What `maskconver data check` does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from maskconver_tf.datasets.sources.named_source import open_named_source
from maskconver_tf.datasets.sources.source import Source
from maskconver_tf.errors import UserError
from maskconver_tf.planning.dataset_check.checker import Grid, check_parts, open_folder
from maskconver_tf.planning.dataset_check.report import make_folder


class CheckResult(NamedTuple):
    """What the command prints, and how many problems the check found."""

    text: str
    num_problems: int


def check(
    folder: str | None,
    val: str | None,
    source: str,
    given: Mapping[str, str | None],
    val_given: Mapping[str, str | None],
    out: str | None,
    *,
    input_sizes: list[tuple[int, int]],
    num_slots: int,
    label_stride: int,
    mask_stride: int,
    ceiling_pictures: int,
    workers: int | None,
    make_fusion: Callable[[], Any],
) -> CheckResult:
    """Checks a dataset and writes the report to `out`, if that is given.

    Args:
      folder, val: folders of training and validation, or None.
      source, given, val_given: a source and its options where `folder` is None; None for options
        not given. Validation has those of training where it has none of its own.
      out: folder to write, or None.
      make_fusion: makes a `PanopticFusion`, called only where ceilings are measured.

    Raises:
      UserError: the dataset cannot be opened, or the arguments do not go together.
    """
    grid = Grid(input_sizes, num_slots, label_stride, mask_stride)
    if ceiling_pictures < 0:
        raise UserError(f"--ceiling_pictures {ceiling_pictures}: expected 0 or more.")
    parts = _open_parts(folder, val, source, given, val_given)
    if out is not None:
        make_folder(Path(out))  # A check may take hours: better now than at its end.
    make_ceiling = _ceiling_maker(grid, make_fusion) if ceiling_pictures else None
    report = check_parts(parts, grid, make_ceiling, ceiling_pictures, workers)
    note = "(--out DIR writes a page with pictures, and the same as JSON.)"
    if out is not None:
        _, page = report.write(Path(out))
        note = f"{page}: written; open it in a browser"
    return CheckResult(f"{report}\n{note}", len(report.problems))


def _open_parts(
    folder: str | None,
    val: str | None,
    source: str,
    given: Mapping[str, str | None],
    val_given: Mapping[str, str | None],
) -> dict[str, Source]:
    """The parts of the dataset, training first."""
    own = {name: value for name, value in given.items() if value is not None}
    changed = {name: value for name, value in val_given.items() if value is not None}
    if folder is None:
        if not own:
            raise UserError("DIR: missing; name a folder, or --source and its options.")
        parts = {"train": open_named_source(source, given)}
        if changed:
            parts["val"] = open_named_source(source, own | changed)
        return parts | _named("val", val, taken=parts)
    if own or changed:
        names = ", ".join(f"--{name}" for name in own) or f"--val_{next(iter(changed))}"
        raise UserError(f"{names}: found beside DIR {folder}; give one or the other.")
    parts = open_folder(folder)
    return parts | _named("val", val, taken=parts)


def _named(name: str, folder: str | None, taken: Mapping[str, Source]) -> dict[str, Source]:
    """The one part in `folder`, under a name of its own."""
    if folder is None:
        return {}
    opened = open_folder(folder)
    if len(opened) != 1 or name in taken:
        raise UserError(
            f"--val {folder}: found the parts {', '.join([*taken, *opened])} in all; expected one "
            "part for validation. Leave --val out to check all parts of a folder."
        )
    return {name: next(iter(opened.values()))}


def _ceiling_maker(grid: Grid, make_fusion: Callable[[], Any]) -> Callable[..., Any]:
    from maskconver_tf.planning.dataset_check.ceiling import Ceiling

    fuse = make_fusion()

    def make(categories: Any, input_size: tuple[int, int]) -> Any:
        return Ceiling(
            categories, input_size, fuse, grid.num_slots, grid.label_stride, grid.mask_stride
        )

    return make
