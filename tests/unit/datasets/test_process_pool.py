"""Processes that encode_picture: in order, few at a time, and never a wait without end."""

import itertools
import os
import signal
from concurrent.futures import Future

import pytest

from maskconver_tf.datasets import process_pool
from maskconver_tf.datasets.build.encode_picture import encode_picture
from maskconver_tf.datasets.sources.coco.panoptic import CocoPanoptic
from maskconver_tf.errors import UserError


@pytest.fixture
def items(make_coco_folder):
    folder = make_coco_folder(num_pictures=6)
    (folder.images / "2.jpg").unlink()
    return list(CocoPanoptic(folder.images, folder.panoptic, folder.annotations).pictures)


def _comparable(outcome):
    return outcome if isinstance(outcome, tuple) else outcome.features


@pytest.mark.parametrize("num_workers", [1, 2])
def test_outcomes_come_in_order_from_one_process_or_two(items, num_workers):
    with process_pool.process_pool(num_workers, encode_picture) as encode_all:
        outcomes = list(encode_all(items))
    assert [_comparable(outcome) for outcome in outcomes] == [
        _comparable(encode_picture(item)) for item in items
    ]


def test_no_more_than_a_few_items_are_in_progress():
    in_progress, most = set(), 0

    def submit(item):
        in_progress.add(item)
        future = Future()
        future.set_result(item)
        return future

    for item in itertools.islice(process_pool._map_ahead(submit, 3, range(10**9)), 100):
        most = max(most, len(in_progress))
        in_progress.remove(item)
    assert most == 3


def test_a_killed_process_is_an_error_and_not_a_wait(items, monkeypatch):
    started = []
    start = process_pool.subprocess.Popen

    def start_and_remember(*args, **options):
        started.append(start(*args, **options))
        return started[-1]

    monkeypatch.setattr(process_pool.subprocess, "Popen", start_and_remember)
    with (
        pytest.raises(UserError, match=r"jpg: the process .* ended .* fewer --workers"),
        process_pool.process_pool(2, encode_picture) as encode_all,
    ):
        outcomes = encode_all(items * 20)
        next(outcomes)
        os.kill(started[0].pid, signal.SIGKILL)
        list(outcomes)
    assert all(process.returncode is not None for process in started)
