"""Describes the signatures of a SavedModel without TensorFlow's types."""

from __future__ import annotations

import dataclasses

import numpy as np

STRING = "string"
"""`TensorInfo.dtype` of bytes; all others are NumPy's names."""


@dataclasses.dataclass(frozen=True)
class TensorInfo:
    """An input or output of a signature.

    Attributes:
      dtype: `STRING` or NumPy's name, such as "float32".
      shape: -1 for an open side; None if the rank is open.
      default: the value of an input that a request lacks, or None.
    """

    dtype: str
    shape: tuple[int, ...] | None
    default: np.ndarray | None = None

    @property
    def numpy_dtype(self) -> np.dtype:
        return np.dtype(object if self.dtype == STRING else self.dtype)


@dataclasses.dataclass(frozen=True)
class SignatureInfo:
    """Names of a signature's inputs and outputs -> what they are."""

    inputs: dict[str, TensorInfo]
    outputs: dict[str, TensorInfo]
