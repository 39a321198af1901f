"""Pairs pictures with truth files of the same name in other folders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from maskconver_tf.datasets.findings import Finding, Problem
from maskconver_tf.datasets.sources.lazy_pictures import LazyPictures
from maskconver_tf.datasets.sources.source import FilePicture
from maskconver_tf.errors import UserError, difference, look_of
from maskconver_tf.files.paths import composed_name

_TRUTH_SUFFIXES = (".png", ".tif", ".tiff")
PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".gif")


def names_by_stem(folder: Path, suffixes: Sequence[str]) -> dict[str, str]:
    """Finds the files in a folder and below it, sorted by name, without hidden files.

    Args:
      suffixes: suffixes of the files to find, in lower case.

    Returns:
      Relative path without suffix -> relative path, both with forward slashes.

    Raises:
      UserError: two files have the same relative path without suffix.
    """
    files = (path for path in folder.rglob("*") if path.suffix.lower() in suffixes)
    names = sorted(path.relative_to(folder).as_posix() for path in files if path.is_file())
    names = [name for name in names if "/." not in f"/{name}"]  # macOS makes ._0001.jpg.
    stems: dict[str, str] = {}
    for name in names:
        stem = name.rpartition(".")[0]
        if stem in stems:
            raise UserError(
                f"{folder}: found {stems[stem]} and {name}; expected one file of each name without "
                "its suffix, because pictures and truth are paired by that name. Rename or remove "
                "one"
            )
        stems[stem] = name
    return stems


def pictures_in(folder: Path) -> dict[str, str]:
    """Returns `names_by_stem` of the pictures; raises `UserError` if there is none."""
    names = names_by_stem(folder, PICTURE_SUFFIXES)
    if not names:
        raise UserError(
            f"{folder}: found no picture; expected files that end in "
            f"{', '.join(PICTURE_SUFFIXES)}, in this folder or below. Check the path"
        )
    return names


def _no_picture(folder: Path, name: str, stem: str, alike: str | None) -> Finding:
    """Returns the finding for a truth file; `alike` is the picture that looks as if it had it."""
    found = f"no picture is called {stem}"
    if alike is not None:
        found += f", but one is called {alike}: {difference(stem, alike)}"
    return Finding(name, str(folder / name), Problem.NO_PICTURE, found)


def paired_pictures(
    make: Callable[..., FilePicture], images: Path, **truths: Path
) -> tuple[LazyPictures, list[Finding]]:
    """Pairs each picture with the PNG or TIFF of the same name in each folder of truth.

    Args:
      make: class of the picture; called with its attributes.
      images: folder of pictures.
      **truths: attribute of the picture that names the truth file -> folder of these files.

    Returns:
      The pictures, and a finding for each truth file that belongs to no picture.
    """
    pictures = pictures_in(images)
    names = list(pictures.items())
    # macOS stores some names decomposed. `FilePicture.read` finds such a file too.
    composed = {composed_name(stem) for stem in pictures if not stem.isascii()}
    stray, others = [], {}
    for field, folder in truths.items():
        maps = names_by_stem(folder, _TRUTH_SUFFIXES)
        lone = [
            stem for stem in maps if stem not in pictures and composed_name(stem) not in composed
        ]
        alike = {look_of(stem): stem for stem in pictures} if lone else {}
        stray += [_no_picture(folder, maps[stem], stem, alike.get(look_of(stem))) for stem in lone]
        # Only unusual names such as 1.PNG are kept: keeping all names would take much memory.
        others[field] = {stem: name for stem, name in maps.items() if name != f"{stem}.png"}

    def picture(index: int) -> FilePicture:
        stem, name = names[index]
        files = {
            field: str(folder / others[field].get(stem, f"{stem}.png"))
            for field, folder in truths.items()
        }
        return make(name=name, image_id=stem, image_file=str(images / name), **files)

    return LazyPictures(len(names), picture), stray
