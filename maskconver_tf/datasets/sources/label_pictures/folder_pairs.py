"""Folders of pictures and of truth whose files have the same names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from maskconver_tf.datasets.findings import Finding, Problem
from maskconver_tf.datasets.sources.lazy_items import LazyItems
from maskconver_tf.datasets.sources.source import FileItem
from maskconver_tf.errors import UserError

PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif")


def names_by_stem(folder: Path, suffixes: Sequence[str]) -> dict[str, str]:
    """Files in a folder and those below it, in order of their names; hidden ones are left out.

    Args:
      suffixes: to take, in lower case.

    Returns:
      path in the folder without suffix -> path in the folder, both with forward slashes.
    """
    files = (path for path in folder.rglob("*") if path.suffix.lower() in suffixes)
    names = sorted(path.relative_to(folder).as_posix() for path in files if path.is_file())
    names = [name for name in names if "/." not in f"/{name}"]  # macOS leaves ._0001.jpg.
    stems: dict[str, str] = {}
    for name in names:
        stem = name.rpartition(".")[0]
        if stem in stems:
            raise UserError(
                f"{folder}: found {stems[stem]} and {name}; expected one file of a name, or which "
                "truth is whose cannot be told. Rename one."
            )
        stems[stem] = name
    return stems


def pictures_in(folder: Path) -> dict[str, str]:
    """`names_by_stem` of pictures; `UserError` where there is none."""
    names = names_by_stem(folder, PICTURES)
    if not names:
        raise UserError(
            f"{folder}: found no picture; expected files that end in {', '.join(PICTURES)}, here "
            "or in folders below. Check the path."
        )
    return names


def paired_items(
    make: Callable[..., FileItem], images: Path, **truths: Path
) -> tuple[LazyItems, list[Finding]]:
    """An item for each picture, with the PNG of the same name from each folder of truth.

    Args:
      make: makes an item of its attributes.
      images: folder of pictures.
      **truths: attribute of the item that names a PNG -> the folder it is in.

    Returns:
      The items, and a finding for each PNG that belongs to no picture.
    """
    pictures = pictures_in(images)
    names = list(pictures.items())
    stray, others = [], {}
    for field, folder in truths.items():
        maps = names_by_stem(folder, [".png"])
        stray += [
            Finding(name, str(folder / name), Problem.NO_PICTURE, f"no picture is called {stem}")
            for stem, name in maps.items()
            if stem not in pictures
        ]
        # Such as 1.PNG; to remember the name of each would take much memory.
        others[field] = {stem: name for stem, name in maps.items() if name != f"{stem}.png"}

    def item(index: int) -> FileItem:
        stem, name = names[index]
        files = {
            field: str(folder / others[field].get(stem, f"{stem}.png"))
            for field, folder in truths.items()
        }
        return make(name=name, image_id=stem, image_file=str(images / name), **files)

    return LazyItems(len(names), item), stray
