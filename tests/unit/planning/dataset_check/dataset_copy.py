"""A copy of real pictures, and the problems that its annotations alone imply."""

import collections
import itertools
import json
import os

import numpy as np
from PIL import Image

from maskconver_tf.datasets.findings import Problem

SIDE = 640
"""Height and width of the model's input."""


class DatasetCopy:
    """A copy of `coco_panoptic_200` in which a test plants problems.

    Attributes:
      root: the folder.
      content: part -> content of its JSON file.
      planted: counts (part, problem, name of the picture, segment, class or file).
      spoiled: (part, picture) of each picture that cannot be used any more.
    """

    def __init__(self, original, root):
        for kind, part in itertools.product(("images", "panoptic"), ("train", "val")):
            (root / kind / part).mkdir(parents=True)
            for path in (original / kind / part).iterdir():
                os.symlink(path, root / kind / part / path.name)
        self.root = root
        self.content = {
            part: json.loads((original / f"panoptic_{part}.json").read_text())
            for part in ("train", "val")
        }
        self.planted = collections.Counter()
        self.spoiled = set()
        self._unused = {
            part: iter(content["images"][::-1]) for part, content in self.content.items()
        }

    def save(self):
        for part, content in self.content.items():
            (self.root / f"panoptic_{part}.json").write_text(json.dumps(content))

    def next(self, part, wanted=None):
        """Returns image and annotation of an unused picture whose annotation is `wanted`."""
        for image in self._unused[part]:
            truth = self.truth(part, image["id"])
            if wanted is None or wanted(truth):
                return image, truth
        raise AssertionError("no picture is left")

    def truth(self, part, image_id):
        return next(a for a in self.content[part]["annotations"] if a["image_id"] == image_id)

    def image(self, part, image):
        return self.root / "images" / part / image["file_name"]

    def map(self, part, truth):
        return self.root / "panoptic" / part / truth["file_name"]

    def ids(self, part, truth):
        return np.asarray(Image.open(self.map(part, truth))).astype(int) @ [1, 256, 65536]

    def paint(self, part, truth, ids):
        pixels = np.stack([ids & 255, ids >> 8 & 255, ids >> 16], -1).astype(np.uint8)
        replace_picture(self.map(part, truth), Image.fromarray(pixels))


def replace_picture(path, picture, **options):
    """Replaces a link by a file of its own, so that the original stays as it is."""
    path.unlink()
    picture.save(path, **options)


def _usable(copy, part):
    """Annotations of pictures that can be used, with their sizes."""
    content = copy.content[part]
    images = {image["id"]: image for image in content["images"] if "file_name" in image}
    for truth in content["annotations"]:
        image = images.get(truth["image_id"])
        if image is not None and (part, image["file_name"]) not in copy.spoiled:
            yield image, truth["segments_info"]


def small_segments(copy, part):
    return collections.Counter(
        (part, Problem.TOO_SMALL_SEGMENT, f"{image['file_name']} {info['id']}")
        for image, infos in _usable(copy, part)
        for info in infos
        if info["area"] * (SIDE / max(image["width"], image["height"])) ** 2 < 16
        if not info["iscrowd"]
    )


def _classes(copy, part):
    return {info["category_id"] for _, infos in _usable(copy, part) for info in infos}


def unseen_classes(copy):
    names = {c["id"]: c["name"] for c in copy.content["val"]["categories"]}
    unseen = _classes(copy, "val") - _classes(copy, "train")
    return collections.Counter(("val", Problem.UNSEEN_CLASS, names[i]) for i in unseen)
