"""The queue in front of the model joins, bounds, refuses and survives."""

from __future__ import annotations

import dataclasses
import itertools
import threading
import time

import numpy as np
import pytest

from maskconver_tf.inference import signatures
from maskconver_tf.serving.batching.batcher import Batcher
from maskconver_tf.serving.batching.jobs import CallJob, PictureJob
from maskconver_tf.serving.refusals import Refusal
from tests.unit.serving.fake_model import FakeModel, bright_map, fake_version, picture, pixels_of


def _batcher(**given) -> Batcher:
    options = {"batch_sizes": (1, 2, 4), "batch_seconds": 0.02, "capacity": 8, "max_pixels": 10**6}
    return Batcher(**(options | given))


def _job(version, seed=0, seconds=5.0, pixels=600, **given) -> PictureJob:
    encoded = picture(seed)
    return PictureJob(version, time.monotonic() + seconds, pixels, encoded=encoded, **given)


def _held(model: FakeModel, version, batcher: Batcher) -> PictureJob:
    """Makes the model busy; returns the job that it works on."""
    model.gate.clear()
    job = _job(version)
    batcher.submit([job])
    while len(batcher):
        time.sleep(0.001)
    return job


def _map_of(job: PictureJob) -> np.ndarray:
    rows = job.future.result(5)
    return pixels_of(rows[signatures.PANOPTIC_PNG])[..., 0]


def test_pictures_that_wait_run_together_and_get_their_own_answers():
    model = FakeModel()
    version, batcher = fake_version(1, model), _batcher()
    held = _held(model, version, batcher)
    jobs = [_job(version, seed) for seed in range(1, 8)]
    for job in jobs:
        batcher.submit([job])
    model.gate.set()
    for job in [held, *jobs]:
        np.testing.assert_array_equal(_map_of(job), bright_map(pixels_of(job.encoded)))
    assert model.batches == [1, 4, 2, 1]
    batcher.stop(1)


def test_only_warm_sizes_run():
    model = FakeModel()
    version, batcher = fake_version(1, model), _batcher(batch_sizes=(1, 3))
    _held(model, version, batcher)
    jobs = [_job(version, seed) for seed in range(5)]
    batcher.submit(jobs)
    model.gate.set()
    [job.future.result(5) for job in jobs]
    assert model.batches == [1, 3, 1, 1]
    batcher.stop(1)


def test_without_a_choice_each_version_has_its_own_sizes():
    models = FakeModel(), FakeModel()
    sizes = (1, 3), (1, 2)
    versions = [
        dataclasses.replace(fake_version(i, models[i]), batch_sizes=sizes[i]) for i in range(2)
    ]
    batcher = _batcher(batch_sizes=None)
    _held(models[0], versions[0], batcher)
    jobs = [_job(versions[i % 2], i) for i in range(7)]
    batcher.submit(jobs)
    models[0].gate.set()
    [job.future.result(5) for job in jobs]
    assert models[0].batches == [1, 3, 1] and models[1].batches == [2, 1]
    batcher.stop(1)


def test_a_single_picture_waits_no_longer_than_the_batch_time():
    model = FakeModel()
    batcher = _batcher(batch_seconds=0.05)
    job = _job(fake_version(1, model))
    begin = time.monotonic()
    batcher.submit([job])
    job.future.result(5)
    assert 0.04 < time.monotonic() - begin < 1
    batcher.stop(1)


def test_thresholds_of_one_request_do_not_touch_another():
    model = FakeModel()
    version, batcher = fake_version(1, model), _batcher()
    held = _held(model, version, batcher)
    strict = _job(version, 1, thresholds={signatures.SCORE_THRESHOLD: 0.7})
    plain = _job(version, 1)
    batcher.submit([strict, plain])
    model.gate.set()
    assert strict.future.result(5)[signatures.NUM_SEGMENTS] == 1
    assert plain.future.result(5)[signatures.NUM_SEGMENTS] == 2
    assert held.future.result(5)[signatures.NUM_SEGMENTS] == 2
    batcher.stop(1)


def test_versions_are_not_mixed():
    models = FakeModel(), FakeModel(shift=60)
    versions = [fake_version(i + 1, model) for i, model in enumerate(models)]
    batcher = _batcher()
    _held(models[0], versions[0], batcher)
    jobs = [_job(versions[i % 2], i) for i in range(6)]
    batcher.submit(jobs)
    models[0].gate.set()
    for i, job in enumerate(jobs):
        expected = bright_map(pixels_of(job.encoded), 60 * (i % 2))
        np.testing.assert_array_equal(_map_of(job), expected)
    batcher.stop(1)


def test_a_full_queue_refuses_whole_requests():
    model = FakeModel()
    version, batcher = fake_version(1, model), _batcher(capacity=3)
    held = _held(model, version, batcher)
    kept = [_job(version), _job(version)]
    batcher.submit(kept)
    with pytest.raises(Refusal) as caught:
        batcher.submit([_job(version), _job(version)])
    assert caught.value.status == 429 and int(caught.value.headers["Retry-After"]) >= 1
    assert len(batcher) == 2
    model.gate.set()
    assert all(job.future.result(5) for job in [held, *kept])
    batcher.stop(1)


def test_expired_and_abandoned_pictures_are_not_computed():
    model = FakeModel()
    version, batcher = fake_version(1, model), _batcher()
    _held(model, version, batcher)
    late, gone, kept = _job(version, seconds=0.05), _job(version), _job(version)
    batcher.submit([late, gone, kept])
    gone.future.cancel()
    time.sleep(0.1)
    model.gate.set()
    assert kept.future.result(5)
    with pytest.raises(Refusal) as caught:
        late.future.result(5)
    assert caught.value.status == 504
    assert model.batches == [1, 1]
    batcher.stop(1)


def test_a_batch_has_a_limit_of_pixels_and_a_large_picture_runs_alone():
    model = FakeModel()
    version, batcher = fake_version(1, model), _batcher(max_pixels=1000)
    _held(model, version, batcher)
    jobs = [_job(version, i, pixels=count) for i, count in enumerate((600, 600, 5000, 300, 300))]
    batcher.submit(jobs)
    model.gate.set()
    [job.future.result(5) for job in jobs]
    assert model.batches == [1, 1, 1, 1, 2]
    batcher.stop(1)


def test_one_poisoned_picture_does_not_fail_the_others():
    class Poisoned(FakeModel):
        def __call__(self, signature, inputs):
            if picture(3) in inputs[signatures.ENCODED_IMAGES].tolist():
                raise RuntimeError("/secret/path")
            return super().__call__(signature, inputs)

    model = Poisoned()
    version, batcher = fake_version(1, model), _batcher()
    _held(model, version, batcher)
    jobs = [_job(version, seed) for seed in (1, 2, 3, 4)]
    batcher.submit(jobs)
    model.gate.set()
    for job in jobs[:2] + jobs[3:]:
        assert job.future.result(5)[signatures.STATUS] == 0
    with pytest.raises(Refusal) as caught:
        jobs[2].future.result(5)
    assert caught.value.status == 500 and "secret" not in caught.value.sentence
    batcher.stop(1)


def test_calls_run_alone_and_in_order():
    model = FakeModel()
    version, batcher = fake_version(1, model), _batcher()
    image = pixels_of(picture(5))
    call = CallJob(
        version, time.monotonic() + 5, 1, signature="segment_image", inputs={"image": image}
    )
    batcher.submit([call])
    np.testing.assert_array_equal(call.future.result(5)["panoptic_map"], bright_map(image))
    batcher.stop(1)


def test_stop_finishes_what_waits_and_refuses_the_rest():
    model = FakeModel(seconds=0.02)
    version, batcher = fake_version(1, model), _batcher()
    jobs = [_job(version, seed) for seed in range(6)]
    batcher.submit(jobs)
    batcher.stop(5)
    assert all(job.future.result(0) for job in jobs)
    with pytest.raises(Refusal) as caught:
        batcher.submit([_job(version)])
    assert caught.value.status == 503


def test_stop_does_not_wait_longer_than_it_may():
    model = FakeModel()
    version, batcher = fake_version(1, model), _batcher()
    _held(model, version, batcher)
    waiting = _job(version)
    batcher.submit([waiting])
    begin = time.monotonic()
    batcher.stop(0.1)
    assert time.monotonic() - begin < 2
    with pytest.raises(Refusal):
        waiting.future.result(0)
    model.gate.set()


def test_many_threads_lose_nothing():
    model = FakeModel()
    version = fake_version(1, model)
    batcher = _batcher(capacity=1000, threads=3, batch_seconds=0.001)
    jobs = [[_job(version, 10 * t + i) for i in range(10)] for t in range(8)]

    def send(mine):
        for job in mine:
            batcher.submit([job])

    threads = [threading.Thread(target=send, args=(mine,)) for mine in jobs]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    for job in itertools.chain(*jobs):
        np.testing.assert_array_equal(_map_of(job), bright_map(pixels_of(job.encoded)))
    assert sum(model.batches) == 80
    batcher.stop(1)
