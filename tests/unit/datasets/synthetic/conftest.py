"""One dataset of toy scenes for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from maskconver_tf.datasets.synthetic.toy_scenes import write_toy_scenes
from tests.unit.datasets.synthetic.read_scenes import read_annotations, read_picture


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Path:
    """150 training and 40 validation pictures."""
    out = tmp_path_factory.mktemp("synthetic") / "scenes"
    assert write_toy_scenes(out, num_train=150, num_val=40, progress=False)
    return out


@pytest.fixture(scope="session")
def examples(folder) -> dict[str, list[tuple[np.ndarray, np.ndarray, list[dict]]]]:
    """Split -> (image, panoptic map, segments_info) of each picture."""
    return {
        split: [read_picture(folder, split, a) for a in read_annotations(folder, split)]
        for split in ("train", "val")
    }
