"""The ASGI application: which function answers at which address."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from maskconver_tf.serving.refusals import Refusal
from maskconver_tf.serving.routes import open_inference, operations, tf_serving
from maskconver_tf.serving.routes.segment import segment
from maskconver_tf.serving.settings import OPEN_ADDRESSES
from maskconver_tf.serving.web.error_answers import (
    answer_failure,
    answer_http_error,
    answer_refusal,
)
from maskconver_tf.serving.web.gate import Gate
from maskconver_tf.serving.web.service import ModelService

PAGE = Path(__file__).parents[1] / "page"
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]


def make_app(service: ModelService, page: Path = PAGE) -> ASGIApp:
    """Makes the application.

    Args:
      service: answers with the model; the caller stops it.
      page: folder of the files at `/`; without an `index.html` there is no page.
    """
    routes = [
        Route("/segment", segment, methods=["POST"]),
        Route("/model", operations.model, methods=["GET"]),
        Route("/metrics", operations.metrics, methods=["GET"]),
        Route("/openapi.json", operations.openapi, methods=["GET"]),
        Route("/v1/models/{address:path}", _v1, methods=_METHODS),
        Route("/v2", open_inference.server_metadata, methods=["GET"]),
        Route("/v2/health/live", open_inference.live, methods=["GET"]),
        Route("/v2/health/ready", open_inference.ready, methods=["GET"]),
        Route("/v2/models/{address:path}", _v2, methods=_METHODS),
    ]
    files = _page_routes(page)
    app = Starlette(
        routes=[*routes, *files],
        exception_handlers={
            Refusal: answer_refusal,
            HTTPException: answer_http_error,
            Exception: answer_failure,
        },
    )
    app.router.redirect_slashes = False
    app.state.service = service
    open_paths = [*OPEN_ADDRESSES, *(route.path for route in files)]
    return Gate(app, service.settings, service.metrics, service.budget, open_paths)


def _page_routes(page: Path) -> list[Route]:
    """A route for each file of the page; `index.html` is also `/`."""
    files = {f"/{path.relative_to(page).as_posix()}": path for path in page.rglob("*.*")}
    if "/index.html" in files:
        files["/"] = files["/index.html"]
    return [Route(address, _file(path), methods=["GET"]) for address, path in files.items()]


def _file(path: Path) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        return FileResponse(path, headers={"Cache-Control": "no-cache"})

    return answer


async def _v1(request: Request) -> Response:
    _check_method(request, takes_post=":" in request.path_params["address"])
    post = request.method == "POST"
    return await (tf_serving.post_model if post else tf_serving.get_model)(request)


async def _v2(request: Request) -> Response:
    _check_method(request, takes_post=request.path_params["address"].endswith("/infer"))
    post = request.method == "POST"
    return await (open_inference.post_model if post else open_inference.get_model)(request)


def _check_method(request: Request, takes_post: bool) -> None:
    """Refuses what no address takes, and names what this one takes (RFC 9110, section 15.5.6)."""
    if request.method not in ("GET", "HEAD", "POST"):
        allowed = {"Allow": "POST" if takes_post else "GET, HEAD"}
        message = "This address does not take this method; see /openapi.json"
        raise Refusal(405, message, "wrong_method", headers=allowed)
