"""Sends mutated picture files through the decoding graph of an export.

    python benchmarks/fuzz_decoding.py --count 100000

Each file must get a status, and the memory must stay bounded. The script ends with an error at the
first file that raises, crashes or gets an unknown answer; it prints the seed that makes this file.
"""

from __future__ import annotations

import argparse
import collections
import io
import struct
import time
from pathlib import Path

import numpy as np
import tensorflow as tf
from PIL import Image

from maskconver_tf.files.graph_decoding import picture_status
from maskconver_tf.files.graph_decoding.any_picture import decode_any_picture

MAX_PIXELS = 1_000_000
"""Mutated headers promise pictures of all sizes; this limit keeps each of them small."""
MOST_GROWTH = 600.0
"""Megabytes by which the peak memory may grow."""
_AT_A_TIME = 200
_EXTREMES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def whole_files() -> list[bytes]:
    """Small whole pictures: each kind and mode, some with EXIF data, some animated."""
    pixels = np.random.default_rng(0).integers(0, 256, (17, 23, 3), np.uint8)
    picture = Image.fromarray(pixels)
    turned = picture.rotate(90)
    exif = b"Exif\0\0MM\0*" + struct.pack(">LHHHLHHL", 8, 1, 0x112, 3, 1, 6, 0, 0)
    files = [_encoded(picture.convert(mode), "PNG") for mode in ("RGB", "RGBA", "L", "P", "1")]
    files += [_encoded(picture.convert(mode), "BMP") for mode in ("RGB", "RGBA", "L", "P", "1")]
    files += [_encoded(picture.convert(mode), "JPEG") for mode in ("RGB", "L", "CMYK")]
    files += [_encoded(picture, "JPEG", progressive=True, exif=exif)]
    files += [_encoded(picture, kind, exif=exif) for kind in ("JPEG", "PNG", "WEBP")]
    files += [_encoded(picture.convert(mode), "WEBP") for mode in ("RGB", "RGBA")]
    files += [_encoded(picture, "WEBP", lossless=True)]
    files += [_encoded(picture.convert(mode), "GIF") for mode in ("RGB", "L")]
    animated = {"save_all": True, "append_images": [turned, picture]}
    return files + [_encoded(picture, kind, **animated) for kind in ("GIF", "WEBP", "PNG")]


def mutated(file: bytes, rng: np.random.Generator) -> bytes:
    """Changes a file in one to four ways, mostly near its start, where the header is."""
    content = bytearray(file)
    for _ in range(rng.integers(1, 5)):
        reach = len(content) if rng.random() < 0.4 else min(len(content), 96)
        at = int(rng.integers(0, max(reach, 1)))
        change = rng.integers(0, 7)
        if change == 0:
            content[at : at + 1] = rng.bytes(1)
        elif change == 1:
            content[at : at + 1] = bytes([1 << int(rng.integers(8))])
        elif change == 2:
            width, order = int(rng.choice([1, 2, 4])), str(rng.choice(["little", "big"]))
            value = int(rng.choice(_EXTREMES)) % 256**width
            content[at : at + width] = value.to_bytes(width, order)
        elif change == 3:
            del content[at:]
        elif change == 4:
            del content[at : at + int(rng.integers(1, 9))]
        elif change == 5:
            content[at:at] = rng.bytes(int(rng.integers(1, 9)))
        else:
            other = int(rng.integers(0, len(content) + 1))
            content[at:at] = content[other : other + int(rng.integers(1, 65))]
    return bytes(content)


def mutated_exif(rng: np.random.Generator) -> bytes:
    """A whole JPEG whose EXIF data are mutated; the lengths around them stay right."""
    order = str(rng.choice(["<", ">"]))
    start = b"II*\0" if order == "<" else b"MM\0*"
    fields = (8, 1, 0x112, rng.integers(0, 20), rng.integers(0, 4), rng.integers(0, 10), 0, 0)
    tiff = start + struct.pack(order + "LHHHLHHL", *map(int, fields))
    picture = Image.fromarray(np.full((9, 14, 3), 90, np.uint8))
    return _encoded(picture, "JPEG", exif=b"Exif\0\0" + mutated(tiff, rng))


@tf.autograph.experimental.do_not_convert
def _statuses(contents: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    def one(content: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        picture = decode_any_picture(content, MAX_PIXELS)
        return picture.status, tf.shape(picture.image)

    spec = tf.TensorSpec([], tf.int32), tf.TensorSpec([3], tf.int32)
    return tf.map_fn(one, contents, fn_output_signature=spec)


statuses = tf.function(_statuses, input_signature=[tf.TensorSpec([None], tf.string)])
"""Status int32 `[N]` and shape int32 `[N, 3]` of the picture of each file, string `[N]`."""


def fuzz(count: int, seed: int) -> collections.Counter:
    """Decodes `count` mutated files; returns how often each status came.

    Raises:
      AssertionError: an answer is no status, or a picture without pixels or above the limit.
    """
    files = whole_files()
    found: collections.Counter = collections.Counter()
    for first in range(0, count, _AT_A_TIME):
        numbers = range(first, min(count, first + _AT_A_TIME))
        contents = [_mutated_number(files, seed, number) for number in numbers]
        try:
            status, shapes = (x.numpy() for x in statuses(tf.constant(contents)))
        except tf.errors.OpError as error:
            raise AssertionError(f"seed {seed}, files {numbers}: {error}") from error
        assert set(status) <= set(picture_status.MESSAGES), (seed, numbers)
        pixels = shapes[:, 0].astype(np.int64) * shapes[:, 1]
        assert np.all((pixels >= 1) & (pixels <= MAX_PIXELS)), (seed, numbers)
        found.update(status.tolist())
    return found


def peak_megabytes() -> float:
    """The highest memory of this process so far; 0 where the system does not tell."""
    try:
        text = Path("/proc/self/status").read_text()
    except OSError:
        return 0.0
    return int(text.partition("VmHWM:")[2].split()[0]) / 1024


def _mutated_number(files: list[bytes], seed: int, number: int) -> bytes:
    rng = np.random.default_rng([seed, number])
    if rng.random() < 0.15:
        return mutated_exif(rng)
    return mutated(files[int(rng.integers(len(files)))], rng)


def _encoded(picture: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=100_000, help="files (default: 100000)")
    parser.add_argument("--seed", type=int, default=0, help="of the mutations (default: 0)")
    args = parser.parse_args()
    statuses(tf.constant(whole_files()))
    before, start = peak_megabytes(), time.perf_counter()
    found = fuzz(args.count, args.seed)
    seconds = time.perf_counter() - start
    growth = peak_megabytes() - before
    for status, times in sorted(found.items()):
        print(f"{times:8d} x status {status} {picture_status.MESSAGES[status]}")
    print(f"{args.count} files in {seconds:.0f} s; peak memory grew by {growth:.0f} MB")
    assert growth <= MOST_GROWTH, f"the peak memory grew by more than {MOST_GROWTH:.0f} MB"


if __name__ == "__main__":
    main()
