"""Weights of a new run from other runs, backbones' checkpoints and other class lists."""

import numpy as np
import pytest
import tensorflow as tf
from official.vision.modeling.backbones import mobilenet as garden_mobilenet

from maskconver_tf.errors import UserError
from maskconver_tf.models.backbones.mobilenet import mobilenet
from maskconver_tf.models.backbones.resnet import resnet
from maskconver_tf.models.build_network import build_network
from maskconver_tf.models.image_classifier import ImageClassifier
from maskconver_tf.models.maskconver import MaskConver
from maskconver_tf.models.pixel_decoders.convnext_unet import ConvNeXtUNet
from maskconver_tf.models.semantic_model import SemanticModel
from maskconver_tf.models.variable_names import named_variables
from maskconver_tf.training.run_files.run_folder import RunFolder
from maskconver_tf.training.warm_start import CLASS_AXES, initial_network, warm_start
from tests.unit.layers.check_layer import shake
from tests.unit.training.small_models import classes, make, network, run_of

HEAD = "center_heatmap_head/output_conv"
TABLE = "mask_embedding_generator/class_embedding_table"
OWN_AXES = {f"{HEAD}/kernel", f"{HEAD}/bias", TABLE}
"""The weights in CLASS_AXES that MaskConver has."""


def snapshot(model):
    return {name: variable.numpy() for name, variable in named_variables(model).items()}


@pytest.fixture(scope="module")
def ball_and_ring():
    """A network of the classes ball and ring, and the values of its weights."""
    model = network()
    shake(model, seed=1)
    return model, snapshot(model)


@pytest.fixture
def run(ball_and_ring, tmp_path):
    return run_of(ball_and_ring[0], classes("ball", "ring"), tmp_path / "run")


def test_loads_every_weight_of_a_run_of_the_same_kind(run, ball_and_ring):
    model = network()
    report = warm_start(model, classes("ball", "ring"), f"{run.path}/")
    for name, value in snapshot(model).items():
        np.testing.assert_array_equal(value, ball_and_ring[1][name])
    assert sorted(report.loaded) == sorted(ball_and_ring[1])
    assert not (report.not_loaded or report.loaded_by_class or report.unused)
    assert f"loaded: {len(ball_and_ring[1])} of {len(ball_and_ring[1])} weights" in str(report)


def test_prefers_the_best_weights_and_accepts_a_checkpoint_by_name(run, ball_and_ring):
    best = network()
    run.save_if_best(best, score=50.0, step=7)
    model = network()
    origin = warm_start(model, classes("ball", "ring"), str(run.path)).origin
    assert origin.endswith("best/weights-7")
    expected = snapshot(best)
    for name, value in snapshot(model).items():
        np.testing.assert_array_equal(value, expected[name])
    report = warm_start(model, classes("ring", "ball"), str(run.checkpoints / "ckpt-1"))
    assert set(report.loaded_by_class) == OWN_AXES
    for name, value in snapshot(model).items():
        if name not in OWN_AXES:
            np.testing.assert_array_equal(value, ball_and_ring[1][name])


@pytest.mark.parametrize("names", [("ring", "tree", "ball"), ("tree", "ring")])
def test_rows_are_matched_by_class_name(run, ball_and_ring, names):
    model = network(len(names))
    before = snapshot(model)
    report = warm_start(model, classes(*names), str(run.path))
    after, learned = snapshot(model), ball_and_ring[1]
    known = {"ball": 0, "ring": 1}
    for name in (f"{HEAD}/kernel", f"{HEAD}/bias", TABLE):
        for row, label in enumerate(names):
            found = np.take(after[name], row, CLASS_AXES[name])
            if label in known:
                expected = np.take(learned[name], known[label], CLASS_AXES[name])
            else:
                expected = np.take(before[name], row, CLASS_AXES[name])
            np.testing.assert_array_equal(found, expected, err_msg=f"{name}: {label}")
    assert report.shared_classes == [label for label in names if label in known]
    assert report.new_classes == ["tree"]
    assert len(report.loaded) == len(learned) - 3
    assert "new: 1 (tree)" in str(report)


def test_without_a_common_class_the_rows_keep_their_initial_values(run):
    model = network()
    before = snapshot(model)
    report = warm_start(model, classes("tree", "house"), str(run.path))
    for name in OWN_AXES:
        np.testing.assert_array_equal(snapshot(model)[name], before[name])
    assert set(report.not_loaded.values()) == {"no class in common"}
    assert "re-initialised, no class in common: 3 weights" in str(report)


def test_the_list_of_weights_with_a_row_per_class_is_complete():
    def shapes(kind, num_classes):
        parts = (resnet(10, width_multiplier=1 / 16), ConvNeXtUNet((1,), (8,), kernel_size=3))
        made = make(num_classes, position=True) if kind is MaskConver else kind(num_classes, *parts)
        found = named_variables(build_network(made, (32, 32)))
        return {name: variable.shape for name, variable in found.items()}

    known = {}
    for kind in (MaskConver, SemanticModel, ImageClassifier):
        two, three = shapes(kind, 2), shapes(kind, 3)
        known |= {name: three[name] for name in two if two[name] != three[name]}
    assert set(known) == set(CLASS_AXES)
    assert {shape[CLASS_AXES[name]] for name, shape in known.items()} == {3}


def test_weights_that_do_not_fit_keep_their_initial_values_and_are_reported(run):
    model = network(repeats=(2, 1), width=4)
    before = snapshot(model)
    report = warm_start(model, classes("ball", "ring"), str(run.path))
    after = snapshot(model)
    assert report.not_loaded["pixel_decoder/stacks/5/1/gamma"] == "not in the checkpoint"
    assert report.not_loaded[TABLE] == "of another shape in the checkpoint"
    for name in report.not_loaded:
        np.testing.assert_array_equal(after[name], before[name])
    assert any(name.startswith("backbone/") for name in report.loaded)
    assert TABLE in report.unused
    assert "not in the checkpoint: 13 weights (pixel_decoder/stacks)" in str(report)


def test_another_backbone_is_not_loaded_in_parts(run):
    """Many layers of a ResNet18 have the number and shape of other layers of a ResNet10."""
    model = network(backbone=resnet(18, width_multiplier=1 / 16))
    before = snapshot(model)
    report = warm_start(model, classes("ball", "ring"), str(run.path))
    after = snapshot(model)
    backbone = [name for name in after if name.startswith("backbone/")]
    for name in backbone:
        np.testing.assert_array_equal(after[name], before[name])
        assert name in report.not_loaded
    assert set(report.loaded) == set(after) - set(backbone)


@pytest.mark.parametrize("kind", ["resnet", "mobilenet"])
def test_loads_a_backbone_from_a_checkpoint_of_the_model_garden(kind, tmp_path):
    if kind == "resnet":
        backbone = resnet(10, width_multiplier=1 / 16).network
    else:
        backbone = garden_mobilenet.MobileNet("MobileNetMultiAVGSeg", filter_size_scale=0.25)
    shake(backbone)
    path = tf.train.Checkpoint(backbone=backbone).save(str(tmp_path / "ckpt"))
    own = mobilenet(width_multiplier=0.25) if kind == "mobilenet" else None
    model = network(backbone=own)
    report = warm_start(model, classes("ball", "ring"), path)
    images = tf.random.stateless_uniform([1, 32, 32, 3], [1, 2])
    expected = backbone(images)
    keys = "2346" if kind == "mobilenet" else "2345"
    for key in keys:
        found = model.backbone.network(images)[key]
        np.testing.assert_allclose(found, expected[key], rtol=1e-4, atol=1e-5)
    assert {name.split("/")[0] for name in report.loaded} == {"backbone"}
    assert set(report.not_loaded.values()) == {"not in the checkpoint"}


def test_a_source_without_fitting_weights_is_one_message(run, tmp_path):
    model, other = network(), tf.train.Checkpoint(other=tf.Variable([1.0]))
    path = other.save(str(tmp_path / "other" / "ckpt"))
    with pytest.raises(
        UserError, match=r"init_from = .*no weight in it fits this model(.|\n)*unused"
    ):
        warm_start(model, classes("ball", "ring"), path)
    with pytest.raises(UserError, match=r"nowhere': found neither a run, nor an export.*\.h5"):
        warm_start(model, classes("ball", "ring"), str(tmp_path / "nowhere"))
    empty = RunFolder(tmp_path / "empty")
    empty.create_or_check(classes("ball"))
    with pytest.raises(UserError, match="empty': this run has no checkpoint yet"):
        warm_start(model, classes("ball", "ring"), str(empty.path))
    broken = tmp_path / "broken"
    (tmp_path / "broken.index").write_text("no table")
    with pytest.raises(UserError, match="broken: cannot be read as a checkpoint"):
        warm_start(model, classes("ball", "ring"), str(broken))
    (tmp_path / "other" / "ckpt-1.data-00000-of-00001").write_bytes(b"")
    with pytest.raises(UserError, match="ckpt-1: cannot be read as a checkpoint .*from a backup"):
        warm_start(model, classes("ball", "ring"), path)


def test_a_run_with_a_checkpoint_resumes_and_loads_no_other_weights(run, tmp_path, capsys):
    categories = classes("ball", "ring")

    def make_pretrained(num_classes):
        nowhere = str(tmp_path / "nowhere")
        return make(num_classes, resnet(10, width_multiplier=1 / 16, weights=nowhere))

    initial_network(make_pretrained, run, categories, (32, 32), str(tmp_path / "no run"))
    assert "resumes from its own checkpoint and ignores init_from = " in capsys.readouterr().out
    fresh = RunFolder(tmp_path / "fresh")
    fresh.create_or_check(categories)
    with pytest.raises(UserError, match="nowhere.*no checkpoint is there"):
        initial_network(make_pretrained, fresh, categories, (32, 32), None)
    initial_network(make, fresh, categories, (32, 32), str(run.path))
    assert f"init_from {run.checkpoints}" in capsys.readouterr().out
