"""Notes about settings that weights were trained with and that no weight shows."""

import pytest
import tensorflow as tf

from maskconver_tf.models.backbones.resnet import resnet
from maskconver_tf.models.build_network import build_network
from maskconver_tf.models.maskconver import MaskConver
from maskconver_tf.models.pixel_decoders.convnext_unet import ConvNeXtUNet
from maskconver_tf.training.warm_start import warm_start
from tests.unit.layers.check_layer import shake
from tests.unit.training.small_models import classes, network, run_of


@pytest.fixture(scope="module")
def model():
    made = network()
    shake(made, seed=1)
    return made


# ---- Epsilon of batch norms ----------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "trained"),
    [
        ("resnet.resnet.norm_epsilon = 1e-05\n", "1e-05"),
        ("resnet.norm_epsilon = 0.002", "0.002"),
        ("EPSILON = 1e-4\nresnet.resnet.norm_epsilon = %EPSILON\n", "0.0001"),
        ("resnet.resnet.weights = 'gs://garden/ckpt-9'\n", "1e-05"),  # From before the setting.
        ("resnet.resnet.weights = \\\n    'gs://garden/ckpt-9'\n", "1e-05"),
        ("resnet.resnet.weights = None\n", None),
        ("resnet.resnet.depth = 10\n", None),
        ("resnet.resnet.norm_epsilon = 0.001\nresnet.resnet.weights = 'w'\n", None),
    ],
)
def test_a_run_with_another_epsilon_is_noted(model, tmp_path, text, trained):
    run = run_of(model, classes("ball", "ring"), tmp_path)
    run.save_config(f"MaskConver.backbone = @resnet.resnet()\n{text}")
    notes = warm_start(network(), classes("ball", "ring"), str(tmp_path)).notes
    if trained is None:
        assert not notes
    else:
        (note,) = notes
        assert f"epsilon {trained} in the batch norms, and this backbone has 0.001" in note
        assert f"set resnet.norm_epsilon = {trained}" in note
        same = network(backbone=resnet(10, 1 / 16, norm_epsilon=float(trained)))
        assert warm_start(same, classes("ball", "ring"), str(tmp_path)).notes == []


def test_a_run_without_a_configuration_or_with_another_backbone_has_no_note(model, tmp_path):
    run = run_of(model, classes("ball", "ring"), tmp_path)
    assert warm_start(network(), classes("ball", "ring"), str(tmp_path)).notes == []
    run.save_config("MaskConver.backbone = @mobilenet.mobilenet()\n")
    assert warm_start(network(), classes("ball", "ring"), str(tmp_path)).notes == []


@pytest.mark.parametrize(("epsilon", "is_noted"), [(1e-3, True), (1e-5, False)])
def test_a_resnet_of_the_model_garden_has_its_epsilon(tmp_path, capsys, epsilon, is_noted):
    source = resnet(10, 1 / 16)
    path = tf.train.Checkpoint(backbone=source.network).save(str(tmp_path / "ckpt"))
    start = network(backbone=resnet(10, 1 / 16, norm_epsilon=epsilon))
    report = warm_start(start, classes("ball", "ring"), path)
    assert bool(report.notes) == ("note: these weights" in str(report)) == is_noted
    capsys.readouterr()
    resnet(10, 1 / 16, norm_epsilon=epsilon, weights=path)
    assert ("set resnet.norm_epsilon = 1e-05" in capsys.readouterr().err) == is_noted


# ---- Activations ---------------------------------------------------------------------------------
OLD_GIN = """
MaskConver.backbone = @resnet.resnet()
MaskConver.pixel_decoder = @convnext_unet.ConvNeXtUNet()
PanopticTask.model = @maskconver.MaskConver
"""


def gelu_network():
    activations = {"se_activation": "gelu", "level_activation": "gelu"}
    unet = ConvNeXtUNet((1, 1), (8, 8), kernel_size=3, **activations)
    backbone = resnet(10, width_multiplier=1 / 16, activation="gelu")
    sizes = {"center_levels": (4, 5), "mask_level": 3, "width": 8, "hidden": 8}
    heads = {"head_repeats": 1, "head_kernel_size": 3, "activation": "gelu"}
    return build_network(MaskConver(2, backbone, unet, **sizes, **heads), (32, 32))


def settings_of(notes):
    """The text after "set " and before " to compute the same" in each note."""
    return [note.rpartition("; set ")[2].removesuffix(" to compute the same") for note in notes]


@pytest.mark.parametrize(
    ("text", "settings"),
    [
        ("ConvNeXtUNet.level_activation = 'gelu'\nresnet.activation = 'relu'\n", "sm"),
        ("ACT = 'gelu'\nconvnext_unet.ConvNeXtUNet.se_activation = %ACT\n", "lm"),
    ],
)
def test_each_activation_of_a_run_that_differs_is_noted(model, tmp_path, text, settings):
    all_settings = {
        "s": "ConvNeXtUNet.se_activation = 'relu'",
        "l": "ConvNeXtUNet.level_activation = None",
        "m": "MaskConver.activation = 'relu'",
    }
    run = run_of(model, classes("ball", "ring"), tmp_path)
    run.save_config(OLD_GIN + text)
    report = warm_start(gelu_network(), classes("ball", "ring"), str(tmp_path))
    expected = ["resnet.activation = 'relu'", *(all_settings[key] for key in settings)]
    assert settings_of(report.notes) == expected
    assert str(report).count("\n  note: these weights were trained with ") == len(expected)


def test_equal_activations_have_no_note(model, tmp_path):
    run = run_of(model, classes("ball", "ring"), tmp_path)
    run.save_config(OLD_GIN)
    assert warm_start(network(), classes("ball", "ring"), str(tmp_path)).notes == []


def test_only_parts_that_got_weights_are_noted_and_the_head_of_a_semantic_run_is(model, tmp_path):
    run = run_of(model, classes("ball", "ring"), tmp_path / "run")
    run.save_config(OLD_GIN.replace("maskconver.MaskConver", "semantic_model.SemanticModel"))
    start = network(backbone=resnet(18, width_multiplier=1 / 16, activation="gelu"))
    assert warm_start(start, classes("ball", "ring"), str(run.path)).notes == []
    (*_, note) = warm_start(gelu_network(), classes("ball", "ring"), str(run.path)).notes
    assert "with SemanticModel.activation = 'relu', and this model has MaskConver." in note


def test_a_resnet_of_the_model_garden_has_relu(tmp_path):
    path = tf.train.Checkpoint(backbone=resnet(10, 1 / 16).network).save(str(tmp_path / "ckpt"))
    report = warm_start(gelu_network(), classes("ball", "ring"), path)
    assert "resnet.activation = 'relu'" in settings_of(report.notes)
    assert not any("MaskConver" in note for note in report.notes)
