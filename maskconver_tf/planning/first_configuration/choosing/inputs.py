"""Augmentation and labels of a first training."""

from __future__ import annotations

import math

import numpy as np

from maskconver_tf.planning.dataset_check.advice.settings_advice import MOST_CUT, share_cut
from maskconver_tf.planning.first_configuration.choosing.length import ChosenLength
from maskconver_tf.planning.first_configuration.choosing.levels import level_bounds, level_shares
from maskconver_tf.planning.first_configuration.choosing.model_choice import ChosenModel
from maskconver_tf.planning.first_configuration.choosing.setting import Setting
from maskconver_tf.planning.first_configuration.choosing.size import ChosenSize
from maskconver_tf.planning.first_configuration.looking.data_facts import DataFacts

_MANY_EPOCHS = 12
"""From this number on a small dataset would be learned by heart without augmentation."""

_WIDEST, _WIDE = 1.5, 1.25
"""Largest scale of training for pictures that come often, and for others."""

_MOST_CACHED = 2e9
"""Bytes of records that fit the memory of most machines."""

_SMALL_SIDE = 24
"""Input pixels: things with a shorter side gain from labels at every pixel."""


def augmentation_settings(
    facts: DataFacts, size: ChosenSize, length: ChosenLength, turns: list[Setting]
) -> list[Setting]:
    """Returns scales, flips and colors, and whether records stay in memory."""
    many = length.epochs(facts) > _MANY_EPOCHS
    low, high = _scales(facts, size, many)
    zoom = size.zoom
    settings = [
        Setting(
            "TrainingInput.scale_range",
            (round(low * zoom, 3), round(high * zoom, 3)),
            _scale_reason(size, low, high, many),
        ),
        *turns,
    ]
    if many:
        reason = "each picture comes often, so its light should not tell it"
        settings.append(Setting("TrainingInput.color_jitter", 0.5, reason))
    if facts.num_bytes <= _MOST_CACHED:
        reason = f"the records are {max(1, round(facts.num_bytes / 1e6))} MB"
        settings.append(Setting("TrainingInput.cache", True, reason))
    return settings


def _scales(facts: DataFacts, size: ChosenSize, many: bool) -> tuple[float, float]:
    """Returns the least and the largest scale, at which crops of whole pictures cut few things."""
    if size.is_enlarged:
        return 0.6, 1.6
    low, largest = (0.7, (_WIDEST, _WIDE, 1.1)) if many else (0.8, (_WIDE, 1.1))
    fitting = (
        high for high in largest if size.crops or _share_cut(facts, size, low, high) <= MOST_CUT
    )
    return low, next(fitting, 1.0)


def _share_cut(facts: DataFacts, size: ChosenSize, low: float, high: float) -> float:
    """The share of the things that the training's windows cut, as `train` computes it."""
    cut, count = 0.0, 0
    for picture in facts.pictures:
        sides = np.sqrt(picture.areas[picture.is_thing])
        cut += share_cut(picture.size, sides, size.train_size, (low, high)) * len(sides)
        count += len(sides)
    return cut / max(count, 1)


def _scale_reason(size: ChosenSize, low: float, high: float, many: bool) -> str:
    if size.is_enlarged:
        return "includes the scale of evaluation, 1.5; as in experiments/crowd.gin"
    if high < (_WIDEST if many else _WIDE):
        why = "; larger ones would cut many things"
    else:
        why = "; wide, since pictures come often" if many else ""
    return f"{low:g} to {high:g} times the scale of evaluation{why}"


def label_settings(facts: DataFacts, size: ChosenSize, model: ChosenModel) -> list[Setting]:
    """Returns the settings of `TargetBuilder`, of the mask grid and the number of proposals."""
    candidate, scales = model.candidate, facts.scales(size.label_size)
    diagonals = facts.scaled("half_diagonals", scales)
    bounds = level_bounds(diagonals, candidate.center_levels)
    shares = ", ".join(f"{share:.0%}" for share in level_shares(diagonals, bounds))
    levels = ", ".join(map(str, candidate.center_levels))
    most = facts.most_segments
    settings = [
        Setting(
            "TargetBuilder.level_bounds",
            bounds,
            f"half box diagonals; levels {levels} get {shares} of the segments",
        ),
        Setting(
            "TargetBuilder.num_slots",
            num_slots(most),
            f"the fullest picture has {most} segments; with margin",
        ),
        Setting(
            "MaskConver.num_proposals",
            num_proposals(most),
            f"of prediction; more than the {most} segments, since some are wrong",
        ),
    ]
    sides = facts.scaled("short_sides", scales)[facts.counted()]
    return settings + _mask_settings(sides, model)


def _mask_settings(sides: np.ndarray, model: ChosenModel) -> list[Setting]:
    """Returns the settings of the masks' grid, for the short sides of the things in it."""
    stride = 1 if len(sides) and np.quantile(sides, 0.25) < _SMALL_SIDE else 2
    reasons = {1: "labels at every pixel, since things are small", 2: "enough for large things"}
    settings = [Setting("TargetBuilder.label_stride", stride, reasons[stride])]
    if model.mask_level == 2:
        reason = "finer borders: masks see the backbone at stride 4, too"
        settings.append(Setting("MaskConver.mask_lateral", True, reason))
    else:
        reason = "masks at stride 2, since half of the things are narrower than 16 pixels"
        settings.append(Setting("MaskConver.mask_level", model.mask_level, reason))
    return settings


def num_slots(most_segments: int) -> int:
    """Returns K of training: a quarter above the fullest picture, a multiple of 8."""
    return min(8 * math.ceil((1.25 * most_segments + 4) / 8), 65528)


def num_proposals(most_segments: int) -> int:
    """Returns K of prediction: half above the fullest picture, at least 100, a multiple of 50."""
    return max(100, 50 * math.ceil(1.5 * most_segments / 50))


def fusion_settings(facts: DataFacts, length: ChosenLength) -> list[Setting]:
    """Returns the thresholds of prediction."""
    reason = "the usual value; tune it on validation pictures after the training"
    settings = [
        Setting("PanopticFusion.score_threshold", 0.2, reason),
        Setting(
            "PanopticFusion.overlap_threshold", 0.6, "for masks of short trainings; also tuned"
        ),
    ]
    if facts.has_stuff and facts.has_things:
        settings += [
            Setting(
                "PanopticFusion.stuff_score_threshold", 0.1, "stuff of new pictures gets low scores"
            ),
            Setting("PanopticFusion.stuff_overlap_threshold", 0.0, "others may cover most of it"),
        ]
    if len(facts.areas) and (least := float(np.quantile(facts.areas, 0.01))) < 32:
        value = max(1, int(least / 2))
        reason = "pixels of the picture: half of what the smallest segments have"
        settings.append(Setting("PanopticFusion.min_area", value, reason))
    return settings
