"""Compares the class list of a dataset folder with that of its source."""

from __future__ import annotations

import itertools

from maskconver_tf.datasets.categories import Category
from maskconver_tf.datasets.findings import Finding
from maskconver_tf.datasets.proof.differences import Difference
from maskconver_tf.datasets.records.folder import CATEGORIES_FILE, DatasetFolder
from maskconver_tf.datasets.sources.source import Source


def compare_classes(folder: DatasetFolder, source: Source) -> list[Finding]:
    """Returns a finding for each position at which the two lists differ."""
    path = str(folder.path / CATEGORIES_FILE)
    pairs = itertools.zip_longest(folder.categories, source.categories)
    return [
        Finding(
            CATEGORIES_FILE,
            path,
            Difference.CLASSES,
            f"class {class_id}: the folder has {_text(found)}, the source has {_text(expected)}",
        )
        for class_id, (found, expected) in enumerate(pairs)
        if found != expected
    ]


def _text(category: Category | None) -> str:
    if category is None:
        return "none"
    kind = "thing" if category.isthing else "stuff"
    group = f", group {category.supercategory}" if category.supercategory else ""
    return f"{category.name} (id {category.id}, {kind}{group})"
