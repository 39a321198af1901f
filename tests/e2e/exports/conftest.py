"""One export for all tests that only read it."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import pytest

from maskconver_tf.cli.main import main
from tests.e2e.exports.threshold import THRESHOLD


@pytest.fixture(scope="session")
def exported(trained, tmp_path_factory) -> tuple[Path, str]:
    """The folder of an export, and what the command printed."""
    out = tmp_path_factory.mktemp("export") / "exported"
    arguments = ["export", "--model", str(trained), "--out", str(out), "--batch_sizes", "1,3"]
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        assert main([*arguments, f"--gin.PanopticFusion.score_threshold={THRESHOLD}"]) == 0
    return out, printed.getvalue()
