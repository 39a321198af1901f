"""Writes the folder of a LiteRT export: files, cards, labels and code for the heads."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from maskconver_tf import types
from maskconver_tf.errors import UserError
from maskconver_tf.export.comparison import Difference
from maskconver_tf.export.litert import convert, graphs
from maskconver_tf.export.litert.held_out import Score, plain_map, read_examples
from maskconver_tf.export.litert.operations import count_operations, not_delegated
from maskconver_tf.export.litert.options import LiteOptions
from maskconver_tf.export.litert.post_process_data import write_post_process
from maskconver_tf.export.litert.tensor_errors import format_errors, report_of, tensor_errors
from maskconver_tf.export.write_errors import explain_export_errors
from maskconver_tf.files.json_file import write_json
from maskconver_tf.files.whole_folder import whole_folder
from maskconver_tf.inference import signatures
from maskconver_tf.inference.litert.lite_file import HEADS, WHOLE, LiteFile, lite_paths
from maskconver_tf.inference.segmenter import PanopticSegmenter

_GRAPHS = {WHOLE: graphs.whole_graph, HEADS: graphs.heads_graph}


def export_litert(segmenter: PanopticSegmenter, out: str, options: LiteOptions) -> Path:
    """Writes `whole_*.tflite` and `heads_*.tflite` in each precision, and what belongs to them.

    Args:
      segmenter: the segmenter of a run.
      out: the folder to write; a LiteRT export there is replaced.

    Returns:
      The folder.

    Raises:
      UserError: the model cannot be converted, LiteRT is not installed, int8 is asked for without
        pictures for calibration, no tensor has a name of `float_tensors`, or `out` cannot be
        written.
    """
    graphs.check_can_convert(segmenter)
    convert.import_quantizer()
    if "int8" in options.precisions and not options.train_data:
        raise UserError(
            "--to litert: int8 is calibrated on pictures, but the run has no dataset of its own; "
            "give --train_data DIR, or name other --precisions"
        )
    with (
        whole_folder(Path(out), True, is_litert_export, "a LiteRT export") as folder,
        explain_export_errors(Path(out), folder, "an earlier export is as it was"),
    ):
        segmenter.categories.save(folder / signatures.CATEGORIES_ASSET)
        write_post_process(folder, segmenter)
        errors = _write_files(folder, segmenter, options)
        _write_cards(folder, segmenter, options, errors)
    return Path(out)


def _write_files(
    folder: Path, segmenter: PanopticSegmenter, options: LiteOptions
) -> dict[str, list[dict]]:
    """Writes the files; returns the tensor errors of those in int8, by the file's name."""
    pictures = _calibration_pictures(segmenter, options)
    errors = {}
    models = {
        kind: convert.to_float32(make(segmenter), segmenter) for kind, make in _GRAPHS.items()
    }
    convert.check_float_tensors(models.values(), options.float_tensors)
    for kind, model in models.items():
        for precision in options.precisions:
            content = convert.quantise(model, precision, options.float_tensors, pictures)
            name = f"{kind}_{precision}.tflite"
            (folder / name).write_bytes(content)
            if precision == "int8":
                errors[name] = report_of(tensor_errors(model, content, pictures[0]))
    return errors


def is_litert_export(folder: Path) -> bool:
    """Whether a folder has a LiteRT file of an export."""
    return folder.is_dir() and any(lite_paths(folder))


def _calibration_pictures(segmenter: PanopticSegmenter, options: LiteOptions) -> list[np.ndarray]:
    if "int8" not in options.precisions:
        return []
    examples = read_examples(options.train_data, segmenter.input_size, options.num_calibration)
    return [example[types.IMAGE] for example in examples]


def _write_cards(
    folder: Path,
    segmenter: PanopticSegmenter,
    options: LiteOptions,
    errors: dict[str, list[dict]],
) -> None:
    """Writes a card beside each file, and prints one line for it and lines for its `errors`."""
    examples = []
    if options.eval_data:
        examples = list(read_examples(options.eval_data, segmenter.input_size, options.num_scored))
    expected = [plain_map(segment_canvas(segmenter, each[types.IMAGE])) for each in examples]
    pq = _pq(segmenter, examples, expected)
    for path in lite_paths(folder):
        card = _card(path, segmenter, examples, expected)
        if examples:
            card |= {"pq_of_run": pq, "pq_lost": pq - card["pq"]}
        if path.name in errors:
            card |= {"float_tensors": options.float_tensors, "tensor_errors": errors[path.name]}
        write_json(path.with_suffix(".json"), card)
        print(_line(card), *format_errors(errors.get(path.name, [])), sep="\n", flush=True)


def _card(path: Path, segmenter: PanopticSegmenter, examples: list, expected: list) -> dict:
    file = LiteFile(path, num_threads=2)
    counts = count_operations(file.interpreter)
    picture = np.zeros([*segmenter.input_size, 3], np.uint8)
    picture = examples[0][types.IMAGE] if examples else picture
    times = {n: LiteFile(path, n).milliseconds(picture) for n in (1, 2)}
    card = {
        "file": path.name,
        "bytes": path.stat().st_size,
        "input": {"name": signatures.IMAGE, "dtype": "uint8", "shape": [1, *file.input_size, 3]},
        "operations": counts,
        "not_delegated": not_delegated(counts),
        "milliseconds": {f"{n} threads" if n > 1 else "1 thread": t for n, t in times.items()},
    }
    if not examples:
        return card
    found = [plain_map(file.segment(each[types.IMAGE])) for each in examples]
    difference = Difference()
    for first, second in zip(expected, found, strict=True):
        difference.add(first, second)
    return card | {
        "pictures": len(examples),
        "pq": _pq(segmenter, examples, found),
        "equal_pixels": difference.share_equal,
        "segments": difference.segments,
        "unmatched_segments": difference.unmatched,
    }


def segment_canvas(segmenter: PanopticSegmenter, picture: np.ndarray) -> dict[str, np.ndarray]:
    """Segments a picture uint8 `[H, W, 3]` of the input size with TensorFlow.

    Returns:
      The fields of `signatures`.
    """
    found = segmenter.segment(picture)
    ids = np.asarray(segmenter.categories.source_ids)[found[types.SEGMENT_CLASS_IDS].numpy()]
    fields = {name: found[field].numpy() for field, name in signatures.FIELDS.items()}
    return fields | {signatures.CATEGORY_IDS: ids}


def _pq(segmenter: PanopticSegmenter, examples: list, found: list) -> float:
    score = Score(segmenter.categories)
    for example, each in zip(examples, found, strict=True):
        score.add(example, each)
    return score.pq


def _line(card: dict) -> str:
    times = ", ".join(f"{n} {t:.0f} ms" for n, t in card["milliseconds"].items())
    line = f"{card['file']}: {card['bytes'] / 1e6:.1f} MB, {times}"
    if "pq" in card:
        line += (
            f", PQ {card['pq']:.1f} (run {card['pq_of_run']:.1f}), "
            f"{100 * card['equal_pixels']:.2f} % of pixels equal"
        )
    return line
