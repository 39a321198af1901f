"""Lists, builds and counts the named models. Each has one Gin file.

Listing builds no model and loads no TensorFlow.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from maskconver_tf.config import gin_files
from maskconver_tf.errors import UserError, suggest_name

if TYPE_CHECKING:
    import tf_keras

    from maskconver_tf.planning.model_table import CountedModel
    from maskconver_tf.planning.model_zoo import PublishedFigure

_FOLDER = "experiments/model"
_BASE = "maskconver"
"""The file that every model file includes. It is not a model itself."""
_NO_DATA = ("TRAIN_DATA=''", "EVAL_DATA=''")
"""Values for macros that only experiments set. Counting a model reads no data."""


@dataclasses.dataclass(frozen=True)
class ModelFile:
    """A named model.

    Attributes:
      name: name of the Gin file, without folder and ending.
      gin_file: the Gin file, as `configuration.load` takes it.
    """

    name: str
    gin_file: str

    @property
    def description(self) -> str:
        """Returns the first sentence of the comment at the top of the file."""
        text = gin_files.resolve_gin_file(self.gin_file).read_text(encoding="utf-8")
        comment = re.match(r"(#.*\n)*", text).group().replace("#", "")
        return " ".join(comment.split()).split(". ")[0].rstrip(".")


def named_models() -> list[ModelFile]:
    """Lists the models that come with the package, sorted by name. Numbers sort by value."""
    files = gin_files.shipped_gin_files(_FOLDER)
    models = [_from_file(file) for file in files]
    return sorted((m for m in models if m.name != _BASE), key=lambda m: _natural(m.name))


def find_models(names: Sequence[str]) -> list[ModelFile]:
    """Finds the models with these names; all models if `names` is empty.

    Args:
      names: names of models that come with the package, or paths of the user's own .gin files.

    Raises:
      UserError: a model or file does not exist.
    """
    known = {model.name: model for model in named_models()}
    return [known.get(name) or _own_file(name, known) for name in names or known]


def _own_file(name: str, known: dict[str, ModelFile]) -> ModelFile:
    if name.endswith(".gin"):
        return _from_file(str(gin_files.resolve_gin_file(name)))
    raise UserError(
        f"no model '{name}'{suggest_name(name, known) or ';'} `maskconver models --names` lists "
        "all models. A path to a .gin file of your own works too"
    )


def _from_file(gin_file: str) -> ModelFile:
    return ModelFile(gin_file.rpartition("/")[2].removesuffix(".gin"), gin_file)


def _natural(name: str) -> list[str | int]:
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


# ---- Building ------------------------------------------------------------------------------------
def count_models(
    models: Iterable[ModelFile], num_classes: int, bindings: Sequence[str] = ()
) -> Iterator[CountedModel]:
    """Builds models one by one and counts parameters and multiply-adds. Each model takes seconds.

    Args:
      models: the models to count.
      num_classes: number of classes C.
      bindings: Gin bindings that override the model files, such as `INPUT_SIZE=(640, 640)`.

    Raises:
      UserError: a file binds no model, or the model cannot take the input size.
    """
    import tf_keras

    from maskconver_tf.planning.complexity import count_complexity
    from maskconver_tf.planning.model_table import CountedModel

    for model in models:
        network, input_size = build_model(model, num_classes, bindings)
        counted = count_complexity(network, input_size)
        yield CountedModel(model.name, model.gin_file, model.description, num_classes, counted)
        tf_keras.backend.clear_session()


def count_published(published: PublishedFigure, num_classes: int) -> CountedModel:
    """Counts the model of a published figure, with the settings that belong to the figure."""
    [counted] = count_models(find_models([published.model]), num_classes, published.bindings)
    return counted


def build_model(
    model: ModelFile, num_classes: int, bindings: Sequence[str] = ()
) -> tuple[tf_keras.Model, tuple[int, int]]:
    """Builds a model with random weights. Returns it and the input size of its file.

    Raises:
      UserError: the file binds no model, or the model cannot take the input size.
    """
    import tensorflow as tf

    from maskconver_tf.config import configuration
    from maskconver_tf.input.input_checks import check_input_size
    from maskconver_tf.models.backbones.backbone import random_weights
    from maskconver_tf.training.restore import restore_segmenter

    configuration.load([model.gin_file], [*_NO_DATA, *bindings])
    try:
        bound = configuration.arguments_of(restore_segmenter, supplied=["model_dir"])
    except UserError as error:
        raise UserError(
            f"{model.gin_file}: binds no model; include 'experiments/model/maskconver.gin' or a "
            f"model file that does ({error})"
        ) from error
    input_size = bound["input_size"]
    check_input_size(model.name, input_size)
    with random_weights():
        network = configuration.call(bound["model"], num_classes=num_classes)
    network(tf.zeros([1, 32, 32, 3], tf.uint8))
    return network, tuple(input_size)
