"""Fixtures for the command line: stand-ins for what the commands call, and error messages."""

from __future__ import annotations

import importlib
import sys
import types

import pytest

from maskconver_tf.cli.main import main


@pytest.fixture
def calls(monkeypatch):
    """`calls("module", "function")`: replaces it; the list of (args, kwargs) of its calls."""

    def replace(module: str, function: str, result=None) -> list:
        made = []

        def stand_in(*args, **kwargs):
            made.append((args, kwargs))
            if isinstance(result, BaseException):
                raise result
            return result

        fake = types.ModuleType(f"maskconver_tf.{module}")
        setattr(fake, function, stand_in)
        monkeypatch.setitem(sys.modules, fake.__name__, fake)
        # `from package import module` asks the package first, where another test imported it.
        package, _, name = fake.__name__.rpartition(".")
        monkeypatch.setattr(importlib.import_module(package), name, fake, raising=False)
        return made

    return replace


@pytest.fixture
def loaded(monkeypatch) -> list[tuple]:
    """The arguments of each call of `configuration.load`, which does nothing."""
    from maskconver_tf.config import configuration

    made = []
    monkeypatch.setattr(configuration, "load", lambda *args, continued=None: made.append(args))
    return made


@pytest.fixture
def error_of(capsys):
    """`error_of(*argv)`: the one message of a command that fails with status 2."""

    def run(*argv: str) -> str:
        assert main(argv) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        assert printed.err.startswith("maskconver: error: ")
        assert printed.err.count("\n") == 1
        return printed.err.removeprefix("maskconver: error: ").rstrip("\n")

    return run


@pytest.fixture
def help_of(capsys):
    """`help_of(*command)`: what `maskconver COMMAND --help` prints."""

    def run(*command: str) -> str:
        with pytest.raises(SystemExit) as caught:
            main([*command, "--help"])
        assert caught.value.code == 0
        return capsys.readouterr().out

    return run
