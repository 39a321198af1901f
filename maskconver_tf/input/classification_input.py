"""Makes batches for classification from pictures with one class each."""

from __future__ import annotations

import dataclasses
import functools

import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.datasets.records.reading import parallel_calls
from maskconver_tf.files.graph_decoding.plain_files import decode_part, picture_size
from maskconver_tf.input import transforms
from maskconver_tf.input.augment.autoaugment import autoaugment
from maskconver_tf.input.augment.color_jitter import color_jitter
from maskconver_tf.input.class_pictures.class_pictures import ClassPictures, open_class_pictures
from maskconver_tf.input.input_checks import check_input_size, check_range, check_share
from maskconver_tf.input.seeded_batches import SeededBatches, check_max_examples, num_used_examples
from maskconver_tf.setting_checks import (
    check_flags,
    check_texts,
    check_whole_numbers,
    wrong_setting,
)


@dataclasses.dataclass(frozen=True)
class ClassificationInput(SeededBatches):
    """Makes batches of random crops. `SeededBatches` decides the order of the pictures.

    A batch has `IMAGE`, uint8 `[B, H, W, 3]`, and `CLASS_ID`, int32 `[B]`. `shuffle_shards` is on
    by default. With class folders it shuffles all pictures.

    Attributes:
      data_dir: a folder with SPLIT/CLASS/*.JPEG, or `tfds:NAME`; see `open_class_pictures`.
      input_size: (height, width) in pixels, multiples of 32.
      batch_size: number of examples over all replicas.
      split: the part of the dataset to read, such as "train"; see `open_class_pictures`.
      area_range: lowest and highest share of the picture's area in a crop, 0..1.
      aspect_range: lowest and highest width over height of a crop, before it is scaled to
        `input_size`.
      flip: mirror half of the examples.
      color_jitter: 0..1, see `TrainingInput`.
      autoaugment: apply the AutoAugment policy of Panoptic-DeepLab.
    """

    data_dir: str
    input_size: tuple[int, int]
    batch_size: int = 64
    split: str = "train"
    area_range: tuple[float, float] = (0.08, 1.0)
    aspect_range: tuple[float, float] = (3 / 4, 4 / 3)
    flip: bool = True
    color_jitter: float = 0.0
    autoaugment: bool = False
    shuffle_shards: bool | None = dataclasses.field(default=True, kw_only=True)

    def __post_init__(self):
        check_input_size("ClassificationInput", self.input_size)
        for name in ("area_range", "aspect_range"):
            check_range(f"ClassificationInput.{name}", getattr(self, name))
        if self.area_range[1] > 1:
            expected = "shares of the picture's area, at most 1, such as (0.08, 1.0)"
            raise wrong_setting("ClassificationInput.area_range", self.area_range, expected)
        check_share("ClassificationInput.color_jitter", self.color_jitter)
        check_flags("ClassificationInput", flip=self.flip, autoaugment=self.autoaugment)
        check_texts("ClassificationInput", "train", split=self.split)
        super().__post_init__()

    @functools.cached_property
    def folder(self) -> ClassPictures:
        return open_class_pictures(self.data_dir, self.split)

    def batches(
        self, first_step: int = 0, context: tf.distribute.InputContext | None = None
    ) -> tf.data.Dataset:
        """Returns the batches from step `first_step` on; each has the examples of one replica."""
        return self._batches(self._example, first_step, context)

    def pictures_of(self, step: int) -> list[dict[str, str]]:
        """Returns the file name of each picture in a step's batch.

        The list is empty if the step alone does not decide the batch, see `SeededBatches`.
        """
        parsed = map(self.folder.parse, self._serialized_of(step))
        return [{"file_name": one[types.FILE_NAME].numpy().decode()} for one in parsed]

    def _reader(self, host: int = 0, hosts: int = 1):
        share = (host, hosts) if self.shard_files else (0, 1)
        return self.folder.reader(self.num_readers if self.max_examples is None else 1, *share)

    def _example(
        self, serialized: tf.Tensor, other: tf.Tensor, seed: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        seeds = tf.unstack(tf.random.split(seed, 4))
        parsed = self.folder.parse(serialized)
        window = transforms.random_area_window(
            picture_size(parsed[types.IMAGE]),
            self.input_size,
            self.area_range,
            self.aspect_range,
            seeds[0],
        )
        image = _decode_window(parsed[types.IMAGE], window, self.input_size)
        if self.flip:
            image = tf.image.stateless_random_flip_left_right(image, seeds[1])
        if self.color_jitter:
            image = color_jitter(image, self.color_jitter, seeds[2])
        if self.autoaugment:
            image = autoaugment(image, seeds[3])
        return {types.IMAGE: image, types.CLASS_ID: parsed[types.CLASS_ID]}


@dataclasses.dataclass(frozen=True)
class ClassificationEvaluation:
    """Crops the middle of every picture, once and in order. Each picture has one class.

    Attributes:
      data_dir: a folder with SPLIT/CLASS/*.JPEG, or `tfds:NAME`; see `open_class_pictures`.
      input_size: (height, width) in pixels, multiples of 32.
      batch_size: number of pictures per forward pass.
      split: the part of the dataset to read, such as "train"; see `open_class_pictures`.
      crop_share: side of the middle crop divided by the side of the largest crop that fits, 0..1.
      max_examples: use only this many examples, the first ones; None for all.
    """

    data_dir: str
    input_size: tuple[int, int]
    batch_size: int = 64
    split: str = "val"
    crop_share: float = 0.875
    max_examples: int | None = None

    def __post_init__(self):
        check_input_size("ClassificationEvaluation", self.input_size)
        check_share("ClassificationEvaluation.crop_share", self.crop_share)
        check_max_examples("ClassificationEvaluation", self.max_examples)
        texts = {"data_dir": self.data_dir, "split": self.split}
        check_texts("ClassificationEvaluation", "val", **texts)
        check_whole_numbers("ClassificationEvaluation", 1, batch_size=self.batch_size)

    @functools.cached_property
    def folder(self) -> ClassPictures:
        return open_class_pictures(self.data_dir, self.split)

    @property
    def num_examples(self) -> int:
        return num_used_examples(self.folder.num_examples, self.max_examples)

    def examples(self, host: int = 0, hosts: int = 1) -> tf.data.Dataset:
        """Returns single examples: `IMAGE` uint8 of `input_size`, `CLASS_ID` and `FILE_NAME`.

        Args:
          host: number of this host, which gets examples host, host + hosts, ...
          hosts: number of hosts that share the examples.
        """

        @tf.autograph.experimental.do_not_convert
        def prepare(serialized: tf.Tensor) -> dict[str, tf.Tensor]:
            parsed = self.folder.parse(serialized)
            size = picture_size(parsed[types.IMAGE])
            window = transforms.middle_window(size, self.input_size, self.crop_share)
            return parsed | {
                types.IMAGE: _decode_window(parsed[types.IMAGE], window, self.input_size)
            }

        examples = self.folder.reader().examples().take(self.num_examples).shard(hosts, host)
        examples = examples.map(prepare, num_parallel_calls=parallel_calls())
        return examples.prefetch(self.batch_size)


def _decode_window(
    encoded: tf.Tensor, window: transforms.Window, input_size: tuple[int, int]
) -> tf.Tensor:
    """Decodes the window of a picture and scales it to the input size; uint8 `[H, W, 3]`."""
    image = decode_part(encoded, picture_size(encoded), *window)
    return tf.ensure_shape(transforms.resize_image(image, window.size), [*input_size, 3])
