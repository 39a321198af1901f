"""Calls TensorFlow Serving by gRPC; needs `tensorflow-serving-api` and with it TensorFlow."""

from __future__ import annotations

from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
)

from maskconver_tf.inference import signatures
from maskconver_tf.serving.calls.failures import DeadlineExceeded, RequestFailed, TryAgain

_NO_LIMIT = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
_MAY_PASS = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED)
"""As 503 or a lost connection, and as 429."""


class GrpcCalls:
    """Sends requests for one model; the arguments are those of `GrpcClient`."""

    def __init__(
        self,
        target: str,
        name: str,
        version: int | None,
        label: str | None,
        token: str | None,
        secure: bool,
    ):
        self._target = target
        self._name, self._version, self._label = name, version, label
        self._metadata = [("authorization", f"Bearer {token}")] if token else []
        if secure:
            credentials = grpc.ssl_channel_credentials()
            self._channel = grpc.secure_channel(target, credentials, options=_NO_LIMIT)
        else:
            self._channel = grpc.insecure_channel(target, options=_NO_LIMIT)
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)

    def close(self) -> None:
        self._channel.close()

    def predict(
        self, encoded: list[bytes], thresholds: dict[str, float], seconds: float
    ) -> dict[str, np.ndarray]:
        """Sends pictures once; returns the fields of `serving_default` with the batch axis.

        Raises:
          TryAgain: UNAVAILABLE or RESOURCE_EXHAUSTED.
          DeadlineExceeded: the answer did not come in `seconds`.
          RequestFailed: another status.
        """
        request = predict_pb2.PredictRequest()
        self._fill(request.model_spec)
        if thresholds:
            request.model_spec.signature_name = signatures.SERVING_WITH_THRESHOLDS
        request.inputs[signatures.ENCODED_IMAGES].CopyFrom(tf.make_tensor_proto(encoded))
        for name, value in thresholds.items():
            dtype = tf.int32 if name == signatures.MIN_AREA else tf.float32
            tensor = tf.make_tensor_proto([value] * len(encoded), dtype)
            request.inputs[name].CopyFrom(tensor)
        answer = self._send(self._stub.Predict, request, seconds)
        return {name: tf.make_ndarray(value) for name, value in answer.outputs.items()}

    def threshold_names(self, seconds: float) -> list[str]:
        """Asks for the names of the model's thresholds; raises as `predict`."""
        request = get_model_metadata_pb2.GetModelMetadataRequest()
        self._fill(request.model_spec)
        request.metadata_field.append("signature_def")
        answer = self._send(self._stub.GetModelMetadata, request, seconds)
        found = get_model_metadata_pb2.SignatureDefMap()
        answer.metadata["signature_def"].Unpack(found)
        inputs = found.signature_def[signatures.SERVING_WITH_THRESHOLDS].inputs
        return [name for name in inputs if name != signatures.ENCODED_IMAGES]

    def _fill(self, spec: Any) -> None:
        spec.name = self._name
        if self._version is not None:
            spec.version.value = self._version
        if self._label is not None:
            spec.version_label = self._label

    def _send(self, method: Any, request: Any, seconds: float) -> Any:
        try:
            return method(request, timeout=seconds, metadata=self._metadata)
        except grpc.RpcError as error:
            code, details = error.code(), error.details()
            if code is grpc.StatusCode.DEADLINE_EXCEEDED:
                raise DeadlineExceeded(
                    f"{self._target}: no answer within {seconds:.3g} s; give more deadline_seconds",
                    code.name,
                ) from error
            failure = RequestFailed(f"{self._target}: {code.name}: {details}", code.name)
            if code in _MAY_PASS:
                raise TryAgain(failure) from error
            raise failure from error
