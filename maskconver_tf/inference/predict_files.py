"""Predicts many picture files into one folder: the work of `maskconver predict`."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tqdm import tqdm

from maskconver_tf.errors import UserError
from maskconver_tf.files.encoded_pictures.pixel_limit import MAX_PIXELS
from maskconver_tf.inference.many_files.finished_pictures import FinishedPictures
from maskconver_tf.inference.many_files.overlapped_work import WriteBehind, read_ahead
from maskconver_tf.inference.many_files.picture_list import ListedPicture, give_unique_stems
from maskconver_tf.inference.output_formats.drawing import DrawingOutput
from maskconver_tf.inference.output_formats.output_format import FinishedPicture, OutputFormat
from maskconver_tf.inference.predictor import Prediction, Predictor, make_folder, read_image

_MOST_THREADS = 8


class FilePrediction:
    """Predicts picture files and writes the results to a folder.

    Reading and writing run in threads while the model computes.

    Args:
      predictor: predicts.
      out: the folder of results.
      formats: what to write; None for a drawing, an id map and a list of segments.
      settings: what predictions depend on besides the picture: the model, its thresholds. With it,
        pictures that are done are skipped; None predicts all of them.
      overwrite: predict again what is done.
      max_pixels: most pixels of a picture.
      read: reads a file; None for `read_image`.
      threads: for reading, and as many for writing; None for one per CPU, 8 at most.
    """

    def __init__(
        self,
        predictor: Predictor,
        out: str,
        formats: Sequence[OutputFormat] | None = None,
        settings: dict[str, Any] | None = None,
        overwrite: bool = False,
        max_pixels: int = MAX_PIXELS,
        read: Callable[[str], Any] | None = None,
        threads: int | None = None,
    ):
        self._predictor = predictor
        self._folder = Path(out)
        self._formats = list(formats or [DrawingOutput()])
        self._settings = settings
        self._overwrite = overwrite or settings is None
        self._read_file = read or (lambda path: read_image(path, max_pixels))
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
        make_folder(self._folder)
        finished = FinishedPictures(self._folder, self._settings or {}, self._overwrite)
        kept = {picture: finished.kept_of(picture, self._formats) for picture in pictures}
        waiting = [picture for picture in pictures if kept[picture] is None]
        if done := len(pictures) - len(waiting):
            tqdm.write(f"{done} of {len(pictures)} pictures are done; --overwrite does them again")
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
            finished.add(picture, self._formats, result)
            bar.write(f"{picture.path}: {summary} -> {self._shown(picture)}")

        bar = tqdm(total=len(pictures), desc="predict", unit="image", disable=not pictures)
        with bar, WriteBehind(self._threads, note) as writing:
            reading = read_ahead(lambda job: self._read_file(job.path), pictures, self._threads)
            for picture, pixels in reading:
                try:
                    prediction = self._predictor(pixels.result())
                except UserError as error:
                    problems.append(str(error))
                else:
                    job = picture, _summary(prediction)
                    writing.submit(job, self._write, picture, prediction)
                bar.update()
        return problems

    def _write(self, picture: ListedPicture, prediction: Prediction) -> dict[str, Any]:
        try:
            for name in self._files_of(picture.stem):
                (self._folder / name).parent.mkdir(parents=True, exist_ok=True)
            return {
                each.name: each.write(self._folder, picture.stem, picture.path, prediction)
                for each in self._formats
            }
        except OSError as error:
            raise UserError(
                f"--out {self._folder}: the results of {picture.path} cannot be written "
                f"({error.strerror or error}); make room or name another folder, and run the same "
                "command again: it goes on where it stopped"
            ) from error

    def _write_tables(
        self,
        pictures: list[ListedPicture],
        kept: dict[ListedPicture, dict[str, Any]],
    ) -> None:
        for each in self._formats:
            done = [FinishedPicture(p.path, p.stem, kept[p][each.name]) for p in pictures]
            for path in each.finish(self._folder, done, self._predictor.categories):
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


def _summary(prediction: Prediction) -> str:
    """Counts the segments of each class, such as "2 person, 1 sky"."""
    names = [prediction.categories[s.class_id].name for s in prediction.segments]
    counted = [f"{names.count(name)} {name}" for name in dict.fromkeys(names)]
    return ", ".join(counted) or "nothing found"
