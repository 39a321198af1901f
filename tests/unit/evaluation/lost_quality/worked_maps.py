"""A 6 x 8 map for each kind of error, small enough to count by hand.

A letter is a segment, a dot is void. Classes: 0 cat and 1 dog are things; 2 sky and 3 grass are
stuff.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from maskconver_tf.datasets.categories import Categories, Category
from maskconver_tf.types import Segment

CATEGORIES = Categories(
    (
        Category(1, "cat", True),
        Category(2, "dog", True),
        Category(8, "sky", False),
        Category(9, "grass", False),
    )
)
CAT, DOG, SKY, GRASS = range(4)


class Worked(NamedTuple):
    """A picture: letters of both maps, class of each letter, and the crowds of the truth."""

    truth: str
    predicted: str
    classes: dict[str, int]
    crowds: str = ""

    def sides(self) -> tuple:
        """Returns maps and segments, the arguments of `picture_errors`."""
        truth, predicted = map_of(self.truth), map_of(self.predicted)
        return (
            truth,
            [Segment(i, self.classes[chr(i)], chr(i) in self.crowds) for i in ids_of(truth)],
            predicted,
            [Segment(i, self.classes[chr(i)], score=i / 256) for i in ids_of(predicted)],
        )


def map_of(rows: str) -> np.ndarray:
    letters = [[0 if c == "." else ord(c) for c in row] for row in rows.split()]
    return np.array(letters, np.int32)


def ids_of(panoptic_map: np.ndarray) -> list[int]:
    return [i for i in np.unique(panoptic_map).tolist() if i]


MISSED = Worked(  # A cat of 4 pixels on the sky is predicted as sky: 44 of 48 are right.
    "ssssssss ssaassss ssaassss ssssssss ssssssss ssssssss",
    "SSSSSSSS SSSSSSSS SSSSSSSS SSSSSSSS SSSSSSSS SSSSSSSS",
    {"s": SKY, "a": CAT, "S": SKY},
)
INVENTED = Worked(  # A cat of 4 pixels that is not there.
    "ssssssss ssssssss ssssssss ssssssss ssssssss ssssssss",
    "SSSSSSSS SSAASSSS SSAASSSS SSSSSSSS SSSSSSSS SSSSSSSS",
    {"s": SKY, "A": CAT, "S": SKY},
)
WRONG_CLASS = Worked(  # 6 pixels of a cat; the dog has 4 of them and 1 more: IoU 4/7.
    "ssssssss saaassss saaassss ssssssss ssssssss ssssssss",
    "SSSSSSSS SDDSSSSS SDDSSSSS SSDSSSSS SSSSSSSS SSSSSSSS",
    {"s": SKY, "a": CAT, "S": SKY, "D": DOG},
)
POOR_MASK = Worked(  # 8 pixels of a cat, 4 of them predicted: IoU 1/2 is no match.
    "ssssssss saaaasss saaaasss ssssssss ssssssss ssssssss",
    "SSSSSSSS SAASSSSS SAASSSSS SSSSSSSS SSSSSSSS SSSSSSSS",
    {"s": SKY, "a": CAT, "S": SKY, "A": CAT},
)
MERGED = Worked(  # One prediction covers two cats of 4 pixels each: IoU 1/2 with both.
    "ssssssss saabbsss saabbsss ssssssss ssssssss ssssssss",
    "SSSSSSSS SAAAASSS SAAAASSS SSSSSSSS SSSSSSSS SSSSSSSS",
    {"s": SKY, "a": CAT, "b": CAT, "S": SKY, "A": CAT},
)
MERGED_INTO_A_MATCH = Worked(  # The prediction matches the larger cat: IoU 6/8. b is lost.
    "ssssssss saaabsss saaabsss ssssssss ssssssss ssssssss",
    "SSSSSSSS SAAAASSS SAAAASSS SSSSSSSS SSSSSSSS SSSSSSSS",
    {"s": SKY, "a": CAT, "b": CAT, "S": SKY, "A": CAT},
)
SPLIT = Worked(  # Two predictions share one cat of 8 pixels: IoU 1/2 with both.
    "ssssssss saaaasss saaaasss ssssssss ssssssss ssssssss",
    "SSSSSSSS SAABBSSS SAABBSSS SSSSSSSS SSSSSSSS SSSSSSSS",
    {"s": SKY, "a": CAT, "S": SKY, "A": CAT, "B": CAT},
)
SPLIT_WITH_A_MATCH = Worked(  # A matches with 6 of 8 pixels, B is a piece too many.
    "ssssssss saaaasss saaaasss ssssssss ssssssss ssssssss",
    "SSSSSSSS SAAABSSS SAAABSSS SSSSSSSS SSSSSSSS SSSSSSSS",
    {"s": SKY, "a": CAT, "S": SKY, "A": CAT, "B": CAT},
)
DRAWN_OVER = Worked(  # The dog of 14 pixels takes 3 of the 4 pixels of the cat in front of it.
    "ssssssss sdddddss sdaadsss sdaadsss sdddddss ssssssss",
    "SSSSSSSS SDDDDDSS SDDADSSS SDDDDSSS SDDDDDSS SSSSSSSS",
    {"s": SKY, "a": CAT, "d": DOG, "S": SKY, "A": CAT, "D": DOG},
)
DRAWN_OVER_BY_THE_SAME_CLASS = Worked(  # A matches a, and takes 2 of 5 pixels; D takes 1.
    "aaaaassb aaaaassb aaaaassb ssssssbs ssssssbs ssssssss",
    "AAAAASSA AAAAASSA AAAAASSD SSSSSSSS SSSSSSSS SSSSSSSS",
    {"s": SKY, "a": CAT, "b": CAT, "S": SKY, "A": CAT, "D": DOG},
)
INEXACT_MASK = Worked(  # 4 of 6 pixels of the cat.
    "ssssssss saaassss saaassss ssssssss ssssssss ssssssss",
    "SSSSSSSS SAASSSSS SAASSSSS SSSSSSSS SSSSSSSS SSSSSSSS",
    {"s": SKY, "a": CAT, "S": SKY, "A": CAT},
)
VOID = Worked(  # Cat A reaches into void; 5 of 6 pixels of cat B are on void. Both cost nothing.
    "........ saaa.... saaa.... ssssssss sssss... sssss...",
    "........ SAAAA... SAAAA... SSSSSSSS SSSSBBBB SSSSSBB.",
    {"s": SKY, "a": CAT, "S": SKY, "A": CAT, "B": CAT},
)
CROWD = Worked(  # Cats on the crowd cost nothing; a dog there does.
    "cccccccc cccccccc cccccccc ssssssss ssssssss ssssssss",
    "AABBDDDD AABBDDDD AABBDDDD SSSSSSSS SSSSSSSS SSSSSSSS",
    {"s": SKY, "c": CAT, "S": SKY, "A": CAT, "B": CAT, "D": DOG},
    crowds="c",
)
ALL = {
    name.lower(): value
    for name, value in list(globals().items())
    if isinstance(value, Worked) and name.isupper()
}
