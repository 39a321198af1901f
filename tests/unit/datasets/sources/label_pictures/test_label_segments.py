"""Segments from a map of classes and a map of instances."""

import numpy as np

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.sources.label_pictures.label_segments import truth_from_maps
from tests.unit.datasets.sources.label_pictures.labelled_picture import CLASSES


def test_classes_may_share_instance_numbers_and_stuff_ignores_them():
    categories = Categories.from_coco(CLASSES, "here")
    class_ids = np.array([[0, 0, 2, 3, -1]])
    truth = truth_from_maps(class_ids, np.array([[5, 6, 7, 7, 7]]), categories)
    assert truth.ids.tolist() == [[1, 1, 2, 3, 0]]
    void = truth_from_maps(
        class_ids, np.zeros([1, 5], int), categories, lone_things_are_crowds=False
    )
    assert void.ids.tolist() == [[1, 1, 0, 0, 0]]


def test_large_class_ids_and_instance_numbers_do_not_collide():
    entries = [{"id": i + 1, "name": str(i), "isthing": 1} for i in range(70_000)]
    categories = Categories.from_coco(entries, "here")
    class_ids = np.array([[69_999, 69_999, 69_998, 0]])
    instances = np.array([[1, 2**24 - 1, 2**24 - 1, 1]])
    truth = truth_from_maps(class_ids, instances, categories)
    assert truth.ids.tolist() == [[3, 4, 2, 1]]
    assert [s.class_id for s in truth.segments] == [0, 69_998, 69_999, 69_999]
