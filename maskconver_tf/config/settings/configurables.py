"""The functions and classes whose arguments are settings.

The roots are the functions that commands call with arguments from Gin. All others make what the
roots take, directly or indirectly.
"""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Configurable:
    """A function or class with settings.

    Attributes:
      module: its module, without `maskconver_tf.`.
      name: as Gin files write it.
      supplied: the arguments that the program supplies. They are no settings.
    """

    module: str
    name: str
    supplied: tuple[str, ...] = ()


_CLASSES = ("num_classes",)

ROOTS = (
    Configurable("training.train", "train", ("model_dir", "on_built", "on_report")),
    Configurable("training.evaluate", "evaluate", ("task", "restored", "out", "tile", "on_scored")),
    Configurable("training.restore", "restore_segmenter", ("model_dir",)),
    Configurable(
        "planning.show_inputs", "show_inputs", ("center_levels", "out", "num_pictures", "seed")
    ),
)

CONFIGURABLES = (
    *ROOTS,
    Configurable("training.tasks.panoptic_task", "PanopticTask"),
    Configurable("training.tasks.semantic_task", "SemanticTask"),
    Configurable("training.tasks.classification_task", "ClassificationTask"),
    Configurable("training.run_settings", "RunLength"),
    Configurable("training.run_settings", "Compute"),
    Configurable("training.run_settings", "Saving"),
    Configurable(
        "training.optimizers", "make_optimizer", ("total_steps", "batch_size", "progress")
    ),
    Configurable("input.pipeline", "TrainingInput"),
    Configurable("input.pipeline", "EvaluationInput"),
    Configurable("input.targets", "TargetBuilder", ("center_levels",)),
    Configurable("input.semantic_targets", "SemanticTargets"),
    Configurable("input.classification_input", "ClassificationInput"),
    Configurable("input.classification_input", "ClassificationEvaluation"),
    Configurable("models.maskconver", "MaskConver", _CLASSES),
    Configurable("models.semantic_model", "SemanticModel", _CLASSES),
    Configurable("models.image_classifier", "ImageClassifier", _CLASSES),
    Configurable("models.panoptic_deeplab.panoptic_deeplab", "PanopticDeepLab", _CLASSES),
    Configurable("models.backbones.resnet", "resnet"),
    Configurable("models.backbones.mobilenet", "mobilenet"),
    Configurable("models.backbones.keras_applications", "keras_application"),
    Configurable("models.backbones.efficientnet_lite", "efficientnet_lite0"),
    Configurable("models.pixel_decoders.convnext_unet", "ConvNeXtUNet"),
    Configurable("models.pixel_decoders.aspp", "ASPP"),
    Configurable("models.pixel_decoders.light_fpn", "LightFPN"),
    Configurable("losses.maskconver_loss", "MaskConverLoss"),
    Configurable("losses.panoptic_deeplab_loss", "PanopticDeepLabLoss"),
    Configurable("losses.cross_entropy", "SemanticLoss"),
    Configurable("losses.cross_entropy", "ClassificationLoss"),
    Configurable("postprocess.panoptic_fusion", "PanopticFusion"),
    Configurable("postprocess.grouping.panoptic_grouping", "PanopticGrouping"),
)
