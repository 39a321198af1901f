"""Parameters read from source texts."""

from __future__ import annotations

import ast

import pytest

from maskconver_tf.config.settings import source_reading
from maskconver_tf.config.settings.source_reading import Parameter, read_parameters

SOURCES = {
    "maskconver_tf.one": '''
from maskconver_tf.other import DEFAULT as START, Base, Kind
LEAST, MOST = 1, 2
OWN = (LEAST, MOST)

class Child(Base, Protocol):
    """A child.

    Attributes:
      first: what the child says,
        over two lines.
      b: of a name that looks: like a title.

    Raises:
      late: no parameter.
    """
    constant: ClassVar[int] = 3
    kind: Kind | None = START
    limits: tuple[int, int] = OWN
    shuffled: bool = dataclasses.field(default=True, kw_only=True)

def make(size: int, *rest, name: str = "x", b=None, **more):
    """Makes.

    Args:
      size: a size.
      name, b: both.
    """

class Layer(Base):
    """A layer.

    Args:
      width: in channels.
    """
    def __init__(self, width: int = MOST, **kwargs):
        pass
''',
    "maskconver_tf.other": '''
DEFAULT = "slow"
Kind: TypeAlias = Literal["slow", "fast"]

class Base:
    """A base.

    Attributes:
      first: what the base says.
      second: what the base says.
    """
    first: int
    second: float = 0.5
''',
}


@pytest.fixture(autouse=True)
def trees(monkeypatch):
    monkeypatch.setattr(source_reading, "_tree", lambda module: ast.parse(SOURCES[module]))


def test_a_dataclass_has_its_bases_fields_first():
    found = read_parameters("maskconver_tf.one", "Child")
    assert found == [
        Parameter("first", "int", None, "what the child says, over two lines."),
        Parameter("second", "float", "0.5", "what the base says."),
        Parameter("kind", "Literal['slow', 'fast'] | None", "'slow'", ""),
        Parameter("limits", "tuple[int, int]", "(1, 2)", ""),
        Parameter("shuffled", "bool", "True", ""),
    ]


def test_a_function_has_its_arguments_without_the_open_ones():
    assert read_parameters("maskconver_tf.one", "make") == [
        Parameter("size", "int", None, "a size."),
        Parameter("name", "str", "'x'", "both."),
        Parameter("b", "", "None", "both."),
    ]


def test_a_constructor_replaces_the_fields_of_its_base():
    found = read_parameters("maskconver_tf.one", "Layer")
    assert found == [Parameter("width", "int", "2", "in channels.")]


def test_an_unknown_name_is_an_error():
    with pytest.raises(LookupError, match="no function or class Missing"):
        read_parameters("maskconver_tf.one", "Missing")
