"""How large a picture may be before the model shrinks it much more than in training."""

from __future__ import annotations

from typing import NamedTuple

MOST_TIMES = 2
"""A picture that shrinks more than this, compared with the training, gets a warning."""


class KnownWindow(NamedTuple):
    """The size of a picture that fills the model's input.

    Attributes:
      size: height and width in pixels of the picture.
      is_of_training: at the scale of the training. If not, the scale is unknown and taken as 1.
    """

    size: tuple[int, int]
    is_of_training: bool

    def times(self, height: int, width: int) -> float:
        """Returns how many times larger a picture is, and so how many times it shrinks more."""
        return max(height / self.size[0], width / self.size[1])

    def shrinking(self, height: int, width: int) -> str | None:
        """Says what is lost in a picture that shrinks much more than in training; else None."""
        times = self.times(height, width)
        if times <= MOST_TIMES:
            return None
        return f"of {width} x {height} pixels shrinks {times:.1f} times {self.loss()}"

    def loss(self) -> str:
        """Says what is lost in pictures that shrink much more, for a warning."""
        if self.is_of_training:
            return "more than the pictures of the training, so small things are lost"
        return "to fit the model; unless the training's pictures did, small things are lost"
