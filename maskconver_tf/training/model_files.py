"""The named models: one Gin file each. Knows their names without building any."""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Sequence

from maskconver_tf.errors import UserError
from maskconver_tf.training import gin_support

_FOLDER = "experiments/model"
_BASE = "maskconver"
"""What every model file includes, itself no model."""


@dataclasses.dataclass(frozen=True)
class ModelFile:
    """A named model.

    Attributes:
      name: the file's, without folder and ending.
      gin_file: as `gin_support.load` takes it.
    """

    name: str
    gin_file: str

    @property
    def description(self) -> str:
        """The first sentence of the comment that the file begins with."""
        text = gin_support.resolve_gin_file(self.gin_file).read_text(encoding="utf-8")
        comment = re.match(r"(#.*\n)*", text).group().replace("#", "")
        return " ".join(comment.split()).split(". ")[0].rstrip(".")


def named_models() -> list[ModelFile]:
    """All models that come with the package, a family together and smaller numbers first."""
    files = gin_support.shipped_gin_files(_FOLDER)
    models = [_from_file(file) for file in files]
    return sorted((m for m in models if m.name != _BASE), key=lambda m: _natural(m.name))


def find_models(names: Sequence[str]) -> list[ModelFile]:
    """The models of these names, or all; a name may also be a .gin file of one's own.

    Raises:
      UserError: there is no such model.
    """
    known = {model.name: model for model in named_models()}
    return [known.get(name) or _own_file(name, known) for name in names or known]


def _own_file(name: str, known: dict[str, ModelFile]) -> ModelFile:
    if name.endswith(".gin"):
        return _from_file(str(gin_support.resolve_gin_file(name)))
    close = difflib.get_close_matches(name, known, n=1)
    advice = f"did you mean '{close[0]}'? " if close else ""
    raise UserError(
        f"no model '{name}'; {advice}`maskconver models --names` lists all, and a .gin file of "
        "your own may stand for a name"
    )


def _from_file(gin_file: str) -> ModelFile:
    return ModelFile(gin_file.rpartition("/")[2].removesuffix(".gin"), gin_file)


def _natural(name: str) -> list[str | int]:
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]
