"""Predicts many picture files into one folder: the work of `maskconver predict`."""

from __future__ import annotations

from pathlib import Path

from tqdm import tqdm

from maskconver_tf.errors import UserError
from maskconver_tf.files.encoded_pictures.pixel_limit import MAX_PIXELS
from maskconver_tf.inference.predictor import (
    Prediction,
    Predictor,
    describe_missing_picture,
    read_image,
    saved_names,
)


def check_pictures_exist(images: list[str]) -> None:
    """Raises one `UserError` that names every path that is not a file."""
    problems = [describe_missing_picture(path) for path in images if not Path(path).is_file()]
    if problems:
        raise UserError("\n".join(problems))


def predict_files(
    predictor: Predictor, images: list[str], out: str, max_pixels: int = MAX_PIXELS
) -> None:
    """Predicts picture files and writes the results to the folder `out`.

    It skips files that cannot be read or have more than `max_pixels` pixels, and names them at the
    end.

    Raises:
      UserError: a result would replace one of the pictures; then nothing is written. Or some
        pictures could not be read; then the results of all others are written.
    """
    stems = _unique_stems(images)
    _check_nothing_replaced(images, stems, out)
    problems = []
    for image, stem in tqdm(list(zip(images, stems)), "predict", unit="image"):
        try:
            prediction = predictor(read_image(image, max_pixels))
        except UserError as error:
            problems.append(str(error))
            continue
        paths = prediction.save(out, stem)
        tqdm.write(f"{image}: {_summary(prediction)} -> {paths['picture']}")
    if problems:
        raise UserError("\n".join(problems))


def _unique_stems(images: list[str]) -> list[str]:
    """Returns file names without suffix. If two would be equal, a number is added."""
    stems: list[str] = []
    taken: set[str] = set()
    for image in images:
        stem = candidate = Path(image).stem
        number = 2
        while not taken.isdisjoint(saved_names(candidate).values()):
            candidate = f"{stem}_{number}"
            number += 1
        taken.update(saved_names(candidate).values())
        stems.append(candidate)
    return stems


def _check_nothing_replaced(images: list[str], stems: list[str], out: str) -> None:
    names = [name for stem in stems for name in saved_names(stem).values()]
    written = {(Path(out) / name).resolve() for name in names}
    replaced = [image for image in images if Path(image).resolve() in written]
    if replaced:
        raise UserError(
            f"--out {out}: would replace the picture {replaced[0]}; name another folder"
        )


def _summary(prediction: Prediction) -> str:
    """Counts the segments of each class, such as "2 person, 1 sky"."""
    names = [prediction.categories[s.class_id].name for s in prediction.segments]
    counted = [f"{names.count(name)} {name}" for name in dict.fromkeys(names)]
    return ", ".join(counted) or "nothing found"
