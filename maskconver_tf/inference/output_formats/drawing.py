"""`--format drawing`: a drawing, the id map and the list of segments of each picture."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

from PIL import Image

from maskconver_tf.files.id_map import ids_to_rgb
from maskconver_tf.inference.drawing.style import DrawingStyle
from maskconver_tf.inference.output_formats.output_format import OutputFormat
from maskconver_tf.inference.predictor import Prediction, saved_names


class DrawingOutput(OutputFormat):
    """Writes `STEM.png` (drawn), `STEM_ids.png` (R + 256 G + 65536 B) and `STEM.json`."""

    name = "drawing"

    def __init__(self, style: DrawingStyle | None = None):
        self._style = style or DrawingStyle()

    def files(self, stem: str) -> dict[str, str]:
        return saved_names(stem)

    def options(self) -> dict[str, Any]:
        return dataclasses.asdict(self._style)

    def write(self, folder: Path, stem: str, source: str, prediction: Prediction) -> None:
        paths = {kind: folder / name for kind, name in saved_names(stem).items()}
        Image.fromarray(prediction.draw(self._style)).save(paths["picture"])
        Image.fromarray(ids_to_rgb(prediction.panoptic_map)).save(paths["ids"])
        text = json.dumps(prediction.to_json(), ensure_ascii=False, indent=1)
        paths["segments"].write_text(text + "\n", encoding="utf-8")
