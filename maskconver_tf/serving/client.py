"""Clients for TensorFlow Serving and `maskconver serve`, by REST and by gRPC.

from maskconver_tf.serving.client import RestClient
client = RestClient("http://127.0.0.1:8501")
client.segment("street.jpg").save("pictures", "street")

The REST client needs NumPy and Pillow only. The gRPC client needs `tensorflow-serving-api`, which
installs TensorFlow. Neither imports the code of a model. Both may be used by several threads.
"""

from __future__ import annotations

import base64
import json
import urllib.parse
from collections.abc import Mapping
from typing import Any

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.errors import UserError
from maskconver_tf.files.channels.channel_mapping import ChannelMapping
from maskconver_tf.inference import signatures
from maskconver_tf.serving.calls.answers import CategoriesLike
from maskconver_tf.serving.calls.failures import RequestFailed
from maskconver_tf.serving.calls.http_calls import HttpCalls
from maskconver_tf.serving.calls.retry import Retry, call_with_retry
from maskconver_tf.serving.calls.segment_client import SegmentClient

_JSON = {"Content-Type": "application/json"}
_BYTES = signatures.PANOPTIC_PNG


class RestClient(SegmentClient):
    """Calls `/v1/models/NAME:predict`.

    Args:
      url: address of the server.
      name: name of the model.
      version: version that must answer; None for the newest.
      label: label of the version, in place of its number.
      token: secret of a server that asks for one.
      categories: see `SegmentClient`.
      deadline_seconds: see `SegmentClient`.
      retry: when to send a request again.
    """

    def __init__(
        self,
        url: str,
        name: str = "maskconver",
        version: int | None = None,
        label: str | None = None,
        token: str | None = None,
        categories: CategoriesLike | None = None,
        deadline_seconds: float = 60.0,
        retry: Retry | None = None,
    ):
        super().__init__(categories, deadline_seconds)
        _check_one_version(version, label)
        self._calls = HttpCalls(url, {"Authorization": f"Bearer {token}"} if token else {})
        self._model = f"/v1/models/{urllib.parse.quote(name, safe='')}"
        self._query = {}
        if version is not None:
            self._model += f"/versions/{version}"
            self._query = {"version": version}
        if label is not None:
            self._model += f"/labels/{urllib.parse.quote(label, safe='')}"
            self._query = {"label": label}
        self._retry = retry or Retry()
        self._names: list[str] | None = None

    def states(self) -> dict[int, str]:
        """Version -> state, such as "AVAILABLE"."""
        found = self._get(self._model)["model_version_status"]
        return {int(each["version"]): each["state"] for each in found}

    def metadata(self) -> dict[str, Any]:
        """The signatures, as TensorFlow Serving describes them."""
        return self._get(f"{self._model}/metadata")["metadata"]["signature_def"]["signature_def"]

    def _answer(self, encoded: list[bytes], given: dict[str, float]) -> list[Mapping[str, Any]]:
        rows = [
            {signatures.ENCODED_IMAGES: {"b64": base64.b64encode(each).decode("ascii")}}
            for each in encoded
        ]
        content: dict[str, Any] = {"instances": rows}
        if given:
            thresholds = self._threshold_columns(given)
            rows = [row | thresholds for row in rows]
            content = {
                "signature_name": signatures.SERVING_WITH_THRESHOLDS,
                "instances": rows,
            }
        answer = self._send("POST", f"{self._model}:predict", json.dumps(content).encode())
        return [_with_bytes(row) for row in _rows(answer, len(rows))]

    def _ask_threshold_names(self) -> list[str]:
        if self._names is None:
            inputs = self.metadata()[signatures.SERVING_WITH_THRESHOLDS]["inputs"]
            self._names = [name for name in inputs if name != signatures.ENCODED_IMAGES]
        return self._names

    def _ask_categories(self) -> Categories:
        query = f"?{urllib.parse.urlencode(self._query)}" if self._query else ""
        try:
            answer = self._get(f"/model{query}")
            found, mapping = answer["categories"], answer.get("pictures")
        except (RequestFailed, KeyError, TypeError) as error:
            raise UserError(
                f"{self._calls.url}: does not tell its class list ({error}); give "
                "categories='exported/1/assets/categories.json'"
            ) from error
        categories = Categories.from_coco(found, self._calls.url)
        if mapping is None:
            return categories
        return categories.with_pictures(ChannelMapping.from_json(mapping, self._calls.url))

    def _get(self, path: str) -> Any:
        return self._send("GET", path, None)

    def _send(self, method: str, path: str, body: bytes | None) -> Any:
        def attempt(seconds: float) -> bytes:
            headers = {"X-Deadline-Seconds": f"{seconds:.3f}"} | (_JSON if body else {})
            return self._calls.attempt(method, path, body, headers, seconds)[1]

        content = call_with_retry(attempt, self.deadline_seconds, self._retry)
        try:
            return json.loads(content)
        except ValueError:
            raise RequestFailed(
                f"{self._calls.url}: the answer is no JSON; check the address of the model server"
            ) from None


class GrpcClient(SegmentClient):
    """Calls `PredictionService.Predict` of TensorFlow Serving.

    Args:
      target: host and port, such as "localhost:8500".
      categories: the class list of the model, or the path of its `categories.json`.
      secure: use TLS with the certificates of this machine.
      Others: see `RestClient`.

    Raises:
      UserError: `tensorflow-serving-api` is not installed.
    """

    def __init__(
        self,
        target: str,
        categories: CategoriesLike,
        name: str = "maskconver",
        version: int | None = None,
        label: str | None = None,
        token: str | None = None,
        secure: bool = False,
        deadline_seconds: float = 60.0,
        retry: Retry | None = None,
    ):
        super().__init__(categories, deadline_seconds)
        _check_one_version(version, label)
        try:
            from maskconver_tf.serving.calls.grpc_calls import GrpcCalls
        except ModuleNotFoundError as error:
            raise UserError(
                f"GrpcClient needs the package {error.name}, which is not installed; install it "
                "with: pip install 'maskconver_tf[grpc]'"
            ) from None
        self._calls = GrpcCalls(target, name, version, label, token, secure)
        self._retry = retry or Retry()
        self._names: list[str] | None = None

    def close(self) -> None:
        """Closes the channel."""
        self._calls.close()

    def _answer(self, encoded: list[bytes], given: dict[str, float]) -> list[Mapping[str, Any]]:
        thresholds = self._threshold_columns(given) if given else {}
        columns = self._call(lambda seconds: self._calls.predict(encoded, thresholds, seconds))
        return [{name: value[i] for name, value in columns.items()} for i in range(len(encoded))]

    def _ask_threshold_names(self) -> list[str]:
        if self._names is None:
            self._names = self._call(self._calls.threshold_names)
        return self._names

    def _ask_categories(self) -> Categories:
        raise AssertionError("the class list is a required argument")

    def _call(self, attempt: Any) -> Any:
        return call_with_retry(attempt, self.deadline_seconds, self._retry)


def _check_one_version(version: int | None, label: str | None) -> None:
    if version is not None and label is not None:
        raise UserError(f"found version = {version} and label = {label!r}; give one of them")


def _rows(answer: Any, count: int) -> list[dict[str, Any]]:
    rows = answer.get("predictions") if isinstance(answer, dict) else None
    if not isinstance(rows, list) or len(rows) != count or not isinstance(rows[0], dict):
        raise RequestFailed(
            "the answer has no list 'predictions' of the right length; check the name of the model"
        )
    return rows


def _with_bytes(row: dict[str, Any]) -> dict[str, Any]:
    """Decodes the base64 of the map."""
    if isinstance(found := row.get(_BYTES), dict):
        return row | {_BYTES: base64.b64decode(found.get("b64", ""))}
    return row
