"""Scores a network on a dataset: what the evaluations of the stages before panoptic share."""

from __future__ import annotations

import contextlib
import itertools
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import orbit
import tensorflow as tf
import tf_keras
from tqdm import tqdm

from maskconver_tf import types
from maskconver_tf.training.machines.over_replicas import over_replicas
from maskconver_tf.training.machines.workers import Workers

NUM_PICTURES = 8
"""Shown of an evaluation."""

Results = dict[str, dict[str, Any]]
OnPicture = Callable[[int, dict[str, np.ndarray], Any], None]


class NetworkEvaluator(orbit.AbstractEvaluator):
    """Evaluates the moving average of the weights, while a run trains or afterwards.

    Args:
      network: built.
      data: the evaluation dataset, whose `examples` have `IMAGE`.
      workers: the run's; each scores its share.
      jit_compile: compile the network with XLA.
      averaged: makes a context manager in which the network holds its averaged weights.
      on_scores: called in that context with what `evaluate` returns.
      on_picture: called after each picture.
      show: called in that context with more to see: scores of classes and the first pictures.
    """

    def __init__(
        self,
        network: tf_keras.Model,
        data: Any,
        workers: Workers,
        jit_compile: bool = False,
        averaged: Callable = contextlib.nullcontext,
        on_scores: Callable[[dict], None] = lambda scores: None,
        on_picture: Callable[[], None] = lambda: None,
        show: Callable[[dict[str, float | np.ndarray]], None] = lambda values: None,
    ):
        self.network = network
        self.data = data
        self.categories = data.folder.categories
        self.workers = workers
        self._averaged = averaged
        self._on_scores = on_scores
        self._on_picture = on_picture
        self._show = show
        infer = tf.function(
            lambda images: network(images, training=False),
            input_signature=[tf.TensorSpec([None, *data.input_size, 3], tf.uint8)],
            jit_compile=jit_compile or None,
            autograph=False,
        )
        self._infer = over_replicas(infer, workers)

    def results(self, on_picture: OnPicture = lambda index, example, found: None) -> Results:
        """Scores the whole dataset: group -> metric -> percent, and perhaps `per_class`.

        Args:
          on_picture: sees each picture's number, example and prediction.
        """
        raise NotImplementedError

    def row(self, example: dict[str, np.ndarray], found: Any) -> np.ndarray | None:
        """A picture for people, uint8 `[h, w, 3]`; None where there is nothing to see."""
        return None

    def evaluate(self, num_steps: tf.Tensor) -> dict[str, dict[str, float]]:
        """Scores the whole dataset, whatever `num_steps` says; in percent, by group."""
        with self._averaged():
            shown: dict[str, float | np.ndarray] = {}

            def look(index: int, example: dict[str, np.ndarray], found: Any) -> None:
                self._on_picture()
                if index < NUM_PICTURES and (row := self.row(example, found)) is not None:
                    shown[f"prediction/{example[types.FILE_NAME].decode()}"] = row

            scores = self.results(look)
            for name, values in scores.pop("per_class", {}).items():
                of_class = {f"{metric}_of_class/{name}": x for metric, x in values.items()}
                shown |= {key: value for key, value in of_class.items() if value is not None}
            self._show(shown)
            self._on_scores(scores)
        return scores

    def batches(self) -> Iterator[tuple[list[dict[str, np.ndarray]], dict[str, np.ndarray]]]:
        """Examples of this worker's share and what the network says of them, batch by batch."""
        workers = self.workers
        examples = self.data.examples(workers.index, workers.count).as_numpy_iterator()
        share = -(-self.data.num_examples // workers.count)
        quiet = not (workers.is_chief and sys.stderr.isatty())
        bar = tqdm(examples, "eval", share, unit="image", leave=False, disable=quiet)
        while batch := list(itertools.islice(bar, self.data.batch_size)):
            found = self._infer(np.stack([example[types.IMAGE] for example in batch]))
            yield batch, {name: value.numpy() for name, value in found.items()}
