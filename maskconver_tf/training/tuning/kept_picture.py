"""One picture with its proposals and its truth, as a small file."""

from __future__ import annotations

import dataclasses
import zipfile
import zlib
from pathlib import Path

import numpy as np

from maskconver_tf import types
from maskconver_tf.errors import UserError
from maskconver_tf.postprocess.candidates import inside_content

_ARRAYS = ("scores", "class_ids", "embeddings", "features", "content_size")
_TRUTH = ("image_size", "truth_class_ids", "is_crowd")


@dataclasses.dataclass(frozen=True)
class KeptPicture:
    """What the fusion and the score of one picture need.

    Attributes:
      image_id: the source's id, as JSON text.
      scores: float32 `[n]`, in the network's order, of the proposals that are inside the picture
        and have at least the floor.
      class_ids: int32 `[n]`.
      embeddings: float32 or float16 `[n, D]`.
      features: float32 or float16 `[h, w, D]`, cut to the picture.
      content_size: int32 `[2]`, in input pixels.
      image_size: int32 `[2]`.
      truth_map: integers `[*image_size]`, i for the i-th true segment, from 1; 0 for void.
      truth_class_ids: int64 `[T]`.
      is_crowd: bool `[T]`.
    """

    image_id: str
    scores: np.ndarray
    class_ids: np.ndarray
    embeddings: np.ndarray
    features: np.ndarray
    content_size: np.ndarray
    image_size: np.ndarray
    truth_map: np.ndarray
    truth_class_ids: np.ndarray
    is_crowd: np.ndarray

    def save(self, file: Path) -> int:
        """Writes the picture; returns the number of bytes."""
        small = np.uint8 if len(self.truth_class_ids) < 256 else np.uint16
        packed = zlib.compress(self.truth_map.astype(small).tobytes(), 1)
        arrays = {name: getattr(self, name) for name in (*_ARRAYS, *_TRUTH)}
        np.savez(
            file,
            image_id=np.array(self.image_id),
            truth_map=np.frombuffer(packed, np.uint8),
            truth_dtype=np.array(np.dtype(small).name),
            **arrays,
        )
        return file.stat().st_size

    @classmethod
    def load(cls, file: Path) -> KeptPicture:
        """Reads a picture; raises `UserError` if the file is missing or damaged."""
        try:
            with np.load(file) as content:
                arrays = {name: content[name] for name in (*_ARRAYS, *_TRUTH)}
                flat = zlib.decompress(content["truth_map"].tobytes())
                truth_map = np.frombuffer(flat, str(content["truth_dtype"]))
                truth_map = truth_map.reshape(arrays["image_size"])
                return cls(str(content["image_id"]), truth_map=truth_map, **arrays)
        except (OSError, ValueError, KeyError, zipfile.BadZipFile, zlib.error) as error:
            raise UserError(
                f"{file}: cannot be read ({error}); delete the folder {file.parent}, and "
                "`maskconver tune` writes it again"
            ) from None

    def proposals(self) -> dict[str, np.ndarray]:
        """The fields that the fusion takes, floating-point ones in float32."""
        return {
            types.PROPOSAL_SCORES: self.scores,
            types.PROPOSAL_CLASS_IDS: self.class_ids,
            types.MASK_EMBEDDINGS: self.embeddings.astype(np.float32),
            types.MASK_FEATURES: self.features.astype(np.float32),
        }


def keep_picture(
    example: dict[str, np.ndarray],
    proposals: dict[str, np.ndarray],
    floor: float,
    dtype: str,
    mask_stride: int,
) -> KeptPicture:
    """Makes a `KeptPicture` of what the network found in an example.

    Args:
      example: of the evaluation input.
      proposals: outputs of the network for this picture.
      floor: proposals with a lower score are left out.
      dtype: "float32" or "float16", for embeddings and features.
      mask_stride: input pixels per cell of the features.
    """
    inside = inside_content(proposals, example[types.CONTENT_SIZE]).numpy()
    kept = inside & (proposals[types.PROPOSAL_SCORES] >= np.float32(floor))
    rows, columns = -(-example[types.CONTENT_SIZE] // mask_stride)
    return KeptPicture(
        image_id=example[types.IMAGE_ID].decode(),
        scores=proposals[types.PROPOSAL_SCORES][kept],
        class_ids=proposals[types.PROPOSAL_CLASS_IDS][kept],
        embeddings=proposals[types.MASK_EMBEDDINGS][kept].astype(dtype),
        features=proposals[types.MASK_FEATURES][:rows, :columns].astype(dtype),
        content_size=example[types.CONTENT_SIZE],
        image_size=example[types.IMAGE_SIZE],
        truth_map=example[types.SEGMENT_MAP],
        truth_class_ids=example[types.SEGMENT_CLASS_IDS].astype(np.int64),
        is_crowd=example[types.SEGMENT_IS_CROWD].astype(np.bool_),
    )
