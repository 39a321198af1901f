"""Reads datasets of TensorFlow Datasets (TFDS) that have the features of `coco/2017_panoptic`."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.findings import Problem, shortened_list
from maskconver_tf.datasets.sources.coco.classes import coco_categories
from maskconver_tf.datasets.sources.label_pictures.label_png import read_id_map
from maskconver_tf.datasets.sources.source import FilePicture, PanopticTruth, SourceSegment
from maskconver_tf.errors import UserError, difference, suggest_name

_FEATURES = ("image", "image/filename", "image/id", "panoptic_image", "panoptic_objects")


@dataclasses.dataclass(frozen=True)
class TfdsPicture(FilePicture):
    """A picture of `Tfds`.

    Attributes:
      image: the encoded picture.
      id_map: the encoded RGB id map.
      segments: the segments of the picture.
    """

    image: bytes = b""
    id_map: bytes = b""
    segments: tuple[SourceSegment, ...] = ()

    def read(self, file: str, missing: Problem, unreadable: Problem) -> bytes:
        return self.image if file == self.image_file else self.id_map

    def read_truth(self) -> PanopticTruth:
        return PanopticTruth(read_id_map(self, self.map_file), self.segments)


class Tfds:
    """A prepared TFDS dataset, in the order in which TFDS wrote it. See `Source`.

    TFDS keeps the names of the classes, but not their ids and not whether they are things. If the
    names are COCO's 133, this source adds both. Otherwise they come from a class list.
    """

    def __init__(
        self,
        dataset: str = "coco/2017_panoptic",
        data_dir: Path | None = None,
        split: str = "train",
        classes: Path | None = None,
    ):
        """Raises `UserError` if the dataset is not prepared or lacks a feature."""
        self.where = f"{dataset} {split}"
        self.description = {"layout": "tfds", "dataset": dataset, "split": split}
        self._split = split
        self._builder = _open(dataset, data_dir, split)
        label = self._builder.info.features["panoptic_objects"]["label"]
        self.categories = _categories(dataset, label.names, classes)
        self.findings = []
        self.pictures = self

    def __len__(self) -> int:
        return self._builder.info.splits[self._split].num_examples

    def __iter__(self) -> Iterator[TfdsPicture]:
        return self.between(0, len(self))

    # No `at`: TFDS reads from start to end. It shuffled the pictures when it prepared them.
    def between(self, start: int, stop: int) -> Iterator[TfdsPicture]:
        import tensorflow_datasets as tfds

        from maskconver_tf.datasets.records.reading import without_autotuning

        examples = self._builder.as_dataset(
            split=self._split,
            shuffle_files=False,
            read_config=tfds.ReadConfig(interleave_cycle_length=1),
            decoders={name: tfds.decode.SkipDecoding() for name in ("image", "panoptic_image")},
        )
        chosen = without_autotuning(examples.skip(start).take(stop - start))
        return map(self._picture, chosen.as_numpy_iterator())

    def _picture(self, example: dict[str, Any]) -> TfdsPicture:
        name = example["image/filename"].decode()
        objects = example["panoptic_objects"]
        rows = zip(*(objects[key].tolist() for key in ("id", "label", "is_crowd")), strict=True)
        return TfdsPicture(
            name=name,
            image_id=int(example["image/id"]),
            image_file=f"{self.where}: {name}",
            map_file=f"{self.where}: id map of {name}",
            image=example["image"],
            id_map=example["panoptic_image"],
            segments=tuple(
                SourceSegment(number, label, self.categories[label].isthing, bool(is_crowd))
                for number, label, is_crowd in rows
            ),
        )


def _open(dataset: str, data_dir: Path | None, split: str) -> Any:
    """Returns the TFDS builder; checks that it is prepared and has the features and the split."""
    import tensorflow_datasets as tfds

    try:
        builder = tfds.builder(dataset, data_dir=None if data_dir is None else str(data_dir))
    except tfds.core.DatasetNotFoundError:
        raise UserError(
            f"--dataset {dataset}: TFDS does not know this dataset; expected a name such as "
            "coco/2017_panoptic. Correct the name, or give --data_dir, the folder in which the "
            "dataset was prepared"
        ) from None
    if not builder.info.splits:
        raise UserError(
            f"{builder.data_dir}: found no prepared {dataset}; prepare it with `tfds build "
            f"{dataset}`, or name another --data_dir"
        )
    features = builder.info.features
    missing = [name for name in _FEATURES if name not in features]
    if missing:
        raise UserError(
            f"--dataset {dataset}: its features lack {shortened_list(missing)}; expected the "
            "features of coco/2017_panoptic. Choose a dataset that has them, or another --source"
        )
    try:
        _ = builder.info.splits[split]
    except (KeyError, ValueError):
        raise UserError(
            f"--split {split}: {dataset} has no such split; name one of "
            f"{', '.join(builder.info.splits)}{suggest_name(split, builder.info.splits)}"
        ) from None
    return builder


def _categories(dataset: str, names: list[str], classes: Path | None) -> Categories:
    """Returns the class list in the order of TFDS's labels."""
    if classes is not None:
        known = Categories.load(classes)
        source = str(classes)
    else:
        known, source = coco_categories(), "COCO's 133 classes"
    if list(known.names) != list(names):
        pairs = enumerate(itertools.zip_longest(known.names, names, fillvalue=""))
        at, (ours, theirs) = next((at, pair) for at, pair in pairs if pair[0] != pair[1])
        differs = difference(ours, theirs)
        raise UserError(
            f"{source}: class {at} (counted from 0) is {ours or 'missing'}, but in {dataset} it is "
            f"{theirs or 'missing'}{differs and f' ({differs})'}; expected the same names in the "
            "same order. Give --classes FILE with the names of the dataset, in the format of "
            "COCO's `categories`"
        )
    return known
