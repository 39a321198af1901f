"""The bodies of requests and answers in the OpenAPI document."""

from __future__ import annotations

from typing import Any

_BINARY = {"type": "string", "format": "binary"}
# A form (`multipart/form-data`) and `application/octet-stream` are accepted, but are not here: a
# schema cannot say that their content must be a picture.
SEGMENT_BODIES: dict[str, Any] = {
    "image/jpeg": {"schema": _BINARY},
    "image/png": {"schema": _BINARY},
    "image/webp": {"schema": _BINARY},
}
SEGMENT_ANSWERS: dict[str, Any] = {
    "application/json": {"schema": {"$ref": "#/components/schemas/Segments"}},
    "image/png": {},
    "image/jpeg": {},
    "application/vnd.maskconver.proposals+json": {
        "schema": {"$ref": "#/components/schemas/Proposals"}
    },
}

_COUNT = {"type": "integer", "minimum": 0}
_SCORE = {"type": "number", "minimum": 0, "maximum": 1}
_RUN_LENGTHS = {
    "type": "object",
    "required": ["size", "counts"],
    "properties": {
        "size": {"type": "array", "items": _COUNT, "minItems": 2, "maxItems": 2},
        "counts": {"type": "string"},
    },
}
_SEGMENT = {
    "type": "object",
    "required": [
        "id",
        "category_id",
        "name",
        "isthing",
        "score",
        "area",
        "bbox",
        "segmentation",
    ],
    "properties": {
        "id": _COUNT,
        "category_id": _COUNT,
        "name": {"type": "string"},
        "isthing": {"type": "boolean"},
        "score": _SCORE,
        "area": _COUNT,
        "bbox": {"type": "array", "items": _COUNT, "minItems": 4, "maxItems": 4},
        "segmentation": _RUN_LENGTHS,
    },
}
_BASE64 = {
    "type": "object",
    "required": ["b64"],
    "additionalProperties": False,
    "properties": {"b64": {"type": "string", "pattern": "^([A-Za-z0-9+/]{4})*$"}},
}
# A bare string is taken as it is, so it can hardly be a picture.
_FILE = {"anyOf": [_BASE64, {"type": "string"}]}
_ROW = {
    "type": "object",
    "required": ["encoded_images"],
    "additionalProperties": False,
    "properties": {"encoded_images": _FILE},
}
_ROWS = {"anyOf": [{"type": "array", "minItems": 1, "items": row} for row in (_ROW, _FILE)]}
_TENSOR = {
    "type": "object",
    "required": ["name", "shape", "datatype", "data"],
    "properties": {
        "name": {"enum": ["encoded_images"]},
        "shape": {"enum": [[1]]},
        "datatype": {"enum": ["BYTES"]},
        "parameters": {
            "type": ["object", "null"],
            "description": 'With {"content_type": "base64"} the strings of `data` are base64.',
        },
        "data": {"type": "array", "minItems": 1, "maxItems": 1, "items": {"type": "string"}},
    },
}

SCHEMAS: dict[str, Any] = {
    "Error": {
        "type": "object",
        "required": ["error"],
        "properties": {"error": {"type": "string"}},
    },
    "Segments": {
        "type": "object",
        "required": ["version", "height", "width", "segments"],
        "properties": {
            "version": _COUNT,
            "height": _COUNT,
            "width": _COUNT,
            "segments": {"type": "array", "items": _SEGMENT},
            "warning": {"type": "string"},
        },
    },
    "Proposals": {
        "type": "object",
        "required": ["version", "height", "width", "scores", "class_ids", "logits"],
        "properties": {
            "scores": {"type": "array", "items": _SCORE},
            "class_ids": {"type": "array", "items": _COUNT},
            "logits": {"type": "object"},
            "score_curves": {"type": "object"},
            "warning": {"type": "string"},
        },
    },
    "ModelStatus": {
        "type": "object",
        "required": ["model_version_status"],
        "properties": {"model_version_status": {"type": "array", "items": {"type": "object"}}},
    },
    "PredictRequest": {
        "type": "object",
        "required": ["instances"],
        "additionalProperties": False,
        "properties": {
            "signature_name": {"enum": ["serving_default", "serving_with_thresholds", "", None]},
            "instances": _ROWS,
        },
    },
    "InferRequest": {
        "type": "object",
        "required": ["inputs"],
        "properties": {
            "id": {"type": "string"},
            "inputs": {"type": "array", "minItems": 1, "maxItems": 1, "items": _TENSOR},
        },
    },
}
