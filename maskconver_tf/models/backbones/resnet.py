"""ResNet backbones from the Model Garden."""

from __future__ import annotations

from official.vision.modeling.backbones import resnet as garden

from maskconver_tf.errors import UserError
from maskconver_tf.layers.norm import has_several_replicas
from maskconver_tf.models.backbones.backbone import Backbone, must_load_weights
from maskconver_tf.models.backbones.garden_weights import load_garden_weights

GARDEN_EPSILON = 1e-5
"""Epsilon of batch norms in the Model Garden's ImageNet recipe for ResNets. Its other recipes, and
that for MobileNets, use 1e-3."""


def resnet(
    depth: int = 50,
    width_multiplier: float = 1.0,
    stem: str = "v0",
    stochastic_depth: float = 0.0,
    freeze_batch_norm: bool = False,
    weights: str | None = None,
) -> Backbone:
    """A ResNet or ResNet-RS backbone.

    Args:
      depth: number of layers: 10, 18, 26, 34, 50, 101, 152, ...
      width_multiplier: scales every channel count.
      stem: "v0" (one 7x7 convolution) or "v1" (three 3x3).
      stochastic_depth: drop rate of the last block.
      freeze_batch_norm: see `Backbone`.
      weights: a Model Garden checkpoint, see `load_garden_weights`; None for random weights. These
        networks expect pixels normalised by ImageNet's mean and deviation, as `Backbone` does by
        default. With weights, batch norms get the epsilon of their training.

    Raises:
      UserError: the Model Garden has no ResNet of this depth, or the checkpoint does not fit.

    Source: arXiv 1512.03385 and 2103.07579, through `official.vision`.
    """
    if depth not in garden.RESNET_SPECS:
        known = ", ".join(map(str, sorted(garden.RESNET_SPECS)))
        raise UserError(f"resnet.depth = {depth}: no such ResNet; choose one of {known}")
    network = garden.ResNet(
        depth,
        depth_multiplier=width_multiplier,
        stem_type=stem,
        init_stochastic_depth_rate=stochastic_depth,
        use_sync_bn=has_several_replicas(),
        norm_momentum=0.99,
        norm_epsilon=GARDEN_EPSILON if weights else 1e-3,
    )
    if must_load_weights(weights):
        load_garden_weights(network, weights, "resnet.weights")
    return Backbone(network, freeze_batch_norm=freeze_batch_norm, name="backbone")
