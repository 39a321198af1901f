"""`--format geojson`: polygons of the segments, as QuPath reads them.

Source: RFC 7946 (GeoJSON), with pixels in place of degrees, as QuPath exports its objects.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from maskconver_tf.inference.output_formats.outlines import Polygon, Ring, trace_outlines
from maskconver_tf.inference.output_formats.output_format import OutputFormat
from maskconver_tf.inference.predictor import Prediction


class GeojsonOutput(OutputFormat):
    """Writes `STEM.geojson`: a feature for each segment, with class, color, score and area.

    Coordinates are x, y in pixels from the top left corner of the picture, y down. The outlines
    follow the edges of pixels, so a polygon has exactly the pixels of its segment.
    """

    name = "geojson"

    def files(self, stem: str) -> dict[str, str]:
        return {"polygons": f"{stem}.geojson"}

    def write(self, folder: Path, stem: str, source: str, prediction: Prediction) -> None:
        outlines = trace_outlines(prediction.panoptic_map)
        features = [
            _feature(segment, outlines[segment["id"]], _color(prediction, segment))
            for segment in prediction.to_json()["segments"]
            if segment["id"] in outlines
        ]
        text = json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False)
        (folder / self.files(stem)["polygons"]).write_text(text + "\n", encoding="utf-8")


def _color(prediction: Prediction, segment: dict[str, Any]) -> list[int]:
    categories = prediction.categories
    return categories.colors[categories.class_id_of(segment["category_id"])].tolist()


def _feature(segment: dict[str, Any], polygons: list[Polygon], color: list[int]) -> dict[str, Any]:
    coordinates = [[_closed(ring) for ring in (p.outer, *p.holes)] for p in polygons]
    is_one = len(coordinates) == 1
    return {
        "type": "Feature",
        "geometry": {
            "type": "Polygon" if is_one else "MultiPolygon",
            "coordinates": coordinates[0] if is_one else coordinates,
        },
        "properties": {
            "objectType": "detection" if segment["isthing"] else "annotation",
            "name": f"{segment['name']} {segment['id']}",
            "classification": {"name": segment["name"], "color": color},
            "measurements": {"score": segment["score"], "area px^2": segment["area"]},
            "segment_id": segment["id"],
            "category_id": segment["category_id"],
        },
    }


def _closed(ring: Ring) -> list[list[int]]:
    return [list(point) for point in (*ring, ring[0])]
