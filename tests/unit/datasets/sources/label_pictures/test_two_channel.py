"""Class and instance in two channels of one PNG, with worked answers."""

import json

import numpy as np
import pytest
from PIL import Image

from maskconver_tf.datasets.findings import Problem
from maskconver_tf.datasets.sources.named_source import open_named_source
from maskconver_tf.errors import UserError
from tests.unit.datasets.sources.label_pictures.labelled_picture import (
    CLASSES,
    IDS,
    INSTANCES,
    LABELS,
    SEGMENTS,
    only_finding,
    read_truth,
    save,
    save_picture,
)


@pytest.fixture
def two_channel(tmp_path):
    """Class in red, instance in green and blue."""
    classes = [dict(entry, id=i) for i, entry in zip([1, 2, 3, 4], CLASSES)]
    labels = np.select([entry["id"] == LABELS for entry in CLASSES], [1, 2, 3, 4], 255)
    pixels = np.stack([labels, INSTANCES & 255, INSTANCES >> 8], -1).astype(np.uint8)
    save_picture(tmp_path / "images/0.jpg")
    save(tmp_path / "panoptic/0.png", pixels)
    (tmp_path / "classes.json").write_text(json.dumps(classes), "utf-8")
    paths = {"images": "images", "panoptic": "panoptic", "classes": "classes.json"}
    return {name: str(tmp_path / path) for name, path in paths.items()}


def test_two_channel(two_channel):
    source = open_named_source("two_channel", two_channel | {"instance_channel": "GB"})
    assert read_truth(source) == (IDS, SEGMENTS)
    # Instance 500 is 244 + 256 x 1: without the upper byte it is 244, with the same pixels.
    assert read_truth(open_named_source("two_channel", two_channel)) == (IDS, SEGMENTS)
    swapped = two_channel | {"class_channel": "B", "instance_channel": "R"}
    ids, segments = read_truth(open_named_source("two_channel", swapped))
    assert (ids[0], segments) == ([0] * 6, [(0, False)])


def test_channels_are_checked(two_channel, tmp_path):
    for channels in ({"class_channel": "X"}, {"instance_channel": "R"}, {"class_channel": "RGB"}):
        with pytest.raises(UserError, match="expected one or two of the letters R, G, B, A"):
            open_named_source("two_channel", two_channel | channels)
    with_alpha = open_named_source("two_channel", two_channel | {"instance_channel": "A"})
    assert only_finding(with_alpha).problem is Problem.CHANNELS
    Image.new("I;16", (6, 4)).save(tmp_path / "panoptic/0.png")
    finding = only_finding(open_named_source("two_channel", two_channel))
    found = "PNG, gray, 16 bits per channel; asked for the channels R, G"
    assert (finding.problem, finding.found) == (Problem.CHANNELS, found)
