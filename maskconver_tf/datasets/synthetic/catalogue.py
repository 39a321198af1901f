"""The categories of the toy scenes. Their source ids have gaps, as in real datasets."""

from __future__ import annotations

THINGS = {"ball": 3, "ring": 7, "box": 12, "frame": 13, "triangle": 21, "star": 34, "cross": 40}
"""Thing class -> source category id."""

STUFF = {"sky": 52, "grass": 57, "brick": 60, "water": 71, "sand": 78, "tiles": 90}
"""Stuff class -> source category id."""


def toy_categories() -> list[dict]:
    """Makes the `categories` list of a COCO panoptic file."""
    things = [_category(i, name, 1, "toy") for name, i in THINGS.items()]
    return things + [_category(i, name, 0, "ground") for name, i in STUFF.items()]


def _category(source_id: int, name: str, isthing: int, supercategory: str) -> dict:
    return {"id": source_id, "name": name, "isthing": isthing, "supercategory": supercategory}
