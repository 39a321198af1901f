"""Repeats a request until it succeeds, the attempts are used up, or the time is over."""

from __future__ import annotations

import dataclasses
import itertools
import random
import time
from collections.abc import Callable
from typing import TypeVar

from maskconver_tf.serving.calls.failures import DeadlineExceeded, TryAgain
from maskconver_tf.setting_checks import check_numbers, check_whole_numbers

_T = TypeVar("_T")


@dataclasses.dataclass(frozen=True)
class Retry:
    """When to send a request again.

    The wait before attempt n is a random time up to `first_seconds` x 2^(n-2), at most
    `most_seconds`. So clients that failed together do not come back together. If the server sends
    `Retry-After`, its time is added.

    Attributes:
      attempts: most attempts, the first one included; 1 for no retry.
      first_seconds: see above.
      most_seconds: see above.
    """

    attempts: int = 5
    first_seconds: float = 0.2
    most_seconds: float = 5.0

    def __post_init__(self):
        check_whole_numbers("Retry", 1, 100, attempts=self.attempts)
        check_numbers("Retry", 0, 3600, first_seconds=self.first_seconds)
        check_numbers("Retry", 0, 3600, most_seconds=self.most_seconds)

    def wait(self, failed: int, after: float | None) -> float:
        """Seconds to wait after `failed` attempts; `after` is what the server asks for."""
        longest = min(self.most_seconds, self.first_seconds * 2.0 ** (failed - 1))
        return (after or 0.0) + random.uniform(0.0, longest)


def call_with_retry(call: Callable[[float], _T], seconds: float, retry: Retry) -> _T:
    """Calls `call(time_left)`, again after each `TryAgain`.

    Args:
      call: an attempt; it raises `TryAgain` if another one may succeed.
      seconds: time for all attempts and the waits between them.
      retry: when to call again.

    Raises:
      RequestFailed: the failure of the last attempt.
      DeadlineExceeded: no time is left.
    """
    end = time.monotonic() + seconds
    for failed in itertools.count(1):
        left = end - time.monotonic()
        if left <= 0:
            raise DeadlineExceeded(f"no answer within {seconds:g} s; give more deadline_seconds")
        try:
            return call(left)
        except TryAgain as again:
            wait = retry.wait(failed, again.after)
            if failed >= retry.attempts or time.monotonic() + wait >= end:
                raise again.failure from again
            time.sleep(wait)
    raise AssertionError("the loop has no end of its own")
