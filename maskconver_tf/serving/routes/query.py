"""Reads version and thresholds from the query of an address."""

from __future__ import annotations

import math
import re
from typing import Any

from starlette.requests import Request

from maskconver_tf.inference import signatures
from maskconver_tf.serving.refusals import Refusal, bad_request
from maskconver_tf.serving.versions.model_version import ModelVersion
from maskconver_tf.serving.versions.version_keeper import VersionKeeper

LARGEST_AREA = 2**31 - 1
_KNOWN = ("version", "label")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?", re.ASCII)


def read_version(request: Request, keeper: VersionKeeper) -> ModelVersion:
    """Returns the version of `?version=N` or `?label=NAME`, or the newest.

    Raises:
      Refusal: 400 for a wrong value, 404 for a version that is not served or has another label.
    """
    given = request.query_params
    for name in (*_KNOWN, *_NUMBERS):
        if len(given.getlist(name)) > 1:
            raise bad_request(f"The query has {name} more than once; give it once", "query")
    number, label = parse_version(given.get("version")), given.get("label")
    found = keeper.find(number, label)
    if number not in (None, found.number):
        raise Refusal(404, "The label belongs to another version; give one of both", "query")
    return found


def parse_version(text: str | None) -> int | None:
    """Returns a version's number; raises `Refusal` for a text that is none."""
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,18}", text, re.ASCII):
        raise bad_request("A version must be a whole number, such as 1", "query")
    return int(text)


def read_thresholds(request: Request, version: ModelVersion) -> dict[str, Any]:
    """Returns the thresholds of the query, name -> value.

    Raises:
      Refusal: 400, a parameter is unknown or out of range.
    """
    found = {}
    for name, text in request.query_params.items():
        if name in _KNOWN:
            continue
        if name not in _NUMBERS or name not in version.threshold_names:
            known = ", ".join((*_KNOWN, *version.threshold_names))
            raise bad_request(f"The query has an unknown parameter; known are {known}", "query")
        found[name] = _NUMBERS[name](name, text)
    return found


def _share(name: str, text: str) -> float:
    """A number from 0 to 1."""
    value = float(text) if _NUMBER.fullmatch(text) else math.nan
    if not 0 <= value <= 1:
        raise bad_request(f"{name} must be a number from 0 to 1, such as 0.5", "query")
    return value


def _area(name: str, text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,10}", text, re.ASCII) or int(text) > LARGEST_AREA:
        raise bad_request(f"{name} must be a whole number from 0, such as 16", "query")
    return int(text)


_NUMBERS = {
    signatures.SCORE_THRESHOLD: _share,
    signatures.OVERLAP_THRESHOLD: _share,
    signatures.MIN_AREA: _area,
}
