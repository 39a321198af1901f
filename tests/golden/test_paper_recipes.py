"""The experiments resolve to the published recipes, and their variants for one GPU follow the rules
of docs/chain.md."""

from __future__ import annotations

import math
from typing import Any

import pytest
import tf_keras

from maskconver_tf.config import configuration
from maskconver_tf.models.backbones.mobilenet import mobilenet
from maskconver_tf.models.backbones.resnet import resnet
from maskconver_tf.models.build_network import build_network
from maskconver_tf.models.maskconver import MaskConver
from maskconver_tf.models.pixel_decoders.convnext_unet import ConvNeXtUNet
from maskconver_tf.models.variable_names import named_variables
from maskconver_tf.training.train import train

ADAMW, SGD = tf_keras.optimizers.AdamW, tf_keras.optimizers.SGD

PUBLISHED_LOSSES = {
    "padding": "negative",
    "void": "negative",
    "score_clip": 1e-4,
    "bce_divisor": "canvas",
}
RECIPES = {
    "classification_resnet50": {
        "input_size": (384, 384),
        "optimizer": ADAMW,
        "rate": 4e-3,
        "end": 0.0,
        "weight_decay": 0.05,
        "ema": 0.9999,
        "drop_path": 0.1,
        "epsilon": 1e-5,
    },
    "semantic_resnet50": {
        "input_size": (1024, 1024),
        "batch_size": 256,
        "steps": 64_000,
        "optimizer": ADAMW,
        "rate": 3e-4,
        "end": 0.03 * 3e-4,
        "warmup": 2000,
        "weight_decay": 0.05,
        "clip": 1.0,
        "ema": 0.9999,
        "scale_range": (0.5, 2.0),
        "flip": True,
        "frozen": True,
        "epsilon": 1e-3,
    },
    "panoptic_resnet50": {
        "input_size": (1280, 1280),
        "batch_size": 128,
        "steps": 270_000,
        "optimizer": ADAMW,
        "rate": 1e-3,
        "end": 0.0,
        "warmup": 500,
        "weight_decay": 0.05,
        "clip": 1.0,
        "ema": 0.99996,
        "drop_path": 0.1,
        "copy_paste": 1.0,
        "paste_scale_range": (0.025, 1.5),
        "scale_range": (0.05, 2.9),
        "flip": True,
        "autoaugment": True,
        "frozen": True,
        "epsilon": 1e-3,
        "mask_weight": 10.0,
        **PUBLISHED_LOSSES,
    },
    "semantic_mobilenet_640": {
        "input_size": (640, 640),
        "batch_size": 32,
        "steps": 200_000,
        "optimizer": SGD,
        "rate": 0.01,
        "end": 0.0,
        "scale_range": (0.5, 2.0),
        "network": "MobileNetMultiAVGSeg",
    },
    "panoptic_mobilenet_640": {
        "input_size": (640, 640),
        "batch_size": 64,
        "steps": 500_000,
        "optimizer": SGD,
        "momentum": 0.9,
        "rate": 0.04,
        "end": 0.0,
        "warmup": 2000,
        "l2": 1e-5,
        "weight_decay": None,
        "clip": None,
        "ema": None,
        "scale_range": (0.1, 1.9),
        "flip": True,
        "copy_paste": 0.0,
        "autoaugment": False,
        "mask_weight": 5.0,
        **PUBLISHED_LOSSES,
        "network": "MobileNetMultiAVGSeg",
    },
}
RECIPES["panoptic_mobilenet_256"] = RECIPES["panoptic_mobilenet_640"] | {"input_size": (256, 256)}


def resolved(experiment: str, folder: str = "paper/") -> dict[str, Any]:
    """The settings that `train` would get from an experiment, under the names of RECIPES."""
    configuration.load([f"experiments/{folder}{experiment}.gin"])
    arguments = configuration.arguments_of(train, supplied=["model_dir", "on_built"])
    task, steps = arguments["task"], arguments["length"].total_steps
    data = task.train_input
    optimizer = arguments["optimizer"](total_steps=steps, batch_size=data.batch_size)
    settings = optimizer.get_config()
    schedule = tf_keras.optimizers.schedules.deserialize(settings["learning_rate"])
    warmup = schedule.warmup_steps
    assert float(schedule(0)) == 0
    assert float(schedule((warmup + steps) // 2)) == pytest.approx(
        (float(schedule(warmup)) + float(schedule(steps))) / 2, rel=1e-3
    )
    names = ("scale_range", "flip", "copy_paste", "paste_scale_range", "autoaugment")
    return {
        **{name: getattr(data, name, None) for name in ("input_size", "batch_size", *names)},
        "steps": steps,
        "accumulation": arguments["compute"].accumulation_steps,
        "optimizer": next(kind for kind in (ADAMW, SGD) if isinstance(optimizer, kind)),
        "rate": float(schedule(warmup)),
        "end": float(schedule(steps)),
        "warmup": warmup,
        "momentum": settings.get("momentum"),
        "l2": settings.get("l2"),
        "weight_decay": settings["weight_decay"],
        "clip": settings["global_clipnorm"],
        "ema": settings["ema_momentum"] if settings["use_ema"] else None,
        "drop_path": configuration.argument(ConvNeXtUNet, "drop_path"),
        "frozen": configuration.argument(resnet, "freeze_batch_norm"),
        "epsilon": configuration.argument(resnet, "norm_epsilon"),
        "network": configuration.argument(mobilenet, "variant"),
        **{n: getattr(task.loss, n, None) for n in ("mask_weight", *PUBLISHED_LOSSES)},
    }


@pytest.mark.parametrize("experiment_name", RECIPES)
def test_an_experiment_has_the_settings_of_the_paper(experiment_name):
    found = resolved(experiment_name)
    for name, expected in RECIPES[experiment_name].items():
        if isinstance(expected, float):
            expected = pytest.approx(expected, rel=1e-5, abs=1e-9)
        assert found[name] == expected, name
    assert found["accumulation"] == 1


@pytest.mark.parametrize(
    ("variant", "times", "ratio"),
    [
        ("classification_resnet50", 16, math.sqrt(1 / 16)),
        ("semantic_resnet50", 16, math.sqrt(1 / 16)),
        ("panoptic_resnet50", 16, math.sqrt(1 / 16)),
        ("mobilenet_640", 4, 1 / 4),
    ],
)
def test_a_one_gpu_variant_sees_as_many_pictures_at_a_scaled_rate(variant, times, ratio):
    folder = "" if variant == "mobilenet_640" else "paper/"
    paper, own = resolved(variant, folder), resolved(f"{variant}_one_gpu", folder)
    assert own["batch_size"] * times == paper["batch_size"]
    for name in ("steps", "warmup"):
        assert own[name] == pytest.approx(paper[name] * times, rel=1e-3)
    assert own["rate"] == pytest.approx(paper["rate"] * ratio, rel=1e-5)
    assert own["end"] == pytest.approx(paper["end"] * ratio, rel=1e-5, abs=1e-9)
    if paper["ema"]:
        assert (1 - own["ema"]) * times == pytest.approx(1 - paper["ema"], rel=1e-4)
    changed = ("batch_size", "steps", "warmup", "rate", "end", "ema", "accumulation")
    assert {n: v for n, v in own.items() if n not in changed} == {
        n: v for n, v in paper.items() if n not in changed
    }


@pytest.mark.parametrize("variant", ["semantic_resnet50", "panoptic_resnet50"])
def test_the_exact_variants_differ_in_parts_alone(variant):
    paper, own = resolved(variant), resolved(f"{variant}_one_gpu_exact")
    assert own.pop("accumulation") > paper.pop("accumulation") == 1
    assert own == paper


@pytest.mark.parametrize("size", [256, 640])
def test_our_mobile_recipe_is_that_of_the_paper_with_another_decoder(size):
    own, paper = resolved(f"mobilenet_{size}", ""), resolved(f"panoptic_mobilenet_{size}")
    assert own == paper
    configuration.load([f"experiments/mobilenet_{size}.gin"])
    assert configuration.bound_class(MaskConver, "pixel_decoder") is ConvNeXtUNet


def test_the_mobile_model_takes_backbone_and_decoder_from_its_semantic_stage():
    handed_on = {}
    for stage, settings in (("semantic", []), ("panoptic", ["MaskConver.width=8"])):
        small = ["mobilenet.width_multiplier=0.25", "ASPP.width=8", "INPUT_SIZE=(64, 64)"]
        experiment = f"experiments/paper/{stage}_mobilenet_640.gin"
        configuration.load([experiment], [*small, *settings])
        task = configuration.arguments_of(train, supplied=["model_dir", "on_built"])["task"]
        network = build_network(task.model(num_classes=3), (64, 64))
        handed_on[stage] = {
            name: tuple(variable.shape)
            for name, variable in named_variables(network).items()
            if name.startswith(("backbone/", "pixel_decoder/"))
        }
    assert handed_on["semantic"] == handed_on["panoptic"]
    assert sum(name.startswith("pixel_decoder/") for name in handed_on["panoptic"]) > 10
