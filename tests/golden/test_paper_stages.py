"""The stages of the paper's chain build the same parts: activations agree, since a stage hands its
weights to the next one, and one drop path rate spans backbone and decoder."""

from __future__ import annotations

import pytest

from maskconver_tf.config import configuration
from maskconver_tf.models.backbones.resnet import resnet
from maskconver_tf.models.maskconver import MaskConver
from maskconver_tf.models.pixel_decoders.convnext_unet import ConvNeXtUNet
from maskconver_tf.models.pixel_decoders.light_fpn import LightFPN
from maskconver_tf.models.semantic_model import SemanticModel

BOTH = {(resnet, "activation"), (ConvNeXtUNet, "se_activation"), (ConvNeXtUNet, "level_activation")}
STAGES = {
    "classification_resnet50": BOTH,
    "semantic_resnet50": BOTH | {(SemanticModel, "activation"), (LightFPN, "activation")},
    "panoptic_resnet50": BOTH | {(MaskConver, "activation"), (LightFPN, "activation")},
}
"""Experiment -> every activation of its model."""


def load(experiment: str, *bindings: str) -> None:
    configuration.load([f"experiments/paper/{experiment}.gin"], bindings)


@pytest.mark.parametrize("variant", ["", "_one_gpu"])
@pytest.mark.parametrize("stage", STAGES)
def test_every_activation_of_the_large_model_is_gelu_in_every_stage(stage, variant):
    load(stage + variant)
    for part, setting in STAGES[stage]:
        assert configuration.argument(part, setting) == "gelu", (part, setting)


@pytest.mark.parametrize("model", ["panoptic_mobilenet_640", "panoptic_mobilenet_256"])
def test_every_activation_of_the_mobile_models_is_relu(model):
    load(model)
    assert configuration.argument(MaskConver, "activation") == "relu"
    assert configuration.argument(MaskConver, "heatmap_prior") == 0.1
    assert configuration.argument(ConvNeXtUNet, "se_activation") == "relu"
    assert configuration.argument(ConvNeXtUNet, "level_activation") is None


def test_the_heatmap_of_the_large_model_starts_at_a_tenth():
    load("panoptic_resnet50")
    assert configuration.argument(MaskConver, "heatmap_prior") == 0.1


@pytest.mark.parametrize(
    ("stage", "bindings", "rate"),
    [
        ("classification_resnet50", (), 0.1),
        ("semantic_resnet50", (), 0.0),
        ("panoptic_resnet50", (), 0.1),
        ("panoptic_resnet50_one_gpu", ("DROP_PATH=0.4",), 0.4),
    ],
)
def test_one_setting_gives_each_stage_of_the_network_its_drop_path(stage, bindings, rate):
    load(stage, *bindings, "resnet.depth=10")  # One block for each level; the stages are the same.
    network = configuration.configurable(resnet)().network
    blocks = [layer for layer in network.layers if type(layer).__name__ == "ResidualBlock"]
    rates = [block.get_config()["stochastic_depth_drop_rate"] for block in blocks]
    assert rates == pytest.approx([rate * i / 8 for i in (2, 3, 4, 5)])
    stacks = configuration.configurable(ConvNeXtUNet)().stacks
    assert {level: len(stack) for level, stack in stacks.items()} == {"5": 18, "4": 1, "3": 1}
    for level, eighths in {"5": 6, "4": 7, "3": 8}.items():
        for block in stacks[level]:
            assert block.get_config()["drop_path"] == pytest.approx(rate * eighths / 8)
