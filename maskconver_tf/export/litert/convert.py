"""Converts a traced graph to LiteRT, and quantises it."""

from __future__ import annotations

import contextlib
import io
import logging
import re
import tempfile
from collections.abc import Iterable, Iterator

import numpy as np
import tensorflow as tf

from maskconver_tf.errors import UserError
from maskconver_tf.export.litert.dead_channels import revive_dead_channels, widen_dead_ranges
from maskconver_tf.export.litert.graphs import AFTER_HEADS
from maskconver_tf.inference import signatures
from maskconver_tf.inference.segmenter import PanopticSegmenter

SIGNATURE = "serving_default"
_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


def to_float32(
    graph: tf.types.experimental.ConcreteFunction, segmenter: PanopticSegmenter
) -> bytes:
    """Converts a graph of a segmenter with operations that are built into LiteRT, and no others."""
    module = tf.Module()
    module.weights = segmenter.model.variables
    with tempfile.TemporaryDirectory() as folder, _quiet():
        # Only a SavedModel has signatures, which give inputs and outputs their names.
        tf.saved_model.save(module, folder, signatures={SIGNATURE: graph})
        return tf.lite.TFLiteConverter.from_saved_model(folder).convert()


def quantise(
    model: bytes, precision: str, float_tensors: str | None, pictures: Iterable[np.ndarray]
) -> bytes:
    """Returns the model in another precision.

    Args:
      model: a float32 LiteRT file.
      precision: one of `lite_file.PRECISIONS`.
      float_tensors: regular expression; operations whose output has such a name stay in float32.
      pictures: uint8 `[H, W, 3]`, for the ranges of int8.
    """
    if precision == "float32":
        return model
    quantizer_module = import_quantizer()
    if precision == "int8":
        model = revive_dead_channels(model)
    names = _matching([model], float_tensors) if float_tensors else []
    quantizer = quantizer_module.Quantizer(
        model, _recipe(quantizer_module, precision, _exactly(names) if names else None)
    )
    ranges = None
    if precision == "int8":
        data = [{signatures.IMAGE: picture[np.newaxis]} for picture in pictures]
        ranges = widen_dead_ranges(quantizer.calibrate({SIGNATURE: data}, num_threads=2))
    result = quantizer.quantize(ranges, enable_progress_bar=False, enable_progress_report=False)
    return bytes(result.quantized_model)


def check_float_tensors(models: Iterable[bytes], float_tensors: str | None) -> None:
    """Raises `UserError` if no operation before the fusion has an output of such a name.

    Args:
      models: float32 LiteRT files; one of them must have it.
      float_tensors: as for `quantise`.
    """
    if float_tensors is None:
        return
    models = list(models)
    if not _matching(models, float_tensors):
        names = _matching(models, "")
        raise UserError(
            f"--float_tensors {float_tensors}: no tensor before the fusion has such a name; "
            f"expected a regular expression for some of {len(set(names))} names, such as "
            f"{names[-1]}. An export with --precisions int8 lists those with the largest errors"
        )


def _matching(models: Iterable[bytes], pattern: str) -> list[str]:
    """Names of results before the fusion in which a regular expression finds something."""
    names = [name for model in models for name in _results(model) if AFTER_HEADS not in name]
    return [name for name in names if re.search(pattern, name)]


def _exactly(names: Iterable[str]) -> str:
    """What the quantiser must find for these names: it looks for it in `NAME;` or `NAME;NAME;`."""
    return f"(?:^|;)(?:{'|'.join(map(re.escape, names))});"


def _results(model: bytes) -> list[str]:
    """Names of the tensors that the operations of a file compute."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    interpreter = Interpreter(
        model_content=model,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES,
    )
    names = {each["index"]: each["name"] for each in interpreter.get_tensor_details()}
    operations = interpreter._get_ops_details()
    return [names[index] for each in operations for index in each["outputs"] if index in names]


def import_quantizer():
    """Imports the quantiser; raises `UserError` if the extra `litert` is not installed."""
    try:
        from litert_quantizer import quantizer
    except ImportError as error:
        raise UserError(
            f"--to litert: {error}; install it with `pip install -c constraints.txt -e '.[litert]'`"
        ) from None
    return quantizer


def _recipe(quantizer_module, precision: str, float_tensors: str | None) -> list[dict]:
    """The recipe of a precision; operations that `float_tensors` finds stay in float32."""
    from litert_quantizer import qtyping, recipe_manager

    manager = recipe_manager.RecipeManager()
    every = qtyping.TFLOperationName.ALL_SUPPORTED
    if precision == "float16":
        half = qtyping.TensorQuantizationConfig(16, dtype=qtyping.TensorDataType.FLOAT)
        config = qtyping.OpQuantizationConfig(
            weight_tensor_config=half,
            compute_precision=qtyping.ComputePrecision.FLOAT,
            explicit_dequantize=True,
        )
        casting = quantizer_module.AlgorithmName.FLOAT_CASTING
        for kind in _WEIGHTED:
            manager.add_quantization_config(".*", kind, config, casting)
    elif precision == "dynamic":
        manager.add_dynamic_config(".*", every, 8)
    else:
        manager.add_static_config(".*", every, 8, 8)
    nothing = quantizer_module.AlgorithmName.NO_QUANTIZE
    # Outputs are float32 in every file, so that callers need no scales.
    manager.add_quantization_config(".*", qtyping.TFLOperationName.OUTPUT, algorithm_key=nothing)
    for names in filter(None, [f"{AFTER_HEADS}/", float_tensors]):
        manager.add_quantization_config(names, every, algorithm_key=nothing)
    return manager.get_quantization_recipe()


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Hides the notes of the converter, which are about its own code."""
    level = logging.getLogger("tensorflow").level
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logging.getLogger("tensorflow").setLevel(level)
