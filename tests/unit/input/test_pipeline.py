"""Batches: a pure function of seed and step, whole epochs, augmentation of each kind by itself."""

import collections
import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from maskconver_tf import types
from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.records import codec
from maskconver_tf.datasets.records.writer import DatasetWriter
from maskconver_tf.errors import RunStopped, UserError
from maskconver_tf.input import example_order, transforms
from maskconver_tf.input.pipeline import EvaluationInput, TrainingInput
from maskconver_tf.input.targets import TargetBuilder

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
    return codec.PanopticRecord(
        png.getvalue(), number, f"{number}.png", 16, 32, segment_map, [70, 80], [number, 7], [0, 0]
    )


def _colors(segment_map):
    palette = np.array([[0, 255, 0], [200, 0, 0], [0, 0, 200]], np.uint8)
    return palette[segment_map]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    """Seven examples in two shards; the first segment's class is the example's number."""
    folder = tmp_path_factory.mktemp("dataset")
    writer = DatasetWriter(folder, num_shards=2, num_items=NUM_EXAMPLES)
    for number in range(NUM_EXAMPLES):
        writer.write(number, codec.to_features(_record(number)))
    writer.finish(CATEGORIES, {}, {}, [])
    return str(folder)


def _map_and_class(segment_map, class_ids, is_crowd, input_size):
    """In place of a `TargetBuilder`: the map itself, and which example it is."""
    return {types.SEGMENT_MAP: transforms.pad(segment_map, input_size), "number": class_ids[0]}


def _map_and_classes(segment_map, class_ids, is_crowd, input_size):
    """In place of a `TargetBuilder`: the map and the list, filled up with -1 to ten."""
    return {
        types.SEGMENT_MAP: transforms.pad(segment_map, input_size),
        types.SEGMENT_CLASS_IDS: tf.pad(
            class_ids, [[0, 10 - tf.size(class_ids)]], constant_values=-1
        ),
    }


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

RANDOM = {
    "scale_range": (0.5, 2.0),
    "flip": True,
    "color_jitter": 0.1,
    "autoaugment": True,
    "copy_paste": 0.5,
    "paste_scale_range": (0.3, 1.0),
    "seed": 3,
}


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


def test_picture_and_map_are_augmented_together(data_dir):
    for batch in _take(data_dir, 8, flip=True, scale_range=(0.5, 2.0)):
        of_segment = batch[types.SEGMENT_MAP] > 0
        # Red is channel 0, blue channel 2.
        channels = 2 * (batch[types.SEGMENT_MAP][of_segment] - 1)
        assert np.mean(batch[types.IMAGE][of_segment].argmax(-1) == channels) > 0.97


def test_pasted_segments_come_from_the_example_before_with_their_pixels(data_dir):
    settings = {"batch_size": 7, "copy_paste": 1.0, "paste_scale_range": (0.5, 0.5)}
    batches = _take(data_dir, 6, _map_and_classes, flip=False, **settings)
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
            # Class 7, a thing, is blue, all others are red: also where the pasted one was halved.
            is_blue = np.array([False] + [class_id == 7 for class_id in class_ids])[segment_map]
            right = image[..., 2] > image[..., 0]
            assert np.mean((is_blue == right)[segment_map > 0]) > 0.95
            assert not segment_map[size[0] :].any() and not segment_map[:, size[1] :].any()
    # Nothing chosen; one of two, or stuff on stuff of its class; both.
    assert set(num_segments) == {2, 3, 4}


def test_copy_paste_is_done_as_often_as_asked(data_dir):
    settings = {"batch_size": 7, "flip": False, "shuffle_buffer": 0}
    plain = _take(data_dir, 1, **settings)[0]
    batches = _take(data_dir, 12, copy_paste=0.4, **settings)
    changed = [
        (a[types.IMAGE][i] != plain[types.IMAGE][i]).any() for a in batches for i in range(7)
    ]
    # Of those pasted over, a quarter have nothing chosen.
    assert 0.15 * 84 < sum(changed) < 0.5 * 84


def test_colors_change_the_content_alone_and_never_the_map(data_dir):
    settings = {"batch_size": 7, "flip": False, "scale_range": (0.4, 0.9), "shuffle_buffer": 0}
    plain = _take(data_dir, 4, **settings)
    colored = _take(data_dir, 4, autoaugment=True, color_jitter=0.3, **settings)
    changed = 0
    for batch, other in zip(plain, colored):
        np.testing.assert_array_equal(batch[types.SEGMENT_MAP], other[types.SEGMENT_MAP])
        np.testing.assert_array_equal(batch[types.CONTENT_SIZE], other[types.CONTENT_SIZE])
        for i, (height, width) in enumerate(batch[types.CONTENT_SIZE]):
            image = other[types.IMAGE][i]
            assert not image[height:].any() and not image[:, width:].any()
            changed += (image != batch[types.IMAGE][i]).any()
    assert changed > 20


# ---- Reading -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        {"num_readers": 2},
        {"num_readers": 2, "cache": True},
        {"shuffle_shards": True},
        {"shuffle_shards": True, "num_readers": 2, "shuffle_buffer": 2},
        {"shuffle_shards": True, "num_readers": 8, "shuffle_buffer": 0},
    ],
)
def test_whatever_the_order_each_epoch_is_whole_and_can_be_gone_on_with(data_dir, settings):
    settings = RANDOM | {"copy_paste": 0.0} | settings
    whole = _take(data_dir, 7, **settings)
    numbers = _numbers(whole)
    assert all(sorted(numbers[i : i + 7]) == list(range(7)) for i in range(0, 21, 7))
    _assert_equal(_take(data_dir, 4, first_step=3, **settings), whole[3:])


def test_readers_take_turns(data_dir):
    numbers = _numbers(_take(data_dir, 1, batch_size=7, shuffle_buffer=0, num_readers=2))
    assert numbers == [0, 4, 1, 5, 2, 6, 3]


def test_hosts_may_have_shards_of_their_own(data_dir):
    settings = RANDOM | {"copy_paste": 0.0, "batch_size": 4, "shard_files": True}
    contexts = [tf.distribute.InputContext(2, host, num_replicas_in_sync=2) for host in range(2)]
    first, second = (_take(data_dir, 6, context=context, **settings) for context in contexts)
    # Shards of 4 and 3 examples, visited once an epoch each.
    assert sorted(_numbers(first)) == sorted([0, 1, 2, 3] * 3)
    assert sorted(_numbers(second)) == sorted([4, 5, 6] * 4)
    _assert_equal(_take(data_dir, 4, first_step=2, context=contexts[1], **settings), second[2:])


def test_without_an_order_each_epoch_is_still_whole(data_dir):
    numbers = _numbers(_take(data_dir, 3, batch_size=7, deterministic=False, num_readers=2))
    assert all(sorted(numbers[i : i + 7]) == list(range(7)) for i in range(0, 21, 7))


def test_a_bucket_is_read_as_a_folder_is(data_dir):
    # TensorFlow's own file system in memory stands in for gs://.
    bucket = "ram://bucket/dataset"
    for name in tf.io.gfile.listdir(data_dir):
        tf.io.gfile.copy(f"{data_dir}/{name}", f"{bucket}/{name}", overwrite=True)
    settings = RANDOM | {"num_readers": 2, "cache": True}
    _assert_equal(_take(bucket, 3, **settings), _take(data_dir, 3, **settings))
    with pytest.raises(UserError, match="ram://bucket/elsewhere: found nothing"):
        _take("ram://bucket/elsewhere", 1)


@pytest.mark.parametrize(
    "settings",
    [
        {"shard_files": True, "max_examples": 3},
        {"shuffle_shards": True, "max_examples": 3},
        {"shuffle_shards": True, "cache": True},
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings):
    with pytest.raises(UserError, match="set one of the two"):
        TrainingInput("somewhere", SIZE, 2, **settings)


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


def test_more_hosts_than_shards_are_refused(data_dir):
    context = tf.distribute.InputContext(3, 2, num_replicas_in_sync=3)
    with pytest.raises(UserError, match=r"2 shards for 3 hosts.*--num_shards 3"):
        _take(data_dir, 1, shard_files=True, context=context)


# ---- A tf.data service ---------------------------------------------------------------------------


def _counted(batches):
    """How often each example comes, told by all its bytes."""
    return collections.Counter(
        tuple(array.tobytes() for array in example)
        for batch in batches
        for example in zip(*(batch[name] for name in sorted(batch)))
    )


@pytest.mark.parametrize("address", ["localhost:5050", "grpc://localhost", "grpc://host:66000"])
def test_an_address_no_service_can_have_is_refused(data_dir, address):
    with pytest.raises(UserError, match=f"service = '{address}': expected .* such as grpc://host"):
        _take(data_dir, 1, service=address)


def test_where_no_service_answers_a_run_asks_to_be_started_again(data_dir, monkeypatch, capsys):
    monkeypatch.setattr(example_order, "_SERVICE_PATIENCE", 0.2)
    with pytest.raises(RunStopped, match="service = 'grpc://localhost:1': no tf.data dispatcher"):
        _take(data_dir, 1, service="grpc://localhost:1")
    assert "waiting for it" in capsys.readouterr().err


@pytest.mark.parametrize("num_workers", [1, 2])
def test_workers_of_a_service_prepare_the_same_examples(data_dir, num_workers):
    service = tf.data.experimental.service
    dispatcher = service.DispatchServer()
    workers = [
        service.WorkerServer(service.WorkerConfig(dispatcher.target.split("://")[1]))
        for _ in range(num_workers)
    ]
    settings = RANDOM | {"batch_size": 7}
    found = _take(data_dir, 4, service=dispatcher.target, **settings)
    expected = _take(data_dir, 4 * num_workers + 8, **settings)
    # Workers have epochs of their own, and their examples come in turn; none comes twice.
    assert _counted(found) <= _counted(expected)
    if num_workers == 1:
        _assert_equal(found, expected[:4])
    del workers


# ---- Odd pictures --------------------------------------------------------------------------------


def _odd_record(segment_map, num_segments, image_format="PNG"):
    image = np.random.default_rng(0).integers(0, 255, [*segment_map.shape, 3]).astype(np.uint8)
    encoded = io.BytesIO()
    Image.fromarray(image).save(encoded, image_format)
    return codec.PanopticRecord(
        encoded.getvalue(),
        "odd",
        f"odd.{image_format}",
        *segment_map.shape,
        segment_map.astype(np.uint16),
        np.arange(num_segments),
        np.arange(num_segments) % 8,
        np.zeros(num_segments),
    )


_GRID = np.kron(np.arange(1, 501).reshape(20, 25), np.ones([4, 4], int))
ODD = {
    "500 segments": _odd_record(_GRID, 500),
    "all void": _odd_record(np.zeros([30, 40]), 0),
    "listed but void": _odd_record(np.zeros([30, 40]), 3),
    "tall": _odd_record(np.ones([10000, 50]), 1, "JPEG"),
    "wide": _odd_record(np.ones([50, 10000]), 1, "JPEG"),
    "one pixel": _odd_record(np.ones([1, 1]), 1),
    "one pixel, JPEG": _odd_record(np.ones([1, 1]), 1, "JPEG"),
}


@pytest.fixture(scope="module")
def odd_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("odd")
    writer = DatasetWriter(folder, num_shards=1, num_items=len(ODD))
    for number, record in enumerate(ODD.values()):
        writer.write(number, codec.to_features(record))
    writer.finish(CATEGORIES, {}, {}, [])
    return str(folder)


def test_odd_pictures_go_through_every_augmentation(odd_dir):
    settings = RANDOM | {"scale_range": (0.1, 3.0), "copy_paste": 1.0}
    builder = TargetBuilder(256, (3, 4), (20,), label_stride=2)
    data = TrainingInput(odd_dir, (64, 96), len(ODD), **settings)
    for batch in data.batches(builder).take(4).as_numpy_iterator():
        for i in range(len(ODD)):
            slots = batch[types.SLOT_CLASS_IDS][i]
            in_map = set(np.unique(batch[types.SLOT_MAP][i])) - {types.VOID}
            assert in_map == set(range(1, (slots != types.PAD_ID).sum() + 1))
            assert (batch[types.CONTENT_SIZE][i] >= 1).all()


def test_odd_pictures_as_they_are(odd_dir):
    builder = TargetBuilder(512, (3, 4), (20,), label_stride=1)
    settings = {"flip": False, "shuffle_buffer": 0}
    data = TrainingInput(odd_dir, (160, 224), len(ODD), **settings)
    [batch] = data.batches(builder).take(1).as_numpy_iterator()
    counts = (batch[types.SLOT_CLASS_IDS] != types.PAD_ID).sum(axis=1)
    assert dict(zip(ODD, counts.tolist())) == {
        "500 segments": 500,
        "all void": 0,
        "listed but void": 0,
        "tall": 1,
        "wide": 1,
        "one pixel": 1,
        "one pixel, JPEG": 1,
    }
    assert dict(zip(ODD, batch[types.CONTENT_SIZE].tolist())) == {
        "500 segments": [160, 200],
        "all void": [160, 213],
        "listed but void": [160, 213],
        "tall": [160, 1],
        "wide": [1, 224],
        "one pixel": [160, 160],
        "one pixel, JPEG": [160, 160],
    }


# ---- Labels and truth ----------------------------------------------------------------------------


def test_a_training_example_is_what_types_say(data_dir):
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
def test_labels_are_those_of_the_picture_beside_them(data_dir, flip):
    builder = TargetBuilder(3, (3, 4), (20,), label_stride=2)
    [batch] = _take(data_dir, 1, builder, batch_size=7, flip=flip)
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
