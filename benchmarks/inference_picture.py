"""The picture of `benchmarks/inference.py`, and how it becomes a model's input."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

_PICTURE_SIZE = (480, 640)


def make_picture() -> bytes:
    """A JPEG with soft colors and noise."""
    rows, columns = np.meshgrid(*(np.linspace(0, 9, side) for side in _PICTURE_SIZE), indexing="ij")
    waves = [np.sin(rows * (i + 2) + columns * (3 - i)) for i in range(3)]
    noise = np.random.default_rng(0).normal(0, 12, [*_PICTURE_SIZE, 3])
    pixels = np.clip(127.5 + 110 * np.stack(waves, -1) + noise, 0, 255).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=90)
    return file.getvalue()


def decode(content: bytes, input_size: tuple[int, int]) -> tuple[np.ndarray, tuple, tuple]:
    """Decodes the picture and fits it to the input, without TensorFlow.

    Returns:
      The canvas uint8 `[H, W, 3]`, the size of the picture on it, and that of the picture.
    """
    with Image.open(io.BytesIO(content)) as picture:
        picture = picture.convert("RGB")
    width, height = picture.size
    scale = min(input_size[0] / height, input_size[1] / width)
    content = tuple(
        min(max(4 * round(side * scale / 4), 4), limit)
        for side, limit in zip((height, width), input_size)
    )
    canvas = np.zeros([*input_size, 3], np.uint8)
    resized = picture.resize(content[::-1], Image.Resampling.BILINEAR)
    canvas[: content[0], : content[1]] = np.asarray(resized)
    return canvas, content, (height, width)
