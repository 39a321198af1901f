"""Divides the pictures of a source into two dataset folders."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from maskconver_tf.datasets.build.build import BuildSettings, build_source
from maskconver_tf.datasets.process_pool import num_workers, process_pool
from maskconver_tf.datasets.sources.lazy_pictures import LazyPictures
from maskconver_tf.datasets.sources.source import Source
from maskconver_tf.errors import UserError
from maskconver_tf.planning.first_configuration.parts.alike import (
    Thumbnail,
    group_alike,
    make_thumbnail,
)
from maskconver_tf.planning.first_configuration.parts.choose_val import (
    choose_val,
    group_by_folder,
)
from maskconver_tf.planning.first_configuration.wording import counted


@dataclasses.dataclass(frozen=True)
class SplitRequest:
    """How to divide pictures.

    Attributes:
      share: wanted share of validation, between 0 and 1.
      group_by: "folder" to keep the pictures of a folder together, or None.
    """

    share: float
    group_by: str | None = None


@dataclasses.dataclass(frozen=True)
class SplitResult:
    """What was divided.

    Attributes:
      num_train, num_val: pictures of the parts.
      num_groups: groups of pictures that were kept together; single pictures count.
      num_alike: pictures that are like another one.
      is_coarse: whether most pictures are so much alike that only nearly equal ones were kept
        together.
    """

    num_train: int
    num_val: int
    num_groups: int
    num_alike: int
    is_coarse: bool

    def __str__(self) -> str:
        text = f"{counted(self.num_train, 'picture')} for training, {self.num_val} for validation"
        if self.num_alike:
            text += f"; {self.num_alike} pictures that are like another one stay together"
        return text


def split_source(
    source: Source, request: SplitRequest, folders: tuple[Path, Path], settings: BuildSettings
) -> SplitResult:
    """Writes the dataset folders of training and validation.

    Args:
      source: the pictures; `source.pictures` has `at`.
      request: how to divide.
      folders: the folders of training and validation; each appears whole or not at all.
      settings: of both builds.

    Raises:
      UserError: the pictures cannot be divided; or see `build_source`.
    """
    _check_can_split(source, request)
    pictures = list(source.pictures)
    names = [picture.name for picture in pictures]
    groups, is_coarse = group_alike(_thumbnails(pictures, settings))
    num_alike = int((np.bincount(groups)[groups] > 1).sum())
    if request.group_by == "folder":
        groups = group_by_folder(names, groups)
    is_val = choose_val(names, groups, request.share)
    for folder, members in zip(folders, (~is_val, is_val), strict=True):
        part = _Part(source, np.flatnonzero(members).tolist())
        recorded = {"source": "split", "options": {"dataset": source.where, **_texts(request)}}
        build_source(part, folder, settings, recorded)
    num_groups = len(np.unique(groups))
    return SplitResult(int((~is_val).sum()), int(is_val.sum()), num_groups, num_alike, is_coarse)


def _check_can_split(source: Source, request: SplitRequest) -> None:
    if not hasattr(source.pictures, "at"):
        raise UserError(
            f"{source.where}: --split needs a source whose pictures can be read in any order; "
            "build the dataset with `maskconver data build`, and give its folder"
        )
    if len(source.pictures) < 2:
        raise UserError(
            f"--split {request.share:g}: {source.where} has {len(source.pictures)} picture; "
            "expected two or more. Remove --split, or give --eval_data DIR"
        )


def _thumbnails(pictures: Sequence[Any], settings: BuildSettings) -> list[Thumbnail]:
    with process_pool(num_workers(settings.workers, len(pictures)), make_thumbnail) as make_all:
        made = tqdm(
            make_all(pictures),
            "comparing",
            len(pictures),
            unit=" pictures",
            disable=not settings.progress,
        )
        return list(made)


def _texts(request: SplitRequest) -> dict[str, str]:
    given = {"split": f"{request.share:g}", "group_by": request.group_by}
    return {name: value for name, value in given.items() if value is not None}


class _Part:
    """Some pictures of a source. See `Source`."""

    def __init__(self, source: Source, positions: Sequence[int]):
        self.where = source.where
        self.description = source.description
        self.categories = source.categories
        self.findings = list(source.findings)
        self.pictures = LazyPictures(
            len(positions), lambda i: next(iter(source.pictures.at([positions[i]])))
        )
