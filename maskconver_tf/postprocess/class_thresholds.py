"""The least score that a proposal of each class needs."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from maskconver_tf.errors import UserError
from maskconver_tf.setting_checks import check_lists, is_number

_NONE = -1.0
"""In a tensor: a class without a threshold of its own."""


def check_class_thresholds(where: str, thresholds: object) -> None:
    """Checks the setting `class_score_thresholds`; `where` is the class that has it.

    Raises:
      UserError: it is not a list of None and of numbers from 0 to 1.
    """
    check_lists(
        where,
        (0.3, None),
        lambda item: item is None or is_number(item, 0, 1),
        "a number from 0 to 1, or None, for each class",
        class_score_thresholds=thresholds,
    )


def least_scores(of_group: tf.Tensor, of_class: Sequence[float | None] | tf.Tensor) -> tf.Tensor:
    """Returns the least score of each class: its own, else that of things or of stuff.

    Args:
      of_group: float32 `[C]`, the threshold of the group of each class.
      of_class: the thresholds of single classes, one for each of the C classes and None or -1 for
        a class without one. Empty if no class has its own.

    Returns:
      float32 `[C]`.

    Raises:
      UserError: `of_class` is neither empty nor as long as the class list.
    """
    if not tf.is_tensor(of_class):
        if not len(of_class):
            return of_group
        of_class = tf.constant([_NONE if own is None else own for own in of_class], tf.float32)
    count, expected = of_class.shape[0], of_group.shape[0]
    if None not in (count, expected) and count != expected:
        raise UserError(
            f"PanopticFusion.class_score_thresholds has {count} entries; expected one for each of "
            f"the {expected} classes, in the order of the class list. Write None for a class "
            "without its own threshold"
        )
    return tf.where(of_class >= 0.0, of_class, of_group)
