"""The warm-up requests have the fields that TensorFlow Serving reads."""

from __future__ import annotations

import numpy as np
import tensorflow as tf
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from tensorflow.core.framework import tensor_pb2

from maskconver_tf.export.served_model import warmup

_BYTES, _STRING, _MESSAGE, _MANY = 12, 9, 11, 3


def _prediction_log_class():
    """Makes the class from the field numbers of tensorflow_serving/apis, version 2.20."""
    file = descriptor_pb2.FileDescriptorProto(name="t.proto", package="t", syntax="proto3")
    for name, fields in {
        "Log": [("predict_log", 6, ".t.PredictLog")],
        "PredictLog": [("request", 1, ".t.Request")],
        "Request": [("model_spec", 1, ".t.Spec"), ("inputs", 2, ".t.Entry")],
        "Spec": [("name", 1, _STRING), ("signature_name", 3, _STRING)],
        "Entry": [("key", 1, _STRING), ("value", 2, _BYTES)],
    }.items():
        message = file.message_type.add(name=name)
        for field, number, kind in fields:
            added = message.field.add(name=field, number=number, label=1)
            added.type = _MESSAGE if isinstance(kind, str) else kind
            if isinstance(kind, str):
                added.type_name = kind
            if field == "inputs":
                added.label = _MANY
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("t.Log"))


def test_a_request_to_serving_default_for_each_item(tmp_path):
    pictures = [np.array([b"\xff\xd8\xff" + bytes(n)] * n, dtype=object) for n in (1, 5)]
    warmup.write_warmup(tmp_path, [{"encoded_images": each} for each in pictures])
    [file] = (tmp_path / "assets.extra").iterdir()
    assert file.name == "tf_serving_warmup_requests"
    records = [record.numpy() for record in tf.data.TFRecordDataset(str(file))]
    for record, expected in zip(records, pictures, strict=True):
        request = _prediction_log_class().FromString(record).predict_log.request
        assert request.model_spec.signature_name == "serving_default"
        [entry] = request.inputs
        assert entry.key == "encoded_images"
        tensor = tf.make_ndarray(tensor_pb2.TensorProto.FromString(entry.value))
        assert tensor.tolist() == expected.tolist()


def test_batching_parameters_end_with_the_largest_batch(tmp_path):
    warmup.write_batching_parameters(tmp_path, (8, 1, 8))
    text = (tmp_path / "assets.extra/batching_parameters.txt").read_text()
    assert text.startswith("max_batch_size { value: 8 }\n")
    assert text.endswith("allowed_batch_sizes: 1\nallowed_batch_sizes: 8\n")


def test_the_example_picture_has_the_size_of_the_input():
    picture = warmup.example_picture((64, 96))
    assert picture.shape == (64, 96, 3) and picture.dtype == np.uint8
    assert picture.std() > 30
