"""ResNet backbones from the Model Garden."""

from __future__ import annotations

import math
import sys

from official.vision.modeling.backbones import resnet as garden

from maskconver_tf.errors import UserError
from maskconver_tf.layers.activation import ActivationKind, make_activation
from maskconver_tf.layers.norm import has_several_replicas
from maskconver_tf.models.backbones.backbone import Backbone, must_load_weights
from maskconver_tf.models.backbones.garden_weights import load_garden_weights
from maskconver_tf.setting_checks import (
    check_choices,
    check_flags,
    check_numbers,
    check_texts,
    given,
)

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
    activation: ActivationKind = "relu",
    drop_path: float = 0.0,
    norm_epsilon: float = 1e-3,
) -> Backbone:
    """A ResNet or ResNet-RS backbone.

    Args:
      depth: number of layers: 10, 18, 26, 34, 50, 101, 152, ...
      width_multiplier: scales every channel count.
      stem: "v0" (one 7x7 convolution) or "v1" (three 3x3).
      stochastic_depth: drop rate of level 5; levels 2, 3 and 4 get 2/5, 3/5 and 4/5 of it. For a
        rate that goes on rising in the pixel decoder, set `drop_path` in its place.
      freeze_batch_norm: whether batch norms keep their statistics, scale and offset in training.
      weights: a Model Garden checkpoint, see `load_garden_weights`; None for random weights. These
        networks expect pixels normalised by ImageNet's mean and deviation, as `Backbone` does by
        default.
      activation: "relu", or "gelu" for a network that is trained from scratch, as the paper's large
        model is. The weights that `weights` reads were trained with "relu".
      drop_path: r, the drop rate of the whole model, see `ConvNeXtUNet.drop_path`: levels 2, 3, 4
        and 5 get 2/8 r, 3/8 r, 4/8 r and 5/8 r.
      norm_epsilon: epsilon of the batch norms, which is no weight. The Model Garden trains ResNets
        on ImageNet with 1e-5; the paper takes 1e-3 after that. A note tells if it differs from that
        of the weights which `weights` or `--init_from` loads.

    Raises:
      UserError: the Model Garden has no ResNet of this depth, the checkpoint does not fit, or two
        settings contradict each other.

    Source: arXiv 1512.03385 and 2103.07579, through `official.vision`.
    """
    check_choices("resnet", sorted(garden.RESNET_SPECS), depth=depth)
    check_choices("resnet", ("v0", "v1"), stem=stem)
    check_numbers("resnet", 0.01, 8, width_multiplier=width_multiplier)
    check_numbers("resnet", 0, 1, stochastic_depth=stochastic_depth, drop_path=drop_path)
    check_numbers("resnet", 1e-12, 1, norm_epsilon=norm_epsilon)
    check_flags("resnet", freeze_batch_norm=freeze_batch_norm)
    check_texts("resnet", "gs://BUCKET/ckpt-28080", **given(weights=weights))
    make_activation(activation, "resnet.activation")
    _check_settings(weights, activation, stochastic_depth, drop_path)
    network = garden.ResNet(
        depth,
        depth_multiplier=width_multiplier,
        stem_type=stem,
        activation=activation,
        init_stochastic_depth_rate=stochastic_depth or drop_path * 5 / 8,
        use_sync_bn=has_several_replicas(),
        norm_momentum=0.99,
        norm_epsilon=norm_epsilon,
    )
    if must_load_weights(weights):
        load_garden_weights(network, weights, "resnet.weights")
        if note := note_of_epsilon(GARDEN_EPSILON, norm_epsilon):
            print(f"resnet.weights = {weights!r}: {note}", file=sys.stderr)
    return Backbone(network, freeze_batch_norm=freeze_batch_norm, name="backbone")


def note_of_epsilon(trained: float, found: float) -> str:
    """Returns a note for weights trained with another epsilon than the backbone's; or nothing."""
    if math.isclose(trained, found, rel_tol=1e-3):
        return ""
    return (
        f"these weights were trained with epsilon {trained:g} in the batch norms, and this "
        f"backbone has {found:g}, so it computes a slightly different function; set "
        f"resnet.norm_epsilon = {trained:g} to compute the same"
    )


def _check_settings(
    weights: str | None, activation: str, stochastic_depth: float, drop_path: float
) -> None:
    if weights and activation != "relu":
        raise UserError(
            f"resnet.activation = {activation!r}, but the weights of resnet.weights = {weights!r} "
            "were trained with 'relu' and compute something else with another activation; "
            "set resnet.activation = 'relu', or leave out resnet.weights and train from scratch"
        )
    if stochastic_depth and drop_path:
        raise UserError(
            f"resnet.stochastic_depth = {stochastic_depth} and resnet.drop_path = {drop_path}: "
            "both set the drop rates of the backbone; leave out resnet.stochastic_depth"
        )
