"""Advice for the settings of predictions and evaluations, and for the parts of a run."""

from __future__ import annotations

from maskconver_tf.config.settings.advice.group import Group

PREDICTION = Group(
    "Prediction",
    {
        "PanopticFusion.score_threshold": (
            "score",
            "choose it on validation: lower finds more segments, higher finds fewer wrong ones. "
            "Models after a short training need 0.05 to 0.15",
        ),
        "PanopticFusion.stuff_score_threshold": (
            "score",
            "if stuff needs another threshold than things",
        ),
        "PanopticFusion.stuff_overlap_threshold": (
            "share",
            "0 if regions of stuff are missing: streets, and other pictures full of stuff",
        ),
        "PanopticFusion.class_score_thresholds": (
            "score",
            "if classes need thresholds of their own",
        ),
        "PanopticFusion.overlap_threshold": (
            "share",
            "choose it on validation; lower keeps segments that others cover in part",
        ),
        "PanopticFusion.min_area": (
            "pixels",
            "choose it on validation; raise it if specks appear. It must be below the area of "
            "your smallest segments",
        ),
        "PanopticFusion.mask_quality": ("", "True if segments with good scores are badly drawn"),
        "PanopticFusion.runner_up": ("", "True if predictions have holes"),
        "PanopticGrouping.score_threshold": ("score", "choose it on validation"),
        "PanopticGrouping.window": (
            "input pixels",
            "smaller if the centers of neighbors are closer than this",
        ),
        "PanopticGrouping.max_centers": (
            "things",
            "to more than the things of the fullest picture",
        ),
        "PanopticGrouping.stuff_area": (
            "pixels",
            "lower it for small pictures or small regions of stuff",
        ),
        "PanopticGrouping.thing_area": ("pixels", "raise it if specks appear"),
    },
)

EVALUATION = Group(
    "Evaluation",
    {
        "evaluate.eval_input": (
            "",
            "to score on another dataset than the run's; `--eval_data` does the same",
        ),
        "evaluate.num_pictures": ("pictures", "for a longer or shorter `overview.png`"),
    },
)

PARTS_OF_A_RUN = Group(
    "Parts of a run",
    {
        "train.task": ("", "to train another stage or another kind of model"),
        "train.optimizer": ("", "hardly ever"),
        "train.length": ("", "hardly ever; set the values of `RunLength`"),
        "train.compute": ("", "hardly ever; set the values of `Compute`"),
        "train.saving": ("", "hardly ever; set the values of `Saving`"),
        "PanopticTask|SemanticTask|ClassificationTask.model": (
            "",
            "in the file that describes a model, see `experiments/model/`",
        ),
        "PanopticTask|SemanticTask|ClassificationTask.loss": ("", "together with the model"),
        "PanopticTask|SemanticTask|ClassificationTask.train_input": ("", "hardly ever"),
        "PanopticTask|SemanticTask|ClassificationTask.eval_input": (
            "",
            "None for a training without evaluations",
        ),
        "PanopticTask|SemanticTask.targets": ("", "together with the model"),
        "PanopticTask|restore_segmenter.fusion": ("", "together with the model"),
        "restore_segmenter.model": ("", "together with `PanopticTask.model`: the same model"),
        "show_inputs.train_input": ("", "hardly ever"),
        "show_inputs.targets": ("", "together with `PanopticTask.targets`"),
    },
)

GROUPS = (PREDICTION, EVALUATION, PARTS_OF_A_RUN)
