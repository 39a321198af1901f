"""One process of `benchmarks/inference.py`: loads a model in one runtime and answers requests.

It reads `plan.json` in a folder. The request `run SECONDS` answers pictures for that time and
returns the seconds of each stage; `memory` returns the peak since the process was ready.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.inference_picture import decode, make_picture

SURVIVORS = 20
LOGIT_STD = 2.0
_PICTURE, _CONSTANTS = "picture", "constants.json"
_SAVED_MODEL = "saved_model"
Stages = dict[str, Callable[[], Any]]
"""Stage -> a call. Calls run in this order."""


def main(folder: str, task: str) -> None:
    folder = Path(folder)
    plan = json.loads((folder / "plan.json").read_text(encoding="utf-8"))
    if task == "prepare":
        prepare(folder, plan)
        return
    runtime = _RUNTIMES.get(task, _tensorflow)
    try:
        answer_once, count = runtime(folder, plan, task)
    except Skipped as reason:
        say(skipped=str(reason))
        return
    answer_once()
    answer_once()
    reset_peak()
    say(segments=count())
    for line in sys.stdin:
        word, _, seconds = line.strip().partition(" ")
        if word == "memory":
            say(megabytes=peak_megabytes())
            continue
        end, samples = time.perf_counter() + float(seconds), []
        while not samples or time.perf_counter() < end:
            samples.append(answer_once())
        say(samples=samples)


class Skipped(Exception):
    """The runtime cannot run here; the message says why."""


def timed(call: Callable[[], Any]) -> tuple[Any, np.ndarray]:
    """Returns the result of a call, and its seconds of the clock and of all processors."""
    begin = time.perf_counter(), time.process_time()
    result = call()
    return result, np.array([time.perf_counter() - begin[0], time.process_time() - begin[1]])


# ---- Preparing -----------------------------------------------------------------------------------
def prepare(folder: Path, plan: dict) -> None:
    """Writes the picture, the threshold, and the exports that the runtimes need."""
    path = plan["picture"]
    (folder / _PICTURE).write_bytes(Path(path).read_bytes() if path else make_picture())
    with contextlib.redirect_stdout(io.StringIO()):
        segmenter = make_segmenter(folder, plan, spread=True)
    if "saved_model" in plan["runtimes"] or "openvino" in plan["runtimes"]:
        from maskconver_tf.export.saved_model import export_saved_model

        export_saved_model(segmenter, str(folder / _SAVED_MODEL))
    precisions = [name.partition("_")[2] for name in plan["runtimes"] if name.startswith("litert")]
    if not precisions:
        return
    from maskconver_tf.export.litert import convert, graphs

    canvas = decode(read_picture(folder), segmenter.input_size)[0]
    pictures = [canvas, canvas[::-1], canvas[:, ::-1], canvas[::-1, ::-1]]
    for kind, graph in (("whole", graphs.whole_graph), ("heads", graphs.heads_graph)):
        model = convert.to_float32(graph(segmenter), segmenter)
        for precision in precisions:
            content = convert.quantise(model, precision, None, pictures)
            (folder / f"{kind}_{precision}.tflite").write_bytes(content)


def make_segmenter(folder: Path, plan: dict, spread: bool = False, **settings: Any):
    """Builds the model with the weights that all processes have.

    Args:
      spread: choose the scale of the heatmap and the threshold, and keep them for other processes.
      settings: of the segmenter.
    """
    import tf_keras

    from maskconver_tf.config.named_models import build_model, find_models
    from maskconver_tf.datasets.categories import Categories
    from maskconver_tf.inference.segmenter import PanopticSegmenter
    from maskconver_tf.postprocess.panoptic_fusion import PanopticFusion

    tf_keras.utils.set_random_seed(0)
    [model] = find_models([plan["gin_file"]])
    network, size = build_model(model, plan["num_classes"], plan["bindings"])
    rows = [
        {"id": i + 1, "name": f"class {i + 1}", "isthing": i % 2}
        for i in range(plan["num_classes"])
    ]
    categories = Categories.from_coco(rows, "generated")
    canvas = decode(read_picture(folder), size)[0]
    if spread:
        constants = find_constants(network, canvas)
        (folder / _CONSTANTS).write_text(json.dumps(constants), encoding="utf-8")
    else:
        constants = json.loads((folder / _CONSTANTS).read_text(encoding="utf-8"))
        scale_heatmap(network, constants["scale"])
    fusion = PanopticFusion(constants["threshold"], overlap_threshold=0.0, min_area=0)
    return PanopticSegmenter(network, fusion, categories, size, **settings)


def find_constants(network, canvas: np.ndarray) -> dict[str, float]:
    """Scales the heatmap; returns the scale and a threshold that leaves `SURVIVORS` proposals."""
    import tensorflow as tf

    outputs = tf.function(lambda x: network(x, training=False), autograph=False)
    images = tf.constant(canvas[np.newaxis])
    logits = [x.numpy().ravel() for x in outputs(images)["center_heatmap_logits"].values()]
    scale = LOGIT_STD / float(np.concatenate(logits).std())
    scale_heatmap(network, scale)
    scores = np.sort(outputs(images)["proposal_scores"][0].numpy())[::-1]
    return {"scale": scale, "threshold": float(scores[SURVIVORS - 1 : SURVIVORS + 1].mean())}


def scale_heatmap(network, scale: float) -> None:
    kernel = network.center_heatmap_head.output_conv.kernel
    kernel.assign(scale * kernel)


# ---- Runtimes ------------------------------------------------------------------------------------
def read_picture(folder: Path) -> bytes:
    return (folder / _PICTURE).read_bytes()


def _tensorflow(folder: Path, plan: dict, task: str):
    """Three stages, each on its own."""
    import tensorflow as tf

    from maskconver_tf.training.machines.process_settings import set_precision

    set_precision("--runtimes", "mixed_bfloat16" if task == "bfloat16" else "float32")
    segmenter = make_segmenter(folder, plan, jit_compile=task == "xla")
    propose = segmenter.propose
    if task == "frozen":
        from tensorflow.python.framework import convert_to_constants

        spec = tf.TensorSpec([1, *segmenter.input_size, 3], tf.uint8)
        traced = tf.function(segmenter.propose_batch, autograph=False).get_concrete_function(spec)
        frozen = convert_to_constants.convert_variables_to_constants_v2(traced)

        def propose(images: tf.Tensor) -> dict[str, tf.Tensor]:
            return tf.nest.pack_sequence_as(traced.structured_outputs, frozen(images))

    found = {}

    def network(canvas: np.ndarray) -> dict:
        return {name: value.numpy() for name, value in propose(tf.constant(canvas[None])).items()}

    def fuse(proposals: dict, content: tuple, size: tuple) -> dict:
        single = {name: tf.constant(value[0]) for name, value in proposals.items()}
        fused = segmenter.fuse(single, tf.constant(content), tf.constant(size))
        return {name: value.numpy() for name, value in fused.items()}

    def answer_once() -> dict[str, list[float]]:
        (canvas, content, size), decoding = timed(
            lambda: decode(read_picture(folder), segmenter.input_size)
        )
        proposals, computing = timed(lambda: network(canvas))
        found["segments"], fusing = timed(lambda: fuse(proposals, content, size))
        return stages(decoding, computing, fusing)

    return answer_once, lambda: len(found["segments"]["segment_ids"])


def _saved_model(folder: Path, plan: dict, task: str):
    """Network: `raw_heads` of the fitted picture. Fusion: what `segment_image` of the decoded
    picture takes beyond that. Decode: what `serving_default` of the file takes beyond that."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(folder / _SAVED_MODEL / "1"))
    calls = loaded.signatures
    content = read_picture(folder)
    pixels = tf.io.decode_image(content, channels=3, expand_animations=False)
    canvas = tf.constant(decode(read_picture(folder), input_size(folder))[0][None])
    found = {}

    def numbers(signature: str, **inputs) -> dict:
        return {name: value.numpy() for name, value in calls[signature](**inputs).items()}

    def answer_once() -> dict[str, list[float]]:
        _, computing = timed(lambda: numbers("raw_heads", images=canvas))
        _, of_pixels = timed(lambda: numbers("segment_image", image=pixels))
        found["all"], whole = timed(
            lambda: numbers("serving_default", encoded_images=tf.constant([content]))
        )
        return stages(whole - of_pixels, computing, of_pixels - computing)

    return answer_once, lambda: int(found["all"]["num_segments"][0])


def input_size(folder: Path) -> tuple[int, int]:
    path = folder / _SAVED_MODEL / "1/assets/preprocessing.json"
    told = json.loads(path.read_text(encoding="utf-8"))
    return told["input_height"], told["input_width"]


def _litert(folder: Path, plan: dict, task: str):
    """Network: the file of heads. Fusion: what the whole file takes beyond that, and the map at the
    picture's size. TensorFlow is not loaded."""
    from ai_edge_litert.interpreter import Interpreter

    precision = task.partition("_")[2]
    paths = {kind: folder / f"{kind}_{precision}.tflite" for kind in ("heads", "whole")}
    loaded = {k: Interpreter(str(path), num_threads=plan["threads"]) for k, path in paths.items()}
    runners = {kind: each.get_signature_runner() for kind, each in loaded.items()}
    size = tuple(loaded["whole"].get_input_details()[0]["shape"][1:3].tolist())
    found = {}

    def at_picture_size(content: tuple, picture: tuple) -> np.ndarray:
        rows, columns = ((2 * np.arange(n) + 1) * c // (2 * n) for n, c in zip(picture, content))
        return found["all"]["panoptic_map"][rows[:, np.newaxis], columns]

    def answer_once() -> dict[str, list[float]]:
        (canvas, content, picture), decoding = timed(lambda: decode(read_picture(folder), size))
        _, computing = timed(lambda: runners["heads"](image=canvas[np.newaxis]))
        found["all"], whole = timed(lambda: runners["whole"](image=canvas[np.newaxis]))
        _, scaling = timed(lambda: at_picture_size(content, picture))
        return stages(decoding, computing, whole - computing + scaling)

    return answer_once, lambda: int(found["all"]["num_segments"])


def _openvino(folder: Path, plan: dict, task: str):
    """The SavedModel in OpenVINO, if it can read it. None did so far, so no calls are written."""
    try:
        import openvino
    except ImportError:
        raise Skipped("the package openvino is not installed") from None
    try:
        openvino.Core().read_model(str(folder / _SAVED_MODEL / "1"))
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1]
        raise Skipped(f"OpenVINO {openvino.__version__} cannot read it ({reason[:200]})") from None
    raise Skipped(f"OpenVINO {openvino.__version__} reads it, but it is not measured here yet")


def stages(*seconds: np.ndarray) -> dict[str, list[float]]:
    return dict(zip(("decode", "network", "fusion"), (each.tolist() for each in seconds)))


_RUNTIMES = {
    "saved_model": _saved_model,
    "litert_float32": _litert,
    "litert_int8": _litert,
    "openvino": _openvino,
}


# ---- Memory and answers --------------------------------------------------------------------------
def reset_peak() -> None:
    """Makes the peak that Linux reports start anew; elsewhere it stays the peak so far."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def peak_megabytes() -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def say(**fields: Any) -> None:
    print("ANSWER " + json.dumps(fields), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
