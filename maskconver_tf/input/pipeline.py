"""From a dataset folder to batches of compact labels (method: where this project departs)."""

from __future__ import annotations

import dataclasses
import functools
import json
from collections.abc import Callable

import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.datasets.records import codec
from maskconver_tf.datasets.records.corrupt_records import CorruptRecord, find_corrupt_records
from maskconver_tf.datasets.records.folder import DatasetFolder
from maskconver_tf.errors import UserError
from maskconver_tf.input import transforms
from maskconver_tf.input.augment.autoaugment import autoaugment
from maskconver_tf.input.augment.color_jitter import color_jitter
from maskconver_tf.input.augment.copy_paste import choose_segments, paste, random_corner
from maskconver_tf.input.augment.scene import Scene
from maskconver_tf.input.example_order import ExampleOrder, check_max_examples, limited
from maskconver_tf.input.reading import ShardReader, read_serialized


@dataclasses.dataclass(frozen=True)
class TrainingInput(ExampleOrder):
    """Batches of augmented pictures with compact labels; in which order, see `ExampleOrder`.

    Attributes:
      data_dir: folder written by `maskconver data build`.
      input_size: (height, width) in pixels, multiples of 32.
      batch_size: examples over all replicas.
      scale_range: random scale, as a factor of the scale at which a picture just fits; (1, 1) for
        none.
      flip: mirror half of the examples.
      color_jitter: 0..1, by how much brightness, contrast and saturation may change; 0 for none.
      autoaugment: apply the AutoAugment policy of Panoptic-DeepLab.
      copy_paste: 0..1, share of the examples over which segments of another are pasted.
      paste_scale_range: as `scale_range`, for the picture whose segments are pasted.
      skip_corrupt: search the dataset for records that cannot be read before the first step, and
        train without them.
    """

    data_dir: str
    input_size: tuple[int, int]
    batch_size: int = 8
    scale_range: tuple[float, float] = (1.0, 1.0)
    flip: bool = True
    color_jitter: float = 0.0
    autoaugment: bool = False
    copy_paste: float = 0.0
    paste_scale_range: tuple[float, float] = (0.025, 1.5)
    skip_corrupt: bool = False

    def __post_init__(self):
        check_input_size("TrainingInput", self.input_size)
        for name in ("scale_range", "paste_scale_range"):
            check_range(f"TrainingInput.{name}", getattr(self, name))
        for name in ("color_jitter", "copy_paste"):
            check_share(f"TrainingInput.{name}", getattr(self, name))
        super().__post_init__()

    @functools.cached_property
    def folder(self) -> DatasetFolder:
        return DatasetFolder(self.data_dir)

    @functools.cached_property
    def corrupt_records(self) -> list[CorruptRecord]:
        """What `skip_corrupt` leaves out; found by reading the dataset once."""
        return list(find_corrupt_records(self.folder)) if self.skip_corrupt else []

    def batches(
        self,
        build_targets: Callable,
        first_step: int = 0,
        context: tf.distribute.InputContext | None = None,
    ) -> tf.data.Dataset:
        """The batches from `first_step` on.

        Args:
          build_targets: a `TargetBuilder` or `SemanticTargets`; called with a map without padding,
            and the input size.
          first_step: batches that came before.
          context: replicas and this host's share of them; None for one replica.

        Returns:
          dicts of `IMAGE`, `CONTENT_SIZE` and what `build_targets` returns, with a batch axis of
          one replica's share.
        """
        prepare = functools.partial(self._example, build_targets=build_targets)
        return self._batches(prepare, first_step, context)

    def pictures_of(self, step: int) -> list[dict[str, int | str]]:
        """Id and file name of each picture in a step's batch; empty where nobody knows, see
        `ExampleOrder`."""
        parsed = map(codec.parse, self._serialized_of(step))
        return [
            {
                "image_id": json.loads(one[types.IMAGE_ID].numpy()),
                "file_name": one[types.FILE_NAME].numpy().decode(),
            }
            for one in parsed
        ]

    def _reader(self, host: int = 0, hosts: int = 1) -> ShardReader:
        readers = self.num_readers if self.max_examples is None else 1
        share = (host, hosts) if self.shard_files else (0, 1)
        return ShardReader(self.folder, readers, *share, left_out=self.corrupt_records)

    # ---- One example -----------------------------------------------------------------------------

    def _example(
        self, serialized: tf.Tensor, other: tf.Tensor, seed: tf.Tensor, build_targets: Callable
    ) -> dict[str, tf.Tensor]:
        scene_seed, paste_seed, color_seed = tf.unstack(tf.random.split(seed, 3))
        scene = self._scene(serialized, self.scale_range, scene_seed)
        content_size = tf.shape(scene.segment_map)
        if self.copy_paste:
            # Numbers of two pictures' segments may not fit 16 bits.
            scene = scene._replace(segment_map=tf.cast(scene.segment_map, tf.int32))
            seeds = tf.random.split(paste_seed, 2)
            scene = tf.cond(
                tf.random.stateless_uniform([], seeds[0]) < self.copy_paste,
                lambda: self._with_pasted(scene, other, seeds[1]),
                lambda: scene,
            )
        image = transforms.pad(self._colored(scene.image, color_seed), self.input_size)
        labels = build_targets(*scene[1:], self.input_size)
        return {types.IMAGE: image, types.CONTENT_SIZE: content_size} | labels

    def _scene(
        self,
        serialized: tf.Tensor,
        scale_range: tuple[float, float],
        seed: tf.Tensor,
        limit: tf.Tensor | None = None,
    ) -> Scene:
        """A record's picture, scaled, cropped and perhaps mirrored, and not padded yet."""
        window_seed, flip_seed = tf.unstack(tf.random.split(seed, 2))
        parsed = codec.parse(serialized)
        window = transforms.random_window(
            parsed[types.IMAGE_SIZE], self.input_size, scale_range, window_seed, limit
        )
        image, segment_map = codec.decode_window(parsed, *window)
        image = transforms.resize_image(image, window.size, transforms.UNFILTERED_SHRINKAGE)
        segment_map = transforms.resize_map(segment_map, window.size)
        if self.flip:
            image, segment_map = transforms.random_flip(image, segment_map, flip_seed)
        return Scene(
            image, segment_map, parsed[types.SEGMENT_CLASS_IDS], parsed[types.SEGMENT_IS_CROWD]
        )

    def _with_pasted(self, scene: Scene, other: tf.Tensor, seed: tf.Tensor) -> Scene:
        """The scene with segments of another record over it, which stay within its content."""
        other_seed, choice_seed, corner_seed = tf.unstack(tf.random.split(seed, 3))
        size = tf.shape(scene.segment_map)
        above = self._scene(other, self.paste_scale_range, other_seed, limit=size)
        chosen = choose_segments(above.is_crowd, choice_seed)
        corner = random_corner(tf.shape(above.segment_map), size, corner_seed)
        is_thing = tf.constant(self.folder.categories.is_thing)
        return paste(scene, above, chosen, corner, is_thing)

    def _colored(self, image: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        jitter_seed, policy_seed = tf.unstack(tf.random.split(seed, 2))
        if self.color_jitter:
            image = color_jitter(image, self.color_jitter, jitter_seed)
        return autoaugment(image, policy_seed) if self.autoaugment else image


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
    def folder(self) -> DatasetFolder:
        return DatasetFolder(self.data_dir)

    @property
    def num_examples(self) -> int:
        return limited(self.folder.num_examples, self.max_examples)

    def examples(self, host: int = 0, hosts: int = 1) -> tf.data.Dataset:
        """Single examples: what `codec.decode` returns, `IMAGE` replaced by the padded input of
        `input_size` and `CONTENT_SIZE` added.

        Args:
          host: gets examples host, host + hosts, ...
          hosts: that share them.
        """

        @tf.autograph.experimental.do_not_convert
        def prepare(serialized: tf.Tensor) -> dict[str, tf.Tensor]:
            example = codec.decode(codec.parse(serialized))
            image, size = transforms.fit_image(example[types.IMAGE], self.input_size)
            return example | {types.IMAGE: image, types.CONTENT_SIZE: size}

        examples = read_serialized(self.folder, self.max_examples).shard(hosts, host)
        return examples.map(prepare, num_parallel_calls=tf.data.AUTOTUNE).prefetch(self.batch_size)


def check_input_size(where: str, input_size: tuple[int, int]) -> None:
    """Refuses all but two sides that the backbone's stride of 32 divides."""
    sides = input_size if isinstance(input_size, tuple | list) else ()
    if len(sides) != 2 or any(side <= 0 or side % 32 for side in sides):
        raise UserError(
            f"{where}.input_size = {input_size}: height and width must be positive "
            "multiples of 32, such as (640, 640) or (800, 1216)"
        )


def check_range(name: str, value: tuple[float, float]) -> None:
    """Refuses a range of scales that is empty or not positive."""
    bounds = value if isinstance(value, tuple | list) else ()
    if len(bounds) != 2 or not all(map(_is_number, bounds)) or not 0 < bounds[0] <= bounds[1]:
        raise UserError(
            f"{name} = {value}: expected the lowest and the highest factor, both positive, such as "
            "(0.5, 2.0)"
        )


def check_share(name: str, value: float) -> None:
    if not _is_number(value) or not 0 <= value <= 1:
        raise UserError(f"{name} = {value!r}: expected 0 (never) to 1 (always or most)")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)
