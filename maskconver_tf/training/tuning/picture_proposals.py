"""Runs the network over a dataset, and gives what it proposes for each picture."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from maskconver_tf.inference.segmenter import PanopticSegmenter
from maskconver_tf.training.evaluators.evaluator import Example, stack_images

Proposals = dict[str, np.ndarray]
"""The outputs of the network for one picture, without the batch dimension."""


def picture_proposals(
    segmenter: PanopticSegmenter, data: Any
) -> Iterator[tuple[Example, Proposals]]:
    """Yields each picture of a dataset with its proposals, in order.

    The network computes the next batch while the caller works on one. Batches are those of an
    evaluation, since some processors round a batch otherwise than its pictures one by one.

    Args:
      segmenter: of the run.
      data: an `EvaluationInput`.
    """
    examples = data.examples().as_numpy_iterator()
    ahead = None
    while batch := list(itertools.islice(examples, data.batch_size)):
        launched = batch, segmenter.propose(stack_images(batch))
        if ahead:
            yield from _single(*ahead)
        ahead = launched
    if ahead:
        yield from _single(*ahead)


def _single(batch: list[Example], outputs: dict[str, Any]) -> Iterator[tuple[Example, Proposals]]:
    arrays = {name: value.numpy() for name, value in outputs.items()}
    for i, example in enumerate(batch):
        yield example, {name: value[i] for name, value in arrays.items()}
