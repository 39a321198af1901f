"""A model without TensorFlow, for tests of the server: it finds bright and dark pixels.

Its answers depend on every pixel, so a test notices if two answers are mixed up.
"""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.files.id_map import ids_to_rgb
from maskconver_tf.inference import signatures as names
from maskconver_tf.serving.versions.model_version import ModelVersion
from maskconver_tf.serving.versions.signature_info import STRING, SignatureInfo, TensorInfo

CATEGORIES = Categories.from_coco(
    [{"id": 7, "name": "dark", "isthing": 0}, {"id": 18, "name": "bright", "isthing": 1}], "fake"
)
K = 3
"""Rows of segments in every answer."""

_ROWS = {
    names.SEGMENT_IDS: ("int32", (-1, K)),
    names.CATEGORY_IDS: ("int32", (-1, K)),
    names.CATEGORY_NAMES: (STRING, (-1, K)),
    names.SCORES: ("float32", (-1, K)),
    names.AREAS: ("int32", (-1, K)),
    names.BOXES: ("int32", (-1, K, 4)),
}
_ENCODED_OUTPUTS = {
    names.STATUS: ("int32", (-1,)),
    names.STATUS_MESSAGE: (STRING, (-1,)),
    names.PANOPTIC_PNG: (STRING, (-1,)),
    names.IMAGE_SIZE: ("int32", (-1, 2)),
    names.NUM_SEGMENTS: ("int32", (-1,)),
} | _ROWS
_THRESHOLDS = {
    names.SCORE_THRESHOLD: np.array([0.5], np.float32),
    names.OVERLAP_THRESHOLD: np.array([0.7], np.float32),
    names.MIN_AREA: np.array([1], np.int32),
}


def fake_version(number: int = 1, model: FakeModel | None = None) -> ModelVersion:
    """A version whose work a `FakeModel` does."""
    encoded = {names.ENCODED_IMAGES: TensorInfo(STRING, (-1,))}
    limits = {n: TensorInfo(value.dtype.name, (-1,), value) for n, value in _THRESHOLDS.items()}
    outputs = {name: TensorInfo(*each) for name, each in _ENCODED_OUTPUTS.items()}
    heads = {"proposal_scores": TensorInfo("float32", (-1, K))}
    image = {names.IMAGE: TensorInfo("uint8", (-1, -1, 3))}
    map_output = {names.PANOPTIC_MAP: TensorInfo("int32", (-1, -1))}
    return ModelVersion(
        number=number,
        categories=CATEGORIES,
        signatures={
            names.SERVING_DEFAULT: SignatureInfo(encoded, outputs),
            names.SERVING_WITH_THRESHOLDS: SignatureInfo(encoded | limits, outputs),
            names.SEGMENT_IMAGE: SignatureInfo(image, map_output),
            names.RAW_HEADS: SignatureInfo(
                {names.IMAGES: TensorInfo("uint8", (-1, -1, -1, 3))}, heads
            ),
        },
        signature_json={
            names.SERVING_DEFAULT: {"method_name": "tensorflow/serving/predict"},
            names.SERVING_WITH_THRESHOLDS: {"inputs": {key: {} for key in encoded | limits}},
        },
        preprocessing={"input_height": 64, "input_width": 64, "max_pixels": 50_000_000},
        fusion={"class": "PanopticFusion", "score_threshold": 0.5},
        batch_sizes=(1, 2, 4, 8),
        run=model or FakeModel(),
    )


class FakeModel:
    """Runs the signatures of `fake_version`.

    Args:
      seconds: time for a batch.
      per_picture: additional time for each picture.

    Attributes:
      batches: the number of pictures of each batch so far.
      gate: a batch waits while it is cleared.
      error: raised in place of an answer, if set.
    """

    def __init__(self, seconds: float = 0.0, per_picture: float = 0.0, shift: int = 0):
        self.seconds, self.per_picture, self.shift = seconds, per_picture, shift
        self.batches: list[int] = []
        self.gate = threading.Event()
        self.gate.set()
        self.error: Exception | None = None

    def __call__(self, signature: str, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        self.gate.wait(20)
        if self.error is not None:
            raise self.error
        if signature == names.SEGMENT_IMAGE:
            return {names.PANOPTIC_MAP: bright_map(inputs[names.IMAGE], self.shift)}
        if signature == names.RAW_HEADS:
            return _heads(inputs[names.IMAGES])
        files = inputs[names.ENCODED_IMAGES].tolist()
        self.batches.append(len(files))
        time.sleep(self.seconds + self.per_picture * len(files))
        scores = inputs.get(names.SCORE_THRESHOLD, np.full(len(files), 0.5, np.float32))
        answers = [self._answer(file, score) for file, score in zip(files, scores.tolist())]
        if not answers:
            return {
                n: np.zeros([0, *(s[1][1:])], object if s[0] == STRING else s[0])
                for n, s in _ENCODED_OUTPUTS.items()
            }
        return {name: _stack([each[name] for each in answers]) for name in answers[0]}

    def _answer(self, file: bytes, threshold: float) -> dict[str, object]:
        try:
            image = np.asarray(Image.open(io.BytesIO(file)).convert("RGB"))
        except Exception:
            status = (2, b"not a picture") if file else (1, b"the file is empty")
            return _rows(np.zeros([0, 0], np.int32), threshold, *status)
        return _rows(bright_map(image, self.shift), threshold)


def bright_map(image: np.ndarray, shift: int = 0) -> np.ndarray:
    """int32 `[h, w]`: 1 for dark and 2 for bright pixels."""
    return 1 + (image.astype(int).mean(-1) > 127 + shift).astype(np.int32)


def picture(seed: int = 0, size: tuple[int, int] = (20, 30), kind: str = "PNG") -> bytes:
    """A file with noise."""
    pixels = np.random.default_rng(seed).integers(0, 256, [*size, 3], np.uint8)
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, kind)
    return out.getvalue()


def pixels_of(file: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(file)).convert("RGB"))


def make_versions(folder: Path, *numbers: int) -> Path:
    """Folders that look like versions of an export."""
    for number in numbers:
        (folder / str(number)).mkdir(parents=True)
        (folder / str(number) / "saved_model.pb").write_bytes(b"fake")
    return folder


def _rows(
    panoptic_map: np.ndarray, threshold: float, status: int = 0, message: bytes = b""
) -> dict[str, object]:
    scores = {1: 0.9, 2: 0.6}
    found = [i for i in np.unique(panoptic_map).tolist() if scores[i] >= threshold]
    panoptic_map = np.where(np.isin(panoptic_map, found), panoptic_map, 0)
    png = io.BytesIO()
    if status == 0:
        Image.fromarray(ids_to_rgb(panoptic_map)).save(png, "PNG")
    rows = {n: np.zeros(s[1][1:], object if s[0] == STRING else s[0]) for n, s in _ROWS.items()}
    rows[names.CATEGORY_NAMES][:] = b""
    for at, i in enumerate(found):
        inside = np.argwhere(panoptic_map == i)
        rows[names.SEGMENT_IDS][at] = i
        rows[names.CATEGORY_IDS][at] = CATEGORIES[i - 1].id
        rows[names.CATEGORY_NAMES][at] = CATEGORIES[i - 1].name.encode()
        rows[names.SCORES][at] = scores[i]
        rows[names.AREAS][at] = len(inside)
        rows[names.BOXES][at] = [*inside.min(0), *(inside.max(0) + 1)]
    return rows | {
        names.STATUS: np.int32(status),
        names.STATUS_MESSAGE: message,
        names.PANOPTIC_PNG: png.getvalue(),
        names.IMAGE_SIZE: np.array(panoptic_map.shape, np.int32),
        names.NUM_SEGMENTS: np.int32(len(found)),
    }


def _heads(images: np.ndarray) -> dict[str, np.ndarray]:
    """Proposals on a grid of stride 4: one for bright cells, one outside, one below the score."""
    cells = images[:, ::4, ::4].mean(-1, keepdims=True).astype(np.float32) / 128 - 1
    features = np.zeros([len(images), 16, 16, 2], np.float32)
    features[:, : cells.shape[1], : cells.shape[2], :1] = cells
    return {
        "proposal_scores": np.array([[0.9, 0.6, 0.01]], np.float32),
        "proposal_class_ids": np.array([[1, 0, 1]], np.int32),
        "proposal_centers": np.array([[[4.0, 4.0], [60.0, 60.0], [4.0, 4.0]]], np.float32),
        "mask_embeddings": np.array([[[1, 0], [-1, 0], [0, 1]]], np.float32),
        "mask_features": features,
        names.CONTENT_SIZE: np.array([images.shape[1:3]], np.int32),
    }


def _stack(values: list) -> np.ndarray:
    if isinstance(values[0], bytes):
        stacked = np.empty(len(values), object)
        stacked[:] = values
        return stacked
    return np.stack(values)
