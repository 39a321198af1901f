"""Looks at an evenly spread sample of the pictures of a dataset, in several processes."""

from __future__ import annotations

from tqdm import tqdm

from maskconver_tf.datasets.findings import format_findings
from maskconver_tf.datasets.process_pool import num_workers, process_pool
from maskconver_tf.errors import UserError
from maskconver_tf.planning.first_configuration.looking.data_facts import DataFacts
from maskconver_tf.planning.first_configuration.looking.picture_facts import (
    PictureFacts,
    look_at_picture,
)
from maskconver_tf.planning.first_configuration.parts.stored_pictures import StoredPictures

MOST_PICTURES = 400
"""Pictures that are looked at. The number of segments is known of every picture."""


def look_at_parts(
    train: StoredPictures,
    evaluation: StoredPictures,
    workers: int | None = None,
    progress: bool = True,
) -> DataFacts:
    """Looks at the training part; of the evaluation part only the numbers of segments matter.

    Raises:
      UserError: no picture of the sample can be used, or no training picture has a segment.
    """
    if not train.most_segments:
        raise UserError(
            f"{train.where}: found no labelled segment in any of its pictures, so there is nothing "
            "to learn; expected one or more. See what the labels hold by `maskconver data check`, "
            "and build the dataset again"
        )
    count = len(train.pictures)
    positions = [i * count // min(count, MOST_PICTURES) for i in range(min(count, MOST_PICTURES))]
    facts, findings = [], []
    with process_pool(num_workers(workers, len(positions)), look_at_picture) as look_at_all:
        outcomes = look_at_all(train.pictures.at(positions))
        bar = tqdm(outcomes, "looking", len(positions), unit=" pictures", disable=not progress)
        for outcome in bar:
            if isinstance(outcome, PictureFacts):
                facts.append(outcome)
            else:
                findings.extend(outcome)
    if not facts:
        raise UserError(
            f"{train.where}: no picture can be used.\n{format_findings(findings)}\n"
            "Build the dataset again"
        )
    return DataFacts(
        num_pictures=count,
        num_eval=len(evaluation.pictures),
        most_segments=max(train.most_segments, evaluation.most_segments),
        num_bytes=train.num_bytes,
        num_classes=len(train.categories),
        pictures=tuple(facts),
        evaluates_training=train.where == evaluation.where,
    )
