"""MobileNet backbones from the Model Garden."""

from __future__ import annotations

from official.vision.modeling.backbones import mobilenet as garden

from maskconver_tf.errors import UserError
from maskconver_tf.layers.norm import has_replicas
from maskconver_tf.models.backbones.backbone import Backbone, truncate, wants_weights
from maskconver_tf.models.backbones.garden_weights import load_garden_weights


def mobilenet(
    variant: str = "MobileNetMultiAVGSeg",
    width_multiplier: float = 1.0,
    freeze_batch_norm: bool = False,
    weights: str | None = None,
) -> Backbone:
    """A MobileNet backbone; the default is the paper's MobileNet-MH.

    The segmentation variants end in two feature maps of stride 32; the second, wider one is level
    5.

    Args:
      variant: name in the Model Garden.
      width_multiplier: scales every channel count.
      freeze_batch_norm: see `Backbone`.
      weights: a Model Garden checkpoint, see `load_garden_weights`; None for random ones. Garden
        networks expect what `Backbone` does by default: ImageNet's mean and deviation.

    Raises:
      UserError: a variant the Model Garden does not have, or a checkpoint that does not fit.

    Source: MobileNet multi-hardware, arXiv 2008.08178, through `official.vision`.
    """
    if variant not in garden.SUPPORTED_SPECS_MAP:
        known = ", ".join(sorted(garden.SUPPORTED_SPECS_MAP))
        raise UserError(f"mobilenet.variant = {variant!r}: unknown; choose one of {known}")
    network = garden.MobileNet(
        variant, filter_size_scale=width_multiplier, use_sync_bn=has_replicas()
    )
    if wants_weights(weights):
        load_garden_weights(network, weights, "mobilenet.weights")
    keys = ("2", "3", "4", _deepest_key(network))
    return Backbone(
        truncate(network, keys), keys, freeze_batch_norm=freeze_batch_norm, name="backbone"
    )


def _deepest_key(network) -> str:
    """The last feature map before pooling, whose stride is 32 in every variant."""
    return max(network.output_specs, key=int)
