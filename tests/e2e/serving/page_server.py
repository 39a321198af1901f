"""A server with a model of known proposals, and a picture for it: for the tests of the page."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image

from maskconver_tf.serving.settings import Limits, ServerSettings
from maskconver_tf.serving.web.server import ModelServer
from tests.unit.serving.fake_model import FakeModel, fake_version, make_versions

SIZE = (96, 128)
FUSION = {"score_threshold": 0.5, "overlap_threshold": 0.5, "min_area": 16}


class Circles(FakeModel):
    """Finds two bright circles with the scores 0.9 and 0.35 on dark ground with the score 0.6."""

    def __call__(self, signature, inputs):
        if signature != "raw_heads":
            return super().__call__(signature, inputs)
        y, x = np.mgrid[:16, :16] + 0.5
        masks = [4 - np.hypot(y - 6, x - 5), x * 0 + 0.02, 3 - np.hypot(y - 6, x - 12 - self.shift)]
        features = 4 * np.stack(masks, -1)[np.newaxis].astype(np.float32)
        return {
            "proposal_scores": np.array([[0.9, 0.6, 0.35]], np.float32),
            "proposal_class_ids": np.array([[1, 0, 1]], np.int32),
            "proposal_centers": np.full([1, 3, 2], 4.0, np.float32),
            "mask_embeddings": np.eye(3, dtype=np.float32)[np.newaxis],
            "mask_features": features,
            "content_size": np.array([[48, 64]], np.int32),
        }


def make_version(number: int):
    found = fake_version(number, Circles(shift=1 - number))
    found.fusion.update(FUSION)
    return found


def run_server(folder: Path):
    """Runs a server with two versions, while a block runs; gives its address."""
    make_versions(folder, 1, 2)
    limits = Limits(max_pixels=1_000_000)
    settings = ServerSettings(port=0, num_versions=2, access_log=False, limits=limits)
    return ModelServer(folder, settings, lambda path, number: make_version(number)).running()


def make_picture(size: tuple[int, int] = SIZE, kind: str = "PNG") -> dict:
    pixels = np.random.default_rng(0).integers(0, 256, [*size, 3], np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind)
    return {"name": "a.png", "mimeType": f"image/{kind.lower()}", "buffer": out.getvalue()}


def give_picture(page, picture: dict | None = None):
    page.set_input_files("#file", picture or make_picture())
    page.wait_for_selector("text=/segments? in/")
