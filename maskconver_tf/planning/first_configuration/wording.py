"""Counts and times in words."""

from __future__ import annotations

_DIGITS_BELOW = 10
_MINUTE, _HOUR = 60, 3600


def counted(number: int, noun: str) -> str:
    """Returns "1 picture" or "7 pictures"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def format_step(seconds: float) -> str:
    """Returns the time of a step: "0.034 seconds", "1 second" or "120 seconds"."""
    number = f"{seconds:.2g}" if seconds < _DIGITS_BELOW else f"{seconds:.0f}"
    return f"{number} second" if number == "1" else f"{number} seconds"


def format_minutes(minutes: float) -> str:
    """Returns "1 minute" or "2.5 minutes"."""
    return f"{minutes:g} minute" if minutes == 1 else f"{minutes:g} minutes"


def format_seconds(seconds: float) -> str:
    """Returns "40 seconds", "3 minutes" or "2.5 hours"."""
    if seconds < 1.5 * _MINUTE:
        return counted(max(1, round(seconds)), "second")
    if seconds < 1.5 * _HOUR:
        return counted(round(seconds / _MINUTE), "minute")
    return f"{seconds / _HOUR:.1f} hours"
