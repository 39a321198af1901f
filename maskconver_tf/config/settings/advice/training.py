"""Advice for the settings of a training: its length, its learning, its memory and its files."""

from __future__ import annotations

from maskconver_tf.config.settings.advice.group import Group

LENGTH = Group(
    "Length of a training",
    {
        "RunLength.total_steps": (
            "steps",
            "20 to 50 epochs are a start: pictures x epochs / batch size. `--total_steps` sets it",
        ),
        "RunLength.minutes": (
            "minutes",
            "if you know your time and not the steps; `--minutes` sets it",
        ),
        "RunLength.steps_per_loop": (
            "steps",
            "lower it if a loop takes longer than the grace period of your scheduler",
        ),
        "RunLength.eval_interval": (
            "steps",
            "to a tenth of `total_steps` if you want the best weights of the run and its course",
        ),
        "train.init_from": (
            "path",
            "to start from an earlier run; `--init_from` sets it",
        ),
        "train.max_skipped": (
            "steps",
            "above 0 if single steps of a long training are not finite",
        ),
    },
)

LEARNING = Group(
    "Learning rate and optimizer",
    {
        "make_optimizer.name": ("", "'sgd' for the paper's recipes"),
        "make_optimizer.learning_rate": (
            "",
            "lower it if `gradient_norm` rises or the loss jumps; raise it for small models and "
            "short trainings, up to 3e-3 with AdamW",
        ),
        "make_optimizer.warmup_steps": (
            "steps",
            "about a twentieth of a short training; more if the loss jumps at the start",
        ),
        "make_optimizer.final_fraction": ("share", "hardly ever"),
        "make_optimizer.reference_batch": (
            "pictures",
            "to the batch size of the recipe, if yours differs and the rate should follow",
        ),
        "make_optimizer.weight_decay": ("", "lower it for short trainings"),
        "make_optimizer.l2": ("", "for the paper's recipes with SGD"),
        "make_optimizer.clip_norm": ("norm", "None to repeat a recipe without clipping"),
        "make_optimizer.momentum": ("share", "hardly ever; SGD only"),
        "make_optimizer.backbone_rate": (
            "factor",
            "0.1 if pretrained weights forget, for instance on few pictures",
        ),
        "make_optimizer.ema_decay": (
            "share per step",
            "0.99 for some hundred steps, 0.999 for thousands: averages score higher and steadier",
        ),
        "make_optimizer.ema_warmup": ("", "False to repeat a run from before this setting"),
        "make_optimizer.ema_statistics": ("", "False to repeat a run from before this setting"),
        "resnet|mobilenet|keras_application|efficientnet_lite0.freeze_batch_norm": (
            "",
            "True for pretrained weights with batches under about 8 pictures",
        ),
        "resnet.stochastic_depth": (
            "rate",
            "0.1 to 0.2 if a large model overfits in a long training",
        ),
        "resnet|ConvNeXtUNet.drop_path": (
            "rate",
            "0.1 to 0.2 if a large model overfits in a long training; the same value in both",
        ),
        "ConvNeXtUNet.drop_path_rises": ("", "to repeat a run or a recipe"),
    },
)

MEMORY = Group(
    "Memory, speed and machines",
    {
        "TrainingInput|ClassificationInput.batch_size": (
            "pictures",
            "lower it if memory is short; raise it for a steadier gradient. The learning rate "
            "should follow, see `make_optimizer.reference_batch`",
        ),
        "EvaluationInput|ClassificationEvaluation.batch_size": (
            "pictures",
            "lower it if an evaluation has too little memory",
        ),
        "Compute.accumulation_steps": (
            "parts",
            "raise it if a batch does not fit into memory; the batch size stays the same",
        ),
        "Compute|restore_segmenter.precision": (
            "",
            "'mixed_bfloat16' on TPUs, newer GPUs, and CPUs with instructions for it; much slower "
            "on others. `maskconver preflight --measure` tells which is faster here",
        ),
        "Compute|restore_segmenter.jit_compile": (
            "",
            "True on a GPU for long runs: compiling takes minutes, steps are then faster",
        ),
        "ConvNeXtUNet.recompute": ("", "True if activations do not fit into memory"),
        "Compute|evaluate.strategy": (
            "",
            "if the machine has several devices, or you want another than the default",
        ),
        "Compute.tpu": ("", "for a TPU on another machine"),
        "TrainingInput|ClassificationInput.cache": (
            "",
            "True if the dataset fits into memory and the disk or bucket is slow",
        ),
        "TrainingInput|ClassificationInput.num_readers": (
            "shards",
            "4 to 16 if the data is in a bucket and `input_bound_share` is above 0.1",
        ),
        "TrainingInput|ClassificationInput.shuffle_buffer": (
            "pictures",
            "lower it if memory is short",
        ),
        "TrainingInput|ClassificationInput.shuffle_shards": (
            "",
            "False to keep the order of the shards",
        ),
        "TrainingInput|ClassificationInput.shard_files": (
            "",
            "True for several machines that read a large dataset from a bucket",
        ),
        "TrainingInput|ClassificationInput.service": (
            "address",
            "if the CPUs of the training machine cannot prepare the pictures fast enough",
        ),
    },
)

FILES = Group(
    "What a run keeps",
    {
        "Saving.checkpoint_interval": ("steps", "lower it if the machine may fail at any time"),
        "Saving.keep_checkpoints": ("checkpoints", "lower it if the disk is small"),
        "Saving.background_writes": ("", "False if memory for a second copy of the state lacks"),
        "Saving.wandb_project": ("", "to watch runs in Weights & Biases"),
    },
)

REPEATING = Group(
    "Repeating a run exactly",
    {
        "train.seed": ("", "to see how much results depend on chance"),
        "TrainingInput|ClassificationInput.seed": (
            "",
            "to see how much results depend on chance",
        ),
        "Compute.deterministic": (
            "",
            "True if two runs must end with the same weights, bit for bit",
        ),
        "TrainingInput|ClassificationInput.deterministic": (
            "",
            "False for a little more speed, if the order need not repeat",
        ),
    },
)

GROUPS = (LENGTH, LEARNING, MEMORY, FILES, REPEATING)
