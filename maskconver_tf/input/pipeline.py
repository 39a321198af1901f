"""Makes batches of pictures with compact labels from a dataset folder."""

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
from maskconver_tf.datasets.records.reading import parallel_calls
from maskconver_tf.input import transforms
from maskconver_tf.input.augment import camera, turns, warps
from maskconver_tf.input.augment.annotated_picture import AnnotatedPicture
from maskconver_tf.input.augment.autoaugment import autoaugment
from maskconver_tf.input.augment.color_jitter import color_jitter
from maskconver_tf.input.augment.copy_paste import choose_segments, paste_segments, random_corner
from maskconver_tf.input.input_checks import check_input_size, check_range, check_share
from maskconver_tf.input.seeded_batches import SeededBatches, check_max_examples, num_used_examples
from maskconver_tf.input.shard_reader import ShardReader, read_serialized_examples
from maskconver_tf.input.targets import is_sliver
from maskconver_tf.ops.segments import segment_areas
from maskconver_tf.setting_checks import (
    check_flags,
    check_numbers,
    check_texts,
    check_whole_numbers,
)


@dataclasses.dataclass(frozen=True)
class TrainingInput(SeededBatches):
    """Batches of augmented pictures with compact labels. `SeededBatches` decides their order.

    Attributes:
      data_dir: folder written by `maskconver data build`.
      input_size: (height, width) in pixels, multiples of 32.
      batch_size: number of examples over all replicas.
      scale_range: lowest and highest random scale; 1 is the scale at which a picture just fits.
      flip: mirror half of the examples.
      color_jitter: 0..1, largest change of brightness, contrast and saturation; 0 for none.
      autoaugment: apply the AutoAugment policy of Panoptic-DeepLab.
      copy_paste: 0..1, share of the examples that get segments of another example pasted.
      paste_scale_range: like `scale_range`, for the picture with the segments to paste.
      skip_corrupt: before the first step, search the dataset for records that cannot be read, and
        train without them.
      vertical_flip: mirror half of the examples top to bottom.
      quarter_turns: turn each example by 0, 90, 180 or 270 degrees, equally often.
      rotation: 0..180, largest angle of a random rotation in degrees, to both sides; 0 for none.
        Corners from outside the picture are black and void.
      elastic: largest displacement of an elastic deformation in input pixels, along each axis; 0
        for none.
      blur: largest standard deviation of a Gaussian blur in input pixels; 0 for none.
      noise: 0..1, largest standard deviation of the noise of each pixel, 1 being white; 0 for none.
      gamma: g: values of 0..1 are raised to a random power between 1 / (1 + g) and 1 + g; 0 for
        none.
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
    vertical_flip: bool = False
    quarter_turns: bool = False
    rotation: float = 0.0
    elastic: float = 0.0
    blur: float = 0.0
    noise: float = 0.0
    gamma: float = 0.0

    def __post_init__(self):
        check_input_size("TrainingInput", self.input_size)
        for name in ("scale_range", "paste_scale_range"):
            check_range(f"TrainingInput.{name}", getattr(self, name))
        for name in ("color_jitter", "copy_paste", "noise"):
            check_share(f"TrainingInput.{name}", getattr(self, name))
        check_numbers("TrainingInput", 0, 180, rotation=self.rotation)
        check_numbers("TrainingInput", 0, 1000, elastic=self.elastic)
        check_numbers("TrainingInput", 0, 50, blur=self.blur, gamma=self.gamma)
        flags = ("flip", "autoaugment", "skip_corrupt", "vertical_flip", "quarter_turns")
        check_flags("TrainingInput", **{name: getattr(self, name) for name in flags})
        super().__post_init__()

    @functools.cached_property
    def folder(self) -> DatasetFolder:
        return DatasetFolder(self.data_dir)

    @functools.cached_property
    def corrupt_records(self) -> list[CorruptRecord]:
        """The records that `skip_corrupt` leaves out. The first access reads the whole dataset."""
        return list(find_corrupt_records(self.folder)) if self.skip_corrupt else []

    def batches(
        self,
        build_targets: Callable,
        first_step: int = 0,
        context: tf.distribute.InputContext | None = None,
    ) -> tf.data.Dataset:
        """Returns the batches from step `first_step` on.

        Args:
          build_targets: a `TargetBuilder` or `SemanticTargets`; called with a map without padding
            and the input size.
          first_step: number of batches to skip.
          context: the number of replicas and this host's share of them; None for one replica.

        Returns:
          dicts of `IMAGE`, `CONTENT_SIZE` and the fields of `build_targets`. The batch axis has the
          examples of one replica.
        """
        prepare = functools.partial(self._example, build_targets=build_targets)
        return self._batches(prepare, first_step, context)

    def pictures_of(self, step: int) -> list[dict[str, int | str]]:
        """Returns id and file name of each picture in a step's batch.

        The list is empty if the step alone does not decide the batch, see `SeededBatches`.
        """
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
        min_visible = getattr(build_targets, "min_visible", 0)
        picture_seed, paste_seed, color_seed = tf.unstack(tf.random.split(seed, 3))
        picture = self._picture(serialized, self.scale_range, picture_seed)
        content_size = tf.shape(picture.segment_map)
        if self.copy_paste:
            # The segments of two pictures may be more than 16 bits can number.
            picture = picture._replace(segment_map=tf.cast(picture.segment_map, tf.int32))
            seeds = tf.random.split(paste_seed, 2)
            picture = tf.cond(
                tf.random.stateless_uniform([], seeds[0]) < self.copy_paste,
                lambda: self._with_pasted(picture, other, seeds[1], min_visible),
                lambda: picture,
            )
        image = transforms.pad_to_canvas(self._colored(picture.image, color_seed), self.input_size)
        segments = (picture.segment_map, picture.class_ids, picture.is_crowd)
        areas = {"whole_areas": picture.whole_areas} if min_visible else {}
        labels = build_targets(*segments, self.input_size, **areas)
        return {types.IMAGE: image, types.CONTENT_SIZE: content_size} | labels

    def _picture(
        self,
        serialized: tf.Tensor,
        scale_range: tuple[float, float],
        seed: tf.Tensor,
        limit: tf.Tensor | None = None,
    ) -> AnnotatedPicture:
        """Decodes a record; scales, crops, mirrors, turns and warps it, without padding."""
        window_seed, flip_seed = tf.unstack(tf.random.split(seed, 2))
        parsed = codec.parse(serialized)
        size = parsed[types.IMAGE_SIZE]
        num_turns = turns.random_turns(_own(seed, "turns")) if self.quarter_turns else None
        turned = size if num_turns is None else turns.turned_size(size, num_turns)
        window = transforms.random_window(turned, self.input_size, scale_range, window_seed, limit)
        if num_turns is not None:
            window = turns.window_before_turns(window, size, num_turns)
        whole_map = codec.decode_map(parsed)
        image, segment_map = codec.decode_window(parsed, *window, whole_map)
        image = transforms.resize_image(image, window.size, transforms.UNFILTERED_SHRINKAGE)
        segment_map = transforms.resize_map(segment_map, window.size)
        if self.flip:
            image, segment_map = transforms.random_flip(image, segment_map, flip_seed)
        image, segment_map = self._moved(image, segment_map, num_turns, seed)
        class_ids, is_crowd = parsed[types.SEGMENT_CLASS_IDS], parsed[types.SEGMENT_IS_CROWD]
        areas = segment_areas(tf.cast(whole_map, tf.int32), tf.size(class_ids))
        scale = tf.cast(window.size, tf.float32) / tf.cast(window.extent, tf.float32)
        whole_areas = tf.cast(areas, tf.float32) * tf.reduce_prod(scale)
        return AnnotatedPicture(image, segment_map, class_ids, is_crowd, whole_areas)

    def _moved(
        self, image: tf.Tensor, segment_map: tf.Tensor, num_turns: tf.Tensor | None, seed: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Mirrors top to bottom, turns and warps picture and map alike."""
        if self.vertical_flip:
            image, segment_map = turns.random_upend(image, segment_map, _own(seed, "upend"))
        if num_turns is not None:
            image, segment_map = (turns.turn(each, num_turns) for each in (image, segment_map))
        if self.rotation or self.elastic:
            size = tf.shape(segment_map)
            places = warps.random_warp(size, self.rotation, self.elastic, _own(seed, "warp"))
            image = warps.warp_image(image, places)
            segment_map = warps.warp_map(segment_map, places)
        return image, segment_map

    def _with_pasted(
        self, below: AnnotatedPicture, other: tf.Tensor, seed: tf.Tensor, min_visible: float
    ) -> AnnotatedPicture:
        """Pastes segments of another record, but no slivers, over a picture's content."""
        other_seed, choice_seed, corner_seed = tf.unstack(tf.random.split(seed, 3))
        size = tf.shape(below.segment_map)
        above = self._picture(other, self.paste_scale_range, other_seed, limit=size)
        areas = segment_areas(tf.cast(above.segment_map, tf.int32), tf.size(above.class_ids))
        is_excluded = above.is_crowd | is_sliver(areas, above.whole_areas, min_visible)
        chosen = choose_segments(is_excluded, choice_seed)
        corner = random_corner(tf.shape(above.segment_map), size, corner_seed)
        is_thing = tf.constant(self.folder.categories.is_thing)
        return paste_segments(below, above, chosen, corner, is_thing)

    def _colored(self, image: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        jitter_seed, policy_seed = tf.unstack(tf.random.split(seed, 2))
        if self.color_jitter:
            image = color_jitter(image, self.color_jitter, jitter_seed)
        image = autoaugment(image, policy_seed) if self.autoaugment else image
        for name, change in _CAMERA.items():
            if strength := getattr(self, name):
                image = change(image, strength, _own(seed, name))
        return image


_CAMERA = {
    "gamma": camera.random_gamma,
    "blur": camera.random_blur,
    "noise": camera.random_noise,
}
"""Setting -> its function, in the order of a camera: light, lens, sensor."""

_OWN_SEEDS = {name: 1000 + i for i, name in enumerate(("turns", "upend", "warp", *_CAMERA))}


def _own(seed: tf.Tensor, name: str) -> tf.Tensor:
    """Returns the seed of an augmentation. It leaves the seeds of all others as they are."""
    return tf.random.fold_in(seed, _OWN_SEEDS[name])


@dataclasses.dataclass(frozen=True)
class EvaluationInput:
    """Every example of a dataset once, in order, with its truth at the original size.

    Attributes:
      data_dir: folder written by `maskconver data build`.
      input_size: (height, width) in pixels, multiples of 32.
      batch_size: number of pictures per forward pass.
      max_examples: use only this many examples, the first ones; None for all.
    """

    data_dir: str
    input_size: tuple[int, int]
    batch_size: int = 8
    max_examples: int | None = None

    def __post_init__(self):
        check_input_size("EvaluationInput", self.input_size)
        check_max_examples("EvaluationInput", self.max_examples)
        check_texts("EvaluationInput", "data/val", data_dir=self.data_dir)
        check_whole_numbers("EvaluationInput", 1, batch_size=self.batch_size)

    @property
    def folder(self) -> DatasetFolder:
        return DatasetFolder(self.data_dir)

    @property
    def num_examples(self) -> int:
        return num_used_examples(self.folder.num_examples, self.max_examples)

    def examples(self, host: int = 0, hosts: int = 1) -> tf.data.Dataset:
        """Returns single examples with the fields of `codec.decode` and `CONTENT_SIZE`.

        `IMAGE` is the padded input of `input_size`.

        Args:
          host: number of this host, which gets examples host, host + hosts, ...
          hosts: number of hosts that share the examples.
        """

        @tf.autograph.experimental.do_not_convert
        def prepare(serialized: tf.Tensor) -> dict[str, tf.Tensor]:
            example = codec.decode(codec.parse(serialized))
            image, size = transforms.fit_image(example[types.IMAGE], self.input_size)
            return example | {types.IMAGE: image, types.CONTENT_SIZE: size}

        examples = read_serialized_examples(self.folder, self.max_examples).shard(hosts, host)
        examples = examples.map(prepare, num_parallel_calls=parallel_calls())
        return examples.prefetch(self.batch_size)
