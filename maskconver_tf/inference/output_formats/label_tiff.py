"""`--format label_tiff`: a picture of labels for ImageJ, Fiji, napari or QuPath, and its table."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import tifffile

from maskconver_tf.inference.output_formats.output_format import AnyPrediction, OutputFormat
from maskconver_tf.inference.tiles.large_files import write_tiled_tiff
from maskconver_tf.inference.tiles.tiled_predictor import LargePrediction

_COLUMNS = ("label", "category_id", "class", "isthing", "score", "area")


class LabelTiffOutput(OutputFormat):
    """Writes `STEM_labels.tif`, whose pixels are segment ids, and `STEM_labels.csv`.

    A pixel has 16 bits, or 32 if an id is above 65,535. Void is 0. The map of a large picture is
    written in tiles.
    """

    name = "label_tiff"
    takes_large = True

    def files(self, stem: str) -> dict[str, str]:
        return {"labels": f"{stem}_labels.tif", "classes": f"{stem}_labels.csv"}

    def write(self, folder: Path, stem: str, source: str, prediction: AnyPrediction) -> None:
        paths = {kind: folder / name for kind, name in self.files(stem).items()}
        kind = label_type(max((segment.id for segment in prediction.segments), default=0))
        if isinstance(prediction, LargePrediction):
            size = prediction.height, prediction.width
            write_tiled_tiff(paths["labels"], *size, kind, prediction.bands())
        else:
            tifffile.imwrite(
                paths["labels"],
                prediction.panoptic_map.astype(kind),
                compression="zlib",
                photometric="minisblack",
                metadata=None,
            )
        write_class_table(paths["classes"], prediction.to_json()["segments"])


def label_type(largest: int) -> type[np.unsignedinteger]:
    """Returns the smallest type of pixels, uint16 or uint32, that holds the largest id."""
    return np.uint16 if largest < 2**16 else np.uint32


def write_class_table(path: Path, segments: list[dict]) -> None:
    """Writes the class, score and area of each label as CSV.

    Args:
      segments: as in `Prediction.to_json`.
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        for s in segments:
            row = s["id"], s["category_id"], s["name"], int(s["isthing"]), s["score"], s["area"]
            writer.writerow(row)
