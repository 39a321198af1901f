"""Cityscapes' label pictures: CITY/CITY_SEQUENCE_FRAME_gtFine_labelIds.png and _instanceIds.png.

A pixel of labelIds is the label, 0 for void. A pixel of instanceIds is 1000 x label + number for a
thing, and the label for stuff. `maskconver score --coding cityscapes` reads the folder, and so do
Cityscapes' own scripts. The files have no scores, and several segments of one stuff class become
one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.sources.label_pictures.cityscapes import cityscapes_categories
from maskconver_tf.errors import UserError, short_repr
from maskconver_tf.evaluation.formats.named_pictures import NamedPicture
from maskconver_tf.evaluation.segment_numbers import number_segments

_NAME = re.compile(r"(?:^|/)([^_/]+)_(\w+?)_([0-9]+)(?=[_.]|$)")
_MOST_INSTANCES = 1000


def write_cityscapes_results(
    folder: Path, pictures: Iterable[NamedPicture], categories: Categories
) -> int:
    """Writes two PNG files for each picture; returns the number of pictures.

    Raises:
      UserError: a class is none of Cityscapes', a name is not CITY_SEQUENCE_FRAME, two pictures
        have one name, or a class has more than 1,000 things in a picture.
    """
    _check_classes(categories)
    names: dict[str, str] = {}
    for picture in pictures:
        name = _name(picture)
        if name in names:
            raise UserError(
                f"{picture.file_name} and {names[name]} both have the name {name}; expected one "
                "picture of each name. Rename one"
            )
        names[name] = picture.file_name
        labels, instances = _label_maps(picture, categories)
        stem = folder / name.partition("_")[0] / f"{name}_gtFine"
        stem.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(labels).save(f"{stem}_labelIds.png")
        Image.fromarray(instances).save(f"{stem}_instanceIds.png")
    return len(names)


def _label_maps(picture: NamedPicture, categories: Categories) -> tuple[np.ndarray, np.ndarray]:
    """Returns labels, uint8 `[h, w]`, and instances, uint16 `[h, w]`."""
    where = f"image {short_repr(picture.annotation.image_id)}"
    segments = picture.annotation.segments
    numbers = number_segments(picture.annotation.panoptic_map, segments, where)
    labels, instances = [0], [0]
    count = dict.fromkeys(range(len(categories)), 0)
    for segment in segments:
        category = categories[segment.class_id]
        labels.append(category.id)
        number = count[segment.class_id]
        count[segment.class_id] += 1
        instances.append(1000 * category.id + number if category.isthing else category.id)
        if category.isthing and number >= _MOST_INSTANCES:
            raise UserError(
                f"{where} has more than {_MOST_INSTANCES} segments of {category.name}; a file of "
                "instanceIds can hold no more. Write another format"
            )
    return np.array(labels, np.uint8)[numbers], np.array(instances, np.uint16)[numbers]


def _check_classes(categories: Categories) -> None:
    known = {(c.id, c.isthing): c.name for c in cityscapes_categories()}
    for category in categories:
        if (category.id, category.isthing) not in known:
            kind = "thing" if category.isthing else "stuff"
            raise UserError(
                f"the class list has {category.name} with id {category.id} ({kind}), which is no "
                "class of Cityscapes; expected its 19 classes with their labels, such as 26 car. "
                "Write another format"
            )


def _name(picture: NamedPicture) -> str:
    for text in (picture.file_name.replace("\\", "/"), str(picture.annotation.image_id)):
        if found := _NAME.search(text):
            return "_".join(found.groups())
    raise UserError(
        f"image {short_repr(picture.annotation.image_id)} has the file_name {picture.file_name}; "
        "expected CITY_SEQUENCE_FRAME, such as frankfurt_000000_000294_leftImg8bit.png. Name the "
        "pictures in the list images of the predictions"
    )
