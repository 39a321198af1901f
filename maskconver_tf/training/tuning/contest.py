"""Who wins each pixel among some proposals: the part of a fusion that is worth remembering."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable

import numpy as np
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.postprocess.borders.logit_patches import LogitGrid, logit_grid
from maskconver_tf.postprocess.borders.mask_areas import area_bounds, mask_areas
from maskconver_tf.postprocess.borders.pixel_owners import pixel_owners
from maskconver_tf.postprocess.candidates import candidates, mask_qualities
from maskconver_tf.training.tuning.kept_picture import KeptPicture


@dataclasses.dataclass(frozen=True)
class Contest:
    """The outcome for n candidates, the one with the highest score first.

    Attributes:
      class_ids: int64 `[n]`.
      overlaps: int32 `[T + 1, n + 1]`, pixels of each true segment that each candidate won. Row 0
        is void in the truth. Column 0 has the pixels that nobody won.
      mask_areas: int32 `[n]`, pixels of each mask above one half.
    """

    class_ids: np.ndarray
    overlaps: np.ndarray
    mask_areas: np.ndarray

    @property
    def areas(self) -> np.ndarray:
        """Pixels that each candidate won, int64 `[n]`."""
        return self.overlaps[:, 1:].sum(axis=0, dtype=np.int64)


class Contests:
    """Computes contests of one picture exactly as `PanopticFusion` does.

    Args:
      load: reads the picture. Each contest reads it again, so that memory does not grow with the
        number of pictures.
      mask_stride: input pixels per cell of the features.
    """

    def __init__(self, load: Callable[[], KeptPicture], mask_stride: int):
        self._load = load
        self._stride = mask_stride

    def qualities(self, least: np.ndarray) -> np.ndarray:
        """Scores times mask quality of the proposals with the least scores; float32 `[m]`.

        Args:
          least: float32 `[C]`, the least score of each class.
        """
        picture = self._load()
        found = _quality_scores(self._stride)
        return found(picture.proposals(), picture.content_size, least).numpy()

    def compute(self, least: np.ndarray, mask_quality: bool) -> Contest:
        """Lets the proposals with the least scores compete."""
        picture = self._load()
        arguments = picture.proposals(), picture.content_size, picture.image_size, least
        winners, kept, areas = _compete(self._stride, mask_quality)(*arguments)
        return Contest(
            picture.class_ids[kept.numpy()].astype(np.int64),
            _overlaps(picture, winners.numpy(), len(kept)),
            areas.numpy(),
        )

    def repeat(self, least: np.ndarray, mask_quality: bool, alive: np.ndarray) -> np.ndarray:
        """Lets only some candidates of the same contest compete; their overlaps, as in `Contest`.

        Args:
          alive: bool `[n]`.
        """
        picture = self._load()
        arguments = picture.proposals(), picture.content_size, picture.image_size, least
        chosen = np.flatnonzero(alive).astype(np.int32)
        winners = _compete_again(self._stride, mask_quality)(*arguments, chosen)
        return _overlaps(picture, winners.numpy(), len(chosen))


def _overlaps(picture: KeptPicture, winners: np.ndarray, count: int) -> np.ndarray:
    rows, columns = len(picture.truth_class_ids) + 1, count + 1
    pairs = picture.truth_map.ravel().astype(np.int32) * columns + winners.ravel()
    return np.bincount(pairs, minlength=rows * columns).reshape(rows, columns).astype(np.int32)


# ---- In TensorFlow -------------------------------------------------------------------------------
_PROPOSALS = {
    types.PROPOSAL_SCORES: tf.TensorSpec([None], tf.float32),
    types.PROPOSAL_CLASS_IDS: tf.TensorSpec([None], tf.int32),
    types.MASK_EMBEDDINGS: tf.TensorSpec([None, None], tf.float32),
    types.MASK_FEATURES: tf.TensorSpec([None, None, None], tf.float32),
}
_SIZE, _LEAST = tf.TensorSpec([2], tf.int32), tf.TensorSpec([None], tf.float32)


def _candidates(
    proposals: dict[str, tf.Tensor],
    content_size: tf.Tensor,
    least: tf.Tensor,
    stride: int,
    mask_quality: bool,
) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    rows, columns = tf.unstack(-(-content_size // stride))
    features = proposals[types.MASK_FEATURES][:rows, :columns]
    return candidates(proposals, features, content_size, least, mask_quality)


@functools.cache
def _compete(stride: int, mask_quality: bool) -> Callable:
    """Makes a function that lets all candidates compete.

    It returns the winners int32 `[*image_size]`, from 1 and 0 for nobody; the candidates' places
    among the proposals, and the areas of their masks, int32 `[n]` each.
    """

    def compete(proposals, content_size, image_size, least):
        kept, scores, logits = _candidates(proposals, content_size, least, stride, mask_quality)
        grid = logit_grid(logits, image_size)
        return _painted(grid, scores), kept, mask_areas(grid, area_bounds(grid))

    return _function(compete, [_PROPOSALS, _SIZE, _SIZE, _LEAST])


@functools.cache
def _compete_again(stride: int, mask_quality: bool) -> Callable:
    """Makes a function that lets the candidates at the places `chosen` compete; the winners."""

    def compete(proposals, content_size, image_size, least, chosen):
        _, scores, logits = _candidates(proposals, content_size, least, stride, mask_quality)
        grid = logit_grid(logits, image_size)
        return _painted(grid.part(chosen), tf.gather(scores, chosen))

    chosen = tf.TensorSpec([None], tf.int32)
    return _function(compete, [_PROPOSALS, _SIZE, _SIZE, _LEAST, chosen])


@functools.cache
def _quality_scores(stride: int) -> Callable:
    """Makes a function of the scores with mask quality of all that pass the first test."""

    def qualities(proposals, content_size, least):
        _, scores, logits = _candidates(proposals, content_size, least, stride, False)
        return scores * mask_qualities(logits)

    return _function(qualities, [_PROPOSALS, _SIZE, _LEAST])


def _painted(grid: LogitGrid, scores: tf.Tensor) -> tf.Tensor:
    return pixel_owners(grid, scores).paint(tf.range(1, tf.size(scores) + 1))


def _function(function: Callable, signature: list) -> Callable:
    return tf.function(function, input_signature=signature, autograph=False)
