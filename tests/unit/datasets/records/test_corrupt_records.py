"""Records that cannot be read are named; on request they are left out and counted."""

import io

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.records import codec
from maskconver_tf.datasets.records.corrupt_records import (
    explain_corrupt_records,
    find_corrupt_records,
)
from maskconver_tf.datasets.records.folder import DatasetFolder
from maskconver_tf.datasets.records.writer import DatasetWriter
from maskconver_tf.datasets.sources.dataset_folder import DatasetFolderSource
from maskconver_tf.errors import UserError
from maskconver_tf.input.pipeline import TrainingInput

CATEGORIES = Categories.from_coco(
    [{"id": i + 1, "name": f"class {i}", "isthing": 1} for i in range(8)], "here"
)
SIZE = (32, 32)


def _record(number):
    image = io.BytesIO()
    Image.fromarray(np.full([8, 8, 3], 20 * number, np.uint8)).save(image, "PNG")
    segment_map = np.ones([8, 8], np.uint16)
    return codec.PanopticRecord(
        image.getvalue(), number, f"{number}.png", 8, 8, segment_map, [7], [number], [0]
    )


@pytest.fixture
def make_folder(tmp_path):
    """`make_folder(damage)`: 8 examples in 2 shards; `damage` maps number -> changed features."""

    def make(damage=None):
        folder = tmp_path / "data"
        folder.mkdir()
        writer = DatasetWriter(folder, num_shards=2, num_items=8)
        for number in range(8):
            features = codec.to_features(_record(number))
            writer.write(number, features | (damage or {}).get(number, {}))
        writer.finish(CATEGORIES, {}, {}, [])
        return folder

    return make


def _flip_byte(path, record):
    """Changes one byte in a record, so that its checksum is wrong."""
    content = bytearray(path.read_bytes())
    start = 0
    for _ in range(record):
        start += 16 + int.from_bytes(content[start : start + 8], "little")
    content[start + 12 + 40] ^= 0xFF
    path.write_bytes(content)


PNG = b"\x89PNG\r\n\x1a\n and then nothing"
BAD = {
    2: {"image/encoded": [PNG]},
    5: {"segments/map_png": [PNG]},
    6: {"image/size": [8, 9]},
    7: {"segments/class_ids": []},
}


def _numbers(segment_map, class_ids, is_crowd, input_size):
    return {"number": class_ids[0]}


def _epoch(folder, **settings):
    data = TrainingInput(
        str(folder), SIZE, 1, flip=False, shuffle_buffer=0, shuffle_shards=False, **settings
    )
    batches = data.batches(_numbers).take(data.num_examples)
    return [int(batch["number"][0]) for batch in batches]


def _named(folder):
    return explain_corrupt_records(DatasetFolder(folder))


def test_an_intact_folder_has_no_corrupt_records(make_folder):
    assert list(find_corrupt_records(DatasetFolder(make_folder()))) == []


def test_each_kind_of_damage_is_found_where_it_is(make_folder):
    folder = DatasetFolder(make_folder(BAD))
    found = list(find_corrupt_records(folder))
    assert [(bad.shard, bad.position, bad.num_lost) for bad in found] == [
        (0, 2, 1),
        (1, 1, 1),
        (1, 2, 1),
        (1, 3, 1),
    ]
    assert all(bad.reason and not set("\n{[}") & set(bad.reason[:12]) for bad in found)
    assert "PNG" in found[0].reason


def test_a_damaged_shard_loses_all_records_after_the_damage(make_folder):
    folder = make_folder()
    path = DatasetFolder(folder).shard_paths[0]
    _flip_byte(path, record=1)
    [bad] = find_corrupt_records(DatasetFolder(folder))
    assert (bad.shard, bad.position, bad.num_lost) == (0, 1, 3)
    assert _epoch(folder, skip_corrupt=True) == [0, 4, 5, 6, 7]
    match = r"record 1 .* and the 2 after it cannot be read"
    with pytest.raises(UserError, match=match), _named(folder):
        _epoch(folder)


def test_a_shard_that_ends_too_early_loses_what_is_missing(make_folder):
    folder = make_folder()
    path = DatasetFolder(folder).shard_paths[1]
    content = path.read_bytes()
    path.write_bytes(content[: 16 + int.from_bytes(content[:8], "little")])
    # A shard of another size is refused at once, so the manifest is changed too.
    manifest = folder / "dataset.json"
    manifest.write_text(
        manifest.read_text().replace(f": {len(content)}", f": {path.stat().st_size}")
    )
    [bad] = find_corrupt_records(DatasetFolder(folder))
    assert (bad.shard, bad.position, bad.num_lost) == (1, 1, 3)
    assert "ends" in bad.reason


def test_training_stops_with_the_shard_and_the_record(make_folder):
    folder = make_folder(BAD)
    with pytest.raises(UserError) as caught, _named(folder):
        _epoch(folder)
    message = str(caught.value)
    assert str(folder / "data-00000-of-00002.tfrecord") in message
    assert "record 2 (counted from 0) cannot be read" in message
    assert "Iterator" not in message
    assert "TrainingInput.skip_corrupt = True" in message


def test_a_compiled_loop_stops_with_the_record_too(make_folder):
    folder = make_folder(BAD)
    batches = iter(TrainingInput(str(folder), SIZE, 8).batches(_numbers))

    @tf.function
    def step():
        return next(batches)["number"]

    with pytest.raises(UserError, match="record 2"), _named(folder):
        step()


def test_other_errors_stay_what_they_are(make_folder):
    folder = make_folder(BAD)
    with pytest.raises(tf.errors.InvalidArgumentError), _named(folder):
        tf.debugging.assert_equal(1, 2)
    with pytest.raises(ZeroDivisionError), _named(folder):
        raise ZeroDivisionError


@pytest.mark.parametrize("settings", [{}, {"num_readers": 2}, {"cache": True}])
def test_on_request_they_are_left_out_and_counted(make_folder, settings):
    folder = make_folder(BAD)
    data = TrainingInput(str(folder), SIZE, 1, skip_corrupt=True, **settings)
    assert data.num_examples == 4
    assert len(data.corrupt_records) == 4
    assert sorted(_epoch(folder, skip_corrupt=True, **settings)) == [0, 1, 3, 4]


def test_a_run_without_them_continues_where_it_stopped(make_folder):
    folder = make_folder(BAD)
    data = TrainingInput(str(folder), SIZE, 3, skip_corrupt=True)
    whole = [batch["number"].numpy().tolist() for batch in data.batches(_numbers).take(5)]
    rest = [batch["number"].numpy().tolist() for batch in data.batches(_numbers, 2).take(3)]
    assert rest == whole[2:]
    assert sorted(np.ravel(whole)[:4]) == [0, 1, 3, 4]


def test_a_folder_with_only_corrupt_records_is_refused(make_folder):
    folder = make_folder({number: {"image/size": [8, 9]} for number in range(8)})
    data = TrainingInput(str(folder), SIZE, 1, skip_corrupt=True)
    with pytest.raises(UserError, match="data: found no example that this host can read"):
        data.batches(_numbers)


def test_a_check_names_the_corrupt_record(make_folder):
    with pytest.raises(UserError, match="00001-of-00002.tfrecord: record 1 .*cannot be read"):
        list(DatasetFolderSource(make_folder({5: {"image/size": [8]}})))


def test_nothing_is_read_twice_unless_asked(make_folder):
    assert TrainingInput(str(make_folder(BAD)), SIZE, 1).corrupt_records == []
