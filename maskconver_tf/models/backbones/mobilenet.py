"""MobileNet backbones from the Model Garden."""

from __future__ import annotations

from official.vision.modeling.backbones import mobilenet as garden

from maskconver_tf.layers.norm import has_several_replicas
from maskconver_tf.models.backbones.backbone import Backbone, keep_outputs, must_load_weights
from maskconver_tf.models.backbones.garden_weights import load_garden_weights
from maskconver_tf.setting_checks import (
    check_choices,
    check_flags,
    check_numbers,
    check_texts,
    given,
)


def mobilenet(
    variant: str = "MobileNetMultiAVGSeg",
    width_multiplier: float = 1.0,
    output_stride: int = 32,
    freeze_batch_norm: bool = False,
    weights: str | None = None,
) -> Backbone:
    """A MobileNet backbone; the default is the paper's MobileNet-MH.

    The segmentation variants end in two feature maps of stride 32; the second and wider is level 5.

    Args:
      variant: its name in the Model Garden.
      width_multiplier: scales every channel count.
      output_stride: 32, or 16 to keep the last stage at stride 16 with dilated convolutions. With
        16 the last stage is level 4, and there is no level 5.
      freeze_batch_norm: whether batch norms keep their statistics, scale and offset in training.
      weights: a Model Garden checkpoint, see `load_garden_weights`; None for random weights. These
        networks expect pixels normalised by ImageNet's mean and deviation, as `Backbone` does by
        default.

    Raises:
      UserError: the Model Garden has no such variant, or the checkpoint does not fit.

    Source: MobileNet multi-hardware, arXiv 2008.08178, through `official.vision`.
    """
    check_choices("mobilenet", sorted(garden.SUPPORTED_SPECS_MAP), variant=variant)
    check_choices("mobilenet", (16, 32), output_stride=output_stride)
    check_numbers("mobilenet", 0.01, 8, width_multiplier=width_multiplier)
    check_flags("mobilenet", freeze_batch_norm=freeze_batch_norm)
    check_texts("mobilenet", "gs://BUCKET/ckpt-28080", **given(weights=weights))
    network = garden.MobileNet(
        variant,
        filter_size_scale=width_multiplier,
        output_stride=None if output_stride == 32 else output_stride,
        use_sync_bn=has_several_replicas(),
    )
    if must_load_weights(weights):
        load_garden_weights(network, weights, "mobilenet.weights")
    keys = ("2", "3", *(["4"] if output_stride == 32 else []), _deepest_key(network))
    return Backbone(
        keep_outputs(network, keys), keys, freeze_batch_norm=freeze_batch_norm, name="backbone"
    )


def _deepest_key(network) -> str:
    """The key of the last feature map before pooling, which has the largest stride."""
    return max(network.output_specs, key=int)
