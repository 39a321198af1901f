"""What a user chooses for an export, and what an export tells about its model's past."""

from __future__ import annotations

import dataclasses
from typing import Any

from maskconver_tf.files.graph_decoding.any_picture import DEFAULT_MAX_PIXELS


@dataclasses.dataclass(frozen=True)
class ExportOptions:
    """Choices for an export.

    Attributes:
      max_pixels: most pixels of an encoded picture; a larger one is refused from its header.
      batch_sizes: numbers of pictures for which the server warms up and the export is measured.
      model_only: export only the network, without decoding and fusion.
      measure: load the export in a fresh process before it gets its name, and measure it there.
    """

    max_pixels: int = DEFAULT_MAX_PIXELS
    batch_sizes: tuple[int, ...] = (1,)
    model_only: bool = False
    measure: bool = False


@dataclasses.dataclass(frozen=True)
class Origin:
    """Where the weights come from.

    Attributes:
      git_revision: revision of this code, or None.
      training: content of the run's `run.json`, or None.
      settings: content of the run's `config.gin`, or None.
    """

    git_revision: str | None = None
    training: Any = None
    settings: str | None = None
