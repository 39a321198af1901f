"""COCO's 133 classes."""

import json

from maskconver_tf.datasets.sources.coco.classes import coco_categories


def test_coco_classes_are_those_of_the_annotations(coco200):
    content = json.loads((coco200 / "panoptic_train.json").read_text("utf-8"))
    expected = [(c["id"], c["name"], c["isthing"]) for c in content["categories"]]
    assert [(c.id, c.name, int(c.isthing)) for c in coco_categories()] == expected
