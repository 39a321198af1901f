"""A build gives the same bytes each time, writes all or nothing, and says what to do."""

import json
import resource

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from maskconver_tf import types
from maskconver_tf.datasets.build import build
from maskconver_tf.datasets.build.build import build_dataset
from maskconver_tf.datasets.build.record_order import record_order
from maskconver_tf.datasets.records import codec
from maskconver_tf.datasets.records.folder import DatasetFolder
from maskconver_tf.errors import UserError


def _build(folder, out, **options):
    options = {"workers": 1, "progress": False} | options
    return build_dataset(folder.images, folder.panoptic, folder.annotations, out, **options)


def _files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def _examples(folder):
    shards = tf.data.TFRecordDataset([str(path) for path in folder.shard_paths])
    return list(shards.map(codec.parse).map(codec.decode).as_numpy_iterator())


def test_a_built_folder_holds_every_picture_in_record_order(make_coco_folder, tmp_path):
    source = make_coco_folder(num_pictures=5)
    summary = _build(source, tmp_path / "out", num_shards=2)
    folder = DatasetFolder(tmp_path / "out")
    assert folder.categories.source_ids.tolist() == [7, 200, 18]
    assert [shard["num_examples"] for shard in folder.manifest["shards"]] == [3, 2]
    examples = _examples(folder)
    pictures = [json.loads(example[types.IMAGE_ID]) - 10 for example in examples]
    assert pictures == record_order(5).tolist()
    for picture, example in zip(pictures, examples):
        ids = [0, *example[types.SEGMENT_IDS]]
        painted = source.ids(picture)
        assert [ids[i] for i in example[types.SEGMENT_MAP].ravel()] == painted.ravel().tolist()
    assert summary.manifest == folder.manifest


def test_counts_are_those_of_the_pictures(make_coco_folder, tmp_path):
    # Worked by hand from `make_coco_folder`: 24 x 32, a void column, balls 5 wide from row 6 or 7
    # to row 17.
    counts = _build(make_coco_folder(num_pictures=2), tmp_path / "out").manifest
    assert counts["num_examples"] == 2
    assert (counts["num_segments"], counts["num_crowds"]) == (8, 1)
    assert counts["void_share"] == pytest.approx(1 / 32)
    assert counts["source"] == {"layout": "coco_panoptic", "annotations": "panoptic.json"}
    assert (counts["num_dropped"], counts["num_merged_stuff_segments"]) == (0, 0)
    sky, grass, ball = counts["classes"]
    assert (sky["num_segments"], sky["num_pixels"]) == (2, 2 * 12 * 31 - 60 - 50)
    assert (grass["num_segments"], grass["num_pixels"]) == (2, 2 * 12 * 31 - 60 - 60)
    expected = {"id": 18, "name": "ballon", "isthing": 1}
    assert ball == expected | {"num_segments": 4, "num_crowds": 1, "num_pixels": 230}


def test_processes_and_repetition_change_no_byte(make_coco_folder, tmp_path):
    source = make_coco_folder(num_pictures=7)
    (source.images / "3.jpg").unlink()
    for out, num_workers in (("one", 1), ("again", 1), ("two", 2)):
        _build(source, tmp_path / out, workers=num_workers, num_shards=3, skip_bad=True)
    assert _files(tmp_path / "one") == _files(tmp_path / "again") == _files(tmp_path / "two")


# ---- Bad pictures --------------------------------------------------------------------------------


@pytest.fixture
def spoiled(make_coco_folder):
    """Five pictures, of which 1 and 3 are bad."""
    folder = make_coco_folder(num_pictures=5)
    (folder.panoptic / "1.png").unlink()
    (folder.images / "3.jpg").write_bytes(b"")
    return folder


def test_bad_pictures_are_all_reported_and_nothing_stays(spoiled, tmp_path):
    before = set(tmp_path.iterdir())
    with pytest.raises(UserError) as error:
        _build(spoiled, tmp_path / "out")
    text = str(error.value)
    assert text.startswith(f"{spoiled.annotations}: 2 of 5 pictures cannot be used; nothing was")
    assert f"truth PNG missing (1)\n    {spoiled.panoptic / '1.png'}: does not exist" in text
    assert f"picture unreadable (1)\n    {spoiled.images / '3.jpg'}: an empty file" in text
    assert text.count("expected: ") == text.count("way out: ") == 2
    assert "build from the other 3 with --skip_bad" in text
    assert set(tmp_path.iterdir()) == before


def test_skip_bad_leaves_them_out_and_records_them(spoiled, tmp_path):
    summary = _build(spoiled, tmp_path / "out", skip_bad=True)
    folder = DatasetFolder(tmp_path / "out")
    names = [example[types.FILE_NAME] for example in _examples(folder)]
    assert names == [b"%d.jpg" % picture for picture in record_order(5) if picture not in (1, 3)]
    assert (folder.num_examples, folder.manifest["num_dropped"]) == (3, 2)
    dropped = json.loads((tmp_path / "out" / "dropped.json").read_text(encoding="utf-8"))
    assert [(entry["picture"], entry["file"], entry["finding"]) for entry in dropped] == [
        ("1.jpg", str(spoiled.panoptic / "1.png"), "truth PNG missing: does not exist"),
        ("3.jpg", str(spoiled.images / "3.jpg"), "picture unreadable: an empty file"),
    ]
    assert "Left out 2 pictures (see dropped.json)" in str(summary)


def test_a_long_list_is_shortened_but_counted_in_full(make_coco_folder, tmp_path):
    folder = make_coco_folder(num_pictures=9)
    for picture in range(8):
        (folder.images / f"{picture}.jpg").unlink()
    with pytest.raises(UserError, match=r"8 of 9 pictures(.|\n)*missing \(8\)(.|\n)*and 3 more"):
        _build(folder, tmp_path / "out")


def test_no_good_picture_is_an_error_even_with_skip_bad(make_coco_folder, tmp_path):
    folder = make_coco_folder(num_pictures=1)
    (folder.images / "0.jpg").unlink()
    with pytest.raises(UserError, match=r"1 of 1 pictures(.|\n)*No picture is left"):
        _build(folder, tmp_path / "out", skip_bad=True)
    with folder.edit() as content:
        content["images"][0]["id"] = 99  # Now neither list matches the other.
    with pytest.raises(UserError, match=r"2 of 2 pictures(.|\n)*No picture is left"):
        _build(folder, tmp_path / "out", skip_bad=True)
    assert not (tmp_path / "out").exists()


def test_pictures_that_are_not_plain_are_named(make_coco_folder, tmp_path):
    folder = make_coco_folder()
    pixels = tf.io.decode_jpeg((folder.images / "1.jpg").read_bytes())
    gray = tf.io.encode_jpeg(tf.image.rgb_to_grayscale(pixels)).numpy()
    (folder.images / "1.jpg").write_bytes(gray)
    summary = _build(folder, tmp_path / "out")
    conversion = "grayscale JPEG, kept as it is and read as RGB"
    assert summary.manifest["converted"] == {conversion: 1}
    assert json.loads((tmp_path / "out" / "converted.json").read_text()) == {conversion: ["1.jpg"]}
    assert f"  {conversion}: 1.jpg" in str(summary)
    assert not (tmp_path / "out" / "dropped.json").exists()


def test_twelve_bits_in_sixteen_are_told_of(make_coco_folder, tmp_path):
    folder = make_coco_folder()
    for jpeg in sorted(folder.images.glob("*.jpg"))[:2]:
        gray = np.asarray(Image.open(jpeg).convert("L")).astype(np.uint16) * 16
        Image.fromarray(gray).save(jpeg, "PNG")
    told = str(_build(folder, tmp_path / "out"))
    assert "2 pictures of 16 bits are nearly black in 8 bits" in told
    assert "--percentiles 0.1,99.9" in told


# ---- The folder it writes ------------------------------------------------------------------------


def test_an_existing_dataset_is_replaced_only_when_asked(make_coco_folder, tmp_path):
    source, out = make_coco_folder(), tmp_path / "out"
    _build(source, out)
    before = _files(out)
    with pytest.raises(UserError, match=f"{out}: found a dataset folder; .* --overwrite"):
        _build(source, out)
    (source.images / "0.jpg").unlink()
    with pytest.raises(UserError, match="1 of 3 pictures"):
        _build(source, out, overwrite=True)
    assert _files(out) == before
    _build(source, out, overwrite=True, skip_bad=True)
    assert DatasetFolder(out).num_examples == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["coco", "out"]


def test_a_folder_that_no_build_wrote_is_never_replaced(make_coco_folder, tmp_path):
    source = make_coco_folder()
    (tmp_path / "notes").write_text("mine")
    with pytest.raises(UserError, match="notes: found a file"):
        _build(source, tmp_path / "notes", overwrite=True)
    with pytest.raises(UserError, match="images: found a folder with other content"):
        _build(source, source.images, overwrite=True)
    assert len(list(source.images.iterdir())) == 3
    with pytest.raises(UserError, match="gs:/bucket/out: found the name of a bucket"):
        _build(source, "gs://bucket/out")
    with pytest.raises(UserError, match="/proc: found a mount point.*; name a folder in it"):
        _build(source, "/proc")


@pytest.mark.parametrize("out", ["empty", "not/yet/there"])
def test_an_empty_folder_and_missing_parents_are_fine(make_coco_folder, tmp_path, out):
    (tmp_path / "empty").mkdir()
    _build(make_coco_folder(), tmp_path / out)
    assert DatasetFolder(tmp_path / out).num_examples == 3


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"num_shards": 4}, "--num_shards 4: expected 1 to 3, the number of pictures"),
        ({"num_shards": 0}, "--num_shards 0: expected 1 to 3"),
        ({"workers": 0}, "--workers 0: expected 1 or more"),
    ],
)
def test_numbers_out_of_range_are_refused(make_coco_folder, tmp_path, options, found):
    with pytest.raises(UserError, match=found):
        _build(make_coco_folder(), tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_a_full_disk_is_one_message_and_nothing_stays(make_coco_folder, tmp_path):
    source = make_coco_folder(num_pictures=2, size=(400, 400))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, limits[1]))
    try:
        with pytest.raises(UserError, match=r"tfrecord: cannot be written \(File too large\)"):
            _build(source, tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert [path.name for path in tmp_path.iterdir()] == ["coco"]


@pytest.mark.parametrize("num_workers", [1, 2])
def test_ctrl_c_leaves_nothing_behind(make_coco_folder, tmp_path, monkeypatch, num_workers):
    source = make_coco_folder(num_pictures=5)

    def interrupt(writer, index, features):
        raise KeyboardInterrupt

    monkeypatch.setattr(build.DatasetWriter, "write", interrupt)
    with pytest.raises(KeyboardInterrupt):
        _build(source, tmp_path / "out", workers=num_workers)
    assert [path.name for path in tmp_path.iterdir()] == ["coco"]


def test_two_builds_of_one_folder_do_not_spoil_each_other(make_coco_folder, tmp_path):
    source = make_coco_folder()
    with build.new_dataset_folder(tmp_path / "out", overwrite=False) as folder:
        with pytest.raises(UserError, match="partial: another process writes there; wait until"):
            _build(source, tmp_path / "out")
        assert folder.is_dir()


def test_what_a_killed_build_left_is_cleared_by_the_next(make_coco_folder, tmp_path):
    (tmp_path / ".out.partial").mkdir()
    (tmp_path / ".out.partial" / "data-00000-of-00009.tfrecord").write_bytes(b"half")
    _build(make_coco_folder(), tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["coco", "out"]
    assert "data-00000-of-00009.tfrecord" not in _files(tmp_path / "out")
