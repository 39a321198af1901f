"""Checks one picture of a source and encodes it as a record; the builder's processes do this."""

from __future__ import annotations

import dataclasses
import warnings

import numpy as np

from maskconver_tf.datasets.check_picture import CheckedPicture, check_picture
from maskconver_tf.datasets.findings import Finding
from maskconver_tf.datasets.records.codec import PanopticRecord, to_features
from maskconver_tf.datasets.sources.source import SourcePicture
from maskconver_tf.files.pictures import to_plain_rgb


@dataclasses.dataclass(frozen=True)
class EncodedPicture:
    """The record of one picture with n segments, and what the builder counts.

    Attributes:
      name: the picture's name in the source.
      features: content of the record, under the record's keys.
      class_ids: contiguous class id of each segment.
      is_crowd: whether each segment is a crowd.
      areas: int64 `[n + 1]`: number of pixels of void, then of each segment.
      num_merged: listed stuff segments that joined an earlier segment of their class.
      num_hidden: segments of the source that other segments cover wholly.
      num_listed: segments that the source lists for the picture; None if it has no list. The
        source makes the others of unlabelled pixels or of files of stuff.
      conversion: if the picture was not plain RGB, what it was and what was done, else None.
    """

    name: str
    features: dict[str, list[bytes] | list[int]]
    class_ids: list[int]
    is_crowd: list[bool]
    areas: np.ndarray
    num_merged: int
    num_hidden: int
    num_listed: int | None
    conversion: str | None


def encode_picture(picture: SourcePicture) -> EncodedPicture | tuple[Finding, ...]:
    """Reads, checks and encodes one picture, or returns everything that is wrong with it."""
    checked = check_picture(picture)
    if not isinstance(checked, CheckedPicture):
        return checked
    record, conversion = make_record(picture, checked)
    return with_counts(picture, checked, conversion, to_features(record))


def make_record(
    picture: SourcePicture, checked: CheckedPicture
) -> tuple[PanopticRecord, str | None]:
    """Returns the record of a checked picture, and the conversion that `to_plain_rgb` returns."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image_bytes, conversion = to_plain_rgb(
            checked.encoded, checked.decoded, checked.turn_upright
        )
    height, width = checked.segment_map.shape
    segments = checked.segments
    record = PanopticRecord(
        image_bytes=image_bytes,
        image_id=picture.image_id,
        file_name=picture.name,
        height=height,
        width=width,
        segment_map=checked.segment_map,
        segment_ids=np.array([segment.id for segment in segments], np.int64),
        segment_class_ids=np.array([segment.class_id for segment in segments], np.int64),
        segment_is_crowd=np.array([segment.is_crowd for segment in segments], np.bool_),
    )
    return record, conversion


def with_counts(
    picture: SourcePicture,
    checked: CheckedPicture,
    conversion: str | None,
    features: dict[str, list[bytes] | list[int]],
) -> EncodedPicture:
    """Puts the features of a record and what the builder counts together."""
    segments = checked.segments
    return EncodedPicture(
        name=picture.name,
        features=features,
        class_ids=[segment.class_id for segment in segments],
        is_crowd=[segment.is_crowd for segment in segments],
        areas=np.bincount(checked.segment_map.ravel(), minlength=len(segments) + 1),
        num_merged=checked.num_merged,
        num_hidden=checked.truth.num_hidden,
        num_listed=getattr(picture, "num_listed", None),
        conversion=conversion,
    )
