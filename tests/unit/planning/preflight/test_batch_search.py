"""The search for the largest batch, with made-up needs in place of the compiler."""

import pytest

from maskconver_tf.planning.preflight.batch_search import (
    MAX_PLANS,
    find_largest_batch,
    format_largest_batch,
)
from maskconver_tf.planning.preflight.tpu_check import MemoryPlan


def needs(function, capacity, limit=10**9):
    """`compile_batch` of a step that needs `function(batch)` bytes, and the batches it compiled."""
    asked = []

    def compile_batch(size):
        asked.append(size)
        return (
            MemoryPlan(size, function(size), function(size) <= capacity) if size <= limit else None
        )

    return compile_batch, asked


@pytest.mark.parametrize("asked", [1, 3, 8, 100])
def test_a_need_that_grows_linearly_takes_few_tries(asked):
    compile_batch, sizes = needs(lambda b: 100 + 30 * b, 1000)
    largest, tried = find_largest_batch(asked, 1000, compile_batch)
    assert largest.batch_size == 30
    assert len(sizes) <= 5 and len(set(sizes)) == len(sizes) == len(tried)
    assert format_largest_batch(largest, tried).endswith("30 per core; one more does not")


def test_after_a_guess_that_does_not_fit_smaller_sizes_are_tried():
    need = {4: 400, 8: 700, 12: 1100, 11: 1040, 10: 900}  # the line says 12
    largest, tried = find_largest_batch(4, 1000, needs(need.__getitem__, 1000)[0])
    assert largest.batch_size == 10
    assert [plan.batch_size for plan in tried] == [4, 8, 12, 11, 10]


@pytest.mark.parametrize("asked", [1, 8, 25, 50])
def test_a_need_that_grows_slower_near_the_limit_does_not_end_the_search(asked):
    """Near the limit the compiler recomputes tensors that it keeps for smaller batches."""
    compile_batch, _ = needs(lambda b: 100 + 30 * b if b <= 28 else 800 + 4 * b, 1000)
    largest, tried = find_largest_batch(asked, 1000, compile_batch)
    assert largest.batch_size == 50
    assert 51 in [plan.batch_size for plan in tried]


def test_nothing_fits():
    largest, tried = find_largest_batch(4, 1000, needs(lambda b: 2000 + b, 1000)[0])
    assert largest is None
    assert min(plan.batch_size for plan in tried) == 1
    assert "no batch down to 1 per core fits" in format_largest_batch(largest, tried)


def test_a_need_that_does_not_grow_ends_the_search():
    largest, tried = find_largest_batch(1, 1000, needs(lambda b: 500, 1000)[0])
    assert len(tried) == MAX_PLANS
    assert format_largest_batch(largest, tried).endswith(
        "per core, or more; the search ended there"
    )


def test_a_compile_out_of_time_ends_the_search_with_what_is_known():
    largest, _ = find_largest_batch(4, 1000, needs(lambda b: 10 * b, 1000, limit=8)[0])
    assert largest.batch_size == 8
    assert find_largest_batch(4, 1000, lambda size: None) == (None, [])
    assert "not known" in format_largest_batch(None, [])
