"""Advice for the settings of the data, of its size and of its augmentation."""

from __future__ import annotations

from maskconver_tf.config.settings.advice.group import Group

DATA = Group(
    "The data",
    {
        "TrainingInput.data_dir": ("path", "for each dataset; `--train_data` sets it"),
        "EvaluationInput.data_dir": ("path", "for each dataset; `--eval_data` sets it"),
        "ClassificationInput|ClassificationEvaluation.data_dir": ("path", "for each dataset"),
        "ClassificationInput|ClassificationEvaluation.split": (
            "",
            "if the parts of your dataset have other names",
        ),
        "TrainingInput|ClassificationInput.max_examples": (
            "pictures",
            "to learn a few pictures by heart, or for a quick trial",
        ),
        "EvaluationInput|ClassificationEvaluation.max_examples": (
            "pictures",
            "if evaluations take too long; scores of few pictures are noisy",
        ),
        "TrainingInput.skip_corrupt": (
            "",
            "if a training stops at a damaged record and you cannot build the dataset again",
        ),
    },
)

SIZE = Group(
    "Input size and scale",
    {
        "TrainingInput|EvaluationInput|restore_segmenter.input_size": (
            "pixels",
            "to the size whose PQ ceiling and cost suit you (`maskconver data check`). Training, "
            "evaluation and prediction should see things at the same scale; `--input_size` sets "
            "all three where the experiment reads %INPUT_SIZE",
        ),
        "ClassificationInput|ClassificationEvaluation.input_size": (
            "pixels",
            "224 is usual for ImageNet; a smaller size trains faster",
        ),
        "ClassificationEvaluation.crop_share": (
            "share",
            "to compare with results that crop the middle in another way",
        ),
        "TargetBuilder|SemanticTargets.label_stride": (
            "input pixels",
            "1 for thin or small segments; costs memory and time",
        ),
        "MaskConver|SemanticModel.mask_level": (
            "level",
            "1 (stride 2) for thin or small segments; masks then cost four times as much",
        ),
    },
)

AUGMENTATION = Group(
    "Augmentation",
    {
        "TrainingInput|ClassificationInput.flip": (
            "",
            "False if left and right differ in meaning, as in pictures with text",
        ),
        "TrainingInput.vertical_flip": (
            "",
            "True for pictures without an up and a down: from microscopes, or from above",
        ),
        "TrainingInput.quarter_turns": ("", "True for the same pictures as `vertical_flip`"),
        "TrainingInput.rotation": (
            "degrees",
            "5 to 15 if the camera tilts; up to 45, with `quarter_turns`, for pictures without an "
            "up and a down",
        ),
        "TrainingInput.elastic": (
            "input pixels",
            "a tenth of the side of a typical thing, for soft things such as cells; not for "
            "buildings or letters",
        ),
        "TrainingInput.blur": ("input pixels", "1 to 2 if the focus varies"),
        "TrainingInput.noise": ("share", "0.02 to 0.1 if the light, and thus the noise, varies"),
        "TrainingInput.gamma": ("", "0.2 to 0.5 if the exposure varies"),
        "TrainingInput.scale_range": (
            "factor",
            "(0.5, 2.0) if things appear at many scales and you have thousands of steps. A scale "
            "above 1 crops the picture and cuts things at its border",
        ),
        "TrainingInput|ClassificationInput.color_jitter": (
            "share",
            "0.2 to 0.4 if light and colors vary, or if the model overfits",
        ),
        "TrainingInput|ClassificationInput.autoaugment": (
            "",
            "True for long trainings on photographs that overfit",
        ),
        "TrainingInput.copy_paste": (
            "share",
            "0.5 if things are rare and the training is long",
        ),
        "TrainingInput.paste_scale_range": (
            "factor",
            "narrower, such as (0.5, 1.5), if pasted things become too small to recognise",
        ),
        "ClassificationInput.area_range": (
            "share",
            "raise the lower bound for small models or short trainings",
        ),
        "ClassificationInput.aspect_range": ("ratio of width to height", "hardly ever"),
    },
)

MANY_THINGS = Group(
    "Many, small or touching segments",
    {
        "TargetBuilder.num_slots": (
            "segments",
            "to more than the segments of the fullest picture; `dropped_segments_per_step` above "
            "0 in TensorBoard shows that it is too small. Fewer slots save memory",
        ),
        "MaskConver.num_proposals": (
            "segments",
            "to more than the segments of the fullest picture: a picture never has more "
            "predictions than this",
        ),
        "TargetBuilder.level_bounds": (
            "input pixels",
            "for each dataset: choose bounds that give every level segments "
            "(`maskconver data show` draws the levels). One number less than center levels",
        ),
        "TargetBuilder.gaussian_iou": (
            "IoU",
            "0.3 if the model misses centers; 0.9 if neighbors merge",
        ),
        "TargetBuilder.centers": ("", "to compare with methods that only know boxes"),
        "TargetBuilder.min_visible": (
            "share",
            "raise it if the model finds things in the remains of cut ones",
        ),
        "MaskConver.position": (
            "",
            "True if masks run over into look-alike neighbors; 'two_axes' is for experiments",
        ),
        "MaskConver.center_jitter": ("share", "for experiments; 0.5 if masks depend on one cell"),
        "MaskConver.mean_of_peak": ("", "for experiments; together with `center_jitter`"),
        "MaskConver.flip_at_inference": (
            "",
            "True for about 1 PQ without training if you have twice the time for each picture, and "
            "left and right do not differ in meaning",
        ),
        "MaskConver.coordinates": ("", "for experiments; `position` does more for look-alikes"),
        "MaskConver.mask_lateral": ("", "True for finer borders and for thin things"),
    },
)

GROUPS = (DATA, SIZE, AUGMENTATION, MANY_THINGS)
