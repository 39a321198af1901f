"""Names of a model's variables that do not depend on other models of the process."""

from __future__ import annotations

import collections

import tensorflow as tf
import tf_keras


def named_variables(model: tf_keras.Model) -> dict[str, tf.Variable]:
    """Names variables by the attributes that lead to them: `center_heatmap_head/output_conv/bias`.

    A TensorFlow checkpoint of the model has the same keys. Keras' own names count the layers of the
    process, so they differ for a second model.

    Args:
      model: a model with its weights.

    Returns:
      Shortest path -> variable, each variable once, in the order of `model.variables`.
    """
    view = tf.train.TrackableView(model)
    paths, todo = {id(model): ""}, collections.deque([model])
    while todo:
        owner = todo.popleft()
        for name, child in view.children(owner).items():
            if id(child) not in paths:
                paths[id(child)] = f"{paths[id(owner)]}/{name}"
                todo.append(child)
    return {paths[id(variable)].removeprefix("/"): variable for variable in model.variables}
