"""`--format imagej_roi`: a .zip of regions, which ImageJ's ROI manager opens.

The layout of a region's file is that of ImageJ's classes RoiDecoder and RoiEncoder (public domain):
big-endian, a header of 64 bytes, the coordinates, a second header of 64 bytes, the name.
"""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import numpy as np

from maskconver_tf.inference.output_formats.outlines import Polygon, trace_outlines
from maskconver_tf.inference.output_formats.output_format import OutputFormat
from maskconver_tf.inference.predictor import Prediction

_VERSION = 228
_POLYGON, _RECTANGLE = 0, 1
"""Types of regions. A composite region has the type of a rectangle, and a path."""
_MOVE, _LINE, _CLOSE = 0.0, 1.0, 4.0
_LARGEST_SHORT = 2**15 - 1
_HEADER = ">4shBxhhhhH16xhi4s4shhBBhii"
_SECOND_HEADER = ">4xiiiiiihBBifii16x"
_FIXED_DATE = (1980, 1, 1, 0, 0, 0)
"""Of the entries, so that equal regions make equal files."""


class ImagejRoiOutput(OutputFormat):
    """Writes `STEM_rois.zip` with a region for each segment.

    A segment of one part without holes becomes a polygon, any other a composite region. Each has
    the name, score and color of its class.
    """

    name = "imagej_roi"

    def files(self, stem: str) -> dict[str, str]:
        return {"regions": f"{stem}_rois.zip"}

    def write(self, folder: Path, stem: str, source: str, prediction: Prediction) -> None:
        outlines = trace_outlines(prediction.panoptic_map)
        path = folder / self.files(stem)["regions"]
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for segment in prediction.segments:
                if segment.id not in outlines:
                    continue
                class_name = prediction.categories[segment.class_id].name
                name = f"{segment.id:05d}-{_file_name(class_name)}"
                color = prediction.categories.colors[segment.class_id]
                properties = {
                    "class": " ".join(class_name.split()),
                    "score": f"{segment.score:.4f}",
                }
                encoded = encode_region(outlines[segment.id], name, color, properties)
                entry = zipfile.ZipInfo(f"{name}.roi", _FIXED_DATE)
                entry.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(entry, encoded)


def encode_region(
    polygons: list[Polygon], name: str, color: np.ndarray, properties: dict[str, str]
) -> bytes:
    """Encodes the polygons of one segment as a file of ImageJ.

    Args:
      name: shown by ImageJ.
      color: uint8 `[3]`, RGB, of the line.
      properties: key -> text of one line; ImageJ shows them as the region's properties.
    """
    corners = np.concatenate([polygon.outer for polygon in polygons])
    (left, top), (right, bottom) = corners.min(axis=0), corners.max(axis=0)
    box = [min(int(side), _LARGEST_SHORT) for side in (top, left, bottom, right)]
    is_simple = len(polygons) == 1 and not polygons[0].holes
    is_polygon = is_simple and len(corners) < 2**16 and corners.max() <= _LARGEST_SHORT
    if is_polygon:
        relative = (corners - [left, top]).T.astype(">i2")
        body, kind, count, path_size = relative.tobytes(), _POLYGON, len(corners), 0
    else:
        path = _path(polygons)
        body, kind, count, path_size = path.tobytes(), _RECTANGLE, 0, len(path)
    line = bytes([255, *color.tolist()])
    second = struct.calcsize(_HEADER) + len(body)
    header = struct.pack(
        *(_HEADER, b"Iout", _VERSION, kind, *box, count),
        *(0, path_size, line, bytes(4), 0, 0, 0, 0, 0, 0, second),
    )
    return header + body + _tail(second, name, properties)


def _tail(second: int, name: str, properties: dict[str, str]) -> bytes:
    """The second header, with the places of the name and the properties behind it."""
    text = "".join(f"{key}: {value}\n" for key, value in properties.items())
    sizes = [len(each.encode("utf-16-be")) for each in (name, text)]
    name_at = second + struct.calcsize(_SECOND_HEADER)
    places = (name_at, sizes[0] // 2), (name_at + sizes[0], sizes[1] // 2)
    header = struct.pack(_SECOND_HEADER, 0, 0, 0, *places[0], 0, 0, 0, 0, 0, 0.0, *places[1])
    return header + name.encode("utf-16-be") + text.encode("utf-16-be")


def _path(polygons: list[Polygon]) -> np.ndarray:
    """Moves and lines along all rings, as 32-bit floats."""
    path: list[float] = []
    for polygon in polygons:
        for ring in (polygon.outer, *polygon.holes):
            path += [_MOVE, *ring[0]]
            for point in ring[1:]:
                path += [_LINE, *point]
            path.append(_CLOSE)
    return np.array(path, ">f4")


def _file_name(name: str) -> str:
    """Returns the name without characters that some file system refuses."""
    return "".join(c if c.isalnum() or c in " -_." else "_" for c in name)[:40].strip()
