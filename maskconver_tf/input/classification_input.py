"""Labelled pictures to batches for classification."""

from __future__ import annotations

import dataclasses
import functools

import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.files.graph_decoding import decode_part, picture_size
from maskconver_tf.input import transforms
from maskconver_tf.input.augment.autoaugment import autoaugment
from maskconver_tf.input.augment.color_jitter import color_jitter
from maskconver_tf.input.example_order import ExampleOrder, check_max_examples, limited
from maskconver_tf.input.labelled.open_labelled import LabelledPictures, open_labelled
from maskconver_tf.input.pipeline import check_input_size, check_range, check_share


@dataclasses.dataclass(frozen=True)
class ClassificationInput(ExampleOrder):
    """Batches of random parts of labelled pictures; in which order, see `ExampleOrder`.

    `IMAGE` uint8 `[B, H, W, 3]` and `CLASS_ID` int32 `[B]`. `shuffle_shards` shuffles a folder of
    pictures wholly, and is on by default.

    Attributes:
      data_dir: see `open_labelled`; so is `split`.
      input_size: (height, width) in pixels, multiples of 32.
      batch_size: examples over all replicas.
      split: "train", say.
      area_range: 0..1, share of the picture that a part takes; lowest and highest.
      aspect_range: width over height of a part, before it is scaled to `input_size`.
      flip: mirror half of the examples.
      color_jitter: see `TrainingInput`; so is `autoaugment`.
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
    shuffle_shards: bool = dataclasses.field(default=True, kw_only=True)

    def __post_init__(self):
        check_input_size("ClassificationInput", self.input_size)
        for name in ("area_range", "aspect_range"):
            check_range(f"ClassificationInput.{name}", getattr(self, name))
        for name, value in (
            ("area_range", self.area_range[1]),
            ("color_jitter", self.color_jitter),
        ):
            check_share(f"ClassificationInput.{name}", value)
        super().__post_init__()

    @functools.cached_property
    def folder(self) -> LabelledPictures:
        return open_labelled(self.data_dir, self.split)

    def batches(
        self, first_step: int = 0, context: tf.distribute.InputContext | None = None
    ) -> tf.data.Dataset:
        """The batches from `first_step` on, with a batch axis of one replica's share."""
        return self._batches(self._example, first_step, context)

    def pictures_of(self, step: int) -> list[dict[str, str]]:
        """File name of each picture in a step's batch; empty where nobody knows."""
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
        window = transforms.random_part(
            picture_size(parsed[types.IMAGE]),
            self.input_size,
            self.area_range,
            self.aspect_range,
            seeds[0],
        )
        image = _read(parsed[types.IMAGE], window, self.input_size)
        if self.flip:
            image = tf.image.stateless_random_flip_left_right(image, seeds[1])
        if self.color_jitter:
            image = color_jitter(image, self.color_jitter, seeds[2])
        if self.autoaugment:
            image = autoaugment(image, seeds[3])
        return {types.IMAGE: image, types.CLASS_ID: parsed[types.CLASS_ID]}


@dataclasses.dataclass(frozen=True)
class ClassificationEvaluation:
    """Every labelled picture once, in order: its middle.

    Attributes:
      data_dir: see `open_labelled`; so is `split`.
      input_size: (height, width) in pixels, multiples of 32.
      batch_size: pictures per forward pass.
      split: "val", say.
      crop_share: 0..1, side of the middle part over the largest that fits.
      max_examples: use only the first ones; None for all.
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

    @functools.cached_property
    def folder(self) -> LabelledPictures:
        return open_labelled(self.data_dir, self.split)

    @property
    def num_examples(self) -> int:
        return limited(self.folder.num_examples, self.max_examples)

    def examples(self, host: int = 0, hosts: int = 1) -> tf.data.Dataset:
        """Single examples: `IMAGE` uint8 of `input_size`, `CLASS_ID` and `FILE_NAME`.

        Args:
          host: gets examples host, host + hosts, ...
          hosts: that share them.
        """

        @tf.autograph.experimental.do_not_convert
        def prepare(serialized: tf.Tensor) -> dict[str, tf.Tensor]:
            parsed = self.folder.parse(serialized)
            size = picture_size(parsed[types.IMAGE])
            window = transforms.middle_part(size, self.input_size, self.crop_share)
            return parsed | {types.IMAGE: _read(parsed[types.IMAGE], window, self.input_size)}

        examples = self.folder.reader().examples().take(self.num_examples).shard(hosts, host)
        return examples.map(prepare, num_parallel_calls=tf.data.AUTOTUNE).prefetch(self.batch_size)


def _read(encoded: tf.Tensor, window: transforms.Window, input_size: tuple[int, int]) -> tf.Tensor:
    """The window of a picture at input size; uint8 `[H, W, 3]`."""
    image = decode_part(encoded, picture_size(encoded), *window)
    return tf.ensure_shape(transforms.resize_image(image, window.size), [*input_size, 3])
