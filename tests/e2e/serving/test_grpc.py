"""The gRPC client against TensorFlow Serving's own service, defined by its protos.

TensorFlow Serving cannot be installed here. So a server with its service definition runs the
signatures of the export.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import grpc
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from maskconver_tf.serving.calls.failures import DeadlineExceeded, PictureRefused, RequestFailed
from maskconver_tf.serving.calls.retry import Retry
from maskconver_tf.serving.client import GrpcClient

FAST = Retry(attempts=4, first_seconds=0.01, most_seconds=0.02)


class Service(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Answers `Predict` and `GetModelMetadata`; `failures` are sent first."""

    def __init__(self, version, folder):
        self.version = version
        content = (folder / "saved_model.pb").read_bytes()
        [self.graph] = saved_model_pb2.SavedModel.FromString(content).meta_graphs
        self.failures: list[grpc.StatusCode] = []
        self.specs, self.tokens = [], []

    def Predict(self, request, context):
        self._check(request, context)
        signature = request.model_spec.signature_name or "serving_default"
        inputs = {n: tf.make_ndarray(value) for n, value in request.inputs.items()}
        answer = predict_pb2.PredictResponse()
        for name, value in self.version.run(signature, inputs).items():
            answer.outputs[name].CopyFrom(tf.make_tensor_proto(value))
        return answer

    def GetModelMetadata(self, request, context):
        self._check(request, context)
        found = get_model_metadata_pb2.SignatureDefMap()
        for name, each in self.graph.signature_def.items():
            found.signature_def[name].CopyFrom(each)
        answer = get_model_metadata_pb2.GetModelMetadataResponse()
        answer.metadata["signature_def"].Pack(found)
        return answer

    def _check(self, request, context) -> None:
        self.specs.append(request.model_spec)
        self.tokens.append(dict(context.invocation_metadata()).get("authorization"))
        if self.failures:
            context.abort(self.failures.pop(0), "prepared")
        if request.model_spec.name != "maskconver":
            context.abort(grpc.StatusCode.NOT_FOUND, "Servable not found")


@pytest.fixture(scope="module")
def service(version, served_version):
    return Service(version, served_version)


@pytest.fixture(scope="module")
def target(service):
    server = grpc.server(ThreadPoolExecutor(4))
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(service, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None)


@pytest.fixture
def connect(target, served_version):
    clients = []

    def make(**given):
        categories = served_version / "assets/categories.json"
        clients.append(GrpcClient(target, categories, retry=FAST, **given))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


def test_predictions_equal_the_local_api(connect, files, local):
    client = connect()
    for found, path in zip(client.segment_many(files, batch_size=3), files):
        expected = local(path)
        np.testing.assert_array_equal(found.panoptic_map, expected.panoptic_map)
        np.testing.assert_array_equal(found.image, expected.image)
        assert [(s.class_id, s.area, s.box) for s in found.segments] == [
            (s.class_id, s.area, s.box) for s in expected.segments
        ]
        assert [s.score for s in found.segments] == pytest.approx(
            [s.score for s in expected.segments], rel=1e-5
        )
    refused = client.segment_batch([b"text", files[0]])[0]
    assert isinstance(refused, PictureRefused) and refused.status == 2


def test_thresholds_version_label_and_token(connect, service, files):
    client = connect(version=7, token="secret")
    assert not client.segment(files[0], score_threshold=1.0).segments
    assert client.segment(files[0], min_area=1).segments
    assert service.specs[-1].version.value == 7 and service.tokens[-1] == "Bearer secret"
    connect(label="stable").segment(files[0])
    assert service.specs[-1].version_label == "stable"


def test_only_what_may_pass_is_sent_again(connect, service, files):
    passing = [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED]
    service.failures[:] = passing
    assert connect().segment(files[0]).segments and not service.failures
    service.failures[:] = [grpc.StatusCode.INTERNAL, grpc.StatusCode.INTERNAL]
    with pytest.raises(RequestFailed, match="INTERNAL: prepared") as caught:
        connect().segment(files[0])
    assert len(service.failures) == 1 and caught.value.status == "INTERNAL"
    service.failures[:] = passing * 5
    with pytest.raises(RequestFailed):
        connect().segment(files[0])
    assert len(service.failures) == 10 - FAST.attempts
    service.failures.clear()
    with pytest.raises(RequestFailed, match="NOT_FOUND"):
        connect(name="other").segment(files[0])


def test_the_deadline_and_a_dead_server(served_version, files):
    categories = served_version / "assets/categories.json"
    client = GrpcClient("127.0.0.1:1", categories, retry=FAST)
    with pytest.raises(RequestFailed, match="UNAVAILABLE"):
        client.segment(files[0])
    client.close()
    client = GrpcClient("127.0.0.1:1", categories, deadline_seconds=1e-3)
    with pytest.raises((DeadlineExceeded, RequestFailed)):
        client.segment(files[0])
    client.close()
