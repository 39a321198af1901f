"""From a dataset folder to batches of compact labels (method: where this project departs)."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable

import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.data import records, transforms
from maskconver_tf.errors import UserError


@dataclasses.dataclass(frozen=True)
class TrainingInput:
    """Endless batches of augmented examples, a pure function of the seed and the batch number.

    Each epoch visits every example once, in an order of its own; example i of the run is augmented
    with a seed made of i. A run that stops at step s therefore goes on with `batches(first_step=s)`
    exactly as if it had never stopped, and nothing of the pipeline needs saving.

    Attributes:
      data_dir: folder written by `maskconver data build`.
      input_size: (height, width) in pixels, multiples of 32.
      batch_size: examples over all replicas.
      scale_range: random scale, as a factor of the scale at which a picture just fits; (1, 1) for
        none.
      flip: mirror half of the examples.
      shuffle_buffer: still-encoded examples held for shuffling; 0 keeps the order on disk.
      max_examples: use only the first ones of the dataset; None for all.
      cache: keep the encoded examples in memory.
      seed: of order and augmentation.
    """

    data_dir: str
    input_size: tuple[int, int]
    batch_size: int
    scale_range: tuple[float, float] = (1.0, 1.0)
    flip: bool = True
    shuffle_buffer: int = 1024
    max_examples: int | None = None
    cache: bool = False
    seed: int = 0

    def __post_init__(self):
        check_input_size("TrainingInput", self.input_size)
        check_max_examples("TrainingInput", self.max_examples)

    @property
    def folder(self) -> records.DatasetFolder:
        return records.DatasetFolder(self.data_dir)

    @property
    def num_examples(self) -> int:
        return _limit(self.folder.num_examples, self.max_examples)

    def batches(
        self,
        build_targets: Callable,
        first_step: int = 0,
        context: tf.distribute.InputContext | None = None,
    ) -> tf.data.Dataset:
        """The batches from `first_step` on.

        Args:
          build_targets: a `TargetBuilder`.
          first_step: batches that came before.
          context: replicas and this host's share of them; None for one replica.

        Returns:
          dicts of `IMAGE`, `CONTENT_SIZE` and what `build_targets` returns, with a batch axis of
          one replica's share.
        """
        hosts = context.num_input_pipelines if context else 1
        host = context.input_pipeline_id if context else 0
        done = first_step * self.batch_size
        epochs = self._epochs(done // self.num_examples).skip(done % self.num_examples)
        numbered = epochs.enumerate(start=done).shard(hosts, host)

        @tf.autograph.experimental.do_not_convert  # It would take longer than the rest of tracing.
        def prepare(number: tf.Tensor, serialized: tf.Tensor) -> dict[str, tf.Tensor]:
            seed = tf.random.fold_in(tf.constant([self.seed, 0x5EED]), number)
            return self._example(serialized, seed, build_targets)

        examples = numbered.map(prepare, num_parallel_calls=tf.data.AUTOTUNE)
        size = context.get_per_replica_batch_size(self.batch_size) if context else self.batch_size
        batches = examples.batch(size, drop_remainder=True)
        return batches.prefetch(tf.data.AUTOTUNE).with_options(_options())

    def _epochs(self, first_epoch: int) -> tf.data.Dataset:
        """Serialized examples, epoch after epoch."""
        examples = read_serialized(self.folder, self.max_examples)
        if self.cache:
            examples = examples.cache()
        if not self.shuffle_buffer:
            return examples.repeat()

        def epoch(number: tf.Tensor) -> tf.data.Dataset:
            # Of this function's graph alone; otherwise the process's global seed would join in.
            tf.random.set_seed(1)
            return examples.shuffle(
                min(self.shuffle_buffer, self.num_examples),
                seed=number * 0x9E3779B1 + self.seed,
                reshuffle_each_iteration=False,
            )

        return tf.data.Dataset.range(first_epoch, tf.int64.max).flat_map(epoch)

    def _example(
        self, serialized: tf.Tensor, seed: tf.Tensor, build_targets: Callable
    ) -> dict[str, tf.Tensor]:
        example = records.decode(records.parse(serialized))
        crop_seed, flip_seed = tf.unstack(tf.random.split(seed, 2))
        image, segment_map = example[types.IMAGE], example[types.SEGMENT_MAP]
        if self.flip:
            image, segment_map = transforms.random_flip(image, segment_map, flip_seed)
        image, segment_map, content_size = transforms.random_scale_and_crop(
            image, segment_map, self.input_size, self.scale_range, crop_seed
        )
        labels = build_targets(
            segment_map, example[types.SEGMENT_CLASS_IDS], example[types.SEGMENT_IS_CROWD]
        )
        return {types.IMAGE: image, types.CONTENT_SIZE: content_size} | labels


@dataclasses.dataclass(frozen=True)
class EvaluationInput:
    """Every example of a dataset once, in order, with its truth at original size.

    Attributes:
      data_dir: folder written by `maskconver data build`.
      input_size: (height, width) in pixels, multiples of 32.
      batch_size: pictures per forward pass.
      max_examples: use only the first ones; None for all.
    """

    data_dir: str
    input_size: tuple[int, int]
    batch_size: int = 8
    max_examples: int | None = None

    def __post_init__(self):
        check_input_size("EvaluationInput", self.input_size)
        check_max_examples("EvaluationInput", self.max_examples)

    @property
    def folder(self) -> records.DatasetFolder:
        return records.DatasetFolder(self.data_dir)

    @property
    def num_examples(self) -> int:
        return _limit(self.folder.num_examples, self.max_examples)

    def examples(self) -> tf.data.Dataset:
        """Single examples: what `records.decode` returns, `IMAGE` replaced by the padded input of
        `input_size` and `CONTENT_SIZE` added."""

        @tf.autograph.experimental.do_not_convert
        def prepare(serialized: tf.Tensor) -> dict[str, tf.Tensor]:
            example = records.decode(records.parse(serialized))
            image, size = transforms.fit_image(example[types.IMAGE], self.input_size)
            return example | {types.IMAGE: image, types.CONTENT_SIZE: size}

        examples = read_serialized(self.folder, self.max_examples)
        return examples.map(prepare, num_parallel_calls=tf.data.AUTOTUNE).prefetch(self.batch_size)


def read_serialized(
    folder: records.DatasetFolder, max_examples: int | None = None
) -> tf.data.Dataset:
    """Serialized examples of all shards, in the dataset's order."""
    examples = tf.data.TFRecordDataset([os.fspath(path) for path in folder.shard_paths])
    return examples if max_examples is None else examples.take(max_examples)


def check_input_size(where: str, input_size: tuple[int, int]) -> None:
    """Refuses all but two sides that the backbone's stride of 32 divides."""
    sides = input_size if isinstance(input_size, tuple | list) else ()
    if len(sides) != 2 or any(side <= 0 or side % 32 for side in sides):
        raise UserError(
            f"{where}.input_size = {input_size}: height and width must be positive "
            "multiples of 32, such as (640, 640) or (800, 1216)"
        )


def check_max_examples(where: str, max_examples: int | None) -> None:
    """Refuses a limit that leaves no example."""
    if max_examples is not None and max_examples < 1:
        raise UserError(
            f"{where}.max_examples = {max_examples}: expected 1 or more, or None for all"
        )


def _limit(count: int, limit: int | None) -> int:
    return count if limit is None else min(count, limit)


def _options() -> tf.data.Options:
    options = tf.data.Options()
    options.deterministic = True
    options.experimental_distribute.auto_shard_policy = tf.data.experimental.AutoShardPolicy.OFF
    return options
