"""Options of a source: missing ones and those of another source."""

import pytest

from maskconver_tf.datasets.sources.named_source import open_named_source
from maskconver_tf.errors import UserError
from maskconver_tf.files.encoded_pictures.pixel_limit import MAX_PIXELS


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ("coco", {}, "--source coco: there is no such source; expected one of coco_panoptic, tfds"),
        ("ade20k", {"max_pixels": "9"}, "--root, --split: missing; the source ade20k needs"),
        ("ade20k", {"root": "r"}, "--split: missing; the source ade20k needs --root DIR --split"),
        (
            "ade20k",
            {"root": "r", "split": "s", "images": "i"},
            "--images: this option belongs to coco_panoptic, .*; the source ade20k needs --root",
        ),
    ],
)
def test_options_that_do_not_fit_the_source(source, options, message):
    with pytest.raises(UserError, match=message):
        open_named_source(source, options)


def test_every_picture_gets_the_limit_of_pixels(make_coco_folder):
    folder = make_coco_folder(num_pictures=2)
    options = {
        "images": str(folder.images),
        "panoptic": str(folder.panoptic),
        "annotations": str(folder.annotations),
    }
    limits = {}
    for text in (None, "767"):
        source = open_named_source("coco_panoptic", options | {"max_pixels": text})
        limits[text] = [picture.max_pixels for picture in source.pictures]
        assert len(source.pictures) == 2
    assert limits == {None: [MAX_PIXELS] * 2, "767": [767] * 2}
    with pytest.raises(UserError, match="--max_pixels 0: expected a whole number from 1 to"):
        open_named_source("coco_panoptic", options | {"max_pixels": "0"})
