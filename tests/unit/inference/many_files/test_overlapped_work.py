"""Order, bounds and errors of work in threads."""

import threading
import time

import pytest

from maskconver_tf.inference.many_files.overlapped_work import WriteBehind, read_ahead


def test_jobs_come_in_order_and_few_are_read_ahead():
    started = []
    reading = read_ahead(lambda job: started.append(job) or -job, range(20), threads=2)
    for expected, (job, future) in enumerate(reading):
        assert (job, future.result()) == (expected, -expected)
        assert len(started) <= expected + 4


def test_an_error_of_a_reader_belongs_to_its_job():
    reading = read_ahead(lambda job: 1 // job, [1, 0, 1], threads=3)
    results = [future.exception() for _, future in reading]
    assert [type(error) for error in results] == [type(None), ZeroDivisionError, type(None)]


def test_reading_stops_with_its_reader():
    started = []
    reading = read_ahead(lambda job: time.sleep(0.01) or started.append(job), range(100), 2)
    next(reading)
    reading.close()
    assert len(started) < 10


def test_results_are_noted_in_order_in_the_callers_thread():
    noted = []

    def note(job, result):
        noted.append((job, result, threading.current_thread() is threading.main_thread()))

    with WriteBehind(3, note) as writing:
        for job in range(12):
            writing.submit(job, lambda job=job: time.sleep(0.003 * (12 - job) % 0.01) or job * 2)
    assert noted == [(job, 2 * job, True) for job in range(12)]


def test_an_error_of_a_writer_ends_the_block():
    with pytest.raises(ZeroDivisionError), WriteBehind(1, lambda *_: None) as writing:
        writing.submit(0, lambda: 1 // 0)


def test_an_error_in_the_block_stays_and_what_runs_is_noted():
    noted = []
    with (
        pytest.raises(KeyboardInterrupt),
        WriteBehind(1, lambda job, _: noted.append(job)) as writing,
    ):
        writing.submit(0, time.sleep, 0.05)
        time.sleep(0.01)
        raise KeyboardInterrupt
    assert noted == [0]
