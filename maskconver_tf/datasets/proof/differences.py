"""How a dataset folder can differ from its source; the kinds of findings of a proof."""

from __future__ import annotations

import enum


class Difference(enum.Enum):
    """A kind of finding: its title, what is expected instead, and what to do. See `Problem`."""

    CLASSES = (
        "class list that differs from the source",
        "the source's class list, in the same order",
        "build again from this source, or name the source of this build",
    )
    SHARD = (
        "shard that differs from what the builder wrote",
        "a file with the size and the SHA-256 that dataset.json lists",
        "copy the shard again or build again",
    )
    UNREADABLE_RECORD = (
        "record that cannot be read",
        "a tf.train.Example with a picture and its segments",
        "copy the shard again or build again",
    )
    NO_RECORD = (
        "picture without a record",
        "one record for each picture that can be used",
        "build again",
    )
    NO_REASON = (
        "picture without a record and without a reason in dropped.json",
        "a correct picture, or a build with --skip_bad, which lists the picture in dropped.json",
        "correct the picture and build again, or build again with --skip_bad",
    )
    OLD_REASON = (
        "picture that was left out and can be used now",
        "a picture for which the reason in dropped.json still holds",
        "build again to take the picture in",
    )
    UNUSABLE = (
        "record of a picture that cannot be used now",
        "a picture as it was at the build",
        "restore the picture and its truth, or build again",
    )
    REPEATED = (
        "picture with several records",
        "one record for each picture",
        "build again",
    )
    NO_SOURCE = (
        "record of a picture that the source lacks",
        "records of the source's pictures only",
        "build again, or name the source of this build",
    )
    PICTURE = (
        "record whose picture differs",
        "the pixels of the source's picture",
        "find out which of the two changed; build again if the source is right",
    )
    SEGMENT = (
        "record whose segments differ",
        "the ids, classes, crowd marks and pixels that the source gives",
        "find out which of the two changed; build again if the source is right",
    )
    COUNTS = (
        "number in dataset.json that differs",
        "the number that records and source give",
        "build again",
    )

    def __init__(self, title: str, expected: str, way_out: str):
        self.title = title
        self.expected = expected
        self.way_out = way_out
