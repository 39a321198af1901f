"""Collects the thresholds of a run's predictions, and tells where each comes from.

The order, from the strongest: an option of the command, `--gin.`, the choice that the run keeps,
the run's own configuration, the default. A new `score_threshold` holds for stuff and for every
class, and a new `overlap_threshold` for stuff: they cancel narrower thresholds of the run.
"""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from maskconver_tf.config import configuration
from maskconver_tf.config.bindings import OptionSetting
from maskconver_tf.errors import UserError, suggest_name
from maskconver_tf.training.restore import restore_segmenter
from maskconver_tf.training.run_files.kept_thresholds import FILE_NAME, KeptThresholds, read_kept
from maskconver_tf.training.run_files.run_folder import RunFolder
from maskconver_tf.training.tasks.panoptic_task import PanopticTask

_OF_CLASSES = "class_score_thresholds"
_WIDER = {
    "stuff_score_threshold": "score_threshold",
    _OF_CLASSES: "score_threshold",
    "stuff_overlap_threshold": "overlap_threshold",
}
"""Threshold of some classes -> the threshold of all classes, which cancels it."""

Settings = list[str | OptionSetting]


def add_thresholds(
    folder: RunFolder, bindings: Iterable[str | OptionSetting], options: Mapping[str, Any]
) -> Settings:
    """Returns `bindings`, after what the run keeps and before what the options set.

    Call it when the configuration of a panoptic run is loaded with `bindings`. Load it again with
    the result.

    Args:
      folder: of the run.
      bindings: those of the command line.
      options: name of a threshold -> value.

    Raises:
      UserError: the kept choice is damaged, or the fusion has no such threshold.
    """
    keys = _fusion_keys()
    kept = read_kept(folder.path, folder.categories())
    weaker = _cancelled(keys, options)
    weaker += _kept_settings(folder, keys, kept, options) if kept else []
    stronger = [
        setting for name, value in options.items() for setting in _of_option(keys, name, value)
    ]
    return [*weaker, *bindings, *stronger]


def report_thresholds(fusion: Any) -> None:
    """Prints the settings of the fusion on stderr, with the place where each was made."""
    by_place: dict[str, list[str]] = {}
    for name, value in fusion_settings(fusion).items():
        if value is not None and value is not False and value != ():
            shown = f"{name} {value}" if name != _OF_CLASSES else _shown_classes(name, value)
            by_place.setdefault(_place(type(fusion), name) or "default", []).append(shown)
    parts = [f"{', '.join(shown)} ({place})" for place, shown in by_place.items()]
    print(f"thresholds: {'; '.join(parts)}", file=sys.stderr)


def fusion_settings(fusion: Any) -> dict[str, Any]:
    """Returns all settings of a fusion by name."""
    return {field.name: getattr(fusion, field.name) for field in dataclasses.fields(fusion)}


def keep_thresholds(folder: RunFolder, fusion: Any, origin: Mapping[str, Any]) -> KeptThresholds:
    """Returns the settings of a fusion as a choice for the run's weights of now."""
    return KeptThresholds(
        type(fusion).__name__, fusion_settings(fusion), predicting_weights(folder) or "", origin
    )


def predicting_weights(folder: RunFolder) -> str | None:
    """Returns the name of the weights that a prediction uses; None without any."""
    checkpoint = folder.best_or_newest_checkpoint()
    return checkpoint and checkpoint.rpartition("/")[2]


def refuse_thresholds(kind: str, options: Mapping[str, Any]) -> None:
    """Raises `UserError` if options set thresholds for a run without a fusion."""
    if options:
        raise UserError(
            f"--{next(iter(options))}: this is a run of {kind}, whose predictions have no "
            "thresholds; remove the option"
        )


# ---- Bindings ------------------------------------------------------------------------------------
def _fusion_keys() -> list[tuple[str, Any]]:
    """Scope and class of the fusions of the evaluation and of predictions, each once."""
    found = []
    for target in (PanopticTask, restore_segmenter):
        key = configuration.bound_reference(target, "fusion")
        if key is not None and key not in found:
            found.append(key)
    return found


def _cancelled(keys: list[tuple[str, Any]], options: Mapping[str, Any]) -> Settings:
    """Takes back the narrower thresholds of the run's own configuration."""
    settings = []
    for scope, fusion in keys:
        defaults = {field.name: field.default for field in dataclasses.fields(fusion)}
        new = _new_thresholds(scope, fusion, options)
        for name, wider in _WIDER.items():
            place = _place(fusion, name, scope)
            if wider in new and place and not _is_of_command_line(place):
                text = _binding(scope, fusion, name, defaults[name])
                settings.append(
                    OptionSetting(text, f"a new {wider}", "the run has no such setting")
                )
    return settings


def _new_thresholds(scope: str, fusion: Any, options: Mapping[str, Any]) -> set[str]:
    """The thresholds that the command line gives."""
    of_gin = {name for name in _WIDER.values() if _is_of_command_line(_place(fusion, name, scope))}
    return of_gin | options.keys()


def _kept_settings(
    folder: RunFolder, keys: list[tuple[str, Any]], kept: KeptThresholds, options: Mapping[str, Any]
) -> Settings:
    file = folder.path / FILE_NAME
    if kept.weights != (now := predicting_weights(folder)):
        print(
            f"{file}: chosen for {kept.weights or 'other weights'}, but the run predicts with "
            f"{now} now; choose again with `maskconver tune`",
            file=sys.stderr,
        )
    settings = []
    for scope, fusion in keys:
        if fusion.__name__ != kept.fusion:
            note = f"{file}: not used; it is for {kept.fusion}, not {fusion.__name__}"
            print(note, file=sys.stderr)
            continue
        new = _new_thresholds(scope, fusion, options)
        names = [
            name
            for name in kept.settings
            if _WIDER.get(name) not in new and not _is_of_command_line(_place(fusion, name, scope))
        ]
        advice = f"{kept.fusion} has no such setting. Delete the file, or choose again"
        settings += [
            OptionSetting(_binding(scope, fusion, name, kept.settings[name]), str(file), advice)
            for name in names
        ]
    return settings


def _of_option(keys: list[tuple[str, Any]], name: str, value: Any) -> Settings:
    settings = []
    for scope, fusion in keys:
        known = [field.name for field in dataclasses.fields(fusion)]
        if name not in known:
            raise UserError(
                f"--{name}: {fusion.__name__} has no such threshold{suggest_name(name, known)}; "
                "remove the option"
            )
        text = _binding(scope, fusion, name, value)
        settings.append(OptionSetting(text, f"--{name} {value}", "the run has no such setting"))
    return settings


def _binding(scope: str, fusion: Any, name: str, value: Any) -> str:
    selector = f"{fusion.__module__}.{fusion.__qualname__}"
    return f"{scope}/" * bool(scope) + f"{selector}.{name}={value!r}"


# ---- Places --------------------------------------------------------------------------------------
def _place(fusion: Any, name: str, scope: str | None = None) -> str | None:
    """Where a setting of the fusion was made; None if nobody made it."""
    scopes = [scope] if scope is not None else [s for s, kind in _fusion_keys() if kind is fusion]
    places = [configuration.place_of(fusion, name, each) for each in scopes]
    return next(filter(None, places), None)


def _is_of_command_line(place: str | None) -> bool:
    return bool(place) and place.startswith("--")


def _shown_classes(name: str, thresholds: tuple[float | None, ...]) -> str:
    own = [value for value in thresholds if value is not None]
    return f"{name} of {len(own)} of {len(thresholds)} classes"
