"""Runs a LiteRT file of an export on pictures of the input size."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np

from maskconver_tf.errors import UserError
from maskconver_tf.export.litert import post_process
from maskconver_tf.export.litert.lite_fusion import NUM_SEGMENTS
from maskconver_tf.inference import signatures

HEADS = "heads"
WHOLE = "whole"
_ROWS = ("segment_ids", "category_ids", "scores", "areas", "boxes")
_RUNS = 10


class LiteFile:
    """A file `whole_*.tflite` or `heads_*.tflite`, with `post_process.py` for heads.

    Attributes:
      path: the file.
      interpreter: LiteRT's interpreter, with memory for the tensors.

    Raises:
      UserError: LiteRT is not installed, or the file is missing or damaged.
    """

    def __init__(self, path: Path, num_threads: int = 2):
        self.path = path
        self.interpreter = _load(path, num_threads)
        self._run = self.interpreter.get_signature_runner()
        is_heads = path.name.startswith(HEADS)
        self._post_process = post_process.load(path.parent) if is_heads else None

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
        count = int(outputs[NUM_SEGMENTS])
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
            f"{path}: LiteRT cannot load it ({str(error).rstrip('.')}); copy the file again, or "
            "export again with --to litert"
        ) from None
    return interpreter
