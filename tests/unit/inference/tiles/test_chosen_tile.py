"""`--tile` and the scale of a training."""

import json

import numpy as np
import pytest

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.records.codec import PanopticRecord, to_features
from maskconver_tf.datasets.records.writer import DatasetWriter
from maskconver_tf.errors import UserError
from maskconver_tf.inference.tiles.chosen_tile import (
    GivenTile,
    choose_tile,
    known_window,
    parse_tile,
    warn_of_large_pictures,
)
from maskconver_tf.inference.tiles.known_window import KnownWindow
from maskconver_tf.inference.tiles.windows import TileSize


@pytest.mark.parametrize(
    ("tile", "overlap", "expected"),
    [
        (None, None, None),
        ("auto", None, GivenTile(None, None)),
        (" AUTO ", 20, GivenTile(None, 20)),
        ("512", None, GivenTile((512, 512), None)),
        ("384, 512", 90, GivenTile((384, 512), 90)),
    ],
)
def test_the_option_is_read(tile, overlap, expected):
    assert parse_tile(tile, overlap) == expected


@pytest.mark.parametrize(
    ("tile", "overlap", "message"),
    [
        ("big", None, "--tile big: expected auto, one side"),
        ("0", None, "--tile 0: expected"),
        ("-5", None, "--tile -5: expected"),
        ("1.5", None, "--tile 1.5: expected"),
        ("99999", None, "--tile 99999: expected"),
        ("20", None, "--tile 20,20: expected sides of at least 32"),
        ("64", 40, "--overlap 40: expected 1 to 32"),
        (None, 40, "--overlap 40: has no effect without --tile"),
    ],
)
def test_wrong_options_are_refused(tile, overlap, message):
    with pytest.raises(UserError, match=message):
        parse_tile(tile, overlap)


def test_auto_takes_the_window(capsys):
    window = KnownWindow((300, 400), is_of_training=True)
    assert choose_tile(GivenTile(None, None), window) == TileSize(300, 400, 75)
    assert "of the training's scale" in capsys.readouterr().err
    unknown = KnownWindow((300, 400), is_of_training=False)
    assert choose_tile(GivenTile(None, 10), unknown) == TileSize(300, 400, 10)
    assert "of the model's input, since the dataset" in capsys.readouterr().err
    assert choose_tile(GivenTile((64, 64), None), None) == TileSize(64, 64, 16)
    small = KnownWindow((20, 40), is_of_training=True)
    assert choose_tile(GivenTile(None, None), small) == TileSize(32, 40, 8)
    with pytest.raises(UserError, match="such as --tile 512"):
        choose_tile(GivenTile(None, None), None)


@pytest.mark.parametrize("macro", [True, False])
@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([(256, 256)] * 3, (256, 256)),
        ([(128, 128)] * 3, (128, 128)),
        ([(512, 256), (512, 512), (100, 512)], (512, 512)),
    ],
)
def test_the_scale_of_the_training_is_that_of_its_records(tmp_path, sizes, expected, macro):
    data = tmp_path / "data"
    _write_dataset(data, sizes)
    run = tmp_path / "run"
    run.mkdir()
    text = f"pipeline.TrainingInput.data_dir = '{data}'\n"
    if macro:
        text = f"TRAIN_DATA = '{data}'\npipeline.TrainingInput.data_dir = %TRAIN_DATA\n"
    (run / "config.gin").write_text(text)
    assert known_window(str(run), (256, 256)) == KnownWindow(expected, is_of_training=True)


def test_a_run_and_its_export_keep_the_sizes_of_the_training(tmp_path):
    content = json.dumps({"picture_sizes": [[128, 96], [128, 128], [256, 100]]})
    (tmp_path / "run").mkdir()
    (tmp_path / "run/run.json").write_text(content)
    (tmp_path / "export/3/assets").mkdir(parents=True)
    (tmp_path / "export/3/saved_model.pb").write_bytes(b"x")
    (tmp_path / "export/3/assets/provenance.json").write_text(f'{{"training": {content}}}')
    expected = KnownWindow((128, 128), is_of_training=True)
    for model in ("run", "export", "export/3"):
        assert known_window(str(tmp_path / model), (256, 256)) == expected
    for spoiled in ("[1]", '{"training": null}', '{"training": {"picture_sizes": [[0, 1], 3]}}'):
        (tmp_path / "export/3/assets/provenance.json").write_text(spoiled)
        assert not known_window(str(tmp_path / "export"), (256, 256)).is_of_training


def test_a_dataset_starts_at_the_folder_of_the_training(tmp_path):
    _write_dataset(tmp_path / "data", [(128, 128)])
    (tmp_path / "run").mkdir()
    (tmp_path / "run/config.gin").write_text("pipeline.TrainingInput.data_dir = 'data'\n")
    assert not known_window(str(tmp_path / "run"), (256, 256)).is_of_training
    (tmp_path / "run/run.json").write_text(json.dumps({"folder": str(tmp_path)}))
    assert known_window(str(tmp_path / "run"), (256, 256)) == KnownWindow((128, 128), True)


def test_large_pictures_of_a_dataset_get_one_warning(tmp_path, capsys):
    _write_dataset(tmp_path / "data", [(128, 128), (100, 1000), (500, 300)])
    window = KnownWindow((200, 200), is_of_training=True)
    warn_of_large_pictures(str(tmp_path / "data"), window)
    told = capsys.readouterr().err
    assert "2 of the first 3 pictures" in told
    assert "shrink up to 5.0 times more than the pictures of the training" in told
    warn_of_large_pictures(str(tmp_path / "data"), KnownWindow((500, 500), is_of_training=True))
    warn_of_large_pictures(str(tmp_path / "data"), None)
    warn_of_large_pictures(None, window)
    assert not capsys.readouterr().err


def test_an_unknown_scale_is_that_of_the_input(tmp_path):
    assert known_window(str(tmp_path), (96, 128)) == KnownWindow((96, 128), is_of_training=False)
    assert known_window(str(tmp_path), None) is None
    (tmp_path / "config.gin").write_text("pipeline.TrainingInput.data_dir = 'gone'\n")
    assert not known_window(str(tmp_path), (96, 128)).is_of_training


def _write_dataset(out, sizes):
    """A dataset folder with pictures of these sizes."""
    out.mkdir()
    writer = DatasetWriter(out, num_shards=1, num_items=len(sizes))
    for number, (height, width) in enumerate(sizes):
        record = PanopticRecord(
            image_bytes=b"a picture",
            image_id=number,
            file_name=f"{number}.png",
            height=height,
            width=width,
            segment_map=np.ones((height, width), np.uint16),
            segment_ids=np.array([1]),
            segment_class_ids=np.array([0]),
            segment_is_crowd=np.array([False]),
        )
        writer.write(number, to_features(record))
    writer.finish(Categories.from_names(["cell"]), {"num_examples": len(sizes)}, {}, [])
