"""The contract of all evaluators: predict each picture, add it to a score, return the results."""

from __future__ import annotations

import contextlib
import dataclasses
import sys
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
import orbit
import tensorflow as tf
import tf_keras
from tqdm import tqdm

from maskconver_tf import types
from maskconver_tf.evaluation.results import format_scores
from maskconver_tf.training.evaluators.predict_ahead import predict_ahead
from maskconver_tf.training.machines.replica_inference import divide_among_replicas
from maskconver_tf.training.machines.workers import Workers

NUM_PICTURES = 8
"""An evaluation shows this many pictures."""

Example = dict[str, np.ndarray]
"""One picture with its truth, as the evaluation input gives it."""
Results = dict[str, dict[str, Any]]
"""Group ("all", "things", "stuff") -> metric -> percent. `per_class` holds class -> metric."""
Scores = dict[str, dict[str, float]]
"""The headline metrics of `Results`: group -> metric -> percent."""
OnPicture = Callable[[int, Example, Any], None]
"""A function of a picture's number, its example and its prediction."""


class Comparison(Protocol):
    """Compares a model with answers that need no model."""

    def add(self, index: int, example: Example, prediction: Any) -> None:
        """Adds the picture with a number. They come in order."""

    def results(self, results: Results) -> dict[str, Any]:
        """Returns the scores of those answers.

        Args:
          results: of the model on all pictures.
        """


class Score(Protocol):
    """Adds up pictures."""

    def add(self, example: Example, prediction: Any) -> None:
        """Adds one picture. Several threads call it, and the order changes no bit."""

    def results(self, sum_over_workers: Callable[[np.ndarray], np.ndarray]) -> Results:
        """Returns the results over all pictures of all workers."""


@dataclasses.dataclass(frozen=True)
class EvaluationHooks:
    """Functions that connect an evaluation to a training. The defaults do nothing.

    Attributes:
      averaged: makes a context manager; inside it the network holds its averaged weights.
      on_picture: called after each picture.
      show: called inside the context with scores of classes and the first pictures.
      on_scores: called inside the context with what `Evaluator.evaluate` returns.
    """

    averaged: Callable[[], contextlib.AbstractContextManager] = contextlib.nullcontext
    on_picture: Callable[[], None] = lambda: None
    show: Callable[[dict[str, float | np.ndarray]], None] = lambda values: None
    on_scores: Callable[[Scores], None] = lambda scores: None


class Evaluator(orbit.AbstractEvaluator):
    """Scores a network on a dataset, while a run trains or afterwards.

    A subclass predicts a batch, makes the score, and may draw a picture for people.

    Args:
      data: the evaluation input. `data.examples` have `IMAGE`.
      workers: the workers of the run. Each scores its share.
      hooks: connect the evaluation to a training.
    """

    metrics: ClassVar[tuple[str, ...]]
    """The headline metrics of each group."""
    class_metric: ClassVar[str | None] = None
    """The headline metric of each class. None: classes have no metric."""
    written_files: ClassVar[tuple[str, ...]] = ()
    """What `writer` writes, for people."""

    def __init__(self, data: Any, workers: Workers, hooks: EvaluationHooks | None = None):
        self.data = data
        self.workers = workers
        self.categories = data.folder.categories
        self._hooks = hooks or EvaluationHooks()

    # ---- What a subclass defines -----------------------------------------------------------------
    def infer_batch(self, batch: Sequence[Example]) -> Any:
        """Runs the network on a batch; returns what `predict_one` needs."""
        raise NotImplementedError

    def predict_one(self, example: Example, outputs: Any, position: int) -> Any:
        """Returns the prediction of the example at a position of a batch. Threads call it."""
        raise NotImplementedError

    def new_score(self) -> Score:
        """Returns a score without pictures."""
        raise NotImplementedError

    def explain_read_errors(self) -> contextlib.AbstractContextManager:
        """Opens a context in which an error while reading the data names the file."""
        raise NotImplementedError

    def draw_row(self, example: Example, prediction: Any) -> np.ndarray | None:
        """Draws a picture for people, uint8 `[h, w, 3]`. None: there is nothing to draw."""
        return None

    def writer(self, folder: Path) -> contextlib.AbstractContextManager[OnPicture]:
        """Opens what `maskconver evaluate` writes of each picture. The default writes nothing."""
        return contextlib.nullcontext(lambda index, example, prediction: None)

    def command_data(self) -> Any:
        """Returns the data of `maskconver evaluate`: `data`, or the same examples with more fields.

        `comparison` may need these fields.
        """
        return self.data

    def comparison(self) -> Comparison | None:
        """Returns what `maskconver evaluate` compares the model with. None: with nothing."""
        return None

    def format_results(self, results: Results) -> str:
        """Returns the results as a table for the terminal."""
        return format_scores(results)

    # ---- What all evaluators share ---------------------------------------------------------------
    def score(self, on_picture: OnPicture, is_command: bool = False) -> Results:
        """Scores the whole dataset; the network never waits for the work on its outputs.

        Args:
          on_picture: called for each picture of this worker, in order.
          is_command: the scoring is a command of its own and reads `command_data`. Its progress bar
            is always shown and stays. The bar of an evaluation during training is for terminals and
            goes away.
        """
        share = -(-self.data.num_examples // self.workers.count)
        quiet = not (self.workers.is_chief and (is_command or sys.stderr.isatty()))
        name = "evaluate" if is_command else "eval"
        score, data = self.new_score(), self.command_data() if is_command else self.data
        with self.explain_read_errors(), contextlib.closing(self._pictures(data, score)) as found:
            pictures = tqdm(found, name, share, unit="image", leave=is_command, disable=quiet)
            for index, (example, prediction) in enumerate(pictures):
                on_picture(index, example, prediction)
        return score.results(self.workers.sum)

    def evaluate(self, num_steps: tf.Tensor) -> Scores:
        """Scores the whole dataset during training. Orbit calls it; `num_steps` is not used.

        Returns:
          The headline metrics of each group, in percent.
        """
        with self._hooks.averaged():
            shown: dict[str, float | np.ndarray] = {}

            def look(index: int, example: Example, prediction: Any) -> None:
                self._hooks.on_picture()
                if index < NUM_PICTURES:
                    row = self.draw_row(example, prediction)
                    if row is not None:
                        shown[f"prediction/{example[types.FILE_NAME].decode()}"] = row

            results = self.score(look)
            scores = self._headline(results)
            self._hooks.show(shown | self._class_scores(results))
            self._hooks.on_scores(scores)
        return scores

    def _pictures(self, data: Any, score: Score) -> Generator[tuple[Example, Any], None, None]:
        """Predicts this worker's share of the data, and adds each picture to the score."""

        def finish(example: Example, outputs: Any, position: int) -> Any:
            prediction = self.predict_one(example, outputs, position)
            score.add(example, prediction)
            return prediction

        workers = self.workers
        yield from predict_ahead(
            data.examples(workers.index, workers.count).as_numpy_iterator(),
            data.batch_size,
            self.infer_batch,
            finish,
            in_thread=workers.strategy.num_replicas_in_sync == 1,
        )

    def _headline(self, results: Results) -> Scores:
        """Leaves out metrics without a value, and groups without a metric."""
        groups = {name: values for name, values in results.items() if name != "per_class"}
        scores = {
            name: {m: values[m] for m in self.metrics if values.get(m) is not None}
            for name, values in groups.items()
        }
        return {name: found for name, found in scores.items() if found}

    def _class_scores(self, results: Results) -> dict[str, float]:
        metric, classes = self.class_metric, results.get("per_class", {})
        found = {f"{metric}_of_class/{name}": values[metric] for name, values in classes.items()}
        return {name: value for name, value in found.items() if value is not None}


def stack_images(batch: Sequence[Example]) -> np.ndarray:
    """Returns the images of a batch as uint8 `[B, H, W, 3]`."""
    return np.stack([example[types.IMAGE] for example in batch])


class NetworkEvaluator(Evaluator):
    """Scores a network whose outputs need nothing but themselves to become predictions.

    Args:
      network: built.
      data: see `Evaluator`.
      workers: see `Evaluator`.
      jit_compile: compile the network with XLA.
      hooks: see `Evaluator`.
    """

    def __init__(
        self,
        network: tf_keras.Model,
        data: Any,
        workers: Workers,
        jit_compile: bool = False,
        hooks: EvaluationHooks | None = None,
    ):
        super().__init__(data, workers, hooks)
        self.network = network
        infer = tf.function(
            lambda images: network(images, training=False),
            input_signature=[tf.TensorSpec([None, *data.input_size, 3], tf.uint8)],
            jit_compile=jit_compile or None,
            autograph=False,
        )
        self._infer = divide_among_replicas(infer, workers)

    def infer(self, batch: Sequence[Example]) -> dict[str, tf.Tensor]:
        """Runs the network on a batch; each of this worker's replicas computes a share."""
        return self._infer(stack_images(batch))
