"""Size and cost of named models: what `maskconver models` prints and `docs/model_zoo.md` holds."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import tensorflow as tf
import tf_keras

from maskconver_tf.data.pipeline import check_input_size
from maskconver_tf.errors import UserError
from maskconver_tf.models.backbones.backbone import random_weights
from maskconver_tf.models.complexity import KINDS, MASK_PRODUCT, Complexity, complexity
from maskconver_tf.training import gin_support
from maskconver_tf.training.model_files import ModelFile, find_models
from maskconver_tf.training.restore import restore_segmenter

_NO_DATA = ("TRAIN_DATA=''", "EVAL_DATA=''")
"""A model file leaves these to an experiment, and nothing is read here."""

COCO_CLASSES = 133


@dataclasses.dataclass(frozen=True)
class Counted:
    """A model's name, and what was counted of it.

    Attributes:
      model: where it comes from.
      num_classes: C it was built for.
      found: size and cost.
    """

    model: ModelFile
    num_classes: int
    found: Complexity


def count_models(
    models: Iterable[ModelFile], num_classes: int = COCO_CLASSES, bindings: Sequence[str] = ()
) -> Iterator[Counted]:
    """Builds and counts models one by one, seconds each.

    Args:
      models: to count.
      num_classes: C.
      bindings: Gin settings that override the files'.

    Raises:
      UserError: a file does not say what model it means, or an input size is not legal.
    """
    for model in models:
        network, input_size = build_model(model, num_classes, bindings)
        yield Counted(model, num_classes, complexity(network, input_size))
        tf_keras.backend.clear_session()


def build_model(
    model: ModelFile, num_classes: int = COCO_CLASSES, bindings: Sequence[str] = ()
) -> tuple[tf_keras.Model, tuple[int, int]]:
    """A model with fresh weights, and the input size its file states."""
    gin_support.load([model.gin_file], [*_NO_DATA, *bindings])
    try:
        bound = gin_support.arguments_of(restore_segmenter, supplied=["model_dir"])
    except UserError as error:
        raise UserError(
            f"{model.gin_file}: binds no model; include 'experiments/model/maskconver.gin' or a "
            f"model file that does ({error})"
        ) from error
    input_size = bound["input_size"]
    check_input_size(model.name, input_size)
    with random_weights():
        network = gin_support.call(bound["model"], num_classes=num_classes)
    network(tf.zeros([1, 32, 32, 3], tf.uint8))
    return network, tuple(input_size)


# ---- As text and as data -------------------------------------------------------------------------
def table_head() -> str:
    return f"{'model':24} {'input':>9} {'parameters':>11} {'multiply-adds':>14}"


def table_row(counted: Counted) -> str:
    found = counted.found
    return (
        f"{counted.model.name:24} {_size(found):>9} {_millions(found.num_parameters):>11} "
        f"{_billions(found.multiply_adds):>14}"
    )


def details(counted: Counted) -> str:
    """Sums by part and kind, then every layer that multiplies, one line each."""
    found = counted.found
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


def to_json(counted: Counted, with_layers: bool) -> dict[str, Any]:
    """Everything counted, in plain numbers."""
    found = counted.found
    layers = [dataclasses.asdict(cost) for cost in found.layers]
    return {
        "name": counted.model.name,
        "description": counted.model.description,
        "gin_file": counted.model.gin_file,
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


def published_cost(counted: Counted, published: Published) -> float:
    """Multiply-adds at the published size, of what the published figure counts."""
    found = counted.found
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


def markdown(counted: Iterable[Counted]) -> str:
    """The page: all models, then those with published figures beside these."""
    text = _HEAD.format(classes=COCO_CLASSES)
    text += "".join(markdown_row(each) for each in counted)
    text += _PUBLISHED_HEAD.format(published=PUBLISHED_CLASSES, classes=COCO_CLASSES)
    return text + "".join(_published_row(published) for published in PUBLISHED)


def markdown_row(counted: Counted) -> str:
    """A model's row of the page."""
    found, model = counted.found, counted.model
    cells = [
        f"[{model.name}](../{model.gin_file})",
        _size(found),
        _millions(found.num_parameters),
        _millions(found.num_trainable_parameters),
        _billions(found.multiply_adds),
        _billions(found.mask_product),
        model.description,
    ]
    return f"| {' | '.join(cells)} |\n"


def _published_row(published: Published) -> str:
    [model] = find_models([published.model])
    cells = [
        " ".join([model.name, *(f"`{binding}`" for binding in published.bindings)]),
        "x".join(map(str, published.size)),
        ", ".join(filter(None, [published.parameters, published.multiply_adds])),
    ]
    for num_classes in (PUBLISHED_CLASSES, COCO_CLASSES):
        [counted] = count_models([model], num_classes, published.bindings)
        cells.append(published_cell(counted, published))
    return f"| {' | '.join(cells)} |\n"


def published_cell(counted: Counted, published: Published) -> str:
    """What stands beside a published figure."""
    found = counted.found
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
