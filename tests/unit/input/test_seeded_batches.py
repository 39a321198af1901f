"""Batches depend on seed and step only, and each epoch has every example once."""

import collections

import pytest
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.errors import UserError
from maskconver_tf.input.pipeline import TrainingInput
from tests.unit.input.tiny_dataset import RANDOM, SIZE, assert_equal, numbers_of, take

# ---- Order ---------------------------------------------------------------------------------------


def test_every_epoch_visits_every_example_once_in_its_own_order(data_dir):
    numbers = numbers_of(take(data_dir, 6, batch_size=7))
    epochs = [tuple(numbers[i : i + 7]) for i in range(0, 42, 7)]
    assert all(sorted(epoch) == list(range(7)) for epoch in epochs)
    assert len(set(epochs)) >= 5


def test_a_small_buffer_still_visits_every_example_once(data_dir):
    numbers = numbers_of(take(data_dir, 2, batch_size=7, shuffle_buffer=2))
    assert sorted(numbers[:7]) == sorted(numbers[7:]) == list(range(7))


def test_without_a_buffer_the_order_is_that_on_disk(data_dir):
    settings = {"shuffle_buffer": 0, "shuffle_shards": False}
    assert numbers_of(take(data_dir, 3, **settings)) == [0, 1, 2, 3, 4, 5, 6, 0, 1]


def test_shards_come_in_another_order_every_epoch_unless_a_setting_fixes_it(data_dir):
    """The two shards have the examples 0 to 3 and 4 to 6."""
    settings = {"batch_size": 7, "shuffle_buffer": 0}
    epochs = {tuple(batch["number"].tolist()) for batch in take(data_dir, 12, **settings)}
    assert epochs == {(0, 1, 2, 3, 4, 5, 6), (4, 5, 6, 0, 1, 2, 3)}
    for fixed in ({"cache": True}, {"max_examples": 7}, {"shuffle_shards": False}):
        numbers = numbers_of(take(data_dir, 3, **settings | fixed))
        assert numbers == [0, 1, 2, 3, 4, 5, 6] * 3


def test_only_the_first_examples(data_dir):
    numbers = numbers_of(take(data_dir, 4, batch_size=2, max_examples=4))
    assert sorted(numbers[:4]) == sorted(numbers[4:]) == [0, 1, 2, 3]
    assert TrainingInput(data_dir, SIZE, 2, max_examples=4).num_examples == 4
    assert TrainingInput(data_dir, SIZE, 2, max_examples=400).num_examples == 7
    assert TrainingInput(data_dir, SIZE, 2).num_examples == 7


def test_a_batch_may_hold_more_than_an_epoch(data_dir):
    counts = collections.Counter(numbers_of(take(data_dir, 1, batch_size=14)))
    assert counts == dict.fromkeys(range(7), 2)


@pytest.mark.parametrize(
    "settings",
    [
        {"num_readers": 2},
        {"num_readers": 2, "cache": True},
        {"shuffle_shards": True},
        {"shuffle_shards": True, "num_readers": 2, "shuffle_buffer": 2},
        {"shuffle_shards": True, "num_readers": 8, "shuffle_buffer": 0},
    ],
)
def test_with_any_order_each_epoch_is_whole_and_a_run_can_resume(data_dir, settings):
    settings = RANDOM | {"copy_paste": 0.0} | settings
    whole = take(data_dir, 7, **settings)
    numbers = numbers_of(whole)
    assert all(sorted(numbers[i : i + 7]) == list(range(7)) for i in range(0, 21, 7))
    assert_equal(take(data_dir, 4, first_step=3, **settings), whole[3:])


def test_without_determinism_each_epoch_is_still_whole(data_dir):
    numbers = numbers_of(take(data_dir, 3, batch_size=7, deterministic=False, num_readers=2))
    assert all(sorted(numbers[i : i + 7]) == list(range(7)) for i in range(0, 21, 7))


# ---- Seed and step -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def eight_batches(data_dir):
    """24 examples: more than three epochs of seven."""
    return take(data_dir, 8, **RANDOM)


@pytest.mark.parametrize("first_step", [1, 2, 3, 7])
def test_a_run_resumes_as_if_it_had_never_stopped(data_dir, eight_batches, first_step):
    # Epochs end within batches 2 and 4 and after batch 6.
    rest = take(data_dir, 8 - first_step, first_step=first_step, **RANDOM)
    assert_equal(rest, eight_batches[first_step:])


def test_unshuffled_runs_resume_too(data_dir):
    settings = RANDOM | {"shuffle_buffer": 0}
    whole = take(data_dir, 5, **settings)
    assert_equal(take(data_dir, 2, first_step=3, **settings), whole[3:])


def test_caching_changes_nothing_but_the_order_of_shards(data_dir):
    plain = take(data_dir, 8, shuffle_shards=False, **RANDOM)
    assert_equal(take(data_dir, 8, cache=True, **RANDOM), plain)
    assert_equal(take(data_dir, 5, first_step=3, cache=True, **RANDOM), plain[3:])


@pytest.mark.parametrize("process_seed", [0, 1, 99])
def test_the_seed_of_the_process_changes_nothing(data_dir, eight_batches, process_seed):
    tf.random.set_seed(process_seed)
    assert_equal(take(data_dir, 4, **RANDOM), eight_batches[:4])


def test_another_seed_gives_another_order_and_another_augmentation(data_dir, eight_batches):
    others = take(data_dir, 8, **RANDOM | {"seed": 4})
    assert numbers_of(others) != numbers_of(eight_batches)
    first, second = (
        take(data_dir, 2, **RANDOM | {"seed": seed, "shuffle_buffer": 0, "shuffle_shards": False})
        for seed in (3, 4)
    )
    assert numbers_of(first) == numbers_of(second)
    assert any((a[types.IMAGE] != b[types.IMAGE]).any() for a, b in zip(first, second))


def test_every_epoch_augments_an_example_differently(data_dir):
    batches = take(data_dir, 4, max_examples=1, batch_size=1, scale_range=(0.5, 2.0))
    pictures = {batch[types.IMAGE].tobytes() for batch in batches}
    assert len(pictures) == 4


def test_hosts_share_each_global_batch(data_dir):
    whole = take(data_dir, 3, **RANDOM | {"batch_size": 4})
    shares = [
        take(
            data_dir,
            3,
            context=tf.distribute.InputContext(2, host, num_replicas_in_sync=2),
            **RANDOM | {"batch_size": 4},
        )
        for host in range(2)
    ]
    for step, batch in enumerate(whole):
        for host in range(2):
            assert_equal(
                [{name: value[host::2] for name, value in batch.items()}], [shares[host][step]]
            )


# ---- Settings ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    [
        {"shard_files": True, "max_examples": 3},
        {"shuffle_shards": True, "max_examples": 3},
        {"shuffle_shards": True, "cache": True},
    ],
)
def test_settings_that_exclude_each_other_are_refused(settings):
    with pytest.raises(UserError, match="exclude each other, .*; set only one of the two"):
        TrainingInput("somewhere", SIZE, 2, **settings)
