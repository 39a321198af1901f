"""Size and cost of named models: what `maskconver models` prints and `docs/model_zoo.md` holds."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable
from typing import Any

from maskconver_tf.planning.complexity import KINDS, MASK_PRODUCT, Complexity

COCO_CLASSES = 133


@dataclasses.dataclass(frozen=True)
class CountedModel:
    """A named model with its size and cost.

    Attributes:
      name: of the model.
      gin_file: the file that describes it.
      description: what it is, one sentence.
      num_classes: C it was built for.
      complexity: size and cost.
    """

    name: str
    gin_file: str
    description: str
    num_classes: int
    complexity: Complexity


# ---- As text and as data -------------------------------------------------------------------------
def table_head() -> str:
    return f"{'model':24} {'input':>9} {'parameters':>11} {'multiply-adds':>14}"


def table_row(counted: CountedModel) -> str:
    found = counted.complexity
    return (
        f"{counted.name:24} {_size(found):>9} {_millions(found.num_parameters):>11} "
        f"{_billions(found.multiply_adds):>14}"
    )


def details(counted: CountedModel) -> str:
    """Sums by part and kind, then every layer that multiplies, one line each."""
    found = counted.complexity
    sums = {(part, kind): 0 for part in found.by_part() for kind in KINDS}
    for cost in found.layers:
        sums[cost.part, cost.kind] += cost.multiply_adds
    lines = ["", f"  {'part':26}" + "".join(f"{kind:>16}" for kind in ("parameters", *KINDS))]
    for part in found.by_part():
        numbers = [found.parameters.get(part, 0), *(sums[part, kind] for kind in KINDS)]
        lines.append(f"  {part:26}" + "".join(f"{number:>16,}" for number in numbers))
    lines += [
        f"  ({MASK_PRODUCT}: the masks of all proposals, at most; not in the sum)",
        "",
        f"  {'layer':74} {'kind':12} {'multiply-adds':>15}",
    ]
    for cost in found.layers:
        layer = "/".join(filter(None, [cost.part, cost.layer]))
        lines.append(f"  {layer:74} {cost.kind:12} {cost.multiply_adds:>15,}")
    return "\n".join([*lines, ""])


def to_json(counted: CountedModel, with_layers: bool) -> dict[str, Any]:
    """Everything counted, in plain numbers."""
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


# ---- The page ------------------------------------------------------------------------------------
@dataclasses.dataclass(frozen=True)
class Published:
    """A figure of the paper, and how to count for it.

    Attributes:
      model: name.
      bindings: settings it is counted with.
      size: (height, width) it is published for; a legal size is counted and scaled by area.
      parameters: as published.
      multiply_adds: as published.
      with_masks: the published figure counts the masks of all proposals.
    """

    model: str
    bindings: tuple[str, ...]
    size: tuple[int, int]
    parameters: str
    multiply_adds: str
    with_masks: bool = False


PUBLISHED_CLASSES = 201
PUBLISHED = (
    Published("resnet50", (), (800, 1200), "57.85M", "170.5G"),
    Published("mobilenet_mh_640", (), (640, 640), "3.5M at most", "9.8G at most"),
    Published("mobilenet_mh_256", (), (256, 256), "3.5M at most", "1.54G at most"),
    Published("mobilenet_mh_released", (), (640, 640), "", "9.5G", True),
    Published("mobilenet_mh_released", ("INPUT_SIZE=(256, 256)",), (256, 256), "", "1.54G", True),
    Published(
        "mobilenet_mh_released",
        ("MaskConver.head_kernel_size=7",),
        (640, 640),
        "3.44M trained",
        "9.9G",
        True,
    ),
)


def published_cost(counted: CountedModel, published: Published) -> float:
    """Multiply-adds at the published size, of what the published figure counts."""
    found = counted.complexity
    cost = found.multiply_adds + found.mask_product * published.with_masks
    return cost * math.prod(published.size) / math.prod(found.input_size)


_HEAD = """\
# Model zoo

Every model of `experiments/model/`, counted for COCO panoptic's {classes} classes. Written by

```
maskconver models --markdown docs/model_zoo.md
```

## How to read this table

- **model** is the name of a Gin file: an experiment includes `experiments/model/NAME.gin`.
- **input** is the size the file states, height x width. Any multiples of 32 work: set `INPUT_SIZE`.
- **parameters** are weights of every kind, **trained** those without the statistics of batch norms.
- **multiply-adds** are those of convolutions, depthwise convolutions and matrix products, counted
  from the traced graph of inference on one picture. Papers call them FLOPs. Norms, activations and
  resizing are not counted.
- **masks** is what the masks of all proposals would cost; those with low scores are never made, and
  the column before does not hold it.

`maskconver models --detail NAME` prints every layer's share, `--json` the same as data,
`--num_classes` and `--gin.NAME=VALUE` count for other settings.

| model | input | parameters | trained | multiply-adds | masks | what it is |
|---|---|---|---|---|---|---|
"""

_PUBLISHED_HEAD = """
## Beside the published figures

The paper counts {published} output classes, COCO's raw category ids. The large model is counted at
800x1216, a legal size, and scaled by area to 800x1200. The released mobile model's figures hold the
masks of all 50 proposals ([why](decisions/mobile-model-size.md)); the others do not.

| model | size | published | {published} classes | {classes} classes |
|---|---|---|---|---|
"""


CountPublished = Callable[["Published", int], CountedModel]
"""Counts the model of a published figure for a number of classes."""


def markdown(counted: Iterable[CountedModel], count_published: CountPublished) -> str:
    """The page: all models, then those with published figures beside these."""
    text = _HEAD.format(classes=COCO_CLASSES)
    text += "".join(markdown_row(each) for each in counted)
    text += _PUBLISHED_HEAD.format(published=PUBLISHED_CLASSES, classes=COCO_CLASSES)
    return text + "".join(_published_row(published, count_published) for published in PUBLISHED)


def markdown_row(counted: CountedModel) -> str:
    """A model's row of the page."""
    found = counted.complexity
    cells = [
        f"[{counted.name}](../{counted.gin_file})",
        _size(found),
        _millions(found.num_parameters),
        _millions(found.num_trainable_parameters),
        _billions(found.multiply_adds),
        _billions(found.mask_product),
        counted.description,
    ]
    return f"| {' | '.join(cells)} |\n"


def _published_row(published: Published, count_published: CountPublished) -> str:
    cells = [
        " ".join([published.model, *(f"`{binding}`" for binding in published.bindings)]),
        "x".join(map(str, published.size)),
        ", ".join(filter(None, [published.parameters, published.multiply_adds])),
    ]
    for num_classes in (PUBLISHED_CLASSES, COCO_CLASSES):
        cells.append(published_cell(count_published(published, num_classes), published))
    return f"| {' | '.join(cells)} |\n"


def published_cell(counted: CountedModel, published: Published) -> str:
    """What stands beside a published figure."""
    found = counted.complexity
    return (
        f"{_millions(found.num_parameters)} ({_millions(found.num_trainable_parameters)} trained), "
        f"{_billions(published_cost(counted, published))}"
    )


def _size(found: Complexity) -> str:
    return "x".join(map(str, found.input_size))


def _millions(number: int) -> str:
    return f"{number / 1e6:.2f}M"


def _billions(number: float) -> str:
    return f"{number / 1e9:.1f}G" if number >= 99.995e9 else f"{number / 1e9:.2f}G"
