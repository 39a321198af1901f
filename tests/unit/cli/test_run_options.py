"""The options of a run as bindings, read by a real configuration."""

from __future__ import annotations

import argparse
from textwrap import TextWrapper

import pytest

from maskconver_tf.cli.run_options import settings
from maskconver_tf.config import configuration
from maskconver_tf.errors import UserError
from maskconver_tf.training.run_settings import RunLength

READER = """
from __gin__ import dynamic_registration
import textwrap
textwrap.TextWrapper.placeholder = %TRAIN_DATA
textwrap.TextWrapper.width = %INPUT_SIZE
"""
"""A configuration that reads two of the settings, into a class that needs no TensorFlow."""


@pytest.fixture
def load(tmp_path):
    """`load(content, *bindings, **options)`: makes a file, then the options, then the bindings
    the configuration in force."""

    def load(content: str, *bindings: str, **options) -> None:
        path = tmp_path / "own.gin"
        path.write_text(content, encoding="utf-8")
        made = settings(argparse.Namespace(**options))
        configuration.load([path], [*made, *bindings])

    yield load
    configuration.reset()


def _data() -> str:
    return configuration.argument(TextWrapper, "placeholder")


@pytest.mark.parametrize(
    "folder",
    [
        "data/train",
        "my data/train",
        "it's",
        'a "quoted" name',
        "both ' and \"",
        "C:\\new\\table",
        "[a](b){c},d=e#f;%g@h",
        "données/写真/🙂",
        "gs://bucket/train",
        "tfds:imagenet2012",
        "line\nbreak",
        "undecodable \udcff",
        "long name " * 30,
    ],
)
def test_any_folder_survives_and_is_saved(load, tmp_path, folder):
    load(READER, train_data=folder, input_size=(64, 96))
    assert _data() == folder
    assert configuration.argument(TextWrapper, "width") == (64, 96)
    saved = tmp_path / "saved.gin"
    saved.write_text(configuration.bound_config(), encoding="utf-8")
    configuration.load([saved])
    assert _data() == folder


def test_an_option_overrides_the_file_and_a_gin_argument_overrides_both(load):
    content = READER + "TRAIN_DATA = 'of the file'\nINPUT_SIZE = (32, 32)\n"
    load(content)
    assert _data() == "of the file"
    load(content, train_data="of the option")
    assert _data() == "of the option"
    load(content, "TRAIN_DATA='of the argument'", train_data="of the option")
    assert _data() == "of the argument"


MACROS = "TRAIN_DATA = 'x'\nINPUT_SIZE = (32, 32)\n"


def test_without_a_reader_the_message_speaks_of_the_option(load):
    with pytest.raises(UserError) as caught:
        load(READER + MACROS, eval_data="my data")
    assert str(caught.value) == (
        "--eval_data 'my data': this option sets EVAL_DATA, which nothing in the configuration "
        "reads. Write 'EvaluationInput.data_dir = %EVAL_DATA' in your Gin file, or set "
        "EvaluationInput.data_dir there and leave out the option"
    )


def test_an_option_whose_only_reader_is_overridden_is_refused(load, tmp_path):
    (tmp_path / "base.gin").write_text(READER + MACROS)
    content = "include 'base.gin'\nTextWrapper.placeholder = 'fixed'\n"
    load(content)
    with pytest.raises(UserError, match="--train_data d: this option sets TRAIN_DATA, which noth"):
        load(content, train_data="d")


def test_steps_need_no_name_in_the_configuration(load):
    load(READER + MACROS, total_steps=5)
    assert configuration.argument(RunLength, "total_steps") == 5
