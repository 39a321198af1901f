"""Fixtures for scoring from files."""

from __future__ import annotations

import pytest

from tests.unit.evaluation.scoring.small_files import SmallFiles


@pytest.fixture
def files(tmp_path) -> SmallFiles:
    return SmallFiles(tmp_path)
