"""Opens the source that a dataset folder is compared with."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Mapping
from pathlib import Path

from maskconver_tf.datasets.build.recorded_source import recorded_source
from maskconver_tf.datasets.records.folder import DatasetFolder, is_dataset_folder
from maskconver_tf.datasets.sources.channel_options import use_mapping
from maskconver_tf.datasets.sources.coco.panoptic_folder import find_panoptic_parts
from maskconver_tf.datasets.sources.named_source import open_named_source
from maskconver_tf.datasets.sources.options import DEFAULT_SOURCE, MAPPING_OPTIONS, SOURCES
from maskconver_tf.datasets.sources.source import Source
from maskconver_tf.errors import UserError, suggest_name


@dataclasses.dataclass(frozen=True)
class SourceChoice:
    """What the command line says about the source of a dataset folder.

    Attributes:
      place: value of `--against`: the folder of the source, the name of a kind of source, or an
        empty text.
      kind: value of `--source`, or None.
      options: options of the source; None for those that were not given.
    """

    place: str
    kind: str | None
    options: Mapping[str, str | None]


def open_source(folder: DatasetFolder, choice: SourceChoice) -> Source:
    """Opens the source. What the user did not say comes from dataset.json.

    Raises:
      UserError: dataset.json does not name the source and the user does not either, or the source
        cannot be opened.
    """
    named = choice.place in SOURCES and not os.path.isdir(choice.place)
    kind = choice.place if named else choice.kind
    place = "" if named else choice.place
    given = {name: value for name, value in choice.options.items() if value is not None}
    recorded = recorded_source(folder.manifest)
    if place:
        _check_place(place)
    if recorded is not None and kind in (None, recorded.source):
        moved = recorded.at(Path(place)) if place else recorded
        return _open(folder, moved.source, moved.options | given, is_recorded=not given)
    if place:
        if kind not in (None, DEFAULT_SOURCE):
            raise UserError(
                f"--against {place}: {folder.path} was not built from the source {kind}, so the "
                f"places of its files in {place} are not known; give --against without a folder, "
                f"and the options of --source {kind}"
            )
        given = _panoptic_options(folder, place) | given
    elif not given:
        what = f"--source {kind} needs its options" if kind else "dataset.json does not name it"
        raise UserError(
            f"{folder.path}: the source is not known: {what}. Give --against with --source and "
            "its options, as for `maskconver data build`"
        )
    return _open(folder, kind or DEFAULT_SOURCE, given, is_recorded=False)


def _open(
    folder: DatasetFolder, kind: str, options: Mapping[str, str], is_recorded: bool
) -> Source:
    options = {name: v for name, v in options.items() if name not in MAPPING_OPTIONS}
    try:
        source = open_named_source(kind, options)
        use_mapping(source, folder.categories.pictures)
        return source
    except UserError as error:
        if not is_recorded:
            raise
        raise UserError(
            f"{error}. This is the source that {folder.path / 'dataset.json'} names; if it was "
            "moved, give its folder: --against SOURCE"
        ) from None


def _check_place(place: str) -> None:
    path = Path(place)
    if is_dataset_folder(path):
        raise UserError(
            f"--against {place}: found a dataset folder that `data build` wrote; expected the "
            "folder of its source. Give the folder of the pictures and their truth"
        )
    if not path.is_dir():
        found = "a file" if path.exists() else "nothing"
        raise UserError(
            f"--against {place}: found {found}; expected the folder of the source, or one of "
            f"{', '.join(SOURCES)}. Check the path, or give --against alone and the options of "
            f"the source{suggest_name(place, SOURCES)}"
        )


def _panoptic_options(folder: DatasetFolder, place: str) -> dict[str, str]:
    """Returns the options of the only part of a COCO panoptic folder, or of the recorded one."""
    parts = find_panoptic_parts(Path(place))
    description = folder.manifest.get("source")
    file = description.get("annotations") if isinstance(description, dict) else None
    same = [p for p in parts.values() if Path(p["annotations"]).name == file] or [*parts.values()]
    if len(same) != 1:
        raise UserError(
            f"--against {place}: found the parts {', '.join(parts)}, and {folder.path} does not "
            "say which one it was built from. Give --against with --images, --panoptic and "
            "--annotations"
        )
    return {name: str(value) for name, value in same[0].items()}
