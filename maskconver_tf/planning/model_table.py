"""Sizes and costs of named models as text and as JSON: what `maskconver models` prints."""

from __future__ import annotations

import dataclasses
from typing import Any

from maskconver_tf.planning.complexity import KINDS, MASK_PRODUCT, Complexity


@dataclasses.dataclass(frozen=True)
class CountedModel:
    """A named model with its size and cost.

    Attributes:
      name: name of the model.
      gin_file: the Gin file of the model.
      description: one sentence about the model.
      num_classes: number of classes C of the counted model.
      complexity: size and cost.
    """

    name: str
    gin_file: str
    description: str
    num_classes: int
    complexity: Complexity


def format_head() -> str:
    """Returns the head of the table that `format_row` fills."""
    return f"{'model':24} {'input':>9} {'parameters':>11} {'multiply-adds':>14}"


def format_row(counted: CountedModel) -> str:
    """Formats the row of a model in the table."""
    found = counted.complexity
    return (
        f"{counted.name:24} {format_size(found):>9} {format_millions(found.num_parameters):>11} "
        f"{format_billions(found.multiply_adds):>14}"
    )


def format_details(counted: CountedModel) -> str:
    """Formats the sums of each part and kind, then one line for every layer that multiplies."""
    found = counted.complexity
    sums = {(part, kind): 0 for part in found.by_part() for kind in KINDS}
    for cost in found.layers:
        sums[cost.part, cost.kind] += cost.multiply_adds
    lines = ["", f"  {'part':26}" + "".join(f"{kind:>16}" for kind in ("parameters", *KINDS))]
    for part in found.by_part():
        numbers = [found.parameters.get(part, 0), *(sums[part, kind] for kind in KINDS)]
        lines.append(f"  {part:26}" + "".join(f"{number:>16,}" for number in numbers))
    lines += [
        f"  ({MASK_PRODUCT}: the masks of all proposals; not in the sum)",
        "",
        f"  {'layer':74} {'kind':12} {'multiply-adds':>15}",
    ]
    for cost in found.layers:
        layer = "/".join(filter(None, [cost.part, cost.layer]))
        lines.append(f"  {layer:74} {cost.kind:12} {cost.multiply_adds:>15,}")
    return "\n".join([*lines, ""])


def to_json(counted: CountedModel, with_layers: bool) -> dict[str, Any]:
    """Returns all counts as plain numbers for a JSON file."""
    found = counted.complexity
    layers = [dataclasses.asdict(cost) for cost in found.layers]
    return {
        "name": counted.name,
        "description": counted.description,
        "gin_file": counted.gin_file,
        "num_classes": counted.num_classes,
        "input_size": list(found.input_size),
        "parameters": found.num_parameters,
        "trainable_parameters": found.num_trainable_parameters,
        "multiply_adds": found.multiply_adds,
        "mask_product_multiply_adds": found.mask_product,
        "parameters_by_part": found.parameters,
        "multiply_adds_by_part": found.by_part(),
        "multiply_adds_by_kind": found.by_kind(),
    } | ({"layers": layers} if with_layers else {})


def format_size(found: Complexity) -> str:
    """Formats the input size, such as "800x1216"."""
    return "x".join(map(str, found.input_size))


def format_millions(number: int) -> str:
    """Formats a number in millions, such as "57.82M"."""
    return f"{number / 1e6:.2f}M"


def format_billions(number: float) -> str:
    """Formats a number in billions with four digits, such as "172.4G"."""
    return f"{number / 1e9:.1f}G" if number >= 99.995e9 else f"{number / 1e9:.2f}G"
