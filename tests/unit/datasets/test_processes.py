"""Processes that examine: in order, few at a time, and never a wait without end."""

import itertools
import os
import signal
from concurrent.futures import Future

import pytest

from maskconver_tf.datasets import processes
from maskconver_tf.datasets.build.examine import examine
from maskconver_tf.datasets.sources.coco.panoptic import CocoPanoptic
from maskconver_tf.errors import UserError


@pytest.fixture
def items(make_coco_folder):
    folder = make_coco_folder(num_pictures=6)
    (folder.images / "2.jpg").unlink()
    return list(CocoPanoptic(folder.images, folder.panoptic, folder.annotations).items)


def _told(outcome):
    return outcome if isinstance(outcome, tuple) else outcome.features


@pytest.mark.parametrize("num_workers", [1, 2])
def test_outcomes_come_in_order_whoever_finds_them(items, num_workers):
    with processes.examiner(num_workers, examine) as examine_all:
        outcomes = list(examine_all(items))
    assert [_told(outcome) for outcome in outcomes] == [_told(examine(item)) for item in items]


def test_no_more_than_a_few_are_under_way():
    under_way, most = set(), 0

    def submit(item):
        under_way.add(item)
        future = Future()
        future.set_result(item)
        return future

    for item in itertools.islice(processes._map_ahead(submit, 3, range(10**9)), 100):
        most = max(most, len(under_way))
        under_way.remove(item)
    assert most == 3


def test_a_killed_process_is_an_error_and_not_a_wait(items, monkeypatch):
    started = []
    start = processes.subprocess.Popen

    def start_and_remember(*args, **options):
        started.append(start(*args, **options))
        return started[-1]

    monkeypatch.setattr(processes.subprocess, "Popen", start_and_remember)
    with (
        pytest.raises(UserError, match=r"jpg: the process .* ended .* fewer --workers"),
        processes.examiner(2, examine) as examine_all,
    ):
        outcomes = examine_all(items * 20)
        next(outcomes)
        os.kill(started[0].pid, signal.SIGKILL)
        list(outcomes)
    assert all(process.returncode is not None for process in started)
