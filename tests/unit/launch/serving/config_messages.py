"""The messages of TensorFlow Serving's files that `tensorflow-serving-api` leaves out.

Fields and numbers are those of `session_bundle_config.proto` and `monitoring_config.proto`.
"""

from __future__ import annotations

from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    text_format,
    wrappers_pb2,
)

_TYPES = descriptor_pb2.FieldDescriptorProto
_INT64 = (_TYPES.TYPE_MESSAGE, ".google.protobuf.Int64Value", False)
_FIELDS = {
    "BatchingParameters": {
        "max_batch_size": (1, *_INT64),
        "batch_timeout_micros": (2, *_INT64),
        "max_enqueued_batches": (3, *_INT64),
        "num_batch_threads": (4, *_INT64),
        "thread_pool_name": (5, _TYPES.TYPE_MESSAGE, ".google.protobuf.StringValue", False),
        "allowed_batch_sizes": (6, _TYPES.TYPE_INT64, None, True),
        "pad_variable_length_inputs": (7, _TYPES.TYPE_BOOL, None, False),
    },
    "PrometheusConfig": {
        "enable": (1, _TYPES.TYPE_BOOL, None, False),
        "path": (2, _TYPES.TYPE_STRING, None, False),
    },
    "MonitoringConfig": {
        "prometheus_config": (1, _TYPES.TYPE_MESSAGE, ".check.PrometheusConfig", False),
    },
}


def parse(name: str, text: str):
    """Parses a text as the message `name`; a field that the message lacks is an error."""
    return text_format.Parse(text, _classes()[name]())


def _classes() -> dict:
    file = descriptor_pb2.FileDescriptorProto(name="check.proto", package="check", syntax="proto3")
    file.dependency.append(wrappers_pb2.DESCRIPTOR.name)
    for name, fields in _FIELDS.items():
        message = file.message_type.add(name=name)
        for field, (number, kind, type_name, repeated) in fields.items():
            label = _TYPES.LABEL_REPEATED if repeated else _TYPES.LABEL_OPTIONAL
            message.field.add(
                name=field, number=number, type=kind, type_name=type_name, label=label
            )
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    return message_factory.GetMessageClassesForFiles(["check.proto"], pool) and {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"check.{name}"))
        for name in _FIELDS
    }
