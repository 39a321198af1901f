"""A class list, and checkpoints of one variable."""

from __future__ import annotations

import tensorflow as tf

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.training.run_files.checkpoints import CheckpointManager
from maskconver_tf.training.run_files.run_folder import RunFolder

CATEGORIES = Categories.from_coco(
    [{"id": 1, "name": "ball", "isthing": 1, "color": [1, 2, 3]}], "the test"
)


def make_manager(folder: RunFolder, value: float = 0.0) -> tuple[tf.Variable, CheckpointManager]:
    """Returns a variable, and the manager of its checkpoints."""
    variable = tf.Variable([value] * 1000)
    checkpoint = tf.train.Checkpoint(model=variable)
    return variable, CheckpointManager(checkpoint, str(folder.checkpoints), max_to_keep=9)


def replace_file(path: str, content: bytes) -> None:
    tf.io.gfile.remove(path)  # TensorFlow's file system in memory would append.
    with tf.io.gfile.GFile(path, "wb") as file:
        file.write(content)
