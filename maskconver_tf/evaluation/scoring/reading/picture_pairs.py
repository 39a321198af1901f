"""The pictures of a scoring: which truth belongs to which prediction."""

from __future__ import annotations

import array
import dataclasses
import functools
import json
import posixpath
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.sources.coco.entries import loose_id
from maskconver_tf.datasets.sources.source import check_folder
from maskconver_tf.errors import UserError, short_repr, suggest_name, typed_repr
from maskconver_tf.evaluation.coco_results import read_field
from maskconver_tf.evaluation.scoring.reading.sides import CocoEntry, CocoFile, SideReader
from maskconver_tf.files.json_lists import scan_json_lists


class PicturePair(NamedTuple):
    """One picture: its truth and its prediction by each scored model, None where it is missing."""

    image_id: int | str
    truth: SideReader
    predictions: tuple[SideReader | None, ...]


class PicturePairs(NamedTuple):
    """All pictures of a scoring.

    Attributes:
      categories: the class list of the truth.
      count: number of pictures.
      pairs: the pictures, in the order of the truth.
      num_missing: number of pictures without a prediction, for each scored model.
      num_unused: number of predictions without truth, for each scored model.
      notes: what looks wrong, but is no error.
    """

    categories: Categories
    count: int
    pairs: Iterator[PicturePair]
    num_missing: tuple[int, ...]
    num_unused: tuple[int, ...]
    notes: tuple[str, ...] = ()


class TruthPictures(NamedTuple):
    """The pictures of a truth.

    Attributes:
      path: its file or folder, for messages.
      categories: its class list.
      ids: the id of each picture, in order.
      reader: makes the reader of a picture from its number in `ids`.
    """

    path: Path
    categories: Categories
    ids: Sequence[int | str]
    reader: Callable[[int], SideReader]


@dataclasses.dataclass
class _Index:
    """Where the annotation of each picture lies in a JSON file.

    Attributes:
      path: the file.
      places: id of a picture as JSON text -> number of its place in `bounds`.
      order: number of each annotation's place, in the order of the file.
      bounds: first byte and end of each annotation.
      ids: the id of each annotation.
    """

    path: Path
    places: dict[str, int] = dataclasses.field(default_factory=dict)
    bounds: array.array = dataclasses.field(default_factory=lambda: array.array("q"))
    ids: list[int | str] = dataclasses.field(default_factory=list)

    def entry(self, source: CocoFile, number: int) -> CocoEntry:
        start, end = self.bounds[2 * number : 2 * number + 2]
        return CocoEntry(source, self.ids[number], start, end)


def coco_pairs(
    truth: tuple[Path, Path],
    predictions: Sequence[tuple[Path, Path]],
    allow_missing: bool = False,
    strict: bool = False,
) -> PicturePairs:
    """Pairs the pictures of COCO panoptic files by their image id.

    Args:
      truth: the JSON file and the folder of PNG files.
      predictions: the same of each scored model.
      allow_missing: a picture without prediction counts as predicted empty.
      strict: of two predictions of one picture the last one counts, as in COCO's program.

    Raises:
      UserError: a JSON file is malformed or names a picture or PNG twice, a prediction is missing,
        or two files write an image id in two ways.
    """
    check_folder(truth[1], "the folder of the truth's PNG files (--truth_png)")
    index, entries = _read_index(truth[0], "the truth", strict, is_truth=True)
    categories = Categories.from_coco(entries, str(truth[0]))
    source = CocoFile(*truth, categories, strict)
    listed = TruthPictures(truth[0], categories, index.ids, functools.partial(index.entry, source))
    return pair_predictions(listed, predictions, allow_missing, strict)


def pair_predictions(
    truth: TruthPictures,
    predictions: Sequence[tuple[Path, Path]],
    allow_missing: bool = False,
    strict: bool = False,
) -> PicturePairs:
    """Pairs pictures of any truth with predictions in COCO's panoptic format, by image id.

    Args, raises: see `coco_pairs`.
    """
    for _, folder in predictions:
        check_folder(folder, "the folder of the predicted PNG files (--pred_png)")
    indices, listed = zip(
        *(_read_index(path, "the predictions", strict) for path, _ in predictions), strict=True
    )
    notes = [
        _other_names(path, entries, truth)
        for (path, _), entries in zip(predictions, listed, strict=True)
    ]
    missing = [_missing(truth, other, allow_missing) for other in indices]
    known = {json.dumps(image_id) for image_id in truth.ids}
    unused = tuple(len(other.places.keys() - known) for other in indices)
    sources = [CocoFile(*paths, truth.categories, strict) for paths in predictions]

    def pairs() -> Iterator[PicturePair]:
        for number, image_id in enumerate(truth.ids):
            key = json.dumps(image_id)
            found = tuple(
                other.entry(of, other.places[key]) if key in other.places else None
                for of, other in zip(sources, indices, strict=True)
            )
            yield PicturePair(image_id, truth.reader(number), found)

    return PicturePairs(
        truth.categories,
        len(truth.ids),
        pairs(),
        tuple(missing),
        unused,
        tuple(filter(None, notes)),
    )


def _other_names(path: Path, entries: list, truth: TruthPictures) -> str | None:
    """Tells a category that the predictions call otherwise than the truth; None without any.

    Only ids count. But another name for an id is a sign of another numbering.

    Args:
      entries: `categories` of the predictions' file.
    """
    names = {category.id: category.name for category in truth.categories}
    for entry in entries:
        own = entry if isinstance(entry, dict) else {}
        found, number = own.get("name"), own.get("id")
        if type(number) is int and isinstance(found, str) and names.get(number, found) != found:
            return (
                f"{path} calls category {number} {short_repr(found)}, and {truth.path} calls it "
                f"{short_repr(names[number])}; scores depend on the ids alone. Check that both "
                "number their classes alike"
            )
    return None


def _read_index(path: Path, what: str, strict: bool, is_truth: bool = False) -> tuple[_Index, list]:
    """Finds the annotation of each picture; also returns the entries of `categories`."""
    keys = ("annotations", "categories") if is_truth else ("annotations",)
    expected = f"an object with the lists {' and '.join(keys)}, as in COCO's panoptic format"
    index, categories, names = _Index(path), [], {}
    for element in scan_json_lists(path, what, keys, expected, optional=("categories",)):
        if element.key == "categories":
            categories.append(element.value)
            continue
        number = len(index.ids)
        where = f"{path}: annotation {number} (counted from 0)"
        image_id = read_field(element.value, "image_id", where, int, str)
        key = json.dumps(image_id)
        if not strict:
            where = f"{path}: the annotation of image {key}"
            if key in index.places:
                raise UserError(f"{where} occurs twice; expected one of each picture. Keep one")
            name = posixpath.normpath(read_field(element.value, "file_name", where, str))
            if name in names:
                raise UserError(
                    f"{where} has the file_name {name}, which the annotation of image "
                    f"{names[name]} has too; expected a PNG of its own for each picture. Write "
                    "the files under different names"
                )
            names[name] = key
        index.places[key] = number
        index.bounds.extend((element.start, element.end))
        index.ids.append(image_id)
    if not index.ids and is_truth:
        raise UserError(
            f"{path}: the list annotations is empty; expected an entry for each picture. COCO's "
            "test files have no annotations: use a train or val file"
        )
    return index, categories


def _missing(truth: TruthPictures, predictions: _Index, allow_missing: bool) -> int:
    """Returns how many pictures have no prediction, after checking that there may be any."""
    lost = [image_id for image_id in truth.ids if json.dumps(image_id) not in predictions.places]
    if not lost:
        return 0
    alike = {loose_id(other): other for other in predictions.ids}
    for image_id in lost:
        if (other := alike.get(loose_id(image_id))) is not None:
            raise UserError(
                f"{predictions.path}: found image_id {typed_repr(other)}, but {truth.path} has "
                f"{typed_repr(image_id)}; expected the same value of the same type. Write the "
                "image ids of the predictions as the truth has them"
            )
    if allow_missing:
        return len(lost)
    more = f", and {len(lost) - 1} more pictures have none" if len(lost) > 1 else ""
    unused = set(map(str, predictions.ids)) - set(map(str, truth.ids))
    hint = suggest_name(lost[0], unused) if isinstance(lost[0], str) else ""
    raise UserError(
        f"{predictions.path}: image {json.dumps(lost[0])} has no prediction{more}; expected an "
        f"annotation for each picture of {truth.path}. Add it, or give --allow_missing to count a "
        f"missing prediction as empty{hint}"
    )
