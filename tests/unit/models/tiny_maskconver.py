"""A tiny MaskConver, pictures and centers for the tests of models."""

import numpy as np
import tensorflow as tf
import tf_keras

from maskconver_tf import types
from maskconver_tf.models.backbones.resnet import resnet
from maskconver_tf.models.maskconver import MaskConver
from maskconver_tf.models.pixel_decoders.convnext_unet import ConvNeXtUNet
from maskconver_tf.models.pixel_decoders.light_fpn import LightFPN

LEVEL_SIZES = {3: (12, 20), 4: (6, 10), 5: (3, 5), 6: (2, 3), 7: (1, 2)}
"""Level sizes of a 96x160 picture: 96 and 160 are no multiples of 64 or 128."""

IMAGES = tf.cast(tf.random.stateless_uniform([2, 96, 160, 3], [1, 2], 0, 256, tf.int32), tf.uint8)
CENTERS = {
    types.CENTER_LEVELS: tf.constant([[3, 4, 5, 6, 7, -1], [7, 3, 3, -1, 6, 4]]),
    types.CENTER_INDICES: tf.constant(
        [
            [[11, 19], [0, 9], [2, 4], [1, 2], [0, 1], [0, 0]],
            [[0, 0], [5, 7], [0, 0], [0, 0], [1, 0], [5, 0]],
        ]
    ),
    types.SLOT_CLASS_IDS: tf.constant([[0, 1, 2, 1, 1, -1], [2, 2, 0, -1, 1, 0]]),
}


def make_model(**settings):
    """All parts of the figure, 3 classes, levels 3..7; every call makes the same weights."""
    tf_keras.utils.set_random_seed(2)
    parts = {
        "backbone": lambda: resnet(10, width_multiplier=1 / 16),
        "pixel_decoder": lambda: ConvNeXtUNet([1, 1, 1], [8, 8, 8], 3, se_ratio=1 / 2),
        "pyramid": lambda: LightFPN(8, kernel_size=3, norm="layer"),
    }
    parts = {name: make() for name, make in parts.items() if name not in settings}
    small = {
        "width": 8,
        "head_repeats": 1,
        "head_kernel_size": 3,
        "hidden": 16,
        "norm": "layer",
        "num_proposals": 24,
        "name": "maskconver",
    }
    return MaskConver(3, **parts | small | settings)


def center_cells(outputs):
    """Levels `[B, K]` and cells `[B, K, 2]` of the proposals' centers, int32."""
    middles = outputs[types.PROPOSAL_CENTERS].numpy()
    # A middle is an odd multiple of half a stride, so it tells the level.
    levels = np.zeros(middles.shape[:2], np.int32)
    for level in LEVEL_SIZES:
        levels[(middles / 2 ** (level - 1) % 2 == 1).all(-1)] = level
    assert levels.all()
    return levels, (middles // 2 ** levels[..., np.newaxis]).astype(np.int32)


def apply(model, inputs, training):
    images, centers = inputs
    return model(images, centers=centers, training=training)
