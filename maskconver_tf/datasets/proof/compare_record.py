"""Compares one picture of a source with its record; the processes of a proof do this."""

from __future__ import annotations

import dataclasses

import numpy as np

from maskconver_tf.datasets.build.encode_picture import EncodedPicture, make_record, with_counts
from maskconver_tf.datasets.check_picture import CheckedPicture, check_picture
from maskconver_tf.datasets.findings import Finding
from maskconver_tf.datasets.proof.compare_segments import SegmentComparison, compare_segments
from maskconver_tf.datasets.proof.differences import Difference
from maskconver_tf.datasets.records import codec
from maskconver_tf.datasets.records.codec import PanopticRecord
from maskconver_tf.datasets.records.shard_index import RecordPlace
from maskconver_tf.datasets.records.tfrecord_file import BrokenRecords, parse_example
from maskconver_tf.datasets.sources.source import SourcePicture
from maskconver_tf.files.encoded_pictures.pixel_limit import LARGEST_MAX_PIXELS
from maskconver_tf.files.paths import local_or_remote_path, read_part
from maskconver_tf.files.pictures import UnreadablePicture, open_color_picture, plain_pixels

_SHOWN_SEGMENTS = 20
"""Findings about segments of one picture; the last one counts the others."""


@dataclasses.dataclass(frozen=True)
class CompareRequest:
    """A picture of the source and its record.

    Attributes:
      picture: the picture.
      place: where its record is; None if it has none.
      shard: path of the shard.
      names: the class names of the records, then those of the source.
    """

    picture: SourcePicture
    place: RecordPlace | None
    shard: str
    names: tuple[tuple[str, ...], tuple[str, ...]]

    @property
    def image_file(self) -> str:
        """Name of the picture in messages."""
        return self.picture.image_file


@dataclasses.dataclass(frozen=True)
class ComparedPicture:
    """The result of a comparison.

    Attributes:
      name, image_file: see `SourcePicture`.
      place: see `CompareRequest`.
      counts: what the builder counts, without features; None if the picture cannot be used.
      reasons: why it cannot be used.
      differences: what differs between record and source.
      num_missing: segments of the source that the record lacks.
      num_extra: segments of the record that the source does not have.
    """

    name: str
    image_file: str
    place: RecordPlace | None
    counts: EncodedPicture | None
    reasons: tuple[Finding, ...] = ()
    differences: tuple[Finding, ...] = ()
    num_missing: int = 0
    num_extra: int = 0


def compare_picture(request: CompareRequest) -> ComparedPicture:
    """Reads the picture and its truth as a build does, and compares both with the record."""
    picture, place = request.picture, request.place
    result = ComparedPicture(picture.name, picture.image_file, place, counts=None)
    checked = check_picture(picture)
    if not isinstance(checked, CheckedPicture):
        num_extra = place.num_segments if place else 0
        return dataclasses.replace(result, reasons=checked, num_extra=num_extra)
    record, conversion = make_record(picture, checked)
    counts = with_counts(picture, checked, conversion, features={})
    result = dataclasses.replace(result, counts=counts)
    if place is None:
        return dataclasses.replace(result, num_missing=len(record.segment_ids))
    try:
        stored = _read(request)
    except BrokenRecords as error:
        finding = _finding(request, Difference.UNREADABLE_RECORD, f"{error}{_where(request)}")
        num_segments = len(record.segment_ids)
        return dataclasses.replace(
            result,
            differences=(finding,),
            num_missing=num_segments,
            num_extra=place.num_segments,
        )
    compared = compare_segments(stored, record, *request.names)
    return dataclasses.replace(
        result,
        differences=(*_compare_pixels(request, stored, record), *_listed(request, compared)),
        num_missing=compared.num_missing,
        num_extra=compared.num_extra,
    )


def _read(request: CompareRequest) -> PanopticRecord:
    place = request.place
    serialized = read_part(local_or_remote_path(request.shard), place.begin, place.num_bytes)
    return codec.from_features(parse_example(serialized))


def _compare_pixels(
    request: CompareRequest, stored: PanopticRecord, record: PanopticRecord
) -> list[Finding]:
    """Compares the pictures. Other bytes that decode to the same pixels are no difference."""
    found = None
    if (stored.height, stored.width) != (record.height, record.width):
        found = (
            f"the record says {stored.width} x {stored.height}, the source has {record.width} x "
            f"{record.height}"
        )
    elif stored.image_bytes != record.image_bytes:
        found = _pixel_difference(stored.image_bytes, record.image_bytes)
    return [_finding(request, Difference.PICTURE, found + _where(request))] if found else []


def _pixel_difference(stored: bytes, encoded: bytes) -> str | None:
    try:
        open_color_picture(stored, LARGEST_MAX_PIXELS)
    except UnreadablePicture as error:
        return f"the picture in the record cannot be read ({error})"
    found, expected = plain_pixels(stored), plain_pixels(encoded)
    if found.shape != expected.shape:
        return "the record has {1} x {0} pixels, the source has {3} x {2}".format(
            *found.shape[:2], *expected.shape[:2]
        )
    different = (found != expected).any(-1)
    if not different.any():
        return None
    y, x = np.unravel_index(np.argmax(different), different.shape)
    return (
        f"{np.count_nonzero(different)} of {different.size} pixels differ; the first at x {x}, "
        f"y {y}: the record has RGB {_rgb(found[y, x])}, the source has {_rgb(expected[y, x])}"
    )


def _rgb(color: np.ndarray) -> str:
    return " ".join(map(str, color.tolist()))


def _listed(request: CompareRequest, compared: SegmentComparison) -> list[Finding]:
    texts = list(compared.differences)
    if len(texts) > _SHOWN_SEGMENTS:
        rest = len(texts) - _SHOWN_SEGMENTS + 1
        texts[_SHOWN_SEGMENTS - 1 :] = [f"{rest} more differences between the segments"]
    where = _where(request)
    return [_finding(request, Difference.SEGMENT, text + where) for text in texts]


def _finding(request: CompareRequest, kind: Difference, found: str) -> Finding:
    return Finding(request.picture.name, request.picture.image_file, kind, found)


def _where(request: CompareRequest) -> str:
    name = local_or_remote_path(request.shard).name
    return f" (record {request.place.number}, counted from 0, of {name})"
