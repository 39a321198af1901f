"""Names of the formats, for the help of `maskconver predict`, which loads nothing heavy."""

from __future__ import annotations

FORMATS = {
    "drawing": "STEM.png (drawn), STEM_ids.png (id map) and STEM.json of each picture",
    "coco": "predictions.json and predictions/STEM.png, which `maskconver score` reads",
    "label_tiff": "STEM_labels.tif, 16 or 32 bits, and STEM_labels.csv with the classes",
    "geojson": "STEM.geojson: polygons with holes, in pixels, as QuPath reads them",
    "imagej_roi": "STEM_rois.zip for ImageJ's ROI manager",
    "csv": "segments.csv and pictures.csv: classes, shapes, intensities and counts",
}
"""Name -> what it writes."""

DEFAULT_FORMAT = "drawing"
