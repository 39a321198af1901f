"""Unusual class lists: no stuff, no things, one class."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from maskconver_tf import types
from maskconver_tf.cli.main import main
from maskconver_tf.datasets.build.build import build_dataset
from maskconver_tf.datasets.categories import Categories
from maskconver_tf.evaluation.panoptic_quality import PanopticQuality
from maskconver_tf.evaluation.results import format_table, results_dict
from maskconver_tf.inference.segmenter import PanopticSegmenter
from maskconver_tf.input.targets import TargetBuilder
from maskconver_tf.losses.maskconver_loss import MaskConverLoss
from maskconver_tf.models.backbones.resnet import resnet
from maskconver_tf.models.maskconver import MaskConver
from maskconver_tf.models.pixel_decoders.convnext_unet import ConvNeXtUNet
from maskconver_tf.postprocess.panoptic_fusion import PanopticFusion
from tests.unit.layers.check_layer import shake

SIZE = (64, 96)


def _categories(is_thing) -> Categories:
    entries = [
        {"id": 5 + i, "name": f"class {i}", "isthing": isthing}
        for i, isthing in enumerate(is_thing)
    ]
    return Categories.from_coco(entries, "test")


def _model(num_classes: int) -> MaskConver:
    """A model with the same weights each time."""
    tf_keras.utils.set_random_seed(1)
    return MaskConver(
        num_classes,
        resnet(10, 1 / 8),
        ConvNeXtUNet((1, 1, 1), (16, 16, 16), kernel_size=3),
        center_levels=(3, 4, 5),
        width=16,
        hidden=16,
        head_repeats=1,
        head_kernel_size=3,
        num_proposals=12,
    )


def _batch(num_classes: int) -> dict[str, tf.Tensor]:
    """A picture of two segments (the last class and the first), and a picture of void only."""
    segment_map = np.zeros(SIZE, np.int32)
    segment_map[:32], segment_map[32:, 40:] = 1, 2
    build = TargetBuilder(4, (3, 4, 5), (24, 48))
    pictures = [
        build(tf.constant(ids), tf.constant([num_classes - 1, 0]), tf.constant([False, False]))
        for ids in (segment_map, np.zeros_like(segment_map))
    ]
    return {name: tf.stack([picture[name] for picture in pictures]) for name in pictures[0]}


@pytest.mark.parametrize("is_thing", [(1, 1, 1), (0, 0, 0), (1,), (0,)])
def test_any_class_list_has_losses_masks_and_scores(is_thing):
    categories = _categories(is_thing)
    model, batch = _model(len(categories)), _batch(len(categories))
    images = tf.cast(tf.random.stateless_uniform([2, *SIZE, 3], [1, 2], 0, 256, tf.int32), tf.uint8)
    with tf.GradientTape() as tape:
        loss = MaskConverLoss()(model(images, centers=batch, training=True), batch)["loss"]
    assert 0 < float(loss) < np.inf
    for weight, gradient in zip(
        model.trainable_weights, tape.gradient(loss, model.trainable_weights)
    ):
        assert np.isfinite(tf.convert_to_tensor(gradient)).all(), weight.name

    shake(model, seed=1)  # First masks are near one half, and the fusion drops those below it.
    segmenter = PanopticSegmenter(model, PanopticFusion(0.0, 0.0, 1), categories, SIZE)
    found = segmenter.segment_one(images[0])
    segments = types.segments_from_arrays({name: x.numpy() for name, x in found.items()})
    assert segments
    stuff = [s.class_id for s in segments if not categories.is_thing[s.class_id]]
    assert len(stuff) == len(set(stuff))

    quality = PanopticQuality(len(categories), categories.is_thing)
    panoptic_map = found[types.PANOPTIC_MAP].numpy()
    quality.update(panoptic_map, segments, panoptic_map, segments)
    results = results_dict(quality.result(), categories)
    present, absent = ("things", "stuff") if is_thing[0] else ("stuff", "things")
    assert results["all"]["pq"] == results[present]["pq"] == 100
    assert results[absent] == {"pq": None, "sq": None, "rq": None, "num_classes": 0}
    row = next(x for x in format_table(results).splitlines() if absent.capitalize() in x)
    assert row.split() == [absent.capitalize(), "-", "-", "-", "0"]


def test_a_dataset_of_one_class_trains_and_is_scored(scenes, tiny_arguments, tmp_path, capsys):
    content = json.loads((scenes / "panoptic_train.json").read_text())
    content["categories"] = [{"id": 3, "name": "blob", "isthing": 1}]
    for annotation in content["annotations"]:
        for segment in annotation["segments_info"]:
            segment["category_id"] = 3
    annotations = tmp_path / "one_class.json"
    annotations.write_text(json.dumps(content))
    data = tmp_path / "data"
    folders = (scenes / "images/train", scenes / "panoptic/train")
    build_dataset(*folders, annotations, data, workers=1, progress=False)

    run = tmp_path / "run"
    settings = [f"{name}_DATA='{data}'" for name in ("TRAIN", "EVAL")]
    assert main(tiny_arguments(run, "RunLength.total_steps=2", *settings)) == 0
    assert main(["evaluate", "--model", str(run)]) == 0
    assert "Stuff" in capsys.readouterr().out
    results = json.loads((run / "results.json").read_text())
    assert results["stuff"]["num_classes"] == 0
    assert list(results["per_class"]) == ["blob"]
