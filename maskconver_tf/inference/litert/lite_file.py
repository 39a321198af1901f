"""Runs a LiteRT file of an export on pictures of the input size."""

from __future__ import annotations

import time
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from maskconver_tf import types
from maskconver_tf.errors import UserError
from maskconver_tf.inference import signatures
from maskconver_tf.inference.litert import post_process

HEADS = "heads"
WHOLE = "whole"
PRECISIONS = ("float32", "float16", "dynamic", "int8")
"""float16: weights are stored in float16. dynamic: weights are int8, and activations become int8
while the file runs. int8: weights and activations are int8, with ranges from calibration."""
LITE_SUFFIX = ".tflite"
_ROWS = ("segment_ids", "category_ids", "scores", "areas", "boxes")
_RUNS = 10
_SETTINGS = (
    "center_levels",
    "stride",
    "num_proposals",
    "class_embedding",
    "norm",
    "activation",
    "epsilon",
    "overlap_threshold",
    "min_area",
    "mask_quality",
    "runner_up",
)
_WEIGHTS = (
    "is_thing",
    "category_ids",
    "thresholds",
    "hidden",
    "output",
    "output_bias",
    "norm_scale",
    "norm_offset",
    "table",
)
"""What `post_process.py` reads in any case."""


class LiteFile:
    """A LiteRT file of an export: a whole model, or heads with `post_process.py`.

    Its outputs tell which of the two it is.

    Attributes:
      path: the file.
      interpreter: LiteRT's interpreter, with memory for the tensors.

    Raises:
      UserError: LiteRT is not installed, or the file is missing or damaged.
    """

    def __init__(self, path: Path, num_threads: int = 2):
        self.path = path
        self.interpreter = _load(path, num_threads)
        outputs = _outputs(path, self.interpreter)
        self._run = self.interpreter.get_signature_runner()
        is_whole = signatures.PANOPTIC_MAP in outputs
        self._post_process = None if is_whole else _load_settings(path, outputs)

    @property
    def input_size(self) -> tuple[int, int]:
        return tuple(self.interpreter.get_input_details()[0]["shape"][1:3].tolist())

    def outputs(self, picture: np.ndarray) -> dict[str, np.ndarray]:
        """Runs the file on a picture uint8 `[H, W, 3]` of the input size."""
        return self._run(**{signatures.IMAGE: picture[np.newaxis]})

    def segment(self, picture: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the panoptic map int32 `[H, W]` and the rows of its n segments."""
        outputs = self.outputs(picture)
        if self._post_process:
            return post_process.segment(outputs, *self._post_process)
        count = int(outputs[signatures.NUM_SEGMENTS])
        rows = {name: outputs[name][:count] for name in _ROWS}
        return rows | {signatures.PANOPTIC_MAP: outputs[signatures.PANOPTIC_MAP]}

    def milliseconds(self, picture: np.ndarray) -> float:
        """The shortest time of some runs, from picture to outputs, after one to warm up."""
        seconds = []
        for _ in range(_RUNS + 1):
            start = time.perf_counter()
            self.outputs(picture)
            seconds.append(time.perf_counter() - start)
        return 1000 * min(seconds[1:])


def lite_paths(folder: Path) -> list[Path]:
    """The LiteRT files of an export, whole models first."""
    return [path for kind in (WHOLE, HEADS) for path in sorted(folder.glob(f"{kind}_*.tflite"))]


def _outputs(path: Path, interpreter: Any) -> set[str]:
    """Returns the names of the outputs; raises `UserError` if it is no model of an export."""
    found = [set(each["outputs"]) for each in interpreter.get_signature_list().values()]
    outputs = set().union(*found)
    if not outputs & {signatures.PANOPTIC_MAP, types.MASK_FEATURES}:
        raise UserError(
            f"{path}: found a LiteRT file of another model, with the outputs "
            f"{', '.join(sorted(outputs)) or 'of no signature'}; expected a file that `maskconver "
            "export --to litert` wrote"
        )
    return outputs


def _load_settings(path: Path, outputs: set[str]) -> tuple[dict, dict]:
    """Loads what `post_process.py` needs from the folder of a file of heads.

    Args:
      outputs: names of the outputs of the file.
    """
    try:
        settings, weights = post_process.load(path.parent)
        lacking = [name for name in _SETTINGS if name not in settings]
        lacking += [name for name in _WEIGHTS if name not in weights]
        if lacking:
            raise ValueError(f"no {lacking[0]}")
        heads = {f"center_heatmap_logits_{level}" for level in settings["center_levels"]}
        if not heads <= outputs:
            raise ValueError(f"they are of another model, which has {min(heads - outputs)}")
        return settings, weights
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise UserError(
            f"{path}: a file of heads needs post_process.json and post_process.npz beside it, and "
            f"one is missing or damaged ({error}); copy the whole folder, or export again with "
            "--to litert"
        ) from None


def _load(path: Path, num_threads: int) -> Any:
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise UserError(
            f"{path}: LiteRT is needed to run it ({error}); install it with `pip install -c "
            "constraints.txt -e '.[litert]'`"
        ) from None
    if not path.is_file():
        raise UserError(f"{path}: the file does not exist; export again with --to litert")
    try:
        interpreter = Interpreter(str(path), num_threads=num_threads)
        interpreter.allocate_tensors()
    except (ValueError, RuntimeError) as error:
        raise UserError(
            f"{path}: LiteRT cannot load it ({' '.join(str(error).split()).rstrip('.')}); copy the "
            "file again, or export again with --to litert"
        ) from None
    return interpreter
