"""Scores a classifier: top-1 and top-5 accuracy."""

from __future__ import annotations

import numpy as np

from maskconver_tf import types
from maskconver_tf.evaluation.top_accuracy import TopAccuracy
from maskconver_tf.input.labelled.open_labelled import unreadable_pictures_named
from maskconver_tf.training.tasks.network_evaluator import NetworkEvaluator, OnPicture, Results


class ClassificationEvaluator(NetworkEvaluator):
    """An `ImageClassifier` on a `ClassificationEvaluation`."""

    def results(self, on_picture: OnPicture = lambda index, example, found: None) -> Results:
        """`all`: `top_1` and `top_5` in percent."""
        accuracy, index = TopAccuracy(), 0
        with unreadable_pictures_named(self.data.folder):
            for batch, found in self.batches():
                logits = found[types.CLASS_LOGITS]
                accuracy.update(logits, np.array([example[types.CLASS_ID] for example in batch]))
                for example, one in zip(batch, logits):
                    on_picture(index, example, one)
                    index += 1
        counts = self.workers.sum(np.array([*accuracy.num_right, accuracy.num_pictures]))
        *accuracy.num_right, accuracy.num_pictures = counts
        return {"all": {name: 100.0 * value for name, value in accuracy.result().items()}}
