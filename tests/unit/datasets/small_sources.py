"""Two small pictures with truth in three layouts, which tests of messages damage."""

import copy
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maskconver_tf.datasets.build.build import refuse_bad_pictures
from maskconver_tf.datasets.build.encode_picture import EncodedPicture, encode_picture
from maskconver_tf.datasets.sources.named_source import open_named_source
from maskconver_tf.errors import UserError

SIDE = 16
SQUARE = [[2, 2, 8, 2, 8, 8, 2, 8]]
IMAGES = [{"id": i, "file_name": f"{i}.png", "width": SIDE, "height": SIDE} for i in (1, 2)]
CATEGORIES = [{"id": 1, "name": "box", "isthing": 1}, {"id": 2, "name": "sky", "isthing": 0}]
INSTANCES = {
    "images": IMAGES,
    "annotations": [
        {"id": 7, "image_id": i, "category_id": 1, "segmentation": SQUARE} for i in (1, 2)
    ],
    "categories": CATEGORIES[:1],
}
PANOPTIC = {
    "images": IMAGES,
    "annotations": [
        {"image_id": i, "file_name": f"{i}.png", "segments_info": [{"id": 5, "category_id": 1}]}
        for i in (1, 2)
    ],
    "categories": CATEGORIES,
}


class SmallSources:
    """Two pictures with their truth in the layouts of three sources, to be damaged by a test."""

    def __init__(self, root: Path):
        self.root = root
        for folder, value in (("images", (9, 9, 9)), ("panoptic", (5, 0, 0))):
            (root / folder).mkdir()
            for name in ("1.png", "2.png"):
                Image.new("RGB", (SIDE, SIDE), value).save(root / folder / name)
        for folder in ("semantic", "instances"):
            (root / folder).mkdir()
            for name in ("1.png", "2.png"):
                Image.fromarray(np.ones((SIDE, SIDE), np.uint8)).save(root / folder / name)
        self.instances, self.panoptic = copy.deepcopy(INSTANCES), copy.deepcopy(PANOPTIC)
        self.classes = copy.deepcopy(CATEGORIES)
        self.stuff = copy.deepcopy(CATEGORIES[1:])

    def refusal(self, source: str, **options: str) -> str:
        """Returns the message with which a build of the source ends."""
        for name in ("instances", "panoptic", "classes", "stuff"):
            (self.root / f"{name}.json").write_text(json.dumps(getattr(self, name)), "utf-8")
        with pytest.raises(UserError) as raised:
            opened = open_named_source(source, self.options(source) | options)
            findings, num_bad = list(opened.findings), len(opened.findings)
            for picture in opened.pictures:
                outcome = encode_picture(picture)
                if not isinstance(outcome, EncodedPicture):
                    findings, num_bad = findings + list(outcome), num_bad + 1
            refuse_bad_pictures(opened, findings, num_bad, skip_bad=False)
        return str(raised.value)

    def options(self, source: str) -> dict[str, str]:
        """Returns the options of a source with which it can be built."""
        root, images = self.root, {"images": str(self.root / "images")}
        return images | {
            "coco_instances": {"annotations": str(root / "instances.json")},
            "coco_panoptic": {
                "annotations": str(root / "panoptic.json"),
                "panoptic": str(root / "panoptic"),
            },
            "png_folders": {
                "semantic": str(root / "semantic"),
                "instances": str(root / "instances"),
                "classes": str(root / "classes.json"),
            },
        }.get(source, {})
