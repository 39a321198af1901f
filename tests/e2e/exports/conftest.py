"""LiteRT files of the tiny run, which the tests of this folder share and only read."""

from __future__ import annotations

import contextlib
import dataclasses
import io
from pathlib import Path

import pytest

from maskconver_tf.cli.main import main


@dataclasses.dataclass(frozen=True)
class LiteExport:
    """A LiteRT export.

    Attributes:
      folder: its folder, named "lite".
      printed: what the command printed.
    """

    folder: Path
    printed: str


@pytest.fixture(scope="session")
def lite_exported(trained, tmp_path_factory) -> LiteExport:
    out = tmp_path_factory.mktemp("lite") / "lite"
    options = ["--precisions", "float32,int8", "--scored_pictures", "4"]
    arguments = ["export", "--to", "litert", "--model", str(trained), "--out", str(out)]
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        assert main([*arguments, *options]) == 0
    return LiteExport(out, printed.getvalue())


@pytest.fixture(scope="session")
def lite_export(lite_exported) -> Path:
    return lite_exported.folder
