"""Mutated files never raise: each gets a status, and the memory stays bounded."""

from __future__ import annotations

import tensorflow as tf

from benchmarks import fuzz_decoding
from maskconver_tf.files.graph_decoding import picture_status

COUNT = 3000


def test_whole_files_decode():
    found, _ = fuzz_decoding.statuses(tf.constant(fuzz_decoding.whole_files()))
    assert not found.numpy().any()


def test_every_mutated_file_gets_a_status():
    before = fuzz_decoding.peak_megabytes()
    found = fuzz_decoding.fuzz(COUNT, seed=7)
    assert sum(found.values()) == COUNT
    # The mutations reach all parts of the graph.
    for status in picture_status.MESSAGES:
        if status != picture_status.EMPTY:
            assert found[status] >= 10, found
    assert fuzz_decoding.peak_megabytes() - before < fuzz_decoding.MOST_GROWTH
