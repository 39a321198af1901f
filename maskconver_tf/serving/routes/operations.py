"""Addresses about the server itself: the model in short, metrics, and the OpenAPI document."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from maskconver_tf.serving.routes.openapi import openapi_document
from maskconver_tf.serving.routes.query import read_version
from maskconver_tf.serving.web.service import ModelService


async def model(request: Request) -> Response:
    """`GET /model`: classes, colors, thresholds and limits of a version, for pages and clients."""
    service: ModelService = request.app.state.service
    version = read_version(request, service.keeper)
    categories, limits = version.categories, service.settings.limits
    colors = categories.colors.tolist()
    entries = [
        entry | {"color": color} for entry, color in zip(categories.to_coco(), colors, strict=True)
    ]
    return JSONResponse(
        {
            "name": service.settings.name,
            "version": version.number,
            "versions": service.keeper.numbers(),
            "labels": service.keeper.labels(),
            "categories": entries,
            "pictures": categories.pictures and categories.pictures.to_json(),
            "fusion": version.fusion,
            "thresholds": version.threshold_names,
            "has_proposals": version.has_proposals,
            "max_pixels": min(version.max_pixels, limits.max_pixels),
            "max_body_bytes": limits.max_body_bytes,
        }
    )


async def metrics(request: Request) -> Response:
    """`GET /metrics`: Prometheus' text format."""
    service: ModelService = request.app.state.service
    return Response(service.metrics.text(), headers={"Content-Type": service.metrics.content_type})


async def openapi(request: Request) -> Response:
    """`GET /openapi.json`."""
    service: ModelService = request.app.state.service
    return JSONResponse(openapi_document(service.settings))
