"""Reads the signatures of a SavedModel from its graph file."""

from __future__ import annotations

from typing import Any

import tensorflow as tf
from google.protobuf import json_format
from tensorflow.core.framework import types_pb2
from tensorflow.core.protobuf import saved_model_pb2

from maskconver_tf.serving.versions.signature_info import SignatureInfo, TensorInfo


def read_signatures(content: bytes) -> tuple[dict[str, SignatureInfo], dict[str, Any]]:
    """Reads the signatures of a `saved_model.pb`.

    Returns:
      The signatures, and their protos as JSON in the form of TensorFlow Serving's metadata.
    """
    [graph] = saved_model_pb2.SavedModel.FromString(content).meta_graphs
    definitions = dict(graph.signature_def)
    infos = {
        name: SignatureInfo(
            _tensors(each.inputs, each.defaults),
            _tensors(each.outputs, {}),
        )
        for name, each in definitions.items()
        if not name.startswith("__")
    }
    return infos, {name: _as_json(each) for name, each in definitions.items()}


def _tensors(protos: Any, defaults: Any) -> dict[str, TensorInfo]:
    return {
        name: TensorInfo(
            _dtype(proto.dtype),
            None
            if proto.tensor_shape.unknown_rank
            else tuple(dim.size for dim in proto.tensor_shape.dim),
            tf.make_ndarray(defaults[name]) if name in defaults else None,
        )
        for name, proto in protos.items()
    }


def _dtype(number: int) -> str:
    name = types_pb2.DataType.Name(number).removeprefix("DT_").lower()
    return {"float": "float32", "double": "float64"}.get(name, name)


def _as_json(definition: Any) -> dict[str, Any]:
    found = json_format.MessageToDict(
        definition, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    found.pop("defaults", None)  # TensorFlow Serving 2.20 knows them but clients read tensors.
    return found
