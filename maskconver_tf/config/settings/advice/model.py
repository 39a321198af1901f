"""Advice for the settings of the models and their losses."""

from __future__ import annotations

from maskconver_tf.config.settings.advice.group import Group

_PAPER = "to repeat a model of the paper"
_COST = "a smaller value costs less time and memory and holds less"

CHOICE = Group(
    "Choice of the model",
    {
        "MaskConver|SemanticModel|ImageClassifier|PanopticDeepLab.backbone": (
            "",
            "for another cost or other weights; `experiments/model/` has complete models",
        ),
        "MaskConver|SemanticModel|ImageClassifier.pixel_decoder": (
            "",
            "together with the backbone; `experiments/model/` has complete models",
        ),
        "MaskConver|SemanticModel|ImageClassifier.pyramid": (
            "",
            "@LightFPN if things are larger than a quarter of the input",
        ),
        "MaskConver.center_levels": (
            "levels",
            "fewer for small pictures; `TargetBuilder.level_bounds` needs one number less",
        ),
        "MaskConver|SemanticModel.width": ("channels", _COST),
        "resnet.depth": ("layers", _COST),
        "resnet|mobilenet.width_multiplier": ("factor", _COST),
        "mobilenet.variant": ("", "for another network of the Model Garden"),
        "keras_application.name": ("", "for another network of Keras"),
        "resnet|mobilenet|keras_application|efficientnet_lite0.weights": (
            "path",
            "to start from ImageNet weights, which helps on a hundred to some thousand photographs",
        ),
    },
)

PARTS = Group(
    "Parts of the model",
    {
        "MaskConver|SemanticModel.head_repeats": ("units", _COST),
        "MaskConver|SemanticModel.head_kernel_size": ("cells", _COST),
        "MaskConver.hidden": ("channels", _COST),
        "MaskConver.class_embedding": ("", "for ablations"),
        "MaskConver.norm": ("", "'batch' for faster inference on phones; needs large batches"),
        "SemanticModel|PanopticDeepLab|ConvNeXtUNet|ASPP|LightFPN.norm": (
            "",
            "the same as that of the model around it",
        ),
        "MaskConver.embedding_norm": ("", _PAPER),
        "MaskConver.fuse_level": ("level", _PAPER),
        "MaskConver|SemanticModel|LightFPN|resnet.activation": ("", _PAPER),
        "MaskConver.heatmap_prior": ("score", _PAPER),
        "MaskConver.semantic_branch": (
            "",
            "True if classes are learned slowly; set `MaskConverLoss.semantic_weight`, too",
        ),
        "resnet.stem": ("", _PAPER),
        "resnet.norm_epsilon": ("", "to the epsilon that the weights were trained with"),
        "mobilenet.output_stride": ("input pixels", "16 for Panoptic-DeepLab and ASPP"),
        "ConvNeXtUNet.repeats": ("blocks", _COST),
        "ConvNeXtUNet.widths": ("channels", _COST),
        "ConvNeXtUNet|LightFPN.kernel_size": ("cells", _COST),
        "ConvNeXtUNet.se_ratio": ("ratio", "0 for a model without squeeze-and-excite"),
        "ConvNeXtUNet.se_activation": ("", _PAPER),
        "ConvNeXtUNet.level_activation": ("", _PAPER),
        "ASPP.level": ("level", "to the last level of the backbone"),
        "ASPP.width": ("channels", _COST),
        "ASPP.rates": ("cells", "smaller rates for small inputs"),
        "ASPP|PanopticDeepLab.dilated_pointwise": ("", _PAPER),
        "LightFPN.width": ("channels", "the width of the pixel decoder and of the model"),
        "LightFPN.max_level": ("level", "to the coarsest center level"),
        "PanopticDeepLab.level": ("level", "to the last level of the backbone"),
        "PanopticDeepLab.rates": ("cells", "smaller rates for small inputs"),
        "PanopticDeepLab.aspp_width": ("channels", _COST),
        "PanopticDeepLab.lateral_levels": ("levels", _PAPER),
        "PanopticDeepLab.semantic_laterals": ("channels", _PAPER),
        "PanopticDeepLab.semantic_width": ("channels", _COST),
        "PanopticDeepLab.instance_laterals": ("channels", _PAPER),
        "PanopticDeepLab.instance_width": ("channels", _COST),
        "PanopticDeepLab.instance_head_width": ("channels", _COST),
        "PanopticDeepLab.kernel_size": ("cells", _PAPER),
    },
)

LOSS = Group(
    "Loss",
    {
        "MaskConverLoss.mask_weight": ("", "lower it if segments are well drawn but not found"),
        "MaskConverLoss.center_weight": ("", "raise it if segments are not found"),
        "MaskConverLoss.padding": ("", "'ignored' to repeat the released code"),
        "MaskConverLoss.void": (
            "",
            "'negative' if unlabelled parts of your pictures surely hold no segment",
        ),
        "MaskConverLoss.score_clip": ("score", "1e-4 to repeat the released code"),
        "MaskConverLoss.alpha": ("", "for experiments"),
        "MaskConverLoss.beta": ("", "for experiments"),
        "MaskConverLoss.positive_from": (
            "",
            "for experiments. Beside a center the Gaussian is 0.14, 0.49 and 0.69 for a radius of "
            "1, 2 and 3 cells, so larger values change nothing there",
        ),
        "MaskConverLoss.quality": ("share", "for experiments; 0.5 lets scores tell good masks"),
        "MaskConverLoss.dice": ("", "'batch' to repeat the released code"),
        "MaskConverLoss.bce_divisor": ("", "'canvas' to repeat the released code"),
        "MaskConverLoss.border_weight": ("factor", "2 to 4 if borders are inexact"),
        "MaskConverLoss.semantic_weight": ("", "2 with `MaskConver.semantic_branch`"),
        "PanopticDeepLabLoss.semantic_weight": ("", "hardly ever"),
        "PanopticDeepLabLoss.center_weight": ("", "raise it if things are not found"),
        "PanopticDeepLabLoss.offset_weight": ("", "raise it if things merge"),
        "PanopticDeepLabLoss.hard_share": ("share", "1 for short trainings"),
        "PanopticDeepLabLoss.small_weight": ("factor", "raise it if small things are missed"),
        "PanopticDeepLabLoss.small_area": (
            "input pixels",
            "with the input size: the paper's 4096 is meant for inputs of 1025 x 2049",
        ),
        "PanopticDeepLabLoss.center_sigma": ("input pixels", "lower it for small things"),
        "SemanticLoss|ClassificationLoss.label_smoothing": (
            "share",
            "0.1 for long trainings, 0 for short ones",
        ),
    },
)

GROUPS = (CHOICE, PARTS, LOSS)
