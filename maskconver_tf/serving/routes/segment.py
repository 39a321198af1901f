"""`POST /segment`: a picture file in, segments out, for people, scripts and the page."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import python_multipart
from python_multipart.multipart import parse_options_header
from starlette.requests import Request
from starlette.responses import Response

from maskconver_tf.inference import signatures
from maskconver_tf.serving.refusals import Refusal, bad_request
from maskconver_tf.serving.routes import proposals, segment_answers
from maskconver_tf.serving.routes.query import read_thresholds, read_version
from maskconver_tf.serving.routes.upright_picture import upright_picture
from maskconver_tf.serving.versions.model_version import ModelVersion
from maskconver_tf.serving.web.accept import choose_form
from maskconver_tf.serving.web.service import ModelService

JSON = "application/json"
PNG = "image/png"
JPEG_DRAWING = "image/jpeg"
PNG_DRAWING = "image/png;profile=drawing"
PROPOSALS = "application/vnd.maskconver.proposals+json"
FORMS = (JSON, PNG, JPEG_DRAWING, PNG_DRAWING, PROPOSALS)
FORM_FIELD = "image"

_STATUSES = {1: 400, 2: 415, 3: 413, 4: 422, 5: 415}
"""Status of a picture in the signature -> HTTP status."""


async def segment(request: Request) -> Response:
    """Answers `POST /segment`."""
    service: ModelService = request.app.state.service
    form = choose_form(",".join(request.headers.getlist("accept")), FORMS)
    version = read_version(request, service.keeper)
    thresholds = read_thresholds(request, version)
    if form == PROPOSALS:
        proposals.check_has_proposals(version)
    body = await service.body(request)
    encoded = await service.in_thread("prepare", _picture_of, request.headers, body)
    if form == PROPOSALS:
        return await _proposals(service, request, version, encoded)
    rows = await service.segment(request, version, encoded, thresholds)
    _check_status(rows)
    encode = functools.partial(_encode, form, rows, version, encoded)
    content = await service.in_thread("encode", encode)
    return Response(content, media_type=form.split(";")[0], headers=_headers(version))


async def _proposals(
    service: ModelService, request: Request, version: ModelVersion, encoded: bytes
) -> Response:
    await service.in_thread("prepare", service.count_pixels, encoded)
    mapping = version.categories.pictures
    image = await service.in_thread("prepare", upright_picture, encoded, None, mapping)
    inputs = {signatures.IMAGES: image[np.newaxis]}
    heads = await service.call(request, version, signatures.RAW_HEADS, inputs)
    content = await service.in_thread(
        "encode", proposals.as_proposals, heads, image.shape[:2], version
    )
    return Response(content, media_type=PROPOSALS, headers=_headers(version))


def _encode(form: str, rows: Any, version: ModelVersion, encoded: bytes) -> bytes:
    if form == PNG:
        return segment_answers.as_id_map(rows)
    if form == JSON:
        return segment_answers.as_json(rows, version)
    kind = "PNG" if form == PNG_DRAWING else "JPEG"
    return segment_answers.as_drawing(rows, version.categories, encoded, kind)


def _headers(version: ModelVersion) -> dict[str, str]:
    return {"X-Model-Version": str(version.number), "Vary": "Accept"}


def _check_status(rows: Any) -> None:
    """Raises the refusal of a picture that the graph could not decode."""
    status = int(rows[signatures.STATUS])
    if status:
        message = bytes(rows[signatures.STATUS_MESSAGE]).decode()
        raise Refusal(_STATUSES.get(status, 422), f"The picture is refused: {message}", "picture")


# ---- The file in the body ------------------------------------------------------------------------
def _picture_of(headers: Any, body: bytes) -> bytes:
    """Returns the file: the whole body, or the field `image` of a form.

    `curl --data-binary` calls any body application/x-www-form-urlencoded, so this type counts as
    the file, too.
    """
    kind, options = parse_options_header(headers.get("content-type", ""))
    if kind == b"multipart/form-data":
        body = _field_of(body, options.get(b"boundary"))
    if not body:
        raise bad_request("The request has no picture; send a file as its body", "empty")
    return body


def _field_of(body: bytes, boundary: bytes | None) -> bytes:
    """Returns the file of the form's field `image`, or the only file under another name."""
    found: dict[bool, list[bytes]] = {True: [], False: []}
    wrong = bad_request(
        f"Send a form with one file in the field '{FORM_FIELD}' (curl: -F {FORM_FIELD}=@FILE)",
        "form",
    )

    def keep(part: Any) -> None:
        part.file_object.seek(0)
        found[part.field_name == FORM_FIELD.encode()].append(part.file_object.read())
        part.close()

    if not boundary:
        raise wrong
    config = {"MAX_MEMORY_FILE_SIZE": len(body) + 1}  # Nothing of a picture goes to the disk.
    parser = python_multipart.FormParser(
        "multipart/form-data", lambda field: None, keep, boundary=boundary, config=config
    )
    try:
        parser.write(body)
        parser.finalize()
    except Exception:  # The parser raises several kinds for damaged forms.
        raise wrong from None
    files = found[True] or found[False]
    if len(files) != 1:
        raise wrong
    return files[0]
