"""Any mutation of a COCO file gives a finding or the same truth: no traceback, no other truth."""

import copy
import json
import random

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies
from PIL import Image

from maskconver_tf.datasets.build.build import refuse_bad_pictures
from maskconver_tf.datasets.build.encode_picture import EncodedPicture, encode_picture
from maskconver_tf.datasets.findings import count_pictures
from maskconver_tf.datasets.sources.named_source import open_named_source
from maskconver_tf.errors import UserError

SIDE = 8
NUM_CASES = 2500
"""Cases of each of the four tests."""

CATEGORIES = [
    {"id": 1, "name": "box", "isthing": 1},
    {"id": 2, "name": "ball", "isthing": 1},
    {"id": 7, "name": "sky", "isthing": 0},
]
IMAGES = [{"id": i, "file_name": f"{i}.png", "width": SIDE, "height": SIDE} for i in (1, 2)]


def _instances():
    def one(number, image, category, segmentation):
        entry = {"id": number, "image_id": image, "category_id": category, "iscrowd": 0}
        return entry | {"segmentation": segmentation, "area": 9, "bbox": [2, 2, 3, 3]}

    runs = {"size": [SIDE, SIDE], "counts": [40, 4, 4, 4, 12]}
    return {
        "images": IMAGES,
        "annotations": [
            one(1, 1, 1, [[2, 2, 5, 2, 5, 5, 2, 5]]),
            one(2, 1, 2, runs),
            one(3, 2, 1, [[3, 3, 7, 3, 7, 7]]),
        ],
        "categories": CATEGORIES[:2],
    }


def _panoptic():
    segments = [{"id": i, "category_id": c, "iscrowd": 0} for i, c in ((10, 1), (20, 2), (70, 7))]
    annotations = [
        {"image_id": i, "file_name": f"{i}.png", "segments_info": segments} for i in (1, 2)
    ]
    return {"images": IMAGES, "annotations": annotations, "categories": CATEGORIES}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A folder with two pictures, their id maps and their stuff."""
    root = tmp_path_factory.mktemp("coco")
    ids = np.full([SIDE, SIDE, 3], (70, 0, 0), np.uint8)
    ids[:3, :3, 0], ids[4:, 4:, 0] = 10, 20
    for name, pixels in (("images", ids), ("maps", ids), ("stuff", np.full([SIDE, SIDE], 7))):
        (root / name).mkdir()
        for i in (1, 2):
            Image.fromarray(pixels.astype(np.uint8)).save(root / name / f"{i}.png")
    (root / "stuff.json").write_text(json.dumps(CATEGORIES[2:]))
    return root


SOURCES = {
    "instances": ("coco_instances", _instances, {}),
    "background": ("coco_instances", _instances, {"background": "rest"}),
    "stuff": ("coco_instances", _instances, {"stuff": "stuff", "stuff_classes": "stuff.json"}),
    "panoptic": ("coco_panoptic", _panoptic, {"panoptic": "maps"}),
}
"""Test -> the source's name, its content and its further options."""


def _built_with_skip_bad(root, name, options, text):
    """Returns the truth of each picture that --skip_bad keeps, and the number of findings."""
    file = root / "annotations.json"
    file.write_bytes(text)
    paths = {key: value if key == "background" else root / value for key, value in options.items()}
    source = open_named_source(name, paths | {"images": root / "images", "annotations": file})
    findings, kept = list(source.findings), {}
    num_bad = count_pictures(findings)
    for picture in source.pictures:
        outcome = encode_picture(picture)
        if not isinstance(outcome, EncodedPicture):
            assert outcome
            findings += outcome
            num_bad += 1
            continue
        classes = [source.categories[class_id] for class_id in outcome.class_ids]
        ids = ["rest" if c.name == "rest" else c.id for c in classes]  # Names may change.
        kept[outcome.name] = outcome.features["segments/map_png"], ids, outcome.is_crowd
    refuse_bad_pictures(source, findings, num_bad, skip_bad=True)
    return kept, len(findings)


# ---- Mutations -----------------------------------------------------------------------------------

_JUNK = (None, "", "x", "\ud83d", [], [[]], {}, {"a": 1}, -1, -0.5, 1e300, 10**30, 10**12)
_JUNK += (float("nan"), float("inf"), 2.5, "1e999", "../..", "a\0b", "/", "..", ".")


def _same_in_another_type(value):
    """Returns values that say the same as `value`, or nearly, in another type."""
    if type(value) is int:
        return [str(value), float(value), f"{value:05d}", [value], {"id": value}]
    if isinstance(value, str):
        return [[value], value + " ", value.upper(), f"./{value}"]
    return [[value], {"0": value}, json.dumps(value)]


def _places(value, path=()):
    """Returns the path of each value inside `value`."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    return [
        place
        for key, inner in items
        for place in [(*path, key)]
        + (_places(inner, (*path, key)) if isinstance(inner, dict | list) else [])
    ]


def _mutate(content, dice):
    """Changes one value so that no correct file could have it, or changes nothing that matters."""
    *path, last = dice.choice(_places(content))
    holder = content
    for key in path:
        holder = holder[key]
    value = holder[last]
    numbers = [key for key in (*path, last) if isinstance(key, str)][-1:]
    is_number_of_mask = numbers in (["segmentation"], ["counts"]) and not isinstance(value, list)
    kind = dice.choice(["junk", "type", "delete", "repeat"])
    if kind == "junk" or (is_number_of_mask and kind != "type"):
        junk = dice.choice(_JUNK)
        if is_number_of_mask and type(junk) in (int, float) and abs(junk) < 1000:
            junk = None  # Another coordinate may be meant.
        holder[last] = junk
    elif kind == "type":
        same = dice.choice(_same_in_another_type(value))
        holder[last] = same
    elif kind == "repeat" and isinstance(holder, list):
        holder.insert(last, value)
    elif kind == "delete" and not _is_whole_annotation((*path, last)):
        del holder[last]


def _is_whole_annotation(path):
    """Whether a file without the value at `path` is correct, but for another picture."""
    return path[0] == "annotations" and len(path) == 2


@pytest.mark.parametrize("kind", SOURCES)
def test_a_mutated_file_gives_a_finding_or_the_same_truth(root, kind):
    name, make_content, options = SOURCES[kind]
    original, num_findings = _built_with_skip_bad(
        root, name, options, json.dumps(make_content()).encode()
    )
    assert (set(original), num_findings) == ({"1.png", "2.png"}, 0)

    @hypothesis.settings(max_examples=NUM_CASES, deadline=None, database=None, derandomize=True)
    @hypothesis.given(strategies.integers(0, 2**32), strategies.integers(1, 3))
    def check(seed, num_mutations):
        content, dice = copy.deepcopy(json.loads(json.dumps(make_content()))), random.Random(seed)
        for _ in range(num_mutations):
            _mutate(content, dice)
            if not isinstance(content, dict) or not content:
                return
        try:
            kept, num_findings = _built_with_skip_bad(
                root, name, options, json.dumps(content).encode()
            )
        except UserError as error:
            assert str(error)
            return
        for picture, truth in kept.items():
            assert truth == original[picture.removeprefix("./")], content
        assert num_findings or len(kept) == 2

    check()
