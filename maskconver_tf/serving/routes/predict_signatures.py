"""Calls a signature for the protocols: pictures go through the batches, other tensors alone."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np
from starlette.requests import Request

from maskconver_tf.inference import signatures
from maskconver_tf.serving.refusals import bad_request
from maskconver_tf.serving.settings import NAME
from maskconver_tf.serving.versions.model_version import ModelVersion
from maskconver_tf.serving.versions.signature_info import SignatureInfo
from maskconver_tf.serving.web.service import ModelService

_ENCODED = (signatures.SERVING_DEFAULT, signatures.SERVING_WITH_THRESHOLDS)


@dataclasses.dataclass(frozen=True)
class Call:
    """A call of a signature.

    Attributes:
      version: the version that answers.
      name: the signature.
      info: its inputs and outputs.
    """

    version: ModelVersion
    name: str
    info: SignatureInfo


def find_signature(version: ModelVersion, name: object) -> Call:
    """Returns the call of a signature; the default one for None or "".

    Raises:
      Refusal: 400, there is no such signature.
    """
    if name is None or name == "":
        name = signatures.SERVING_DEFAULT
    if not isinstance(name, str) or name not in version.signatures:
        shown = f' "{name}"' if isinstance(name, str) and NAME.fullmatch(name) else ""
        raise bad_request(f"Serving signature name{shown} not found in signature def", "signature")
    return Call(version, name, version.signatures[name])


async def run_call(
    service: ModelService, request: Request, call: Call, inputs: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """Runs a call.

    Raises:
      Refusal: as `ModelService.segment_all`.
    """
    if call.name not in _ENCODED:
        return await service.call(request, call.version, call.name, dict(inputs))
    pictures = inputs[signatures.ENCODED_IMAGES].tolist()
    rows = _threshold_rows(inputs, len(pictures))
    found = await service.segment_all(request, call.version, pictures, rows)
    if not found:  # The graph knows the shapes of an empty batch.
        return await service.call(request, call.version, call.name, _whole(call, inputs))
    return {name: _stack([each[name] for each in found]) for name in found[0]}


def _threshold_rows(inputs: Mapping[str, np.ndarray], count: int) -> list[dict[str, np.generic]]:
    """The thresholds of each picture: `[count]`, or `[1]` for all of them."""
    given = {n: value for n, value in inputs.items() if n != signatures.ENCODED_IMAGES}
    for name, value in given.items():
        if len(value) not in (1, count):
            raise bad_request(
                f"Input {name} has {len(value)} values; expected 1, or {count} as there are "
                "pictures",
                "tensors",
            )
    return [
        {name: value[i if len(value) == count else 0] for name, value in given.items()}
        for i in range(count)
    ]


def _whole(call: Call, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    own = {n: info.default for n, info in call.info.inputs.items() if info.default is not None}
    return own | dict(inputs)


def _stack(values: list[np.ndarray]) -> np.ndarray:
    if not isinstance(values[0], bytes):
        return np.stack(values)
    stacked = np.empty(len(values), object)
    stacked[:] = values
    return stacked
