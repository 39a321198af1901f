"""A tiny dataset and a tiny run, which all end-to-end tests share."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from maskconver_tf.cli.main import main
from maskconver_tf.datasets.build.build import build_dataset
from maskconver_tf.datasets.synthetic.toy_scenes import write_toy_scenes
from tests.e2e.exports.threshold import THRESHOLD

TINY = Path(__file__).with_name("tiny.gin")
ONE_LEVEL = ["MaskConver.center_levels=(3,)", "TargetBuilder.level_bounds=()"]
"""Settings that save a third of the tracing, for tests in which the model does not matter."""

# Two replicas need two devices. TensorFlow must be told before its first operation.
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)


@pytest.fixture(scope="session")
def two_devices() -> tf.distribute.Strategy:
    """All tests share it, because a second one would reuse the numbers of its collectives."""
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


@pytest.fixture(scope="session")
def scenes(tmp_path_factory) -> Path:
    """8 generated scenes in COCO panoptic layout, part `train`."""
    out = tmp_path_factory.mktemp("scenes") / "coco"
    write_toy_scenes(out, num_train=8, num_val=1, seed=3, workers=1, progress=False)
    return out


@pytest.fixture(scope="session")
def dataset(scenes, tmp_path_factory) -> Path:
    """The scenes as a dataset folder."""
    out = tmp_path_factory.mktemp("dataset") / "records"
    build_dataset(
        scenes / "images/train",
        scenes / "panoptic/train",
        scenes / "panoptic_train.json",
        out,
        workers=1,
        progress=False,
    )
    return out


COLORS = {"blue": (40, 60, 200), "green": (50, 190, 60), "red": (210, 50, 40)}


@pytest.fixture(scope="session")
def labelled(tmp_path_factory) -> Path:
    """Pictures to classify. Each color has a folder with six to train on and two to evaluate."""
    root = tmp_path_factory.mktemp("pictures")
    noise = np.random.default_rng(0)
    for name, color in COLORS.items():
        for split, count in (("train", 6), ("val", 2)):
            (root / split / name).mkdir(parents=True)
            for i in range(count):
                pixels = np.clip(color + noise.normal(0, 30, [70, 100, 3]), 0, 255)
                Image.fromarray(pixels.astype(np.uint8)).save(root / split / name / f"{i}.JPEG")
    return root


@pytest.fixture(scope="session")
def tiny_arguments(dataset):
    """`tiny_arguments(model_dir, *bindings)`: arguments of `maskconver train` for a tiny run."""

    def arguments(model_dir: Path, *bindings: str) -> list[str]:
        data = ["--train_data", str(dataset), "--eval_data", str(dataset)]
        settings = [f"--gin.{binding}" for binding in bindings]
        return ["train", "--gin_file", str(TINY), "--model_dir", str(model_dir), *data, *settings]

    return arguments


@pytest.fixture(scope="session")
def trained(tiny_arguments, tmp_path_factory) -> Path:
    """The folder of a run that has learned its 8 scenes almost by heart."""
    model_dir = tmp_path_factory.mktemp("run") / "model"
    assert main(tiny_arguments(model_dir, "RunLength.total_steps=400")) == 0
    return model_dir


@pytest.fixture(scope="session")
def exported(trained, tmp_path_factory) -> tuple[Path, str]:
    """The folder of an export that tests only read, and what the command printed."""
    out = tmp_path_factory.mktemp("export") / "exported"
    arguments = ["export", "--model", str(trained), "--out", str(out), "--batch_sizes", "1,3"]
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        assert main([*arguments, f"--gin.PanopticFusion.score_threshold={THRESHOLD}"]) == 0
    return out, printed.getvalue()
