"""The page docs/model_zoo.md: sizes and costs of all named models, and the published ones."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable

from maskconver_tf.planning.model_table import (
    CountedModel,
    format_billions,
    format_millions,
    format_size,
)

COCO_CLASSES = 133


@dataclasses.dataclass(frozen=True)
class PublishedFigure:
    """Size and cost of a model in the paper, and the settings to count the same here.

    Attributes:
      model: name of the model.
      bindings: Gin bindings for the count.
      size: published (height, width). A size that the model takes is counted, and scaled by area.
      parameters: as published.
      multiply_adds: as published.
      with_masks: whether the published figure includes the masks of all proposals.
    """

    model: str
    bindings: tuple[str, ...]
    size: tuple[int, int]
    parameters: str
    multiply_adds: str
    with_masks: bool = False


PUBLISHED_CLASSES = 201
PUBLISHED = (
    PublishedFigure("resnet50", (), (800, 1200), "57.85M", "170.5G"),
    PublishedFigure("mobilenet_mh_640", (), (640, 640), "3.5M at most", "9.8G at most"),
    PublishedFigure("mobilenet_mh_256", (), (256, 256), "3.5M at most", "1.54G at most"),
    PublishedFigure("mobilenet_mh_released", (), (640, 640), "", "9.5G", True),
    PublishedFigure(
        "mobilenet_mh_released", ("INPUT_SIZE=(256, 256)",), (256, 256), "", "1.54G", True
    ),
    PublishedFigure(
        "mobilenet_mh_released",
        ("MaskConver.head_kernel_size=7",),
        (640, 640),
        "3.44M trained",
        "9.9G",
        True,
    ),
    PublishedFigure("panoptic_deeplab_mobilenet_mh_640", (), (640, 640), "3.9M", "13.9G"),
)


def published_cost(counted: CountedModel, published: PublishedFigure) -> float:
    """Computes the multiply-adds at the published size.

    They include the mask product only if the published figure does.
    """
    found = counted.complexity
    cost = found.multiply_adds + found.mask_product * published.with_masks
    return cost * math.prod(published.size) / math.prod(found.input_size)


_HEAD = """\
# Model zoo

This page lists every model of `experiments/model/`. Counts are for the {classes} classes of COCO
panoptic. This command writes the page:

```
maskconver models --markdown docs/model_zoo.md
```

## How to read this table

- **model** is the name of a Gin file. To use a model, an experiment includes
  `experiments/model/NAME.gin`.
- **input** is the input size of the file, height x width. All multiples of 32 work: set
  `INPUT_SIZE`.
- **parameters** is the number of all weights. **trained** leaves out the statistics of batch norms.
- **multiply-adds** counts convolutions, depthwise convolutions and matrix products in the traced
  graph of inference on one picture. Papers call them FLOPs. Norms, activations and resizing do not
  count.
- **masks** is the cost of the masks of all proposals. It is not part of the column before, because
  inference never makes masks of proposals with low scores.

`maskconver models --detail NAME` prints the share of every layer, and `--json` prints JSON. With
`--num_classes` and `--gin.NAME=VALUE` you count for other settings.

| model | input | parameters | trained | multiply-adds | masks | what it is |
|---|---|---|---|---|---|---|
"""

_PUBLISHED_HEAD = """
## Comparison with the published figures

The paper counts {published} output classes: COCO's raw category ids. The large model takes only
multiples of 32, so we count it at 800x1216 and scale the result by area to 800x1200. The figures of
the released mobile model include the masks of all 50 proposals
([why](decisions/mobile-model-size.md)); the others do not.

| model | size | published | {published} classes | {classes} classes |
|---|---|---|---|---|
"""

CountPublished = Callable[[PublishedFigure, int], CountedModel]
"""Counts the model of a published figure for a number of classes."""


def format_page(counted: Iterable[CountedModel], count_published: CountPublished) -> str:
    """Formats the whole page: a table of all models, and one of the published figures."""
    text = _HEAD.format(classes=COCO_CLASSES)
    text += "".join(format_page_row(each) for each in counted)
    text += _PUBLISHED_HEAD.format(published=PUBLISHED_CLASSES, classes=COCO_CLASSES)
    return text + "".join(_published_row(published, count_published) for published in PUBLISHED)


def format_page_row(counted: CountedModel) -> str:
    """Formats the row of a model on the page."""
    found = counted.complexity
    cells = [
        f"[{counted.name}](../{counted.gin_file})",
        format_size(found),
        format_millions(found.num_parameters),
        format_millions(found.num_trainable_parameters),
        format_billions(found.multiply_adds),
        format_billions(found.mask_product),
        counted.description,
    ]
    return f"| {' | '.join(cells)} |\n"


def _published_row(published: PublishedFigure, count_published: CountPublished) -> str:
    cells = [
        " ".join([published.model, *(f"`{binding}`" for binding in published.bindings)]),
        "x".join(map(str, published.size)),
        ", ".join(filter(None, [published.parameters, published.multiply_adds])),
    ]
    for num_classes in (PUBLISHED_CLASSES, COCO_CLASSES):
        cells.append(published_cell(count_published(published, num_classes), published))
    return f"| {' | '.join(cells)} |\n"


def published_cell(counted: CountedModel, published: PublishedFigure) -> str:
    """Formats the counted numbers for the cell next to a published figure."""
    found = counted.complexity
    return (
        f"{format_millions(found.num_parameters)} "
        f"({format_millions(found.num_trainable_parameters)} trained), "
        f"{format_billions(published_cost(counted, published))}"
    )
