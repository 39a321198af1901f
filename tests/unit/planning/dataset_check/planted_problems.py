"""Plants problems in a `DatasetCopy`."""

import shutil

import numpy as np
from PIL import Image

from maskconver_tf.datasets.findings import Problem
from tests.unit.planning.dataset_check.dataset_copy import replace_picture


def _cut(path):
    """Keeps the first half of a file."""
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[: len(content) // 2])


# ---- Problems that make a picture unusable: functions of copy, part, image and annotation --------


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
    else:  # The square would hide a segment.
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
    replace_picture(path, Image.open(path).convert("L"))


def _has_stuff(truth):
    return any(info["category_id"] > 90 for info in truth["segments_info"])


SPOIL_PICTURE = {
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


def plant_unusable(copy, problem, part):
    """Plants a problem that makes the next picture unusable."""
    image, truth = copy.next(part, _has_stuff)
    SPOIL_PICTURE[problem](copy, part, image, truth)
    copy.spoiled.add((part, image["file_name"]))
    copy.planted[part, problem, image["file_name"]] += 1


# ---- Problems that leave pictures usable ---------------------------------------------------------


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
    """Adds a picture of `part` to `to_part` again, under another name."""
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
    # `small_segments` finds it in the annotations, like all others.


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


PLANT_OTHERS = [
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
"""Functions of copy, number and part. Each plants a problem that leaves pictures usable."""
