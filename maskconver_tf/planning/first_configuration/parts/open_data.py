"""Opens what the user names: dataset folders, or pictures that are built or divided first."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from maskconver_tf.datasets.build.build import BuildSettings, build_named_source
from maskconver_tf.datasets.class_difference import class_difference
from maskconver_tf.datasets.records.folder import DatasetFolder, is_dataset_folder
from maskconver_tf.datasets.sources.coco.panoptic_folder import find_panoptic_parts
from maskconver_tf.datasets.sources.named_source import open_named_source
from maskconver_tf.errors import UserError
from maskconver_tf.files.paths import local_or_remote_path
from maskconver_tf.planning.first_configuration.parts.split import SplitRequest, split_source
from maskconver_tf.planning.first_configuration.parts.stored_pictures import StoredPictures

_VAL_NAMES = ("val", "valid", "validation", "eval", "dev")
"""Names of validation parts, beside a part `train`."""


@dataclasses.dataclass(frozen=True)
class OpenedData:
    """The parts of the dataset.

    Attributes:
      train, evaluation: their pictures; `where` is the folder as the experiment names it.
      notes: what was done to get them, for the user.
      doubts: what is wrong with the choice; may be empty.
    """

    train: StoredPictures
    evaluation: StoredPictures
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class DataRequest:
    """What the user says about the data.

    Attributes:
      folder: a dataset folder, or a folder in COCO panoptic layout.
      eval_data: dataset folder of validation, or None.
      split: how to divide the pictures of `folder`, or None.
      made: the folder for parts that are built or divided; it need not exist.
      build: settings of builds.
    """

    folder: str
    eval_data: str | None
    split: SplitRequest | None
    made: Path
    build: BuildSettings


def open_data(request: DataRequest) -> OpenedData:
    """Opens the training part and the evaluation part, and makes those that do not exist yet.

    Without `eval_data` and `split` the evaluation part is `val` beside or in the folder. If there
    is none, it is the training part.

    Raises:
      UserError: the folder is no dataset, the class lists differ, or a part cannot be made.
    """
    if request.eval_data is not None and request.split is not None:
        raise UserError(
            f"--split {request.split.share:g} and --eval_data {request.eval_data}: both name the "
            "validation pictures; remove one of the two"
        )
    path = local_or_remote_path(request.folder)
    if is_dataset_folder(path):
        return _open_built(request)
    return _open_coco(request, Path(request.folder))


def _open_built(request: DataRequest) -> OpenedData:
    if request.split is not None:
        source = _stored(request.folder)
        return _divided(request, source)
    train = _stored(request.folder)
    if request.eval_data is not None:
        return _pair(train, _stored(request.eval_data))
    if (beside := _val_beside(Path(request.folder))) is not None:
        evaluation = _stored(beside)
        if evaluation.categories == train.categories:
            note = f"{beside}: taken for validation, since it lies beside the training data"
            return _pair(train, evaluation, (note,))
    return _without_validation(train)


def _open_coco(request: DataRequest, folder: Path) -> OpenedData:
    parts = _coco_parts(folder)
    train_part = next(iter(parts))
    if len(parts) > 1 and not train_part.startswith("train"):
        raise UserError(
            f"{folder}: found the parts {', '.join(parts)}; expected one that is called train, or "
            "only one. Build the parts with `maskconver data build`, and give their folders"
        )
    if request.split is not None:
        return _divided(request, open_named_source("coco_panoptic", parts[train_part]))
    val_part = next((name for name in parts if name.startswith(_VAL_NAMES)), None)
    train = _built(request, parts[train_part], "train")
    notes = (f"{request.made / 'train'}: built from the part {train_part} of {folder}",)
    if request.eval_data is not None:
        return _pair(train, _stored(request.eval_data), notes)
    if val_part is None:
        return dataclasses.replace(_without_validation(train), notes=notes)
    evaluation = _built(request, parts[val_part], "val")
    notes += (f"{request.made / 'val'}: built from the part {val_part} of {folder}",)
    return _pair(train, evaluation, notes)


def _coco_parts(folder: Path) -> dict[str, dict[str, str]]:
    if not folder.is_dir():
        found = "a file" if folder.exists() else "nothing"
        raise UserError(
            f"{folder}: found {found}; expected a dataset folder that `maskconver data build` "
            "wrote, or a folder in COCO panoptic layout. Check the path"
        )
    try:
        return find_panoptic_parts(folder)
    except UserError as error:
        found = str(error).partition("; expected")[0]
        raise UserError(
            f"{found}; expected a dataset folder that `maskconver data build` wrote, or a folder "
            "in COCO panoptic layout. Build any other layout first: `maskconver data build "
            "--source NAME ... --out data/train` (docs/datasets.md)"
        ) from None


def _built(request: DataRequest, options: dict[str, str], part: str) -> StoredPictures:
    out = request.made / part
    build_named_source("coco_panoptic", options, out, **dataclasses.asdict(request.build))
    return _stored(out)


def _divided(request: DataRequest, source: object) -> OpenedData:
    folders = (request.made / "train", request.made / "val")
    result = split_source(source, request.split, folders, request.build)
    notes = [f"{request.made}: train and val written: {result}"]
    doubts = []
    if result.is_coarse:
        doubts.append(
            "most pictures look alike at a glance, so pictures of one scene may be in both parts; "
            "sort them into folders by scene and give --group_by folder"
        )
    opened = _pair(*map(_stored, folders), tuple(notes))
    return dataclasses.replace(opened, doubts=opened.doubts + tuple(doubts))


def _stored(folder: str | Path) -> StoredPictures:
    stored = StoredPictures(DatasetFolder(folder))
    if not len(stored.pictures):
        raise UserError(f"{folder}: found no picture; expected one or more. Build it again")
    return stored


def _pair(
    train: StoredPictures, evaluation: StoredPictures, notes: tuple[str, ...] = ()
) -> OpenedData:
    if evaluation.categories != train.categories:
        differs = class_difference(evaluation.categories, train.categories)
        raise UserError(
            f"{evaluation.where}: the class list is not that of {train.where}: {differs}. Build "
            "both with one class list, or give another --eval_data"
        )
    if evaluation.where == train.where:
        return dataclasses.replace(_without_validation(train), notes=notes)
    return OpenedData(train, evaluation, notes)


def _without_validation(train: StoredPictures) -> OpenedData:
    doubt = (
        "EVAL_DATA is the training data, so PQ tells what was learned by heart, not how good the "
        "model is on new pictures; give --eval_data DIR or --split 0.2"
    )
    return OpenedData(train, train, doubts=(doubt,))


def _val_beside(train: Path) -> Path | None:
    """Finds the dataset folder whose name has `val` where that of training has `train`."""
    for name in _VAL_NAMES:
        other = train.with_name(train.name.replace("train", name)) if train.name else train
        if other != train and is_dataset_folder(other):
            return other
    return None
