"""A group of settings that serve one purpose of the user."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping


@dataclasses.dataclass(frozen=True)
class Group:
    """Settings with one purpose.

    Attributes:
      title: the purpose, in a few words.
      advice: names of settings -> (unit, when to change them). Names look like "A.x", or "A|B.x"
        for A.x and B.x. The unit is empty for settings without one.
    """

    title: str
    advice: Mapping[str, tuple[str, str]]

    def entries(self) -> Iterator[tuple[str, str, str]]:
        """Yields (name, unit, when to change it) of each setting."""
        for names, (unit, when) in self.advice.items():
            owners, _, parameter = names.rpartition(".")
            for owner in owners.split("|"):
                yield f"{owner}.{parameter}", unit, when
