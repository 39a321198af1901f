"""The Open Inference Protocol v2 (KServe): health, metadata and inference with binary tensors."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from maskconver_tf.serving.refusals import Refusal, bad_request
from maskconver_tf.serving.routes.predict_signatures import Call, find_signature, run_call
from maskconver_tf.serving.routes.query import parse_version
from maskconver_tf.serving.settings import NAME, package_version
from maskconver_tf.serving.tensors.infer_tensors import DATATYPES, array_of, tensor_json
from maskconver_tf.serving.tensors.json_text import check_size, parse_object, write_json
from maskconver_tf.serving.versions.model_version import ModelVersion
from maskconver_tf.serving.versions.signature_info import TensorInfo
from maskconver_tf.serving.web.service import ModelService

_ADDRESS = re.compile(
    r"(?P<name>[^/]+)(?:/versions/(?P<version>[^/]+))?(?:/(?P<verb>ready|infer))?"
)
LENGTH_HEADER = "Inference-Header-Content-Length"


async def live(request: Request) -> Response:
    """`GET /v2/health/live`: the process answers."""
    return JSONResponse({"live": True})


async def ready(request: Request) -> Response:
    """`GET /v2/health/ready`: a version is in memory, and the server takes requests."""
    service: ModelService = request.app.state.service
    is_ready = service.keeper.newest is not None and not service.is_stopping
    return JSONResponse({"ready": is_ready}, 200 if is_ready else 503)


async def server_metadata(request: Request) -> Response:
    """`GET /v2`."""
    extensions = ["binary_tensor_data"]
    return JSONResponse(
        {"name": "maskconver serve", "version": package_version(), "extensions": extensions}
    )


async def get_model(request: Request) -> Response:
    """`GET /v2/models/NAME[/versions/N][/ready]`."""
    service, version, verb = _find(request)
    if verb == "infer":
        raise Refusal(405, "Send this request as POST", "wrong_method", headers={"Allow": "POST"})
    request.scope["maskconver.route"] = "/v2/models/{name}"
    if verb == "ready":
        is_ready = not service.is_stopping
        name = service.settings.name
        return JSONResponse({"name": name, "ready": is_ready}, 200 if is_ready else 503)
    call = find_signature(version, None)
    return JSONResponse(
        {
            "name": service.settings.name,
            "versions": [str(number) for number in service.keeper.numbers()],
            "platform": "tensorflow_savedmodel",
            "inputs": _describe(call.info.inputs),
            "outputs": _describe(call.info.outputs),
        }
    )


async def post_model(request: Request) -> Response:
    """`POST /v2/models/NAME[/versions/N]/infer`."""
    service, version, verb = _find(request)
    if verb != "infer":
        raise Refusal(405, "Send this request as GET", "wrong_method", headers={"Allow": "GET"})
    request.scope["maskconver.route"] = "/v2/models/{name}/infer"
    length = _json_length(request)
    body = await service.body(request)
    limit = service.settings.limits.max_numbers
    content, rest = await service.in_thread("prepare", _split, body, length, limit)
    call, inputs = await service.in_thread("prepare", _read, content, rest, version)
    wanted = _wanted(content, call)
    outputs = await run_call(service, request, call, inputs)
    arrays = {name: np.asarray(outputs[name]) for name in wanted}
    answer = {
        "model_name": service.settings.name,
        "model_version": str(version.number),
        "id": content.get("id", ""),
    }
    return await service.in_thread("encode", _write, answer, arrays, wanted, limit)


# ---- Requests ------------------------------------------------------------------------------------
def _find(request: Request) -> tuple[ModelService, ModelVersion, str | None]:
    service: ModelService = request.app.state.service
    match = _ADDRESS.fullmatch(request.path_params["address"])
    if not match or not NAME.fullmatch(match["name"]):
        raise bad_request("Malformed request: see /openapi.json for the addresses", "address")
    if match["name"] != service.settings.name:
        raise Refusal(404, f"The model {match['name']} is not served", "unknown_model")
    return service, service.keeper.find(parse_version(match["version"])), match["verb"]


def _json_length(request: Request) -> int | None:
    """The number of bytes of the JSON part; None if the whole body is JSON."""
    text = request.headers.get(LENGTH_HEADER)
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,12}", text, re.ASCII):
        raise bad_request(f"The header {LENGTH_HEADER} must be a whole number", "tensors")
    return int(text)


def _split(body: bytes, length: int | None, limit: int) -> tuple[dict[str, Any], memoryview]:
    if length is None:
        return parse_object(body, limit), memoryview(b"")
    if length > len(body):
        raise bad_request(f"The header {LENGTH_HEADER} is more than the body", "tensors")
    return parse_object(body[:length], limit), memoryview(body)[length:]


def _read(
    content: dict[str, Any], rest: memoryview, version: ModelVersion
) -> tuple[Call, dict[str, np.ndarray]]:
    parameters = {} if content.get("parameters") is None else content["parameters"]
    if not isinstance(parameters, dict) or not isinstance(content.get("id", ""), str):
        raise bad_request("'parameters' must be an object and 'id' text", "json")
    call = find_signature(version, parameters.get("signature_name"))
    known, inputs = call.info.inputs, content.get("inputs")
    if not isinstance(inputs, list) or not all(isinstance(each, dict) for each in inputs):
        raise bad_request("'inputs' must be a list of objects", "json")
    found: dict[str, np.ndarray] = {}
    for tensor in inputs:
        name = tensor.get("name")
        if not isinstance(name, str) or name not in known or name in found:
            raise bad_request(f"Expected each of the inputs {', '.join(known)} once", "tensors")
        found[name], rest = array_of(tensor, rest, known[name])
    if missing := [n for n, info in known.items() if n not in found and info.default is None]:
        raise bad_request(f"Missing input: {', '.join(missing)}", "tensors")
    if len(rest):
        raise bad_request("The body has bytes that belong to no input", "tensors")
    return call, found


def _wanted(content: dict[str, Any], call: Call) -> dict[str, bool]:
    """Name of each output to send -> whether as bytes."""
    parameters = content.get("parameters") or {}
    all_as_bytes = parameters.get("binary_data_output") is True
    outputs = content.get("outputs")
    if outputs is None:
        return dict.fromkeys(call.info.outputs, all_as_bytes)
    wanted: dict[str, bool] = {}
    for each in outputs if isinstance(outputs, list) else [None]:
        name = each.get("name") if isinstance(each, dict) else None
        own = each.get("parameters") if isinstance(each, dict) else []
        own = {} if own is None else own
        if not isinstance(name, str) or name not in call.info.outputs or not isinstance(own, dict):
            known = ", ".join(call.info.outputs)
            raise bad_request(f"'outputs' must be a list of objects that name some of {known}")
        wanted[name] = own.get("binary_data", all_as_bytes) is True
    return wanted


# ---- Answers -------------------------------------------------------------------------------------
def _write(
    answer: dict[str, Any], arrays: dict[str, np.ndarray], wanted: dict[str, bool], limit: int
) -> Response:
    check_size({name: value for name, value in arrays.items() if not wanted[name]}, limit)
    pairs = [tensor_json(name, value, wanted[name]) for name, value in arrays.items()]
    text = write_json(answer | {"outputs": [each for each, _ in pairs]}).encode()
    content = b"".join(part for _, part in pairs)
    if not any(wanted.values()):
        return Response(text, media_type="application/json")
    headers = {LENGTH_HEADER: str(len(text))}
    return Response(text + content, media_type="application/octet-stream", headers=headers)


def _describe(tensors: dict[str, TensorInfo]) -> list[dict[str, Any]]:
    return [
        {"name": name, "datatype": DATATYPES[info.dtype], "shape": list(info.shape or [-1])}
        for name, info in tensors.items()
    ]
