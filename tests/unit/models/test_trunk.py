"""The models of the earlier stages, and the weights that they share with MaskConver."""

import pytest
import tensorflow as tf
import tf_keras

from maskconver_tf import types
from maskconver_tf.errors import UserError
from maskconver_tf.models.backbones.resnet import resnet
from maskconver_tf.models.image_classifier import ImageClassifier
from maskconver_tf.models.maskconver import MaskConver
from maskconver_tf.models.pixel_decoders.convnext_unet import ConvNeXtUNet
from maskconver_tf.models.pixel_decoders.light_fpn import LightFPN
from maskconver_tf.models.semantic_model import SemanticModel
from maskconver_tf.models.variable_names import named_variables
from tests.unit.layers.check_layer import check_layer

IMAGES = tf.cast(tf.random.stateless_uniform([2, 64, 96, 3], [1, 2], 0, 256, tf.int32), tf.uint8)
HEAD = {"width": 8, "head_repeats": 1, "head_kernel_size": 3}


def trunk():
    tf_keras.utils.set_random_seed(2)
    return {
        "backbone": resnet(10, width_multiplier=1 / 16),
        "pixel_decoder": ConvNeXtUNet([1, 1, 1], [8, 8, 8], 3, se_ratio=1 / 2),
    }


def semantic():
    return SemanticModel(5, **trunk(), pyramid=LightFPN(8, kernel_size=3), **HEAD, name="semantic")


def classifier():
    return ImageClassifier(5, **trunk(), name="classifier")


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (semantic, {types.SEMANTIC_LOGITS: (2, 16, 24, 5)}),
        (classifier, {types.CLASS_LOGITS: (2, 5)}),
    ],
)
def test_is_a_layer_and_gradients_reach_every_weight(make, expected):
    check_layer(make, IMAGES, expected, bfloat16_output="float32", bfloat16_error=0.06)


def test_a_stage_finds_the_weights_of_the_stage_before_by_name_and_shape():
    panoptic = MaskConver(5, **trunk(), pyramid=LightFPN(8, kernel_size=3), hidden=8, **HEAD)
    shapes = []
    for model in (classifier(), semantic(), panoptic):
        model(IMAGES)
        shapes.append({name: tuple(v.shape) for name, v in named_variables(model).items()})
    first, second, third = shapes
    own = [
        sorted({name.split("/")[0] for name in earlier if later.get(name) != earlier[name]})
        for earlier, later in ((first, second), (second, third))
    ]
    assert own == [["classes", "norm"], ["class_embeddings"]]


def test_sizes_that_no_level_fits_are_refused():
    with pytest.raises(UserError, match="images are 64x80; .* multiples of 32"):
        classifier()(IMAGES[:, :, :80])
