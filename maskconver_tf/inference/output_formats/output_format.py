"""The contract of all formats: files of each picture, and tables of all pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.inference.predictor import Prediction
from maskconver_tf.inference.tiles.tiled_predictor import LargePrediction

AnyPrediction = Prediction | LargePrediction


class FinishedPicture(NamedTuple):
    """A picture whose files are written.

    Attributes:
      source: path of the picture, as the user wrote it.
      stem: path of its results below the folder, without suffix.
      kept: what `OutputFormat.write` returned.
    """

    source: str
    stem: str
    kept: Any


class OutputFormat:
    """Writes predictions in one format. Objects of it are used by several threads at once."""

    name: ClassVar[str]
    """The value of `--format`."""
    tables: ClassVar[tuple[str, ...]] = ()
    """Names of the files that `finish` writes."""
    takes_large: ClassVar[bool] = False
    """Whether `write` also takes a `LargePrediction`."""

    def files(self, stem: str) -> dict[str, str]:
        """Returns kind -> path below the folder, of the files of one picture."""
        raise NotImplementedError

    def options(self) -> dict[str, Any]:
        """Returns the options that change the files; other options make old files outdated."""
        return {}

    def write(self, folder: Path, stem: str, source: str, prediction: AnyPrediction) -> Any:
        """Writes the files of one picture. The folders of the files exist.

        Returns:
          What `finish` needs of the picture, as JSON can store it.
        """
        raise NotImplementedError

    def finish(
        self, folder: Path, pictures: list[FinishedPicture], categories: Categories
    ) -> list[Path]:
        """Writes the tables of all pictures, and returns their paths."""
        return []
