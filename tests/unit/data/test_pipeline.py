"""Batches: a pure function of seed and step, whole epochs, augmentation of each kind by itself."""

import collections
import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from maskconver_tf import types
from maskconver_tf.data import records, transforms
from maskconver_tf.data.categories import Categories
from maskconver_tf.data.pipeline import EvaluationInput, TrainingInput
from maskconver_tf.data.targets import TargetBuilder
from maskconver_tf.errors import UserError

NUM_EXAMPLES = 7
SIZE = (32, 64)
CATEGORIES = Categories.from_coco(
    [{"id": 2 * i + 1, "name": f"class {i}", "isthing": i % 2} for i in range(NUM_EXAMPLES + 1)],
    "here",
)


def _record(number):
    """Left: class `number`, red; right: class 7, blue; a void row at the bottom."""
    segment_map = np.full([16, 32], 2, np.uint16)
    segment_map[:, :12] = 1
    segment_map[15] = 0
    png = io.BytesIO()
    Image.fromarray(_colors(segment_map)).save(png, "PNG")
    return records.PanopticRecord(
        png.getvalue(), number, f"{number}.png", 16, 32, segment_map, [70, 80], [number, 7], [0, 0]
    )


def _colors(segment_map):
    palette = np.array([[0, 255, 0], [200, 0, 0], [0, 0, 200]], np.uint8)
    return palette[segment_map]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    """Seven examples in two shards; the first segment's class is the example's number."""
    folder = tmp_path_factory.mktemp("dataset")
    writer = records.DatasetWriter(folder, num_shards=2, num_items=NUM_EXAMPLES)
    for number in range(NUM_EXAMPLES):
        writer.write(number, records.to_features(_record(number)))
    writer.finish(CATEGORIES, {}, {}, [])
    return str(folder)


def _map_and_class(segment_map, class_ids, is_crowd):
    """In place of a `TargetBuilder`: the map itself, and which example it is."""
    return {types.SEGMENT_MAP: segment_map, "number": class_ids[0]}


def _take(data_dir, count, build_targets=_map_and_class, first_step=0, context=None, **settings):
    """The first batches of a `TrainingInput`."""
    settings = {"batch_size": 3, "shuffle_buffer": 8} | settings
    batches = TrainingInput(data_dir, SIZE, **settings).batches(build_targets, first_step, context)
    return list(batches.take(count).as_numpy_iterator())


def _numbers(batches):
    return np.concatenate([batch["number"] for batch in batches]).tolist()


def _assert_equal(batches, others):
    assert len(batches) == len(others)
    for batch, other in zip(batches, others):
        assert batch.keys() == other.keys()
        for name in batch:
            np.testing.assert_array_equal(batch[name], other[name])


# ---- Order ---------------------------------------------------------------------------------------


def test_every_epoch_visits_every_example_once_in_an_order_of_its_own(data_dir):
    numbers = _numbers(_take(data_dir, 6, batch_size=7))
    epochs = [tuple(numbers[i : i + 7]) for i in range(0, 42, 7)]
    assert all(sorted(epoch) == list(range(7)) for epoch in epochs)
    assert len(set(epochs)) >= 5


def test_a_small_buffer_still_visits_every_example_once(data_dir):
    numbers = _numbers(_take(data_dir, 2, batch_size=7, shuffle_buffer=2))
    assert sorted(numbers[:7]) == sorted(numbers[7:]) == list(range(7))


def test_without_a_buffer_the_order_is_that_on_disk(data_dir):
    assert _numbers(_take(data_dir, 3, shuffle_buffer=0)) == [0, 1, 2, 3, 4, 5, 6, 0, 1]


def test_only_the_first_examples(data_dir):
    numbers = _numbers(_take(data_dir, 4, batch_size=2, max_examples=4))
    assert sorted(numbers[:4]) == sorted(numbers[4:]) == [0, 1, 2, 3]
    assert TrainingInput(data_dir, SIZE, 2, max_examples=4).num_examples == 4
    assert TrainingInput(data_dir, SIZE, 2, max_examples=400).num_examples == 7
    assert TrainingInput(data_dir, SIZE, 2).num_examples == 7


def test_a_batch_may_hold_more_than_an_epoch(data_dir):
    counts = collections.Counter(_numbers(_take(data_dir, 1, batch_size=14)))
    assert counts == dict.fromkeys(range(7), 2)


# ---- A pure function of seed and step ------------------------------------------------------------

RANDOM = {"scale_range": (0.5, 2.0), "flip": True, "seed": 3}


@pytest.fixture(scope="module")
def eight_batches(data_dir):
    """24 examples: more than three epochs of seven."""
    return _take(data_dir, 8, **RANDOM)


@pytest.mark.parametrize("first_step", [1, 2, 3, 7])
def test_a_run_goes_on_as_if_it_had_never_stopped(data_dir, eight_batches, first_step):
    # Epochs end within batches 2 and 4 and after batch 6.
    rest = _take(data_dir, 8 - first_step, first_step=first_step, **RANDOM)
    _assert_equal(rest, eight_batches[first_step:])


def test_unshuffled_runs_go_on_too(data_dir):
    settings = RANDOM | {"shuffle_buffer": 0}
    whole = _take(data_dir, 5, **settings)
    _assert_equal(_take(data_dir, 2, first_step=3, **settings), whole[3:])


def test_caching_changes_nothing(data_dir, eight_batches):
    _assert_equal(_take(data_dir, 8, cache=True, **RANDOM), eight_batches)
    _assert_equal(_take(data_dir, 5, first_step=3, cache=True, **RANDOM), eight_batches[3:])


@pytest.mark.parametrize("process_seed", [0, 1, 99])
def test_the_seed_of_the_process_changes_nothing(data_dir, eight_batches, process_seed):
    tf.random.set_seed(process_seed)
    _assert_equal(_take(data_dir, 4, **RANDOM), eight_batches[:4])


def test_another_seed_is_another_order_and_another_augmentation(data_dir, eight_batches):
    others = _take(data_dir, 8, **RANDOM | {"seed": 4})
    assert _numbers(others) != _numbers(eight_batches)
    first, second = (
        _take(data_dir, 2, **RANDOM | {"seed": seed, "shuffle_buffer": 0}) for seed in (3, 4)
    )
    assert _numbers(first) == _numbers(second)
    assert any((a[types.IMAGE] != b[types.IMAGE]).any() for a, b in zip(first, second))


def test_an_example_is_augmented_anew_in_every_epoch(data_dir):
    batches = _take(data_dir, 4, max_examples=1, batch_size=1, scale_range=(0.5, 2.0))
    pictures = {batch[types.IMAGE].tobytes() for batch in batches}
    assert len(pictures) == 4


def test_hosts_share_each_global_batch(data_dir):
    whole = _take(data_dir, 3, **RANDOM | {"batch_size": 4})
    shares = [
        _take(
            data_dir,
            3,
            context=tf.distribute.InputContext(2, host, num_replicas_in_sync=2),
            **RANDOM | {"batch_size": 4},
        )
        for host in range(2)
    ]
    for step, batch in enumerate(whole):
        for host in range(2):
            _assert_equal(
                [{name: value[host::2] for name, value in batch.items()}], [shares[host][step]]
            )


# ---- Augmentation --------------------------------------------------------------------------------


def _looks(batches):
    """For each example: is it mirrored, and its content height."""
    looks = []
    for batch in batches:
        for segment_map, size in zip(batch[types.SEGMENT_MAP], batch[types.CONTENT_SIZE]):
            # Void at the bottom and a margin may be in view, hence the first row.
            row = segment_map[0, : size[1]]
            looks.append((bool(row[0] > row[-1]), int(size[0])))
    return looks


def test_without_augmentation_inputs_are_fitted_pictures(data_dir):
    [batch] = _take(data_dir, 1, batch_size=7, shuffle_buffer=0, flip=False)
    record = _record(0)
    image, segment_map, size = transforms.fit(
        tf.constant(_colors(record.segment_map)),
        tf.constant(record.segment_map.astype(np.int32)),
        SIZE,
    )
    for i in range(NUM_EXAMPLES):
        np.testing.assert_array_equal(batch[types.IMAGE][i], image)
        np.testing.assert_array_equal(batch[types.SEGMENT_MAP][i], segment_map)
        np.testing.assert_array_equal(batch[types.CONTENT_SIZE][i], size)


def test_scale_varies_with_flip_off(data_dir):
    looks = _looks(_take(data_dir, 4, batch_size=7, flip=False, scale_range=(0.3, 0.9)))
    assert {mirrored for mirrored, _ in looks} == {False}
    assert len({height for _, height in looks}) > 8


def test_flip_varies_with_scale_off(data_dir):
    looks = _looks(_take(data_dir, 4, batch_size=7, flip=True))
    assert {height for _, height in looks} == {32}
    assert 6 <= sum(mirrored for mirrored, _ in looks) <= 22


def test_scale_and_flip_do_not_depend_on_each_other(data_dir):
    looks = _looks(_take(data_dir, 16, batch_size=7, flip=True, scale_range=(0.3, 0.9)))
    counts = collections.Counter((mirrored, height > 19) for mirrored, height in looks)
    assert min(counts[key] for key in [(False, False), (False, True), (True, False)]) > 14
    assert counts[True, True] > 14


def test_picture_and_map_are_augmented_together(eight_batches):
    for batch in eight_batches:
        of_segment = batch[types.SEGMENT_MAP] > 0
        # Red is channel 0, blue channel 2.
        channels = 2 * (batch[types.SEGMENT_MAP][of_segment] - 1)
        assert np.mean(batch[types.IMAGE][of_segment].argmax(-1) == channels) > 0.97


# ---- Labels and truth ----------------------------------------------------------------------------


def test_a_training_example_is_what_types_say(data_dir):
    builder = TargetBuilder(5, (3, 4), (20,), label_stride=2)
    batches = TrainingInput(data_dir, SIZE, 3).batches(builder)
    assert batches.element_spec == {
        types.IMAGE: tf.TensorSpec([3, 32, 64, 3], tf.uint8),
        types.CONTENT_SIZE: tf.TensorSpec([3, 2], tf.int32),
        types.SLOT_MAP: tf.TensorSpec([3, 16, 32], tf.int16),
        types.SLOT_CLASS_IDS: tf.TensorSpec([3, 5], tf.int32),
        types.CENTER_LEVELS: tf.TensorSpec([3, 5], tf.int32),
        types.CENTER_INDICES: tf.TensorSpec([3, 5, 2], tf.int32),
        types.GAUSSIAN_RADII: tf.TensorSpec([3, 5], tf.int32),
        types.NUM_DROPPED: tf.TensorSpec([3], tf.int32),
    }


@pytest.mark.parametrize("flip", [False, True])
def test_labels_are_those_of_the_picture_beside_them(data_dir, flip):
    builder = TargetBuilder(3, (3, 4), (20,), label_stride=2)
    [batch] = _take(data_dir, 1, builder, batch_size=7, flip=flip)
    mirrored = batch[types.IMAGE][:, 0, 0, 2] > 100  # Blue at the left.
    assert mirrored.any() == flip
    for i, (is_mirrored, class_ids) in enumerate(zip(mirrored, batch[types.SLOT_CLASS_IDS])):
        assert class_ids.tolist() in [[7, number, -1] for number in range(7)]
        # Twice the size: 24 and 40 of 64 columns, void in the last 2 of 32 rows.
        row = [1] * 12 + [0] * 20
        expected = np.array([row[::-1] if is_mirrored else row] * 16)
        expected[15] = types.VOID
        np.testing.assert_array_equal(batch[types.SLOT_MAP][i], expected)
        # Means (15, 44) and (15, 12); half diagonals 25 and 19.2.
        assert batch[types.CENTER_LEVELS][i].tolist() == [4, 3, -1]
        columns = [1, 6] if is_mirrored else [2, 1]
        assert batch[types.CENTER_INDICES][i].tolist() == [[0, columns[0]], [1, columns[1]], [0, 0]]


def test_evaluation_sees_every_picture_once_with_its_truth_at_original_size(data_dir):
    data = EvaluationInput(data_dir, (64, 64), batch_size=2)
    examples = list(data.examples().as_numpy_iterator())
    assert data.num_examples == len(examples) == 7
    for number, example in enumerate(examples):
        truth = _record(number)
        assert example[types.IMAGE_ID] == str(number).encode()
        np.testing.assert_array_equal(example[types.SEGMENT_MAP], truth.segment_map)
        assert example[types.SEGMENT_CLASS_IDS].tolist() == [number, 7]
        assert example[types.IMAGE_SIZE].tolist() == [16, 32]
        assert example[types.CONTENT_SIZE].tolist() == [32, 64]
        assert example[types.IMAGE].shape == (64, 64, 3)
        assert example[types.IMAGE][0, 0].tolist() == [200, 0, 0]
        assert not example[types.IMAGE][32:].any()


def test_evaluation_of_the_first_examples(data_dir):
    data = EvaluationInput(data_dir, SIZE, max_examples=2)
    ids = [example[types.IMAGE_ID] for example in data.examples().as_numpy_iterator()]
    assert ids == [b"0", b"1"]
    assert data.num_examples == 2


# ---- Settings ------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(96, 160), (800, 1216)])
def test_multiples_of_32_that_are_none_of_128_are_fine(data_dir, size):
    spec = TrainingInput(data_dir, size, 2).batches(TargetBuilder()).element_spec
    assert spec[types.IMAGE].shape == [2, *size, 3]
    assert spec[types.SLOT_MAP].shape == [2, size[0] // 2, size[1] // 2]


@pytest.mark.parametrize("size", [(100, 128), (128, 0), (-32, 32), (64,), 64])
@pytest.mark.parametrize("kind", [TrainingInput, EvaluationInput])
def test_other_input_sizes_are_refused(kind, size):
    with pytest.raises(UserError, match=rf"{kind.__name__}.input_size = .*multiples of 32"):
        kind("somewhere", size, batch_size=2)


def test_a_folder_without_a_dataset_is_refused(tmp_path):
    with pytest.raises(UserError, match="data build"):
        TrainingInput(str(tmp_path), SIZE, 2).batches(TargetBuilder())
