"""Calls under the configuration in force, and the saved configuration."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from maskconver_tf.config import configuration
from maskconver_tf.errors import UserError


def test_an_argument_of_the_caller_wins(zoo, folder):
    configuration.load(["base.gin"])
    assert configuration.configurable(zoo.train)(model_dir="run", steps=1)[1] == 1


def test_a_second_load_forgets_the_first(train_with, folder):
    train_with("train.optimizer=@gin_zoo.sgd()")
    assert train_with()[-1] is None


def test_an_unbound_argument_of_the_root_is_named(zoo, folder):
    configuration.load([], ["gin_zoo.train.steps=1"])
    with pytest.raises(UserError, match="^'train' needs 'net'; give a value in a .gin file"):
        configuration.configurable(zoo.train)(model_dir="run")


def test_an_argument_missing_inside_stays_an_error_of_the_code(zoo, folder):
    configuration.load([], ["gin_zoo.call_helper.steps=1"])
    with pytest.raises(TypeError, match="helper"):
        configuration.configurable(zoo.call_helper)()


def test_a_user_error_from_inside_comes_out_as_it_was_raised(zoo, folder):
    configuration.load([])
    with pytest.raises(UserError) as caught:
        configuration.configurable(zoo.fail)(UserError)
    assert str(caught.value) == "cannot"


def test_what_a_call_would_get_is_known_without_the_call(zoo, folder):
    configuration.load(
        ["base.gin"], ["gin_zoo.adam.betas=(%STEPS, 1)", "train.optimizer=@gin_zoo.adam()"]
    )
    assert configuration.argument(zoo.train, "steps") == 5
    assert configuration.argument(zoo.adam, "betas") == (5, 1)
    assert configuration.argument(zoo.adam, "rate") == 0.1
    assert configuration.argument(zoo.sgd, "rate") == 0.1


# ---- The saved configuration ---------------------------------------------------------------------
def test_the_operative_config_gives_the_same_run_in_a_new_process(train_with, zoo, folder):
    here = train_with("Net.depth=3", "train.optimizer=@o/gin_zoo.adam()", "o/gin_zoo.adam.rate=2")
    Path("config.gin").write_text(configuration.operative_config())
    program = (
        "import gin_zoo; from maskconver_tf.config import configuration as g; "
        "g.load(['config.gin']); print(g.configurable(gin_zoo.train)(model_dir='run')); "
        "g.check_all_used(); print(g.operative_config())"
    )
    paths = [str(Path(zoo.__file__).parent), str(Path(configuration.__file__).parents[2])]
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
    )
    assert done.stdout == f"{here}\n{configuration.operative_config()}\n", done.stderr
    assert here == ("run", 5, 32, 3, None, ("adam", 2, (0.9, 0.99)))


def test_the_bound_config_loads_and_holds_what_nothing_used_yet(train_with, folder):
    configuration.load(["base.gin"], ["train.steps=7", "gin_zoo.adam.rate=2"])
    saved = configuration.bound_config()
    Path("config.gin").write_text(saved)
    assert train_with("train.optimizer=@gin_zoo.adam()", files=["config.gin"]) == (
        *("run", 7, 32, 1, None),
        ("adam", 2, (0.9, 0.99)),
    )
    assert "STEPS" not in saved  # its one reader is overridden: reloaded, nothing would read it


def test_the_operative_config_of_a_run_without_files_loads_too(zoo, folder):
    configuration.load([], ["gin_zoo.sgd.rate=2"])
    configuration.configurable(zoo.sgd)()
    saved = configuration.operative_config()
    Path("config.gin").write_text(saved)
    configuration.load(["config.gin"])
    assert configuration.configurable(zoo.sgd)() == ("sgd", 2)
    assert configuration.operative_config() == saved
