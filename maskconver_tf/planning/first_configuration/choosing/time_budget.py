"""How many pictures a training can see in the time it has."""

from __future__ import annotations

import dataclasses

from maskconver_tf.planning.first_configuration.looking.data_facts import DataFacts

_FOR_STEPS = 0.8
"""Share of the time that steps get. The rest is for the start, the input on the same cores,
evaluations and checkpoints."""

_SEGMENTS_SEEN = 60_000
_LEAST_VIEWS, _MOST_VIEWS = 1500, 6000


@dataclasses.dataclass(frozen=True)
class TimeBudget:
    """The time of a training on this machine.

    Attributes:
      minutes: how long it may take.
      seconds: seconds of training for a megapixel of input.
      is_measured: whether `seconds` was measured on this machine.
    """

    minutes: float
    seconds: float
    is_measured: bool = False

    def views(self, size: tuple[int, int]) -> float:
        """Returns how many pictures of a size (height, width) the steps can see."""
        return 60.0 * self.minutes * _FOR_STEPS / self.seconds_of_picture(size)

    def seconds_of_picture(self, size: tuple[int, int]) -> float:
        """Returns the seconds of training that one picture of a size takes."""
        return self.seconds * size[0] * size[1] / 1e6

    def needed_views(self, facts: DataFacts) -> float:
        """Returns how many pictures a training should see at least.

        The demo reached two thirds of its PQ after 8000 pictures with 7 segments each, crowds after
        2000 pictures with 70 (docs/ablations.md).
        """
        return min(max(_SEGMENTS_SEEN / max(1.0, facts.mean_segments), _LEAST_VIEWS), _MOST_VIEWS)
