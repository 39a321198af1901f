"""Random numbers and sines that are equal to the last bit on every machine."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")

_TABLE_SIZE = 1024
# Rounded to 2**-20. C libraries differ in the last bit of a sine (2**-53), but never in this one.
_SINES = np.rint(np.sin(np.arange(_TABLE_SIZE) * (2 * np.pi / _TABLE_SIZE)) * 2**20) / 2**20


def sine(turns: np.ndarray) -> np.ndarray:
    """Sine of an angle in turns (1 = 360 degrees), rounded down to one of 1024 steps."""
    return _SINES[np.floor(turns * _TABLE_SIZE).astype(np.int64) % _TABLE_SIZE]


def direction(turns: float) -> tuple[float, float]:
    """Cosine and sine of an angle in turns."""
    step = math.floor(turns * _TABLE_SIZE)
    quarter = _TABLE_SIZE // 4
    return float(_SINES[(step + quarter) % _TABLE_SIZE]), float(_SINES[step % _TABLE_SIZE])


class Dice:
    """Random draws that depend only on the key.

    NumPy may change the streams of `Generator`'s methods from release to release. It promises never
    to change `SeedSequence` and the raw output of `PCG64`, so every draw is made from these.
    """

    def __init__(self, *key: int):
        self._bits = np.random.PCG64(np.random.SeedSequence(key))

    def units(self, *shape: int) -> np.ndarray:
        """float64 of `shape`, uniform in [0, 1)."""
        raw = self._bits.random_raw(math.prod(shape))
        return ((raw >> np.uint64(11)).astype(np.float64) * 2.0**-53).reshape(shape)

    def bytes(self, *shape: int) -> np.ndarray:
        """uint8 of `shape`, uniform in 0..255."""
        count = math.prod(shape)
        raw = self._bits.random_raw(-(-count // 8)).astype("<u8")
        return raw.view(np.uint8)[:count].reshape(shape)

    def uniform(self, low: float, high: float) -> float:
        return low + (high - low) * (int(self._bits.random_raw()) >> 11) * 2.0**-53

    def integer(self, low: int, high: int) -> int:
        """An integer in low..high, both included."""
        return low + int(self.uniform(0, high - low + 1))

    def chance(self, probability: float) -> bool:
        return self.uniform(0, 1) < probability

    def pick(self, options: Sequence[T]) -> T:
        return options[self.integer(0, len(options) - 1)]

    def sample(self, options: Sequence[T], count: int) -> list[T]:
        """`count` different options, in random order."""
        left = list(options)
        return [left.pop(self.integer(0, len(left) - 1)) for _ in range(count)]
