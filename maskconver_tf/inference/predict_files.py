"""Predicts many picture files into one folder: the work of `maskconver predict`."""

from __future__ import annotations

import collections
import contextlib
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from maskconver_tf.errors import UserError
from maskconver_tf.files.paths import make_out_folder
from maskconver_tf.inference.many_files.finished_pictures import FinishedPictures
from maskconver_tf.inference.many_files.overlapped_work import WriteBehind, read_ahead
from maskconver_tf.inference.many_files.picture_list import ListedPicture, give_unique_stems
from maskconver_tf.inference.output_formats.drawing import DrawingOutput
from maskconver_tf.inference.output_formats.output_format import (
    AnyPrediction,
    FinishedPicture,
    OutputFormat,
)
from maskconver_tf.inference.predictor import Predictor, read_image
from maskconver_tf.inference.tiles.known_window import KnownWindow
from maskconver_tf.inference.tiles.row_reading import is_large
from maskconver_tf.inference.tiles.tiled_predictor import TiledPredictor

_MOST_THREADS = 8


class FilePrediction:
    """Predicts picture files and writes the results to a folder.

    Reading and writing run in threads while the model computes.

    Args:
      predictor: predicts what `read` returns.
      out: the folder of results.
      formats: what to write; None for a drawing, an id map and a list of segments.
      settings: what predictions depend on besides the picture: the model, its thresholds. With it,
        pictures that are done are skipped; None predicts all of them.
      overwrite: predict again what is done.
      read: reads a file.
      window: the size of a picture that fills the model's input. The first picture that is more
        than twice as large, which the model shrinks, gets a warning.
      threads: for reading, and as many for writing; None for one per CPU, 8 at most.
    """

    def __init__(
        self,
        predictor: Predictor | TiledPredictor,
        out: str,
        formats: Sequence[OutputFormat] | None = None,
        settings: dict[str, Any] | None = None,
        overwrite: bool = False,
        read: Callable[[str], Any] = read_image,
        window: KnownWindow | None = None,
        threads: int | None = None,
    ):
        self._predictor = predictor
        self._folder = Path(out)
        self._formats = list(formats or [DrawingOutput()])
        self._settings = settings
        self._has_warned = False
        self._overwrite = overwrite or settings is None
        self._read_file = read
        self._window = window
        self._threads = threads or min(_MOST_THREADS, os.cpu_count() or 1)

    def run(self, pictures: Sequence[ListedPicture]) -> None:
        """Predicts pictures; skips files that cannot be read, and names them at the end.

        Raises:
          UserError: a result would replace one of the pictures; then nothing is written. Or some
            pictures could not be read; then the results of all others are written.
        """
        tables = {path for each in self._formats for path in each.tables}
        pictures = give_unique_stems(list(pictures), self._files_of, tables)
        self._check_nothing_replaced(pictures)
        make_out_folder(self._folder)
        with self._explain_full_disk("the list of finished pictures"):
            finished = FinishedPictures(self._folder, self._settings or {}, self._overwrite)
        kept = {picture: finished.kept_of(picture, self._formats) for picture in pictures}
        waiting = [picture for picture in pictures if kept[picture] is None]
        if done := len(pictures) - len(waiting):
            tqdm.write(f"{done} of {len(pictures)} pictures are done; --overwrite does them again")
        with self._explain_full_disk("the list of finished pictures"):
            finished.announce(waiting, self._formats)
        problems = self._predict_all(waiting, kept, finished)
        self._write_tables([picture for picture in pictures if kept[picture] is not None], kept)
        if problems:
            raise UserError("\n".join(problems))

    def _predict_all(
        self,
        pictures: list[ListedPicture],
        kept: dict[ListedPicture, dict[str, Any] | None],
        finished: FinishedPictures,
    ) -> list[str]:
        """Fills `kept`; returns a message for each picture that could not be read."""
        problems: list[str] = []

        def note(job: tuple[ListedPicture, str], result: dict[str, Any]) -> None:
            picture, summary = job
            kept[picture] = result
            with self._explain_full_disk("the list of finished pictures"):
                finished.add(picture, self._formats, result)
            bar.write(f"{picture.path}: {summary} -> {self._shown(picture)}")

        bar = tqdm(total=len(pictures), desc="predict", unit="image", disable=not pictures)
        with bar, WriteBehind(self._threads, note) as writing:
            reading = read_ahead(self._read, pictures, self._threads)
            for picture, pixels in reading:
                try:
                    prediction = self._predictor.predict(pixels.result())
                except UserError as error:
                    problems.append(str(error))
                else:
                    job = picture, _summary(prediction)
                    self._warn_of_shrinking(picture, prediction)
                    writing.submit(job, self._write, picture, prediction)
                bar.update()
        return problems

    def _read(self, picture: ListedPicture) -> Any:
        """Reads a picture; raises `UserError` also if it is too large for a format."""
        pixels = self._read_file(picture.path)
        small_only = [each.name for each in self._formats if not each.takes_large]
        if small_only and is_large(pixels):
            raise UserError(
                f"{picture.path}: found {pixels.width} x {pixels.height} pixels, which is too "
                f"large for --format {small_only[0]}; use --format label_tiff or --format coco, "
                "which write large maps piece by piece"
            )
        return pixels

    def _warn_of_shrinking(self, picture: ListedPicture, prediction: AnyPrediction) -> None:
        """Warns of the first picture that is too large for the model's input."""
        if self._window is None or self._has_warned:
            return
        if found := self._window.shrinking(prediction.height, prediction.width):
            self._has_warned = True
            tqdm.write(
                f"warning: {picture.path} {found}. --tile auto predicts such pictures in windows",
                file=sys.stderr,
            )

    def _write(self, picture: ListedPicture, prediction: AnyPrediction) -> dict[str, Any]:
        with self._explain_full_disk(f"the results of {picture.path}"):
            for name in self._files_of(picture.stem):
                (self._folder / name).parent.mkdir(parents=True, exist_ok=True)
            return {
                each.name: each.write(self._folder, picture.stem, picture.path, prediction)
                for each in self._formats
            }

    @contextlib.contextmanager
    def _explain_full_disk(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise UserError(
                f"--out {self._folder}: {what} cannot be written ({error.strerror or error}); make "
                "room or name another folder, and run the same command again: it goes on where it "
                "stopped"
            ) from error

    def _write_tables(
        self,
        pictures: list[ListedPicture],
        kept: dict[ListedPicture, dict[str, Any]],
    ) -> None:
        for each in self._formats:
            done = [FinishedPicture(p.path, p.stem, kept[p][each.name]) for p in pictures]
            with self._explain_full_disk("the tables"):
                paths = each.finish(self._folder, done, self._predictor.categories)
            for path in paths:
                tqdm.write(f"{len(done)} pictures -> {path}")

    def _files_of(self, stem: str) -> list[str]:
        return [name for each in self._formats for name in each.files(stem).values()]

    def _shown(self, picture: ListedPicture) -> str:
        """The first file of a picture, or the first table."""
        names = [*self._files_of(picture.stem), *(t for each in self._formats for t in each.tables)]
        return str(self._folder / names[0])

    def _check_nothing_replaced(self, pictures: list[ListedPicture]) -> None:
        names = [name for picture in pictures for name in self._files_of(picture.stem)]
        written = {(self._folder / name).resolve() for name in names}
        replaced = [p.path for p in pictures if Path(p.path).resolve() in written]
        if replaced:
            raise UserError(
                f"--out {self._folder}: would replace the picture {replaced[0]}; name another "
                "folder"
            )


def _summary(prediction: AnyPrediction) -> str:
    """Counts the segments of each class, such as "2 person, 1 sky"."""
    names = [prediction.categories[s.class_id].name for s in prediction.segments]
    counted = [f"{count} {name}" for name, count in collections.Counter(names).items()]
    return ", ".join(counted) or "nothing found"
