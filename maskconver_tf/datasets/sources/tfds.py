"""TensorFlow Datasets with the features of `coco/2017_panoptic`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.datasets.findings import Problem, listed
from maskconver_tf.datasets.sources.coco.classes import coco_categories
from maskconver_tf.datasets.sources.label_pictures.label_png import read_id_map
from maskconver_tf.datasets.sources.source import FileItem, SourceSegment, Truth
from maskconver_tf.errors import UserError

_FEATURES = ("image", "image/filename", "image/id", "panoptic_image", "panoptic_objects")


@dataclasses.dataclass(frozen=True)
class TfdsItem(FileItem):
    """A picture of `Tfds`; it carries its encoded files."""

    image: bytes = b""
    id_map: bytes = b""
    segments: tuple[SourceSegment, ...] = ()

    def read(self, file: str, missing: Problem, unreadable: Problem) -> bytes:
        return self.image if file == self.image_file else self.id_map

    def read_truth(self) -> Truth:
        return Truth(read_id_map(self, self.map_file), self.segments)


class Tfds:
    """A prepared TFDS dataset in the order in which it was written.

    TFDS keeps names and positions of classes, not COCO's ids and kinds: those are added where the
    names are COCO's 133, and come from a class list otherwise. See `Source`.
    """

    def __init__(
        self,
        dataset: str = "coco/2017_panoptic",
        data_dir: Path | None = None,
        split: str = "train",
        classes: Path | None = None,
    ):
        """Raises `UserError` where it is not prepared or has other features."""
        self.where = f"{dataset} {split}"
        self.description = {"layout": "tfds", "dataset": dataset, "split": split}
        self._split = split
        self._builder = _open(dataset, data_dir, split)
        label = self._builder.info.features["panoptic_objects"]["label"]
        self.categories = _categories(dataset, label.names, classes)
        self.findings = []
        self.items = self

    def __len__(self) -> int:
        return self._builder.info.splits[self._split].num_examples

    def __iter__(self) -> Iterator[TfdsItem]:
        return self.part(0, len(self))

    def part(self, start: int, stop: int) -> Iterator[TfdsItem]:
        import tensorflow_datasets as tfds

        examples = self._builder.as_dataset(
            split=self._split,
            shuffle_files=False,
            read_config=tfds.ReadConfig(interleave_cycle_length=1),
            decoders={name: tfds.decode.SkipDecoding() for name in ("image", "panoptic_image")},
        )
        return map(self._item, examples.skip(start).take(stop - start).as_numpy_iterator())

    def _item(self, example: dict[str, Any]) -> TfdsItem:
        name = example["image/filename"].decode()
        objects = example["panoptic_objects"]
        rows = zip(*(objects[key].tolist() for key in ("id", "label", "is_crowd")), strict=True)
        return TfdsItem(
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
    """The builder of a prepared dataset with the right features and a known split."""
    import tensorflow_datasets as tfds

    try:
        builder = tfds.builder(dataset, data_dir=None if data_dir is None else str(data_dir))
    except tfds.core.DatasetNotFoundError:
        raise UserError(
            f"--dataset {dataset}: TFDS does not know it; expected a name such as "
            "coco/2017_panoptic, or with --data_dir the folder it was prepared in."
        ) from None
    if not builder.info.splits:
        raise UserError(
            f"{builder.data_dir}: {dataset} is not prepared there; prepare it with `tfds build "
            f"{dataset}`, or name another --data_dir."
        )
    features = builder.info.features
    missing = [name for name in _FEATURES if name not in features]
    if missing:
        raise UserError(
            f"--dataset {dataset}: found no {listed(missing)} among its features; expected those "
            "of coco/2017_panoptic."
        )
    try:
        _ = builder.info.splits[split]
    except (KeyError, ValueError):
        raise UserError(
            f"--split {split}: {dataset} has {', '.join(builder.info.splits)}; name one of them."
        ) from None
    return builder


def _categories(dataset: str, names: list[str], classes: Path | None) -> Categories:
    """The class list in the order of TFDS's labels."""
    if classes is not None:
        known = Categories.load(classes)
        source = str(classes)
    else:
        known, source = coco_categories(), "COCO's 133 classes"
    if list(known.names) != list(names):
        raise UserError(
            f"{source}: found names that begin with {json.dumps(known.names[:3])}, and "
            f"{json.dumps(names[:3])} in {dataset}; expected the same names in the same order. "
            "Give --classes FILE, a list such as COCO's `categories`, that has them."
        )
    return known
