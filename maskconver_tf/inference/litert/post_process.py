"""Turns the outputs of MaskConver's heads into a panoptic map. It needs only NumPy.

from post_process import load, segment
found = segment(outputs, *load("exported/litert"))

`outputs` are those of a file `heads_*.tflite` by name, as float32 and with their batch axis of 1.
"""

import json
import math
from pathlib import Path

import numpy as np


def load(folder):
    """Returns settings and weights from the folder of the export."""
    settings = json.loads(Path(folder, "post_process.json").read_text(encoding="utf-8"))
    with np.load(Path(folder, "post_process.npz")) as weights:
        return settings, dict(weights)


def segment(outputs, settings, weights):
    """Returns `panoptic_map` int32 [H, W] of segment ids, 0 for void, and rows for its n segments:
    `segment_ids`, `category_ids`, `scores`, `areas` and `boxes` (y0, x0, y1, x1), half-open."""
    least = weights["thresholds"]
    levels, stride = settings["center_levels"], settings["stride"]
    heatmaps = [outputs[f"center_heatmap_logits_{level}"][0] for level in levels]
    scores, classes, cells = _centers(heatmaps, settings["num_proposals"], least)
    embeddings = [outputs[f"center_embeddings_{level}"][0] for level in levels]
    embeddings = np.concatenate([x.reshape(-1, x.shape[-1]) for x in embeddings])[cells]
    mask_embeddings, falloff = _generate(embeddings, classes, settings, weights)
    logits = np.tensordot(mask_embeddings, outputs["mask_features"][0], (1, 2))  # [n, h, w]
    if falloff is not None:
        logits += _windows(cells, falloff, levels, heatmaps, logits.shape[1:], stride)
    if settings["mask_quality"]:
        inside = logits > 0
        total = np.where(inside, _sigmoid(logits), 0).sum((1, 2), dtype=np.float32)
        scores = scores * (total / np.maximum(inside.sum((1, 2)), 1).astype(np.float32))
        order = np.argsort(-scores, kind="stable")
        order = order[scores[order] >= least[classes[order]]]
        scores, classes, logits = scores[order], classes[order], logits[order]
    fine = [_enlarge(x, stride) for x in logits]
    shape = [side * stride for side in logits.shape[1:]]
    owners = _owners(fine, scores, range(len(scores)), shape)
    areas = np.bincount(owners[owners >= 0], minlength=len(scores))
    of_mask = np.array([(x > 0).sum() for x in fine], np.int64)
    alive = (areas >= max(settings["min_area"], 1)) & (of_mask > 0)
    share, of_stuff = settings["overlap_threshold"], settings.get("stuff_overlap_threshold")
    of_stuff = share if of_stuff is None else of_stuff
    alive &= areas >= of_mask * np.where(weights["is_thing"][classes], share, of_stuff).astype("f4")
    if settings["runner_up"]:
        owners = _owners(fine, scores, np.flatnonzero(alive), shape)
    return _describe(owners, alive, scores, classes, weights)


def _centers(heatmaps, count, least):
    """Scores, classes and cells (counted over all levels) of the highest peaks."""
    found, offset = [], 0
    for logits in heatmaps:
        height, width, num_classes = logits.shape
        scores = _sigmoid(logits)
        around = np.pad(scores, ((1, 1), (1, 1), (0, 0)))
        best = scores
        for y, x in np.ndindex(3, 3):
            best = np.maximum(best, around[y : y + height, x : x + width])
        peaks = np.where(scores >= best, scores, 0).reshape(-1)
        index = np.flatnonzero(peaks >= least.min())
        found.append((peaks[index], index % num_classes, offset + index // num_classes))
        offset += height * width
    scores, classes, cells = (np.concatenate(parts) for parts in zip(*found))
    order = np.argsort(-scores, kind="stable")[:count]
    order = order[scores[order] >= least[classes[order]]]
    return scores[order], classes[order], cells[order]


def _generate(x, classes, settings, weights):
    table = weights["table"][classes]
    x = x + table if settings["class_embedding"] == "add" else x * table
    x = x @ weights["hidden"]
    if settings["norm"] == "layer":
        x = x - x.mean(axis=1, keepdims=True)
        x = x / np.sqrt((x * x).mean(axis=1, keepdims=True) + settings["epsilon"])
    x = x * weights["norm_scale"] + weights["norm_offset"]
    if settings["activation"] == "gelu":
        x = 0.5 * x * (1 + np.vectorize(math.erf, [np.float32])(x / math.sqrt(2)))
    else:
        x = np.maximum(x, 0)
    masks = x @ weights["output"] + weights["output_bias"]
    if "falloff" not in weights:
        return masks, None
    raw = x @ weights["falloff"] + weights["falloff_bias"] + weights["falloff_table"][classes]
    return masks, np.broadcast_to(np.logaddexp(0, raw), [len(x), 2])


def _windows(cells, falloff, levels, heatmaps, grid, stride):
    """Soft windows around the centers, in logits [n, h, w]."""
    starts = np.cumsum([0] + [x.shape[0] * x.shape[1] for x in heatmaps])
    which = np.searchsorted(starts, cells, side="right") - 1
    widths = np.array([x.shape[1] for x in heatmaps])[which]
    strides = 2.0 ** np.array(levels)[which]
    inside = cells - starts[which]
    result = 0
    for axis, place in enumerate((inside // widths, inside % widths)):
        middles = (np.arange(grid[axis]) + 0.5) * stride
        distance = (middles - ((place + 0.5) * strides)[:, None]) / strides[:, None]
        part = -falloff[:, axis, None] * distance**2  # [n, h] or [n, w]
        result = result + (part[:, :, None] if axis == 0 else part[:, None, :])
    return np.float32(result)


def _sigmoid(x):
    return 1 / (1 + np.exp(-np.clip(x, -80, 80)))


def _enlarge(x, stride):
    for axis in (1, 0):
        x = np.swapaxes(x, 0, axis)
        place = (np.arange(len(x) * stride, dtype=np.float32) + 0.5) / stride - 0.5
        below = np.floor(place).astype(int)
        low, high = x[np.maximum(below, 0)], x[np.minimum(below + 1, len(x) - 1)]
        x = np.swapaxes(low + (high - low) * (place - below)[:, None], 0, axis)
    return x


def _owners(fine, scores, taking_part, shape):  # Positions of proposals, or -1 for nobody.
    best, owners = np.zeros(shape, np.float32), np.full(shape, -1)
    for k in taking_part:
        product = scores[k] * _sigmoid(fine[k])
        owners[product > best] = k
        best = np.maximum(best, product)
    return owners


def _describe(owners, alive, scores, classes, weights):
    numbers, first, stuff = np.zeros(len(alive) + 1, np.int32), [], {}
    for k in np.flatnonzero(alive):
        number = len(first) + 1
        if not weights["is_thing"][classes[k]]:
            number = stuff.setdefault(classes[k], number)
        numbers[k] = number
        if number > len(first):
            first.append(k)
    panoptic_map = numbers[owners]  # The last number, 0, is that of nobody (-1).
    first = np.array(first, int)
    places = [np.nonzero(panoptic_map == i + 1) for i in range(len(first))]
    boxes = [[y.min(), x.min(), y.max() + 1, x.max() + 1] for y, x in places]
    rows = {"segment_ids": np.arange(1, len(first) + 1), "scores": scores[first]}
    if "curve_scores" in weights:  # The curve of each class recalibrates its scores.
        curves = weights["curve_scores"][classes[first]], weights["curve_shares"][classes[first]]
        rows["scores"] = np.float32([np.interp(*each) for each in zip(scores[first], *curves)])
    rows["category_ids"] = weights["category_ids"][classes[first]]
    rows["areas"] = np.array([len(y) for y, _ in places], int)
    return rows | {"panoptic_map": panoptic_map, "boxes": np.array(boxes, int).reshape(-1, 4)}
