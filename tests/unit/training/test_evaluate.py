"""The checks of an evaluation before it scores a picture."""

import pytest
import tensorflow as tf

from maskconver_tf.errors import UserError
from maskconver_tf.training import evaluate
from maskconver_tf.training.machines.workers import Workers


def test_an_evaluation_refuses_a_strategy_with_several_workers(monkeypatch):
    monkeypatch.setattr(evaluate, "make_strategy", lambda name: tf.distribute.get_strategy())
    monkeypatch.setattr(Workers, "of", lambda strategy: Workers(strategy, count=2, index=1))
    with pytest.raises(UserError, match='evaluate.strategy = "multi_worker": found 2 workers'):
        evaluate._only_worker("multi_worker")


def test_an_evaluation_accepts_a_strategy_with_one_worker():
    assert evaluate._only_worker("cpu").count == 1
