"""Options of a source: missing ones and those of another source."""

import pytest

from maskconver_tf.datasets.sources.named_source import open_named_source
from maskconver_tf.errors import UserError


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ("coco", {}, "--source coco: there is no such source; expected one of coco_panoptic, tfds"),
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
