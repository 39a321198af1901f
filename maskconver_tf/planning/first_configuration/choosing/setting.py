"""One line of the experiment that `new` writes."""

from __future__ import annotations

import dataclasses
from typing import Any


@dataclasses.dataclass(frozen=True)
class Setting:
    """A Gin setting with the reason for its value.

    Attributes:
      name: the Gin name, such as "TrainingInput.batch_size", or a macro.
      value: the value. `repr` must write it as Gin reads it.
      reason: the comment behind it: a short clause without a full stop.
    """

    name: str
    value: Any
    reason: str
