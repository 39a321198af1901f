"""TensorFlow Serving's REST interface: `/v1/models/...` (TensorFlow Serving, "RESTful API")."""

from __future__ import annotations

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from maskconver_tf.serving.refusals import Refusal, bad_request
from maskconver_tf.serving.routes.predict_signatures import Call, find_signature, run_call
from maskconver_tf.serving.routes.query import parse_version
from maskconver_tf.serving.settings import NAME
from maskconver_tf.serving.tensors import json_tensors
from maskconver_tf.serving.tensors.json_text import check_size, parse_object, write_json
from maskconver_tf.serving.versions.model_version import ModelVersion
from maskconver_tf.serving.versions.version_keeper import VersionState
from maskconver_tf.serving.web.service import ModelService

_ADDRESS = re.compile(
    r"(?P<name>[^/:]+)(?:/versions/(?P<version>[^/:]+)|/labels/(?P<label>[^/:]+))?"
    r"(?P<verb>:[a-z]+|/metadata)?"
)
_KEYS = {"signature_name", "instances", "inputs"}


async def get_model(request: Request) -> Response:
    """Status or metadata: `GET /v1/models/NAME[/versions/N|/labels/L][/metadata]`."""
    service, found = _service(request), _parts(request)
    if found["verb"] == "/metadata":
        request.scope["maskconver.route"] = "/v1/models/{name}/metadata"
        return JSONResponse(_metadata(service, _find(service, found)))
    if found["verb"]:
        raise Refusal(405, "Send this request as POST", "wrong_method", headers={"Allow": "POST"})
    request.scope["maskconver.route"] = "/v1/models/{name}"
    return JSONResponse({"model_version_status": [_state(s) for s in _states(service, found)]})


async def post_model(request: Request) -> Response:
    """`POST /v1/models/NAME[/versions/N|/labels/L]:predict`, row or column form."""
    service, found = _service(request), _parts(request)
    if found["verb"] not in (":predict", ":classify", ":regress"):
        raise Refusal(405, "Send this request as GET", "wrong_method", headers={"Allow": "GET"})
    if found["verb"] != ":predict":
        raise bad_request("This model has no signatures to classify or regress; use :predict")
    request.scope["maskconver.route"] = "/v1/models/{name}:predict"
    version = _find(service, found)
    body = await service.body(request)
    limit = service.settings.limits.max_numbers
    call, inputs, count = await service.in_thread("prepare", _read, body, version, limit)
    outputs = await run_call(service, request, call, inputs)
    text = await service.in_thread("encode", _write, outputs, count, limit)
    return Response(text, media_type="application/json")


def _read(body: bytes, version: ModelVersion, limit: int) -> tuple[Call, dict, int | None]:
    """Reads a request; the count is the number of rows, or None for the column form."""
    content = parse_object(body, limit)
    if ("instances" in content) == ("inputs" in content):
        raise bad_request("Give 'instances' (row form) or 'inputs' (column form)", "json")
    if set(content) - _KEYS:
        raise bad_request(f"Unknown key; known are {', '.join(sorted(_KEYS))}", "json")
    call = find_signature(version, content.get("signature_name"))
    if "inputs" in content:
        return call, json_tensors.tensors_of_columns(content["inputs"], call.info), None
    rows = content["instances"]
    return call, json_tensors.tensors_of_rows(rows, call.info), len(rows)


def _write(outputs: dict[str, Any], count: int | None, limit: int) -> str:
    check_size(outputs, limit)
    if count is None:
        return write_json({"outputs": json_tensors.columns_json(outputs)})
    return write_json({"predictions": json_tensors.rows_json(outputs, count)})


# ---- Addresses -----------------------------------------------------------------------------------
def _service(request: Request) -> ModelService:
    return request.app.state.service


def _parts(request: Request) -> dict[str, str | None]:
    """Takes the address apart; raises `Refusal` for another model or a malformed address."""
    match = _ADDRESS.fullmatch(request.path_params["address"])
    name = match["name"] if match else ""
    if not match or not NAME.fullmatch(name):
        raise bad_request("Malformed request: see /openapi.json for the addresses", "address")
    if name != _service(request).settings.name:
        raise Refusal(404, f"Servable not found for request: Latest({name})", "unknown_model")
    return match.groupdict()


def _find(service: ModelService, found: dict[str, str | None]) -> ModelVersion:
    return service.keeper.find(parse_version(found["version"]), found["label"])


# ---- Status and metadata -------------------------------------------------------------------------
def _states(service: ModelService, found: dict[str, str | None]) -> list[VersionState]:
    states = service.keeper.states()
    if found["version"] is None and found["label"] is None:
        return states
    number = parse_version(found["version"])
    if number is None:
        number = service.keeper.find(label=found["label"]).number
    chosen = [state for state in states if state.number == number]
    if not chosen:
        name = service.settings.name
        raise Refusal(404, f"Could not find version {number} of model {name}", "unknown_version")
    return chosen


def _state(state: VersionState) -> dict[str, Any]:
    return {
        "version": str(state.number),
        "state": state.state,
        "status": {"error_code": state.error_code, "error_message": state.error_message},
    }


def _metadata(service: ModelService, version: ModelVersion) -> dict[str, Any]:
    return {
        "model_spec": {
            "name": service.settings.name,
            "signature_name": "",
            "version": str(version.number),
        },
        "metadata": {
            "signature_def": {
                "@type": "type.googleapis.com/tensorflow.serving.SignatureDefMap",
                "signature_def": version.signature_json,
            }
        },
    }
