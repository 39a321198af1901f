"""COCO's instance results: a list of masks with class and score, which `COCO.loadRes` reads.

Only things are instances, so stuff is left out. An entry has `image_id`, `category_id`,
`segmentation` (run lengths) and `score`. It has no `bbox`: `loadRes` would take the area of the box
for that of the mask.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.errors import UserError, short_repr, typed_repr
from maskconver_tf.evaluation.coco_results import PanopticAnnotation, read_field, read_segment
from maskconver_tf.evaluation.formats.named_pictures import NamedPicture, PredictionFile
from maskconver_tf.files.json_file import read_json
from maskconver_tf.files.whole_file import write_text_whole


def write_instance_results(
    path: Path, pictures: Iterable[NamedPicture], categories: Categories
) -> int:
    """Writes the things of all pictures as one list; returns how many there are.

    Raises:
      UserError: a thing has no score.
    """
    entries = [
        json.dumps(entry, ensure_ascii=False)
        for picture in pictures
        for entry in _entries(picture.annotation, categories)
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text_whole(path, "[" + ",\n".join(entries) + "]\n")
    return len(entries)


def read_instance_results(path: Path, categories: Categories) -> PredictionFile:
    """Reads a list of instances as panoptic pictures, one for each image id.

    Where masks overlap, the pixels belong to the higher score, and of equal scores to the one that
    comes first. A mask without a pixel of its own is left out.

    Raises:
      UserError: the file is no list, or an entry is malformed.
    """
    content = read_json(path, "the instance results")
    if not isinstance(content, list):
        raise UserError(
            f"{path}: found {typed_repr(content)}; expected a list of instances. Give the file of "
            "COCO's results format"
        )
    by_image: dict[str, list[tuple[str, Any]]] = {}
    for number, entry in enumerate(content):
        where = f"{path}: entry {number} (counted from 0)"
        image_id = read_field(entry, "image_id", where, int, str)
        by_image.setdefault(json.dumps(image_id), []).append((where, entry))

    def pictures() -> Iterator[NamedPicture]:
        for key, entries in by_image.items():
            annotation = _panoptic(json.loads(key), entries, categories)
            yield NamedPicture(annotation, f"{annotation.image_id}.png")

    return PredictionFile(path, categories, pictures())


def _entries(annotation: PanopticAnnotation, categories: Categories) -> Iterator[dict[str, Any]]:
    from pycocotools import mask

    for segment in annotation.segments:
        category = categories[segment.class_id]
        if not category.isthing:
            continue
        if segment.score is None:
            raise UserError(
                f"image {short_repr(annotation.image_id)}: segment {segment.id} has no score; "
                "COCO's instance results need one for each thing. Write `score` into the "
                "segments_info of the predictions"
            )
        pixels = np.asfortranarray(annotation.panoptic_map == segment.id, np.uint8)
        runs = mask.encode(pixels)
        yield {
            "image_id": annotation.image_id,
            "category_id": category.id,
            "segmentation": {"size": list(runs["size"]), "counts": runs["counts"].decode("ascii")},
            "score": segment.score,
        }


def _panoptic(
    image_id: int | str, entries: list[tuple[str, Any]], categories: Categories
) -> PanopticAnnotation:
    masks = [_mask(entry, where) for where, entry in entries]
    sizes = {found.shape for found in masks}
    if len(sizes) > 1:
        raise UserError(
            f"{entries[0][0]}: image {short_repr(image_id)} has masks of the sizes "
            f"{sorted(sizes)}; expected one size. Write the masks at the size of the picture"
        )
    segments = [
        read_segment({**entry, "id": i}, categories, where)
        for i, (where, entry) in enumerate(entries, start=1)
    ]
    panoptic_map = np.zeros(masks[0].shape, np.int32)
    for segment in sorted(segments, key=lambda s: (s.score or 0, -s.id)):
        panoptic_map[masks[segment.id - 1]] = segment.id
    left = set(np.unique(panoptic_map).tolist())
    return PanopticAnnotation(image_id, panoptic_map, tuple(s for s in segments if s.id in left))


def _mask(entry: dict[str, Any], where: str) -> np.ndarray:
    """Decodes run lengths; bool `[h, w]`."""
    from pycocotools import mask

    runs = entry.get("segmentation")
    try:
        if isinstance(runs["counts"], list):
            runs = mask.frPyObjects(runs, *runs["size"])
        return mask.decode(runs).astype(np.bool_)
    except (TypeError, KeyError, ValueError, AttributeError, IndexError):
        raise UserError(
            f"{where} has segmentation {short_repr(entry.get('segmentation'))}; expected run "
            "lengths, an object with size and counts. Write the masks by pycocotools' mask.encode"
        ) from None
