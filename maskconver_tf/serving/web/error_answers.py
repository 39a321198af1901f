"""Writes refusals as answers: `{"error": sentence}`, as TensorFlow Serving does."""

from __future__ import annotations

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from maskconver_tf.serving.refusals import Refusal

CLIENT_GONE = 499
"""Nobody reads this status: the client has left. It is for the log and the metrics."""

EVICTED = "maskconver.evicted"
"""Key of a request's scope: its connection has answered 503, to make room for another."""

_SENTENCES = {
    404: "Nothing is at this address; see /openapi.json",
    405: "This address does not take this method; see /openapi.json",
}


def error_answer(refusal: Refusal) -> Response:
    return JSONResponse(
        {"error": refusal.sentence}, refusal.status, headers=refusal.headers or None
    )


async def answer_refusal(request: Request, refusal: Exception) -> Response:
    """Starlette's handler for `Refusal`; it leaves the reason for the log and the metrics."""
    assert isinstance(refusal, Refusal)
    request.scope["maskconver.reason"] = refusal.reason
    return error_answer(refusal)


async def answer_http_error(request: Request, error: Exception) -> Response:
    """Starlette's handler for its own errors, such as 404 and 405."""
    assert isinstance(error, HTTPException)
    sentence = _SENTENCES.get(error.status_code, HTTPStatus(error.status_code).phrase)
    reason = {404: "no_such_address", 405: "wrong_method"}.get(error.status_code, "bad_request")
    headers = dict(error.headers or {})
    return await answer_refusal(
        request, Refusal(error.status_code, sentence, reason, None, headers)
    )


async def answer_failure(request: Request, error: Exception) -> Response:
    """Starlette's handler for everything else: a mistake in the server."""
    return await answer_refusal(request, internal_failure())


def internal_failure() -> Refusal:
    """The refusal after a mistake in the server; the client learns nothing of it."""
    return Refusal(500, "The server failed; its log says why", "internal")
