"""The models between which `new` chooses."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A model and what is known of it.

    Attributes:
      name: name of its file in `experiments/model`.
      center_levels: its levels with centers, finest first.
      seconds: assumed seconds of training for a megapixel of input on 2 CPU cores, if nothing is
        measured.
      learning_rate: that of its experiments.
      is_pretrained: whether its backbone has ImageNet weights.
    """

    name: str
    center_levels: tuple[int, ...]
    seconds: float
    learning_rate: float
    is_pretrained: bool = False


SMALL = Candidate("small", (3, 4, 5), 0.8, 3e-3)
SMALL_CROWDED = Candidate("small_crowded", (2, 3, 4, 5), 2.4, 3e-3)
PRETRAINED = Candidate("small_pretrained", (3, 4, 5), 1.2, 1e-3, True)
PRETRAINED_CROWDED = Candidate("small_pretrained_crowded", (2, 3, 4, 5), 3.0, 1e-3, True)
