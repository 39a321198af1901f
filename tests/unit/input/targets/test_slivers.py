"""Segments of which cropping or pasting left little are ignored, on literal maps and in batches."""

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.errors import UserError
from maskconver_tf.input.pipeline import TrainingInput
from maskconver_tf.input.targets import TargetBuilder
from tests.unit.input.targets.literal_maps import paint_boxes
from tests.unit.input.tiny_dataset import SIZE, take

# Areas 32, 16, 4 and 1.
MAP = paint_boxes((0, 0, 4, 8), (4, 0, 8, 4), (4, 4, 6, 6), (7, 7, 8, 8))
CLASSES = [5, 6, 7, 8]


def labels_of(whole_areas, segment_map=MAP, class_ids=CLASSES, crowds=(), **settings):
    small = {"num_slots": 5, "center_levels": (2,), "level_bounds": (), "label_stride": 1}
    labels = TargetBuilder(**small | settings)(
        tf.constant(segment_map, tf.int32),
        tf.constant(class_ids),
        tf.constant([number in crowds for number in range(1, len(class_ids) + 1)]),
        whole_areas=None if whole_areas is None else tf.constant(whole_areas, tf.float32),
    )
    return {name: value.numpy() for name, value in labels.items()}


@pytest.mark.parametrize(
    ("whole_areas", "min_visible", "kept"),
    [
        ([32, 16, 4, 1], 0.05, CLASSES),
        ([640, 320, 80, 20], 0.05, CLASSES),  # Just the share.
        ([641, 320, 81, 20], 0.05, [6, 8]),
        ([32, 33, 8, 3], 0.5, [5, 7]),
        ([32, 16, 5, 1.5], 1.0, [5, 6]),
        ([1e9] * 4, 0.0, CLASSES),
        ([1e9] * 4, 0.05, []),
        ([0, 0, 0, 0], 0.05, CLASSES),
        (None, 1.0, CLASSES),
    ],
)
def test_less_than_the_share_is_void(whole_areas, min_visible, kept):
    labels = labels_of(whole_areas, min_visible=min_visible)
    assert labels[types.SLOT_CLASS_IDS].tolist() == kept + [-1] * (5 - len(kept))
    table = [0] + [kept.index(c) + 1 if c in kept else 0 for c in CLASSES]
    np.testing.assert_array_equal(labels[types.SLOT_MAP], np.array(table)[MAP])
    assert (labels[types.CENTER_LEVELS] >= 0).sum() == len(kept)


def test_slivers_leave_the_number_of_dropped_segments_as_it_is():
    """It counts segments without a slot, a center or a cell; a sliver frees a slot for another."""
    assert labels_of(None, num_slots=2)[types.NUM_DROPPED] == 2
    labels = labels_of([32, 1000, 4, 1], num_slots=2)
    assert labels[types.SLOT_CLASS_IDS].tolist() == [5, 7]
    assert labels[types.NUM_DROPPED] == 1
    assert labels_of([1000] * 4)[types.NUM_DROPPED] == 0


def test_a_sliver_does_not_take_the_cell_or_the_center_of_another():
    # Two segments of one class around one center; the larger is a sliver of a huge one.
    ring = paint_boxes((0, 0, 4, 4), (1, 1, 3, 3))
    labels = labels_of([1000, 4], ring, [3, 3])
    assert labels[types.SLOT_CLASS_IDS].tolist() == [3, -1, -1, -1, -1]
    np.testing.assert_array_equal(labels[types.SLOT_MAP], ring == 2)
    # At stride 4 both lie between the samples, in one cell: the sliver is not restored over it.
    thin = np.zeros([4, 4])
    thin[0, 0], thin[0, 3] = 1, 2
    labels = labels_of([1, 1000], thin, [1, 2], label_stride=4)
    assert labels[types.SLOT_MAP].tolist() == [[1]]
    assert labels[types.SLOT_CLASS_IDS][0] == 1


def test_a_sliver_of_a_crowd_is_as_void_as_a_crowd():
    for whole in ([32, 16, 4, 1], [1000, 16, 4, 1]):
        assert labels_of(whole, crowds=[1])[types.SLOT_CLASS_IDS].tolist() == [6, 7, 8, -1, -1]


@pytest.mark.parametrize("value", [-0.1, 1.1, "0.1", None, True, float("nan")])
def test_shares_out_of_range_are_refused(value):
    with pytest.raises(UserError, match="TargetBuilder.min_visible = .*a number from 0 to 1"):
        TargetBuilder(min_visible=value)


# ---- In batches ----------------------------------------------------------------------------------


class Areas:
    """Replaces a `TargetBuilder`; returns classes, visible and whole areas, padded to ten."""

    min_visible = 0.05

    def __call__(self, segment_map, class_ids, is_crowd, input_size, whole_areas):
        counts = tf.math.bincount(tf.cast(segment_map, tf.int32), minlength=11, maxlength=11)
        return {
            "areas": counts[1:],
            "whole": tf.pad(whole_areas, [[0, 10 - tf.size(class_ids)]]),
            "classes": tf.pad(class_ids, [[0, 10 - tf.size(class_ids)]], constant_values=-1),
        }


@pytest.mark.parametrize(("scale", "factor"), [(1.0, 4), (2.0, 16), (0.5, 1), (4.0, 64)])
def test_the_whole_area_is_that_of_the_whole_picture_at_the_same_scale(data_dir, scale, factor):
    """Each picture has 16x32 pixels: 15x12 of the first segment, 15x20 of the second."""
    for batch in take(data_dir, 2, Areas(), batch_size=7, scale_range=(scale, scale)):
        np.testing.assert_allclose(
            batch["whole"][:, :2], [[180 * factor, 300 * factor]] * 7, rtol=0.1
        )
        assert (batch["areas"] <= 1.1 * batch["whole"]).all()
        if scale <= 1:
            np.testing.assert_allclose(batch["areas"], batch["whole"], rtol=0.1)


def test_pasted_segments_are_measured_at_their_own_scale(data_dir):
    settings = {"copy_paste": 1.0, "paste_scale_range": (0.5, 0.5), "batch_size": 7}
    seen = set()
    for batch in take(data_dir, 6, Areas(), flip=False, **settings):
        for classes, whole in zip(batch["classes"], batch["whole"]):
            seen |= {
                (class_id % 2, round(x)) for class_id, x in zip(classes, whole) if class_id >= 0
            }
    # Things have odd classes. At twice the size 720 and 1200; pasted 180 and 300; joined stuff 0.
    assert seen == {(0, 720), (1, 720), (1, 1200), (0, 180), (1, 180), (1, 300)} | (seen & {(0, 0)})


def test_cropping_leaves_slivers_void_and_a_setting_keeps_them(data_dir):
    """At four times the size a crop shows a sixteenth of a picture, and often the edge of one."""
    shares = {}
    for min_visible in (0.0, 0.05):
        build = TargetBuilder(8, (3,), (), label_stride=1, min_visible=min_visible)
        settings = {"scale_range": (4.0, 4.0), "flip": False, "batch_size": 7}
        batches = take(data_dir, 12, build, **settings)
        areas = []
        for batch in batches:
            for slot_map, classes in zip(batch[types.SLOT_MAP], batch[types.SLOT_CLASS_IDS]):
                for slot in np.flatnonzero(classes >= 0):
                    whole = 64 * (
                        300 if classes[slot] == 7 and slot_is_right(slot_map, slot) else 180
                    )
                    areas.append((slot_map == slot + 1).sum() / whole)
        shares[min_visible] = np.array(areas)
    assert shares[0.0].min() < 0.03 < 0.05 <= shares[0.05].min() + 0.001
    assert len(shares[0.05]) < len(shares[0.0])


def slot_is_right(slot_map, slot):
    """Whether a slot is the second segment, at the right of the picture."""
    others = (slot_map > 0) & (slot_map != slot + 1)
    columns = np.nonzero(slot_map == slot + 1)[1]
    return not others.any() or columns.mean() > np.nonzero(others)[1].mean()


def test_a_semantic_target_sees_every_pixel(data_dir):
    """Without `min_visible` a function is called as before."""
    data = TrainingInput(data_dir, SIZE, 7, scale_range=(4.0, 4.0))

    def build(segment_map, class_ids, is_crowd, input_size):
        return {"classes": class_ids[:2]}

    [batch] = data.batches(build).take(1).as_numpy_iterator()
    assert batch["classes"].shape == (7, 2)
