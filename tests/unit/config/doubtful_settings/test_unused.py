"""Bindings that changed nothing."""

from __future__ import annotations

import pytest

from maskconver_tf.config import configuration
from maskconver_tf.errors import UserError


@pytest.mark.parametrize(
    "binding, message",
    [
        ("bgi/Net.depth=3", "bgi/Net.depth (nothing is built in scope 'bgi'; did you mean 'big'?)"),
        ("gin_zoo.adam.rate=1", "adam.rate (nothing built it)"),
        ("Net.width=4", "Net.width (the code, or a narrower scope, sets it)"),
        ("train.model_dir='x'", "train.model_dir (the code, or a narrower scope, sets it)"),
    ],
)
def test_a_binding_that_changes_nothing_is_named(train_with, folder, binding, message):
    train_with(binding)
    with pytest.raises(UserError) as caught:
        configuration.check_all_used()
    assert f"--gin.{binding}: {message}" in str(caught.value)
    assert str(caught.value).count("\n") == 1


def test_a_macro_stays_legal_when_its_reader_is_overridden(train_with, folder):
    train_with("train.steps=7")
    configuration.check_all_used()


def test_a_binding_of_an_outer_scope_is_used_in_the_inner(train_with, folder):
    train_with("train.net=@big/small/gin_zoo.Net()", "big/small/Net.depth=2")
    configuration.check_all_used()
