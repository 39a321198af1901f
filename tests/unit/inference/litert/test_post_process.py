"""The NumPy code that is shipped with the heads finds the segments that TensorFlow finds."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.errors import UserError
from maskconver_tf.evaluation.lost_quality.recalibration import Curve, Recalibration
from maskconver_tf.export.litert import graphs
from maskconver_tf.export.litert.export_litert import segment_canvas
from maskconver_tf.export.litert.post_process_data import write_post_process
from maskconver_tf.inference import signatures
from maskconver_tf.inference.litert import post_process
from maskconver_tf.inference.segmenter import PanopticSegmenter
from maskconver_tf.models.backbones.resnet import resnet
from maskconver_tf.models.build_network import build_network
from maskconver_tf.models.maskconver import MaskConver
from maskconver_tf.models.pixel_decoders.convnext_unet import ConvNeXtUNet
from maskconver_tf.postprocess.panoptic_fusion import PanopticFusion
from tests.unit.layers.check_layer import shake

CATEGORIES = Categories.from_coco(
    [{"id": 90, "name": "pré", "isthing": 0}, {"id": 3, "name": "chat", "isthing": 1}], "here"
)
SIZE = (32, 64)


CURVES = Recalibration(
    {"chat": Curve((0.2, 0.5), (0.1, 0.6))}, Curve((0.1, 0.3, 0.6), (0.0, 0.2, 0.9))
)


def make_segmenter(
    fusion: PanopticFusion, recalibration: Recalibration | None = None, **settings
) -> PanopticSegmenter:
    tf_keras.utils.set_random_seed(2)
    levels = {"center_levels": (3, 4, 5), "head_repeats": 1, "head_kernel_size": 3}
    model = MaskConver(
        2,
        resnet(10, width_multiplier=1 / 16),
        ConvNeXtUNet([1, 1, 1], [8, 8, 8], 3),
        **{"width": 8, "hidden": 16, "num_proposals": 6} | levels | settings,
    )
    shake(build_network(model, SIZE))
    return PanopticSegmenter(model, fusion, CATEGORIES, SIZE, recalibration=recalibration)


@pytest.mark.parametrize(
    "settings",
    [
        {"embedding_norm": "batch", "class_embedding": "multiply", "recalibration": CURVES},
        {"class_embedding": "none", "mean_of_peak": True, "position": True},
    ],
)
def test_map_is_that_of_tensorflow(settings, tmp_path):
    fusion = PanopticFusion(min_area=1, score_threshold=0.01)
    segmenter = make_segmenter(fusion, **settings)
    write_post_process(tmp_path, segmenter)
    image = np.random.default_rng(0).integers(0, 256, [*SIZE, 3], dtype=np.uint8)
    heads = graphs.heads_graph(segmenter)(tf.constant(image[np.newaxis]))
    outputs = {name: value.numpy() for name, value in heads.items()}
    found = post_process.segment(outputs, *post_process.load(tmp_path))
    expected = segment_canvas(segmenter, image)
    assert expected[signatures.PANOPTIC_MAP].any()
    equal = found["panoptic_map"] == expected[signatures.PANOPTIC_MAP]
    assert equal.mean() > 0.995
    for name in ("segment_ids", "category_ids"):
        np.testing.assert_array_equal(found[name], expected[name])
    np.testing.assert_allclose(found["scores"], expected[signatures.SCORES], rtol=1e-4)


def test_a_model_that_flips_is_refused():
    segmenter = make_segmenter(PanopticFusion(), flip_at_inference=True)
    with pytest.raises(UserError, match="^--to litert: .*--gin.MaskConver.flip_at_inference=False"):
        graphs.check_can_convert(segmenter)


def test_the_shipped_code_needs_only_numpy_and_is_short():
    lines = Path(post_process.__file__).read_text(encoding="utf-8").splitlines()
    imports = {line.split()[1] for line in lines if line.startswith(("import ", "from "))}
    assert imports - {"post_process"} == {"json", "math", "pathlib", "numpy"}
    assert len(lines) < 155
