"""Training and evaluation inputs: each augmentation by itself, labels and truth."""

import collections

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.errors import UserError
from maskconver_tf.input.pipeline import EvaluationInput, TrainingInput
from maskconver_tf.input.targets import TargetBuilder
from maskconver_tf.input.whole_pictures import WholePictures
from maskconver_tf.input.with_brightness import WithBrightness
from tests.unit.input.placed_pictures import fit_image_and_map
from tests.unit.input.tiny_dataset import NUM_EXAMPLES, SIZE, colors, map_and_classes, record, take

# ---- Augmentation --------------------------------------------------------------------------------


def _looks(batches):
    """Returns for each example whether it is mirrored, and the height of its content."""
    looks = []
    for batch in batches:
        for segment_map, size in zip(batch[types.SEGMENT_MAP], batch[types.CONTENT_SIZE]):
            # The first row: void at the bottom and a margin may be in view.
            row = segment_map[0, : size[1]]
            looks.append((bool(row[0] > row[-1]), int(size[0])))
    return looks


def test_without_augmentation_inputs_are_fitted_pictures(data_dir):
    [batch] = take(data_dir, 1, batch_size=7, shuffle_buffer=0, shuffle_shards=False, flip=False)
    first = record(0)
    image, segment_map, size = fit_image_and_map(
        tf.constant(colors(first.segment_map)),
        tf.constant(first.segment_map.astype(np.int32)),
        SIZE,
    )
    for i in range(NUM_EXAMPLES):
        np.testing.assert_array_equal(batch[types.IMAGE][i], image)
        np.testing.assert_array_equal(batch[types.SEGMENT_MAP][i], segment_map)
        np.testing.assert_array_equal(batch[types.CONTENT_SIZE][i], size)


def test_scale_varies_with_flip_off(data_dir):
    looks = _looks(take(data_dir, 4, batch_size=7, flip=False, scale_range=(0.3, 0.9)))
    assert {mirrored for mirrored, _ in looks} == {False}
    assert len({height for _, height in looks}) > 8


def test_flip_varies_with_scale_off(data_dir):
    looks = _looks(take(data_dir, 4, batch_size=7, flip=True))
    assert {height for _, height in looks} == {32}
    assert 6 <= sum(mirrored for mirrored, _ in looks) <= 22


def test_scale_and_flip_do_not_depend_on_each_other(data_dir):
    looks = _looks(take(data_dir, 16, batch_size=7, flip=True, scale_range=(0.3, 0.9)))
    counts = collections.Counter((mirrored, height > 19) for mirrored, height in looks)
    assert min(counts[key] for key in [(False, False), (False, True), (True, False)]) > 14
    assert counts[True, True] > 14


def test_picture_and_map_are_augmented_together(data_dir):
    for batch in take(data_dir, 8, flip=True, scale_range=(0.5, 2.0)):
        of_segment = batch[types.SEGMENT_MAP] > 0
        # Red is channel 0, blue channel 2.
        channels = 2 * (batch[types.SEGMENT_MAP][of_segment] - 1)
        assert np.mean(batch[types.IMAGE][of_segment].argmax(-1) == channels) > 0.97


def test_pasted_segments_come_from_the_example_before_with_their_pixels(data_dir):
    settings = {"batch_size": 7, "copy_paste": 1.0, "paste_scale_range": (0.5, 0.5)}
    batches = take(data_dir, 6, map_and_classes, flip=False, **settings)
    num_segments = collections.Counter()
    for batch in batches:
        for image, segment_map, class_ids, size in zip(
            batch[types.IMAGE],
            batch[types.SEGMENT_MAP],
            batch[types.SEGMENT_CLASS_IDS],
            batch[types.CONTENT_SIZE],
        ):
            class_ids = class_ids[class_ids >= 0].tolist()
            present = np.unique(segment_map[segment_map > 0]).tolist()
            assert present == list(range(1, len(class_ids) + 1))
            num_segments[len(class_ids)] += 1
            # Class 7, a thing, is blue; all other classes are red, also in the half-size paste.
            is_blue = np.array([False] + [class_id == 7 for class_id in class_ids])[segment_map]
            right = image[..., 2] > image[..., 0]
            assert np.mean((is_blue == right)[segment_map > 0]) > 0.95
            assert not segment_map[size[0] :].any() and not segment_map[:, size[1] :].any()
    # 2: nothing pasted; 3: one of two pasted, or stuff joined stuff of its class; 4: both pasted.
    assert set(num_segments) == {2, 3, 4}


def test_copy_paste_is_as_frequent_as_its_setting(data_dir):
    settings = {"batch_size": 7, "flip": False, "shuffle_buffer": 0, "shuffle_shards": False}
    plain = take(data_dir, 1, **settings)[0]
    batches = take(data_dir, 12, copy_paste=0.4, **settings)
    changed = [
        (a[types.IMAGE][i] != plain[types.IMAGE][i]).any() for a in batches for i in range(7)
    ]
    # In a quarter of the pasted examples no segment is chosen.
    assert 0.15 * 84 < sum(changed) < 0.5 * 84


def test_colors_change_only_the_content_and_never_the_map(data_dir):
    settings = {
        "batch_size": 7,
        "flip": False,
        "scale_range": (0.4, 0.9),
        "shuffle_buffer": 0,
        "shuffle_shards": False,
    }
    plain = take(data_dir, 4, **settings)
    colored = take(data_dir, 4, autoaugment=True, color_jitter=0.3, **settings)
    changed = 0
    for batch, other in zip(plain, colored):
        np.testing.assert_array_equal(batch[types.SEGMENT_MAP], other[types.SEGMENT_MAP])
        np.testing.assert_array_equal(batch[types.CONTENT_SIZE], other[types.CONTENT_SIZE])
        for i, (height, width) in enumerate(batch[types.CONTENT_SIZE]):
            image = other[types.IMAGE][i]
            assert not image[height:].any() and not image[:, width:].any()
            changed += (image != batch[types.IMAGE][i]).any()
    assert changed > 20


# ---- Labels and truth ----------------------------------------------------------------------------


def test_a_training_example_has_the_fields_of_types(data_dir):
    builder = TargetBuilder(5, (3, 4), (20,), label_stride=2)
    batches = TrainingInput(data_dir, SIZE, 3).batches(builder)
    assert batches.element_spec == {
        types.IMAGE: tf.TensorSpec([3, 32, 64, 3], tf.uint8),
        types.CONTENT_SIZE: tf.TensorSpec([3, 2], tf.int32),
        types.SLOT_MAP: tf.TensorSpec([3, 16, 32], tf.uint8),
        types.SLOT_CLASS_IDS: tf.TensorSpec([3, 5], tf.int32),
        types.CENTER_LEVELS: tf.TensorSpec([3, 5], tf.int32),
        types.CENTER_INDICES: tf.TensorSpec([3, 5, 2], tf.int32),
        types.GAUSSIAN_RADII: tf.TensorSpec([3, 5], tf.int32),
        types.NUM_DROPPED: tf.TensorSpec([3], tf.int32),
    }


@pytest.mark.parametrize("flip", [False, True])
def test_labels_fit_their_picture(data_dir, flip):
    builder = TargetBuilder(3, (3, 4), (20,), label_stride=2)
    [batch] = take(data_dir, 1, builder, batch_size=7, flip=flip)
    mirrored = batch[types.IMAGE][:, 0, 0, 2] > 100  # Blue at the left.
    assert mirrored.any() == flip
    for i, (is_mirrored, class_ids) in enumerate(zip(mirrored, batch[types.SLOT_CLASS_IDS])):
        assert class_ids.tolist() in [[7, number, -1] for number in range(7)]
        # Twice the size: 24 and 40 of 64 columns, void in the last 2 of 32 rows.
        row = [2] * 12 + [1] * 20
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
        truth = record(number)
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
def test_input_sizes_need_only_be_multiples_of_32(data_dir, size):
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


@pytest.mark.parametrize(
    "settings",
    [
        {"scale_range": (2.0, 0.5)},
        {"scale_range": 2.0},
        {"paste_scale_range": (0, 1)},
        {"copy_paste": 2},
        {"copy_paste": "0.5"},
        {"shuffle_buffer": -1},
        {"num_readers": 0},
    ],
)
def test_settings_out_of_range_are_refused(settings):
    [name] = settings
    with pytest.raises(UserError, match=f"TrainingInput.{name} = .*expected"):
        TrainingInput("somewhere", SIZE, 2, **settings)


# ---- Threads -------------------------------------------------------------------------------------


def _training(folder):
    return TrainingInput(folder, SIZE, batch_size=2).batches(map_and_classes, 0)


def _brightness(folder):
    return WithBrightness(EvaluationInput(folder, SIZE), np.ones([NUM_EXAMPLES], bool)).examples()


PIPELINES = {
    "training": _training,
    "evaluation": lambda folder: EvaluationInput(folder, SIZE).examples(),
    "windows": lambda folder: WholePictures(EvaluationInput(folder, SIZE)).examples(),
    "brightness": _brightness,
}


@pytest.mark.parametrize("name", PIPELINES)
def test_no_pipeline_searches_for_numbers_of_threads(name, data_dir):
    """The end of a search may take a minute."""
    assert PIPELINES[name](data_dir).options().autotune.enabled is False
