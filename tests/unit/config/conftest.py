"""A module of small functions and classes to configure: no TensorFlow here."""

from __future__ import annotations

import importlib
import sys

import pytest

from maskconver_tf.config import configuration
from maskconver_tf.errors import UserError

ZOO = '''
class Base:
    def __init__(self, name=None):
        self.name = name

class Net(Base):
    """Passes **kwargs to a base class that has none, as a Keras layer does."""
    def __init__(self, width=8, *, depth=1, **kwargs):
        super().__init__(**kwargs)
        self.width, self.depth = width, depth

def sgd(rate=0.1):
    return ("sgd", rate)

def adam(rate=0.1, betas=(0.9, 0.99)):
    return ("adam", rate, betas)

def train(*, model_dir, steps, net, optimizer=None):
    return (model_dir, steps, net.width, net.depth, net.name, optimizer)

def fail(error):
    raise error("cannot")

def helper(value):
    return value

def call_helper(steps):
    return helper()
'''

BASE = """
from __gin__ import dynamic_registration

import gin_zoo

STEPS = 5
gin_zoo.train:
    steps = %STEPS
    net = @big/gin_zoo.Net()
big/gin_zoo.Net.width = 32
"""


@pytest.fixture(scope="package")
def zoo(tmp_path_factory):
    """The module `gin_zoo`."""
    folder = tmp_path_factory.mktemp("zoo")
    (folder / "gin_zoo.py").write_text(ZOO)
    sys.path.insert(0, str(folder))
    yield importlib.import_module("gin_zoo")
    sys.path.remove(str(folder))
    configuration.reset()


@pytest.fixture
def folder(zoo, tmp_path, monkeypatch):
    """The current folder, which holds base.gin."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "base.gin").write_text(BASE)
    return tmp_path


@pytest.fixture
def train_with(zoo, folder):
    """Loads base.gin or other files, then bindings; returns what `train` returns."""

    def train(*bindings, files=("base.gin",)):
        configuration.load(files, bindings)
        return configuration.configurable(zoo.train)(model_dir="run")

    return train


@pytest.fixture
def load_error(folder):
    """Loads base.gin or other files, then bindings; returns the message of the error."""

    def load(*bindings, files=("base.gin",)) -> str:
        with pytest.raises(UserError) as caught:
            configuration.load(files, bindings)
        return str(caught.value)

    return load
