"""Encodes a picture with its truth as one record, and decodes records in `tf.data`.

No other file knows the keys of a record. TensorFlow is imported where it is used: the builder's
processes only need `to_features`, and without TensorFlow they start in a fraction of a second.
"""

from __future__ import annotations

import dataclasses
import io
import json
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from maskconver_tf import types
from maskconver_tf.datasets.records.tfrecord_file import BrokenRecords
from maskconver_tf.files.encoded_pictures.pixel_limit import LARGEST_MAX_PIXELS
from maskconver_tf.files.encoded_pictures.raw_values import NotRaw, read_raw_values
from maskconver_tf.files.json_file import utf8_safe
from maskconver_tf.files.pictures import UnreadablePicture
from maskconver_tf.ops.segment_extents import segment_extents

if TYPE_CHECKING:
    import tensorflow as tf

MAX_SEGMENTS = 2**16 - 1
"""Segments in one picture, at most: a 16-bit segment map holds no larger number."""

_KEYS = {
    types.IMAGE: "image/encoded",
    types.IMAGE_ID: "image/id",
    types.FILE_NAME: "image/file_name",
    types.IMAGE_SIZE: "image/size",
    types.SEGMENT_MAP: "segments/map_png",
    types.SEGMENT_IDS: "segments/ids",
    types.SEGMENT_CLASS_IDS: "segments/class_ids",
    types.SEGMENT_IS_CROWD: "segments/is_crowd",
}
"""Field name -> key in a record."""


@dataclasses.dataclass(frozen=True)
class PanopticRecord:
    """One picture with its truth, as a record holds it, with n segments.

    Attributes:
      image_bytes: a JPEG or PNG that decodes to upright 8-bit RGB.
      image_id: the picture's id in the source.
      file_name: the source picture's file name.
      height, width: size of the picture in pixels.
      segment_map: uint16 `[height, width]`: i for the i-th segment counted from 1, 0 for void.
      segment_ids: int `[n]`: the source's segment ids.
      segment_class_ids: int `[n]`: contiguous class ids.
      segment_is_crowd: bool `[n]`.
    """

    image_bytes: bytes
    image_id: int | str
    file_name: str
    height: int
    width: int
    segment_map: np.ndarray
    segment_ids: np.ndarray
    segment_class_ids: np.ndarray
    segment_is_crowd: np.ndarray


def to_features(record: PanopticRecord) -> dict[str, list[bytes] | list[int]]:
    """Returns the record's content by key. The segment map becomes a 16-bit grayscale PNG."""
    content = {
        types.IMAGE: [record.image_bytes],
        types.IMAGE_ID: [_id_bytes(record.image_id)],
        types.FILE_NAME: [utf8_safe(record.file_name).encode()],
        types.IMAGE_SIZE: [record.height, record.width],
        types.SEGMENT_MAP: [_to_png(record.segment_map)],
        types.SEGMENT_IDS: [int(value) for value in record.segment_ids],
        types.SEGMENT_CLASS_IDS: [int(value) for value in record.segment_class_ids],
        types.SEGMENT_IS_CROWD: [int(value) for value in record.segment_is_crowd],
    }
    return {_KEYS[field]: values for field, values in content.items()}


def serialize(features: dict[str, list[bytes] | list[int]]) -> bytes:
    """Serializes `to_features` as a `tf.train.Example`. Equal features give equal bytes."""
    import tensorflow as tf

    example = tf.train.Example()
    for key, values in features.items():
        feature = example.features.feature[key]
        if values and isinstance(values[0], bytes):
            feature.bytes_list.value.extend(values)
        else:
            feature.int64_list.value.extend(values)
    return example.SerializeToString(deterministic=True)


def picture_key(image_id: int | str, file_name: str) -> tuple[bytes, bytes]:
    """Returns id and file name as a record holds them; together they name the picture."""
    return _id_bytes(image_id), utf8_safe(file_name).encode()


def key_and_count(features: dict[str, list]) -> tuple[tuple[bytes, bytes], int]:
    """Returns the `picture_key` of a record and the number of its segments.

    Raises:
      BrokenRecords: the record lacks its id or its file name.
    """
    key = _one(features, types.IMAGE_ID), _one(features, types.FILE_NAME)
    return key, len(features.get(_KEYS[types.SEGMENT_IDS], ()))


def from_features(features: dict[str, list]) -> PanopticRecord:
    """Returns the record that `to_features` turns into these features, without TensorFlow.

    Raises:
      BrokenRecords: a field is missing, or the segment map cannot be decoded.
    """
    size = features.get(_KEYS[types.IMAGE_SIZE], [])
    if len(size) != 2:
        raise BrokenRecords(f"the record has {len(size)} numbers as the size of its picture")
    encoded_map = _one(features, types.SEGMENT_MAP)
    try:
        segment_map = read_raw_values(encoded_map, LARGEST_MAX_PIXELS).values
    except (UnreadablePicture, NotRaw) as error:
        raise BrokenRecords(f"the segment map cannot be read: {error}") from None
    class_ids, is_crowd, ids = (
        np.array(features.get(_KEYS[field], ()), np.int64)
        for field in (types.SEGMENT_CLASS_IDS, types.SEGMENT_IS_CROWD, types.SEGMENT_IDS)
    )
    if not len(class_ids) == len(is_crowd) == len(ids):
        found = f"{len(ids)} segment ids, {len(class_ids)} classes and {len(is_crowd)} crowd marks"
        raise BrokenRecords(f"the record has {found}")
    return PanopticRecord(
        image_bytes=_one(features, types.IMAGE),
        image_id=json.loads(_one(features, types.IMAGE_ID)),
        file_name=_one(features, types.FILE_NAME).decode(),
        height=size[0],
        width=size[1],
        segment_map=segment_map,
        segment_ids=ids,
        segment_class_ids=class_ids,
        segment_is_crowd=is_crowd.astype(np.bool_),
    )


def encode(record: PanopticRecord) -> bytes:
    """Serializes a `tf.train.Example`. `parse` and then `decode` turn it into an example."""
    return serialize(to_features(record))


def parse(serialized: tf.Tensor) -> dict[str, tf.Tensor]:
    """Reads one record without decoding its picture; runs in `tf.data`.

    Args:
      serialized: string scalar, as `encode` returns it.

    Returns:
      The fields that `decode` returns. IMAGE and SEGMENT_MAP are still encoded, as string scalars.
    """
    import tensorflow as tf

    kinds = {field: tf.io.RaggedFeature(tf.int64) for field in _KEYS}
    for field in (types.IMAGE, types.IMAGE_ID, types.FILE_NAME, types.SEGMENT_MAP):
        kinds[field] = tf.io.FixedLenFeature([], tf.string)
    kinds[types.IMAGE_SIZE] = tf.io.FixedLenFeature([2], tf.int64)
    parsed = tf.io.parse_single_example(
        serialized, {key: kinds[field] for field, key in _KEYS.items()}
    )
    example = {field: parsed[key] for field, key in _KEYS.items()}
    for field in (types.IMAGE_SIZE, types.SEGMENT_CLASS_IDS):
        example[field] = tf.cast(example[field], tf.int32)
    example[types.SEGMENT_IS_CROWD] = tf.cast(example[types.SEGMENT_IS_CROWD], tf.bool)
    return example


def decode(parsed: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Decodes the picture and the segment map of a parsed record; runs in `tf.data`.

    Args:
      parsed: the fields that `parse` returned.

    Returns:
      IMAGE uint8 `[h, w, 3]`, SEGMENT_MAP int32 `[h, w]`, SEGMENT_IDS int64 `[n]`,
      SEGMENT_CLASS_IDS int32 `[n]`, SEGMENT_IS_CROWD bool `[n]`, IMAGE_ID and FILE_NAME string
      scalars, IMAGE_SIZE int32 `[2]`.
    """
    import tensorflow as tf

    from maskconver_tf.files.graph_decoding.plain_files import decode_picture

    segment_map = tf.io.decode_png(parsed[types.SEGMENT_MAP], channels=1, dtype=tf.uint16)
    return parsed | {
        types.IMAGE: decode_picture(parsed[types.IMAGE]),
        types.SEGMENT_MAP: tf.cast(segment_map[..., 0], tf.int32),
    }


def decode_window(
    parsed: dict[str, tf.Tensor],
    begin: tf.Tensor,
    extent: tf.Tensor,
    size: tf.Tensor,
    segment_map: tf.Tensor | None = None,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Decodes a rectangle of picture and segment map, for scaling; runs in `tf.data`.

    Args:
      parsed: the fields that `parse` returned.
      begin: int32 `[2]`, first row and column of the rectangle.
      extent: int32 `[2]`, height and width of the rectangle, which lies within the picture.
      size: int32 `[2]`, height and width after scaling.
      segment_map: what `decode_map` returned, if the caller has it.

    Returns:
      The picture, uint8 `[h, w, 3]` of size `extent` or smaller (see `decode_part`); and the
      segment map, uint16 of size `extent`.
    """
    import tensorflow as tf

    from maskconver_tf.files.graph_decoding.plain_files import decode_part

    image = decode_part(parsed[types.IMAGE], parsed[types.IMAGE_SIZE], begin, extent, size)
    segment_map = decode_map(parsed) if segment_map is None else segment_map
    return image, tf.slice(segment_map, begin, extent)


def decode_map(parsed: dict[str, tf.Tensor]) -> tf.Tensor:
    """Decodes the whole segment map of a parsed record; uint16 `[h, w]`."""
    import tensorflow as tf

    segment_map = tf.io.decode_png(parsed[types.SEGMENT_MAP], channels=1, dtype=tf.uint16)
    return tf.squeeze(segment_map, -1)


def truth_segments(example: dict[str, np.ndarray]) -> list[types.Segment]:
    """Returns the segments of a decoded example, with crowds, in the order of its lists.

    Args:
      example: the fields that `decode` returned, as NumPy arrays.

    Returns:
      Segments with area and box. The `id` of each is its value in SEGMENT_MAP, 1..n.
    """
    class_ids = example[types.SEGMENT_CLASS_IDS]
    areas, boxes = segment_extents(example[types.SEGMENT_MAP], len(class_ids))
    return [
        types.Segment(
            id=i + 1,
            class_id=int(class_ids[i]),
            is_crowd=bool(example[types.SEGMENT_IS_CROWD][i]),
            area=int(areas[i]),
            box=tuple(boxes[i].tolist()),
        )
        for i in range(len(class_ids))
    ]


def _id_bytes(image_id: int | str) -> bytes:
    return utf8_safe(json.dumps(image_id, ensure_ascii=False)).encode()


def _one(features: dict[str, list], field: str) -> bytes:
    """Returns the only value of a field; raises `BrokenRecords` if there is not one."""
    values = features.get(_KEYS[field], [])
    if len(values) != 1 or not isinstance(values[0], bytes):
        raise BrokenRecords(f"the record has {len(values)} values of {_KEYS[field]}, not one")
    return values[0]


def _to_png(segment_map: np.ndarray) -> bytes:
    if segment_map.dtype != np.uint16:
        raise TypeError(
            f"segment_map is {segment_map.dtype}; expected uint16, or segment numbers would wrap."
        )
    png = io.BytesIO()
    Image.fromarray(segment_map).save(png, "PNG")
    return png.getvalue()
