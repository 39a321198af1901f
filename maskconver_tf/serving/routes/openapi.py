"""The OpenAPI document of the server."""

from __future__ import annotations

from typing import Any

from maskconver_tf.inference import signatures
from maskconver_tf.serving.routes import openapi_bodies as bodies
from maskconver_tf.serving.settings import OPEN_ADDRESSES, ServerSettings, package_version

_ERROR = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
_ERRORS = {
    "4XX": {"description": "The request is refused.", "content": _ERROR},
    "5XX": {"description": "The server cannot answer now.", "content": _ERROR},
}


def openapi_document(settings: ServerSettings) -> dict[str, Any]:
    """Returns the document: every address, parameter, body and answer."""
    document = {
        "openapi": "3.1.0",
        "info": {
            "title": "maskconver serve",
            "version": package_version(),
            "description": "Panoptic segmentation: a picture in, segments out.",
        },
        "paths": _server_paths() | _tf_serving_paths(settings) | _open_inference_paths(settings),
        "components": {"schemas": bodies.SCHEMAS},
    }
    if settings.token:
        schemes = {"token": {"type": "http", "scheme": "bearer"}}
        document["components"]["securitySchemes"] = schemes
        document["security"] = [{"token": []}]
        for address in OPEN_ADDRESSES:
            document["paths"][address]["get"]["security"] = []
    return document


def _operation(
    summary: str, answers: dict[str, Any], parameters: list[dict] | None = None, **others: Any
) -> dict[str, Any]:
    parameters = [*(parameters or []), _header("X-Request-ID", {"type": "string"})]
    return {
        "summary": summary,
        "parameters": parameters,
        "responses": {"200": answers} | _ERRORS,
    } | others


def _json(schema: dict[str, Any] | None = None, description: str = "The answer.") -> dict[str, Any]:
    content = {"application/json": {"schema": schema or {"type": "object"}}}
    return {"description": description, "content": content}


def _header(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "schema": schema}


def _query(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema}


_VERSION = _query("version", {"type": "integer", "minimum": 0, "maximum": 2**31 - 1})
_LABEL = _query("label", {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"})
_DEADLINE = (
    "The header X-Deadline-Seconds, a number above 0, tells after how many seconds the client "
    "needs no answer. The server then answers 504 and saves the work."
)
_SHARE = {"type": "number", "minimum": 0, "maximum": 1}
_AREA = {"type": "integer", "minimum": 0, "maximum": 2**31 - 1}


def _server_paths() -> dict[str, Any]:
    segment = _operation(
        "Segment a picture file",
        {"description": "The segments, in the form of Accept.", "content": bodies.SEGMENT_ANSWERS},
        [
            _VERSION,
            _LABEL,
            _query(signatures.SCORE_THRESHOLD, _SHARE),
            _query(signatures.OVERLAP_THRESHOLD, _SHARE),
            _query(signatures.MIN_AREA, _AREA),
        ],
        description=f"A form with the file in its field 'image' is accepted, too. {_DEADLINE}",
        requestBody={"required": True, "content": bodies.SEGMENT_BODIES},
    )
    text = {"description": "Prometheus' text format.", "content": {"text/plain": {}}}
    return {
        "/segment": {"post": segment},
        "/model": {
            "get": _operation("Classes, thresholds and limits", _json(), [_VERSION, _LABEL])
        },
        "/metrics": {"get": _operation("Metrics for Prometheus", text)},
        "/openapi.json": {"get": _operation("This document", _json())},
    }


# ---- TensorFlow Serving --------------------------------------------------------------------------
def _path(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _model_addresses(base: str, settings: ServerSettings) -> list[tuple[str, list[dict]]]:
    """The addresses of a model, of its versions and of its labels, with their parameters."""
    name = _path("name", {"type": "string", "enum": [settings.name]})
    version = _path("version", {"type": "integer", "minimum": 0, "maximum": 2**31 - 1})
    found = [
        (f"{base}/{{name}}", [name]),
        (f"{base}/{{name}}/versions/{{version}}", [name, version]),
    ]
    if base == "/v1/models" and settings.labels:
        label = _path("label", {"type": "string", "enum": list(settings.labels)})
        found.append((f"{base}/{{name}}/labels/{{label}}", [name, label]))
    return found


def _tf_serving_paths(settings: ServerSettings) -> dict[str, Any]:
    paths = {}
    for address, parameters in _model_addresses("/v1/models", settings):
        status = {"$ref": "#/components/schemas/ModelStatus"}
        paths[address] = {"get": _operation("State of the versions", _json(status), parameters)}
        paths[f"{address}/metadata"] = {
            "get": _operation("Signatures of the model", _json(), parameters)
        }
        paths[f"{address}:predict"] = {
            "post": _operation(
                "Predict, as TensorFlow Serving does",
                _json(),
                parameters,
                description=_DEADLINE,
                requestBody=_body("PredictRequest"),
            )
        }
    return paths


def _body(schema: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"required": True, "content": content}


# ---- Open Inference Protocol ---------------------------------------------------------------------
def _open_inference_paths(settings: ServerSettings) -> dict[str, Any]:
    paths = {
        "/v2": {"get": _operation("The server", _json())},
        "/v2/health/live": {"get": _operation("The process answers", _json())},
        "/v2/health/ready": {"get": _operation("The model takes requests", _json())},
    }
    for address, parameters in _model_addresses("/v2/models", settings):
        paths[address] = {"get": _operation("Inputs and outputs", _json(), parameters)}
        paths[f"{address}/ready"] = {"get": _operation("The model is ready", _json(), parameters)}
        answer = _json()
        answer["content"]["application/octet-stream"] = {}
        paths[f"{address}/infer"] = {
            "post": _operation(
                "Infer, by the Open Inference Protocol v2",
                answer,
                parameters,
                description=_DEADLINE,
                requestBody=_body("InferRequest"),
            )
        }
    return paths
