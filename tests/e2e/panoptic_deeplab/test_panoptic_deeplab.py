"""Panoptic-DeepLab through the same commands, trainer and export as MaskConver."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tf_keras
from PIL import Image

import maskconver_tf
from maskconver_tf.cli.main import main
from maskconver_tf.config import configuration, roots
from maskconver_tf.inference import signatures
from maskconver_tf.models.build_network import build_network
from maskconver_tf.training import optimizers
from maskconver_tf.training.step import TrainingStep
from maskconver_tf.training.train import train
from tests.unit.layers.check_layer import precision

TINY = Path(__file__).with_name("tiny_panoptic_deeplab.gin")


@pytest.fixture(scope="module")
def arguments(dataset):
    """`arguments(*bindings)`: options of `maskconver train`, but for `--model_dir`."""

    def options(*bindings: str) -> list[str]:
        data = ["--train_data", str(dataset), "--eval_data", str(dataset)]
        return ["--gin_file", str(TINY), *data, *(f"--gin.{binding}" for binding in bindings)]

    return options


@pytest.fixture(scope="module")
def trained(arguments, tmp_path_factory) -> Path:
    """The folder of a run that has learned its 8 scenes almost by heart."""
    folder = tmp_path_factory.mktemp("run") / "model"
    options = arguments("RunLength.total_steps=400")
    assert main(["train", *options, "--model_dir", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def picture(scenes) -> Path:
    return min((scenes / "images/train").glob("*.png"))


def test_it_learns_a_few_scenes(trained, tmp_path):
    assert main(["evaluate", "--model", str(trained), "--out", str(tmp_path)]) == 0
    results = json.loads((tmp_path / "results.json").read_text())
    assert results["things"]["pq"] > 15
    assert results["stuff"]["pq"] > 50


def test_the_threshold_of_predict_is_that_of_centers(trained, picture):
    every, sure = (
        maskconver_tf.load(trained, score_threshold=threshold)(picture) for threshold in (0.1, 0.9)
    )
    is_thing = every.categories.is_thing
    many, few = (sum(is_thing[s.class_id] for s in found.segments) for found in (every, sure))
    assert many > few
    assert len(sure.segments) > few  # Stuff has no center.


def test_predict_writes_the_segments(trained, picture, tmp_path):
    found = ["predict", "--model", str(trained), str(picture), "--out", str(tmp_path)]
    assert main(found) == 0
    content = json.loads((tmp_path / f"{picture.stem}.json").read_text())
    assert len(content["segments"]) > 2


def test_its_export_finds_the_same_segments(trained, picture, tmp_path):
    assert main(["export", "--model", str(trained), "--out", str(tmp_path)]) == 0
    loaded = tf.saved_model.load(str(tmp_path / "1"))
    image = np.asarray(Image.open(picture).convert("RGB"))
    for pixels in (image, image[:41, :50]):
        expected = roots.load_run(str(trained)).segment(pixels)
        found = loaded.signatures[signatures.SEGMENT_IMAGE](image=tf.constant(pixels))
        assert len(found[signatures.SEGMENT_IDS]) > 2
        for field, name in signatures.FIELDS.items():
            np.testing.assert_allclose(found[name], expected[field], rtol=1e-4, err_msg=name)
    files = [tf.io.encode_png(pixels) for pixels in (image, image[:41, :50])]
    batch = loaded.signatures[signatures.SERVING_DEFAULT](encoded_images=tf.stack(files))
    last = len(found[signatures.SEGMENT_IDS])
    np.testing.assert_array_equal(batch[signatures.AREAS][1, :last], found[signatures.AREAS])
    assert not batch[signatures.SEGMENT_IDS][1, last:].numpy().any()


def test_inputs_and_needs_are_shown_as_for_any_model(arguments, tmp_path, capsys):
    sheet = tmp_path / "inputs.png"
    options = arguments()[:4]
    assert main(["data", "show", *options, "--out", str(sheet), "--num", "2"]) == 0
    assert sheet.is_file()
    with precision("float32"):  # restored afterwards
        nowhere = ["--gin_file", str(TINY), "--train_data", "nowhere", "--num_classes", "7"]
        assert main(["preflight", *nowhere]) == 0
    assert "64x96, 7 classes" in capsys.readouterr().out


def test_a_fusion_of_another_model_is_one_message(arguments, tmp_path, capsys):
    wrong = arguments(
        "PanopticTask.fusion=@panoptic_fusion.PanopticFusion()", "RunLength.total_steps=10"
    )
    assert main(["train", *wrong, "--model_dir", str(tmp_path / "model")]) == 2
    message = capsys.readouterr().err
    assert "PanopticFusion takes proposal_scores" in message
    assert "PanopticDeepLab gives semantic_logits" in message


# ---- One step ------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def one_step(dataset):
    """`one_step(strategy, jit_compile, **options)`: losses and updates of one SGD step."""
    data = [f"TRAIN_DATA={str(dataset)!r}", f"EVAL_DATA={str(dataset)!r}"]
    frozen = ["resnet.freeze_batch_norm=True", "PanopticDeepLab.norm='layer'"]
    configuration.load([TINY], [*data, *frozen])
    task = configuration.arguments_of(train, supplied=["model_dir", "on_built"])["task"]

    def run(strategy: tf.distribute.Strategy, jit_compile: bool = False, **options):
        with strategy.scope():
            tf_keras.utils.set_random_seed(1)
            model = build_network(task.model(num_classes=len(task.categories)), (64, 96))
            generator = np.random.default_rng(0)
            for variable in model.trainable_variables:  # From where gradients are zero.
                noise = generator.normal(scale=0.05, size=variable.shape).astype(np.float32)
                variable.assign(noise if len(variable.shape) > 1 else variable + noise)
            optimizer = optimizers.make_optimizer(10, "sgd", 0.1, warmup_steps=0, clip_norm=None)
            optimizers.build_optimizer(optimizer, model)
        step = TrainingStep(task, model, optimizer, strategy, jit_compile, **options)
        before = [v.numpy() for v in model.trainable_variables]
        losses = step.train(tf.constant(1))
        updates = [v.numpy() - b for v, b in zip(model.trainable_variables, before)]
        assert all(np.any(update) for update in updates)
        return [losses[name] for name in task.loss_names(model)], updates

    return run


@pytest.fixture(scope="module")
def plain(one_step):
    return one_step(tf.distribute.OneDeviceStrategy("CPU:0"))


def test_its_step_compiles_with_xla(one_step, plain):
    compiled = one_step(tf.distribute.OneDeviceStrategy("CPU:0"), jit_compile=True)
    _assert_same(compiled, plain, 1e-3)


def test_two_replicas_equal_one_with_the_joint_batch(one_step, two_devices, plain):
    _assert_same(one_step(two_devices), plain, 1e-4)


def test_an_accumulated_step_equals_that_of_the_whole_batch(one_step, plain):
    device = tf.distribute.OneDeviceStrategy("CPU:0")
    _assert_same(one_step(device, accumulation_steps=2), plain, 1e-4)


def _assert_same(step, expected, tolerance: float) -> None:
    """Allows each variable's update an error of `tolerance` times its norm."""
    np.testing.assert_allclose(step[0], expected[0], rtol=2e-4)
    for found, update in zip(step[1], expected[1]):
        assert np.linalg.norm(found - update) <= tolerance * np.linalg.norm(update) + 1e-7
