"""Runs a model in all its forms on the same pictures, and tells how much their maps differ."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.datasets.categories import Categories
from maskconver_tf.errors import UserError
from maskconver_tf.export.comparison import Difference
from maskconver_tf.export.litert.export_litert import is_litert_export
from maskconver_tf.export.litert.held_out import Score, Segment, plain_map
from maskconver_tf.files.channels.channel_mapping import ChannelMapping
from maskconver_tf.inference import signatures
from maskconver_tf.inference.exported_model import is_export, load_export
from maskconver_tf.inference.litert.lite_file import LITE_SUFFIX, LiteFile, lite_paths
from maskconver_tf.inference.litert.lite_predictor import lite_categories
from maskconver_tf.inference.predictor import Predictor, read_image
from maskconver_tf.inference.segmenter import PanopticSegmenter
from maskconver_tf.input.transforms import fit_image


@dataclasses.dataclass
class FormResult:
    """How one form of the model compares with the evaluation path.

    Attributes:
      name: of the form.
      difference: counts over all pictures.
      score: panoptic quality, or None without truth.
    """

    name: str
    difference: Difference
    score: Score | None


def compare_forms(
    segmenter: PanopticSegmenter,
    exports: Iterable[str],
    examples: Iterable[dict[str, np.ndarray]],
    with_truth: bool,
    thresholds: Mapping[str, float | int] | None = None,
) -> list[FormResult]:
    """Compares the Python API and every export with the evaluation path.

    All forms get the same picture of the input size, so that no resize makes them differ.

    Args:
      segmenter: the segmenter of the run.
      exports: folders of SavedModels and of LiteRT exports, or LiteRT files.
      examples: have `IMAGE` uint8 `[H, W, 3]`, fitted to the input; with truth also the fields of
        an evaluation example.
      with_truth: whether to compute panoptic quality.
      thresholds: those that the segmenter has in place of the run's own. A SavedModel gets them
        with each picture. A LiteRT file keeps those of its export.

    Returns:
      The evaluation path first, then the Python API and the exports in their order.

    Raises:
      UserError: a folder has no export, or an export has another input size or class list.
    """
    forms = {"evaluation": _evaluation_path(segmenter)}
    predictor = Predictor(segmenter.segment, segmenter.categories)
    forms["Python API"] = _of_predictor(predictor)
    for path, name in names_of(map(Path, exports)).items():
        forms |= _open_export(path, name, segmenter, thresholds or {})
    categories = segmenter.categories
    results = [
        FormResult(name, Difference(), Score(categories) if with_truth else None) for name in forms
    ]
    for example in examples:
        maps = [plain_map(segment(example[types.IMAGE])) for segment in forms.values()]
        for result, found in zip(results, maps, strict=True):
            result.difference.add(maps[0], found)
            if result.score:
                result.score.add(example, found)
    return results


def names_of(exports: Iterable[Path]) -> dict[Path, str]:
    """Returns path -> name in the table: the last part of the path, or all of it if two are alike.

    An export that is listed twice counts once.
    """
    paths = dict.fromkeys(exports)
    names = [path.name for path in paths]
    alike = len(set(names)) < len(names) or "" in names
    return {path: str(path) if alike else path.name for path in paths}


def format_results(results: list[FormResult]) -> str:
    """Makes the table that `maskconver parity` prints.

    "scores differ by" is the largest difference of the scores of two matched segments.
    """
    width = max(len(result.name) for result in results)
    lines = [f"{'form':{width}}  equal pixels  unmatched segments  scores differ by      PQ"]
    for result in results:
        difference = result.difference
        pq = f"{result.score.pq:8.2f}" if result.score else "       -"
        unmatched = f"{difference.unmatched} of {difference.segments}"
        lines.append(
            f"{result.name:{width}}  {100 * difference.share_equal:10.3f} %  {unmatched:>18}"
            f"  {difference.score:16.6f}{pq}"
        )
    return "\n".join(lines)


def read_pictures(
    paths: Iterable[str], input_size: tuple[int, int], mapping: ChannelMapping | None = None
) -> Iterable[dict[str, np.ndarray]]:
    """Reads picture files and fits them to the input; yields examples without truth.

    Args:
      mapping: the channel mapping of the model; None for ordinary pictures.
    """
    for path in paths:
        fitted, _ = fit_image(tf.constant(read_image(path, mapping=mapping)), input_size)
        yield {types.IMAGE: fitted.numpy()}


def _evaluation_path(segmenter: PanopticSegmenter) -> Segment:
    """Network and fusion apart, as `PanopticEvaluator` calls them."""

    def segment(picture: np.ndarray) -> dict[str, np.ndarray]:
        proposals = segmenter.propose(picture[np.newaxis])
        single = {name: value[0] for name, value in proposals.items()}
        size = tf.constant(picture.shape[:2])
        found = segmenter.fuse(single, size, size)
        sources = np.asarray(segmenter.categories.source_ids)
        ids = sources[found[types.SEGMENT_CLASS_IDS].numpy()]
        fields = {name: found[field].numpy() for field, name in signatures.FIELDS.items()}
        return fields | {signatures.CATEGORY_IDS: ids}

    return segment


def _of_predictor(predictor: Predictor) -> Segment:
    def segment(picture: np.ndarray) -> dict[str, np.ndarray]:
        prediction = predictor(picture)
        segments = prediction.segments
        categories = [predictor.categories[each.class_id].id for each in segments]
        return {
            signatures.PANOPTIC_MAP: prediction.panoptic_map,
            signatures.SEGMENT_IDS: np.array([each.id for each in segments], np.int32),
            signatures.CATEGORY_IDS: np.array(categories, np.int32),
            signatures.SCORES: np.array([each.score for each in segments], np.float32),
        }

    return segment


def _open_export(
    path: Path, name: str, segmenter: PanopticSegmenter, thresholds: Mapping[str, float | int]
) -> dict[str, Segment]:
    """Opens the forms of one export; name -> function."""
    if path.suffix == LITE_SUFFIX and path.is_file():
        return {name: _of_lite_file(LiteFile(path), segmenter)}
    if is_litert_export(path):
        return {
            f"{name}/{file.name}": _of_lite_file(LiteFile(file), segmenter)
            for file in lite_paths(path)
        }
    if not is_export(path):
        found = "no export" if path.is_dir() else "a file" if path.exists() else "nothing"
        raise UserError(
            f"--exports {path}: found {found}; expected a folder or a {LITE_SUFFIX} file that "
            "`maskconver export` wrote"
        )
    predictor = load_export(path, thresholds)
    _check_classes(path, predictor.categories, segmenter)
    return {f"{name} (SavedModel)": _of_predictor(predictor)}


def _check_classes(path: Path, categories: Categories, segmenter: PanopticSegmenter) -> None:
    theirs, ours = categories.source_ids, segmenter.categories.source_ids
    if not np.array_equal(theirs, ours):
        raise UserError(
            f"--exports {path}: found another class list than that of the run; export the run "
            "again, or name the run that was exported"
        )


def _of_lite_file(file: LiteFile, segmenter: PanopticSegmenter) -> Callable:
    _check_classes(file.path, lite_categories(file.path), segmenter)
    if file.input_size != segmenter.input_size:
        height, width = file.input_size
        raise UserError(
            f"{file.path}: found an input of {height}x{width}, but the run has "
            f"{segmenter.input_size[0]}x{segmenter.input_size[1]}; export the run again"
        )
    return file.segment
