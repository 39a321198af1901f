"""105 problems planted in a copy of real pictures: all are found, and nothing else is."""

import collections
import itertools
import json
import os
import shutil

import numpy as np
import pytest
from PIL import Image

from maskconver_tf.datasets.findings import Problem
from maskconver_tf.planning.dataset_check.checker import Grid, check_parts, open_folder

SIDE = 640
NUM_OF_EACH = 5


class _Copy:
    """A copy of `coco_panoptic_200` to plant problems in.

    Attributes:
      planted: (part, problem, picture or segment or class or file) of each.
      spoiled: (part, picture) of pictures that cannot be used any more.
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
        """An unused picture's entry and annotation; `wanted` says which annotations will do."""
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
        _replace(self.map(part, truth), Image.fromarray(pixels))


def _replace(path, picture, **options):
    path.unlink()
    picture.save(path, **options)


def _cut(path):
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[: len(content) // 2])


# ---- Problems that spoil a picture: each takes the copy, a part, an image and its annotation -----


def _image_missing(copy, part, image, truth):
    copy.image(part, image).unlink()


def _map_missing(copy, part, image, truth):
    copy.map(part, truth).unlink()


def _image_unreadable(copy, part, image, truth):
    _cut(copy.image(part, image))


def _map_unreadable(copy, part, image, truth):
    _cut(copy.map(part, truth))


def _size(copy, part, image, truth):
    image["width"] += 1


def _not_listed(copy, part, image, truth):
    ids = copy.ids(part, truth)
    ids[:20, :20] = 2**24 - 2
    kept = set(np.unique(ids).tolist())
    if {info["id"] for info in truth["segments_info"]} <= kept:
        copy.paint(part, truth, ids)
    else:  # The square would have hidden a segment.
        ids = copy.ids(part, truth)
        ids[0, 0] = 2**24 - 2
        copy.paint(part, truth, ids)


def _not_painted(copy, part, image, truth):
    truth["segments_info"].append({"id": 2**24 - 3, "category_id": 1, "iscrowd": 0})


def _unknown_category(copy, part, image, truth):
    truth["segments_info"][0]["category_id"] = 999


def _repeated_segment(copy, part, image, truth):
    truth["segments_info"].append(truth["segments_info"][0])


def _repeated_entry(copy, part, image, truth):
    copy.content[part]["images"].append(image)


def _stuff_crowd(copy, part, image, truth):
    next(i for i in truth["segments_info"] if i["category_id"] > 90)["iscrowd"] = 1


def _map_mode(copy, part, image, truth):
    path = copy.map(part, truth)
    _replace(path, Image.open(path).convert("L"))


def _has_stuff(truth):
    return any(info["category_id"] > 90 for info in truth["segments_info"])


SPOILING = {
    Problem.IMAGE_MISSING: _image_missing,
    Problem.MAP_MISSING: _map_missing,
    Problem.IMAGE_UNREADABLE: _image_unreadable,
    Problem.MAP_UNREADABLE: _map_unreadable,
    Problem.SIZE: _size,
    Problem.NOT_LISTED: _not_listed,
    Problem.NOT_PAINTED: _not_painted,
    Problem.UNKNOWN_CATEGORY: _unknown_category,
    Problem.REPEATED_SEGMENT: _repeated_segment,
    Problem.REPEATED_ENTRY: _repeated_entry,
    Problem.STUFF_CROWD: _stuff_crowd,
    Problem.MAP_MODE: _map_mode,
}


def _plant_spoiled(copy, problem, part):
    image, truth = copy.next(part, _has_stuff)
    SPOILING[problem](copy, part, image, truth)
    copy.spoiled.add((part, image["file_name"]))
    copy.planted[part, problem, image["file_name"]] += 1


# ---- Problems that leave pictures as they are ----------------------------------------------------


def _plant_no_annotation(copy, number, part):
    image, _ = copy.next(part)
    copy.content[part]["images"].append(image | {"id": 10**9 + number})
    copy.planted[part, Problem.NO_ANNOTATION, image["file_name"]] += 1


def _plant_no_image(copy, number, part):
    _, truth = copy.next(part)
    copy.content[part]["annotations"].append(truth | {"image_id": 2 * 10**9 + number})
    copy.planted[part, Problem.NO_IMAGE, truth["file_name"]] += 1


def _plant_malformed_entry(copy, number, part):
    name = f"images[{len(copy.content[part]['images'])}]"
    copy.content[part]["images"].append({"id": 3 * 10**9 + number})
    copy.planted[part, Problem.MALFORMED_ENTRY, name] += 1


def _add_again(copy, number, part, problem, to_part, save):
    """Adds a picture of `part` to `to_part` under another name."""
    image, truth = copy.next(part, lambda truth: not _unseen(copy, part, truth))
    name = f"again_{problem.name}_{number}.jpg"
    again = image | {"id": 4 * 10**9 + number, "file_name": name}
    again_truth = truth | {"image_id": again["id"], "file_name": f"{name}.png"}
    save(copy.image(part, image), copy.image(to_part, again))
    shutil.copy(copy.map(part, truth), copy.map(to_part, again_truth))
    copy.content[to_part]["images"].append(again)
    copy.content[to_part]["annotations"].append(again_truth)
    copy.planted[to_part, problem, name] += 1


def _unseen(copy, part, truth):
    return part == "val" and not truth["segments_info"]


def _plant_duplicate(copy, number, part):
    _add_again(copy, number, part, Problem.DUPLICATE, part, shutil.copy)


def _plant_near_duplicate(copy, number, part):
    def encode_anew(source, target):
        Image.open(source).convert("RGB").save(target, quality=60 + 5 * (number % 5))

    _add_again(copy, number, "train", Problem.NEAR_DUPLICATE, "val", encode_anew)


def _plant_unseen_class(copy, number, part):
    def has_person(truth):
        return any(info["category_id"] == 1 for info in truth["segments_info"])

    _, truth = copy.next("val", has_person)
    category = {"id": 1_000_000 - number, "name": f"новое {number}", "isthing": 1}
    for content in copy.content.values():
        content["categories"].append(category)
    person = next(info for info in truth["segments_info"] if info["category_id"] == 1)
    person["category_id"] = category["id"]
    copy.planted["val", Problem.UNSEEN_CLASS, category["name"]] += 1


def _plant_too_small(copy, number, part):
    _, truth = copy.next(part)
    ids = copy.ids(part, truth)
    for info in truth["segments_info"]:
        info["area"] -= int(info["id"] == ids[2, 3])
    ids[2, 3] = 2**24 - 5
    copy.paint(part, truth, ids)
    truth["segments_info"].append({"id": 2**24 - 5, "category_id": 3, "iscrowd": 0, "area": 1})
    # Told from the annotations by `_small_segments`, as all others.


def _plant_wrong_extent(copy, number, part):
    image, truth = copy.next(part, lambda truth: truth["segments_info"])
    info = max(truth["segments_info"], key=lambda info: info["area"])
    if number % 2:
        info["bbox"][2] += 2
    else:
        info["area"] += 1
    copy.planted[part, Problem.EXTENT, image["file_name"]] += 1


def _plant_stray_file(copy, number, part):
    kind = ("images", "panoptic")[number % 2]
    path = copy.root / kind / part / f"stray_{number}.png"
    Image.new("RGB", (8, 8)).save(path)
    copy.planted[part, Problem.STRAY_FILE, path.name] += 1


OTHERS = [
    _plant_no_annotation,
    _plant_no_image,
    _plant_malformed_entry,
    _plant_duplicate,
    _plant_near_duplicate,
    _plant_unseen_class,
    _plant_too_small,
    _plant_wrong_extent,
    _plant_stray_file,
]


# ---- What is true of the copy by its annotations alone -------------------------------------------


def _usable(copy, part):
    """Annotations of pictures that can be used, with their sizes."""
    content = copy.content[part]
    images = {image["id"]: image for image in content["images"] if "file_name" in image}
    for truth in content["annotations"]:
        image = images.get(truth["image_id"])
        if image is not None and (part, image["file_name"]) not in copy.spoiled:
            yield image, truth["segments_info"]


def _small_segments(copy, part):
    return collections.Counter(
        (part, Problem.TOO_SMALL_SEGMENT, f"{image['file_name']} {info['id']}")
        for image, infos in _usable(copy, part)
        for info in infos
        if info["area"] * (SIDE / max(image["width"], image["height"])) ** 2 < 16
        if not info["iscrowd"]
    )


def _classes(copy, part):
    return {info["category_id"] for _, infos in _usable(copy, part) for info in infos}


def _unseen_classes(copy):
    names = {c["id"]: c["name"] for c in copy.content["val"]["categories"]}
    unseen = _classes(copy, "val") - _classes(copy, "train")
    return collections.Counter(("val", Problem.UNSEEN_CLASS, names[i]) for i in unseen)


def _found(copy):
    """What the check says, in the words of `planted`."""
    copy.save()
    parts = open_folder(copy.root)
    grid = Grid([(SIDE, SIDE)])
    report = check_parts(parts, grid, None, ceiling_pictures=0, workers=1, progress=False)
    found = collections.Counter()
    for part, finding in report.problems:
        what = finding.picture
        if finding.problem is Problem.UNSEEN_CLASS:
            what = finding.found.partition(",")[0]
        elif finding.problem is Problem.TOO_SMALL_SEGMENT:
            what += " " + finding.found.partition(", id ")[2].partition(",")[0]
        found[part, finding.problem, what] += 1
    return report, found


@pytest.fixture
def copy(coco200, tmp_path):
    return _Copy(coco200, tmp_path / "copy")


def test_all_planted_problems_are_found_and_nothing_else(copy):
    parts = itertools.cycle(["train", "val"])
    for problem in SPOILING:
        for _ in range(NUM_OF_EACH):
            _plant_spoiled(copy, problem, next(parts))
    for number, plant in enumerate(OTHERS):
        for i in range(NUM_OF_EACH):
            plant(copy, 10 * number + i, next(parts))
    small = _small_segments(copy, "train") + _small_segments(copy, "val")
    planted_small = sum(what.endswith(f" {2**24 - 5}") for _, _, what in small)
    assert copy.planted.total() + planted_small == 105
    assert set(collections.Counter(p for _, p, _ in copy.planted).values()) == {NUM_OF_EACH}
    _, found = _found(copy)
    # Of real pictures some segments are small too, and some classes are in validation alone.
    expected = copy.planted + small + (_unseen_classes(copy) - copy.planted)
    assert found - expected == collections.Counter()
    assert expected - found == collections.Counter()


def test_of_the_untouched_copy_only_what_its_annotations_say_is_found(copy):
    report, found = _found(copy)
    small = _small_segments(copy, "train") + _small_segments(copy, "val")
    assert found == small + _unseen_classes(copy)
    listed = sum(len(a["segments_info"]) for a in copy.content["train"]["annotations"])
    train = report.parts["train"]
    assert (train["num_pictures"], train["num_segments"]) == (100, listed)
    assert sum(train["histograms"]["segments per picture"]["counts"]) == 100
    assert sum(train["histograms"]["segment area, pixels"]["counts"]) == listed
    assert sum(train["histograms"]["longer side, pixels"]["counts"]) == 100
