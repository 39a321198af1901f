"""How many pictures a training can see in the time it has."""

from __future__ import annotations

import dataclasses

from maskconver_tf.planning.first_configuration.looking.data_facts import DataFacts

_FOR_STEPS = 0.8
"""Share of the time that steps get. The rest is for the start, the input on the same cores,
evaluations and checkpoints."""

_SEGMENTS_SEEN = 40_000
_LEAST_VIEWS, _MOST_VIEWS = 1000, 6000


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

        If fewer fit the time, smaller pictures are worth their loss. On gray CamVid pictures with
        17 segments, 2000 views of whole pictures scored 1 PQ less than 3200 of smaller ones
        (docs/finetune.md).
        """
        return min(max(_SEGMENTS_SEEN / max(1.0, facts.mean_segments), _LEAST_VIEWS), _MOST_VIEWS)
