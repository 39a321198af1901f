"""Annotations in words."""

from __future__ import annotations

import pytest

from maskconver_tf.config.settings.value_types import describe_type


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        ("int", "whole number"),
        ("float | None", "number or None"),
        ("Literal['add', 'none'] | None", "'add' or 'none' or None"),
        ("tuple[int, int]", "two whole numbers"),
        ("Callable[..., tf_keras.Model]", "function or class, such as @NAME"),
        ("tf_keras.layers.Layer | None", "layer, such as @NAME() or None"),
        ("RunLength", "object, such as @RunLength()"),
    ],
)
def test_describe_type(annotation, words):
    assert describe_type(annotation) == words
