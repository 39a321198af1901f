"""The sheet of `maskconver data show`: drawn from the labels, by a configuration alone."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from PIL import Image

from maskconver_tf import types
from maskconver_tf.cli.main import main
from maskconver_tf.config import configuration
from maskconver_tf.datasets.build.build import build_dataset
from maskconver_tf.datasets.categories import Categories
from maskconver_tf.models.maskconver import MaskConver
from maskconver_tf.planning.show_inputs import draw_example

CATEGORIES = Categories.from_coco(
    [{"id": 5, "name": "sky", "isthing": 0}, {"id": 9, "name": "dog", "isthing": 1}], "here"
)


def test_a_row_holds_picture_masks_and_centers():
    slot_map = np.full([64, 64], types.VOID, np.uint8)
    slot_map[:32, :48] = 1
    example = {
        types.IMAGE: np.full([128, 128, 3], 90, np.uint8),
        types.CONTENT_SIZE: np.array([128, 96]),
        types.SLOT_MAP: slot_map,
        types.SLOT_CLASS_IDS: np.array([1, types.PAD_ID]),
        types.CENTER_LEVELS: np.array([4, types.PAD_ID]),
        types.CENTER_INDICES: np.array([[6, 6], [0, 0]]),
        types.GAUSSIAN_RADII: np.array([0, 0]),
        types.NUM_DROPPED: np.array(0),
    }
    row = draw_example(example, CATEGORIES)
    bar = row.shape[0] - 128
    gap = (row.shape[1] - 3 * 128) // 2
    image, masks, centers = (row[bar:, i * (128 + gap) :][:, :128] for i in range(3))
    assert (image == 90).all()
    # Of one color to the border of the segment, which lies at twice the slot map's (32, 48).
    assert (masks[50, 20] != masks[90, 20]).any()
    assert (masks[90, 20] == masks[90, 120]).all()
    assert (masks[20, 110] == masks[90, 120]).all()
    assert (centers[96:112, 96:112] == centers[96, 96]).all()
    assert (centers[96, 96] != centers[120, 120]).any()


@pytest.fixture
def gin_file(make_coco_folder, tmp_path):
    """An experiment on a tiny dataset with levels 2 and 3, which only the model's part says."""
    folder = make_coco_folder()
    build_dataset(
        folder.images,
        folder.panoptic,
        folder.annotations,
        tmp_path / "data",
        workers=1,
        progress=False,
    )
    path = tmp_path / "tiny.gin"
    path.write_text(
        "include 'experiments/model/tiny.gin'\n"
        f"TRAIN_DATA = '{tmp_path / 'data'}'\nEVAL_DATA = 'nowhere'\nINPUT_SIZE = (96, 128)\n"
        "MaskConver.center_levels = (2, 3)\nTargetBuilder.level_bounds = (20,)\n"
        "TrainingInput.batch_size = 2\nTrainingInput.copy_paste = 0.5\n"
    )
    yield path
    configuration.reset()


def test_the_command_needs_no_model(gin_file, tmp_path, monkeypatch, capsys):
    @functools.wraps(MaskConver.__init__)  # Gin looks at the signature.
    def refuse(self, *args, **kwargs):
        pytest.fail("the model was built")

    monkeypatch.setattr(MaskConver, "__init__", refuse)
    sheets = []
    for name, seed in (("a", "1"), ("b", "1"), ("c", "2")):
        out = tmp_path / "new" / f"{name}.png"
        argv = ["data", "show", "--gin_file", str(gin_file), "--out", str(out), "--num", "3"]
        assert main([*argv, "--seed", seed]) == 0
        assert capsys.readouterr().out == f"{out}: written\n"
        sheets.append(np.asarray(Image.open(out)))
    assert sheets[0].shape[0] > 3 * 96 and sheets[0].shape[1] > 3 * 128
    np.testing.assert_array_equal(sheets[0], sheets[1])
    assert (sheets[0] != sheets[2]).any()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--out", "sheet.jpg"], "--out sheet.jpg: expected the name of a PNG"),
        (
            ["--out", "sheet.png", "--num", "0"],
            "--num 0: expected 1 to 100 pictures; omit it for 6",
        ),
        (["--out", "sheet.png", "--num", "6.0"], "--num 6.0: expected a whole number in digits"),
        (["--out", "{folder}.png"], "folder.png: found a folder; name a PNG file in it"),
        (["--out", "/proc/no/sheet.png"], "/proc/no/sheet.png: cannot be written"),
    ],
)
def test_a_mistake_is_one_message(gin_file, tmp_path, capsys, arguments, message):
    (tmp_path / "folder.png").mkdir()
    arguments = [argument.format(folder=tmp_path / "folder") for argument in arguments]
    assert main(["data", "show", "--gin_file", str(gin_file), *arguments]) == 2
    assert message in capsys.readouterr().err
