"""The formats of `maskconver predict` by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from maskconver_tf.errors import UserError, suggest_name
from maskconver_tf.inference.drawing.style import DrawingStyle
from maskconver_tf.inference.output_formats.coco import CocoOutput
from maskconver_tf.inference.output_formats.csv_tables import CsvOutput
from maskconver_tf.inference.output_formats.drawing import DrawingOutput
from maskconver_tf.inference.output_formats.format_names import FORMATS
from maskconver_tf.inference.output_formats.geojson import GeojsonOutput
from maskconver_tf.inference.output_formats.imagej_roi import ImagejRoiOutput
from maskconver_tf.inference.output_formats.label_tiff import LabelTiffOutput
from maskconver_tf.inference.output_formats.output_format import OutputFormat


def make_formats(
    names: Sequence[str],
    style: DrawingStyle | None = None,
    image_ids: Mapping[str, int | str] | None = None,
) -> list[OutputFormat]:
    """Returns the formats of these names, each once.

    Args:
      style: of drawings.
      image_ids: see `CocoOutput`.

    Raises:
      UserError: a name is unknown, or a format needs a package that is not installed.
    """
    makers = {
        "drawing": lambda: DrawingOutput(style),
        "coco": lambda: CocoOutput(image_ids),
        "label_tiff": LabelTiffOutput,
        "geojson": GeojsonOutput,
        "imagej_roi": ImagejRoiOutput,
        "csv": CsvOutput,
    }
    for name in names:
        if name not in makers:
            raise UserError(
                f"--format {name}: expected one or more of {', '.join(FORMATS)}"
                f"{suggest_name(name, FORMATS)}"
            )
    return [makers[name]() for name in dict.fromkeys(names)]
