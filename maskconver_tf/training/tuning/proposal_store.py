"""The folder with the proposals of a dataset: written by one pass of the network, used again."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from tqdm import tqdm

from maskconver_tf import types
from maskconver_tf.errors import UserError
from maskconver_tf.files.json_file import read_json, write_json
from maskconver_tf.files.whole_folder import whole_folder
from maskconver_tf.inference.segmenter import PanopticSegmenter
from maskconver_tf.training.evaluators.evaluator import Example
from maskconver_tf.training.tuning.halves import position_of
from maskconver_tf.training.tuning.kept_picture import keep_picture
from maskconver_tf.training.tuning.picture_proposals import Proposals, picture_proposals

_MANIFEST = "proposals.json"
_FORMAT = 1
GIGABYTE = 10**9


@dataclasses.dataclass(frozen=True)
class StoreOptions:
    """How proposals are kept.

    Attributes:
      floor: proposals with a lower score are left out.
      max_bytes: the most that the folder may take.
      dtype: "float32" keeps the network's numbers, so that every swept score is that of an
        evaluation. "float16" takes half the space. "auto" is float32 if all pictures fit.
    """

    floor: float = 0.02
    max_bytes: int = 4 * GIGABYTE
    dtype: str = "auto"


@dataclasses.dataclass(frozen=True)
class ProposalStore:
    """A folder with a file for each picture.

    Attributes:
      folder: of the files.
      manifest: what is in it: `dtype`, `num_pictures`, `num_examples`, `num_bytes`.
    """

    folder: Path
    manifest: dict[str, Any]

    def files(self) -> list[Path]:
        """The files that `KeptPicture.load` reads."""
        return [self.folder / f"{number:06}.npz" for number in range(self.manifest["num_pictures"])]


def open_store(
    folder: Path,
    segmenter: PanopticSegmenter,
    data: Any,
    source: dict[str, Any],
    options: StoreOptions,
) -> ProposalStore:
    """Opens the folder if it holds these proposals already; else runs the network and writes it.

    Args:
      folder: to read or to write.
      segmenter: of the run.
      data: an `EvaluationInput`.
      source: what the proposals depend on; they are used again only if all of it is equal.
      options: see `StoreOptions`.

    Raises:
      UserError: the folder holds something else, cannot be written, or is damaged.
    """
    if is_store(folder):
        manifest = read_json(folder / _MANIFEST, "the list of kept proposals")
        if _is_same(manifest, source, options):
            return ProposalStore(folder, manifest)
    with whole_folder(folder, True, is_store, "a folder of proposals") as partial:
        manifest = _write(partial, segmenter, data, options) | {"source": source}
        write_json(partial / _MANIFEST, manifest)
    return ProposalStore(folder, manifest)


def is_store(folder: Path) -> bool:
    """Whether a folder holds kept proposals."""
    return (folder / _MANIFEST).is_file()


def _is_same(manifest: Any, source: dict[str, Any], options: StoreOptions) -> bool:
    if not isinstance(manifest, dict) or manifest.get("format") != _FORMAT:
        return False
    chosen = options.dtype in ("auto", manifest["dtype"])
    small = manifest["num_bytes"] <= options.max_bytes and manifest["floor"] <= options.floor
    return manifest["source"] == source and chosen and small


def _write(
    folder: Path, segmenter: PanopticSegmenter, data: Any, options: StoreOptions
) -> dict[str, Any]:
    stride, total = 2**segmenter.model.mask_level, data.num_examples
    plan, number, num_bytes = None, 0, 0
    progress = tqdm(picture_proposals(segmenter, data), "network", total, unit="image")
    for example, proposals in progress:
        plan = plan or _plan(proposals, example, total, options)
        if position_of(example[types.IMAGE_ID].decode()) >= plan["share"]:
            continue
        picture = keep_picture(example, proposals, options.floor, plan["dtype"], stride)
        num_bytes += picture.save(folder / f"{number:06}.npz")
        number += 1
    if not number:
        raise _nothing_kept(data.data_dir, plan is not None, options)
    return {
        "format": _FORMAT,
        "dtype": plan["dtype"],
        "floor": options.floor,
        "num_pictures": number,
        "num_examples": total,
        "num_bytes": num_bytes,
    }


def _nothing_kept(data_dir: str, has_pictures: bool, options: StoreOptions) -> UserError:
    if has_pictures:
        given = f"--max_gigabytes {options.max_bytes / GIGABYTE:g}"
        return UserError(f"{given}: found no room for the pictures of {data_dir}; give more")
    return UserError(f"{data_dir}: found no picture; give a dataset with pictures, as --data DIR")


def _plan(
    proposals: Proposals, example: Example, total: int, options: StoreOptions
) -> dict[str, Any]:
    """Chooses the type of the numbers and the share of the pictures that fit."""
    numbers = proposals[types.MASK_FEATURES].size + proposals[types.MASK_EMBEDDINGS].size
    others = example[types.SEGMENT_MAP].size // 4 + 8192
    sizes = {"float32": 4 * numbers + others, "float16": 2 * numbers + others}
    dtype = options.dtype
    if dtype == "auto":
        dtype = "float32" if sizes["float32"] * total <= options.max_bytes else "float16"
    return {"dtype": dtype, "share": min(1.0, options.max_bytes / (sizes[dtype] * total))}
