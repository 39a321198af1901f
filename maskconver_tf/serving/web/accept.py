"""Chooses the form of an answer by the header `Accept` (RFC 9110, section 12.5.1)."""

from __future__ import annotations

from collections.abc import Sequence

from maskconver_tf.serving.refusals import Refusal


def choose_form(accept: str, offered: Sequence[str]) -> str:
    """Returns the offered media type that the client likes best; the first one for `*/*`.

    A type with a parameter, such as `image/png;profile=drawing`, is only chosen if the client names
    the parameter.

    Raises:
      Refusal: 406, the client takes none of them.
    """
    ranges = [_parse(part) for part in (accept.strip() or "*/*").split(",") if part.strip()]
    best, liking = None, 0.0
    for form in offered:
        matches = [found for found in ranges if _rank(found, form) > 0]
        # The most specific range decides, whatever its weight.
        weight = max(matches, key=lambda found: _rank(found, form))[2] if matches else 0.0
        if weight > liking:
            best, liking = form, weight
    if best is None:
        raise Refusal(406, f"Accept must name one of {', '.join(offered)}", "accept")
    return best


def _parse(text: str) -> tuple[str, dict[str, str], float]:
    """Returns the media range, its parameters, and its weight 0..1."""
    kind, *parts = (part.strip() for part in text.lower().split(";"))
    pairs = dict(part.split("=", 1) for part in parts if "=" in part)
    weight = pairs.pop("q", "1")
    try:
        return kind, {k.strip(): v.strip(' "') for k, v in pairs.items()}, float(weight)
    except ValueError:
        return kind, pairs, 0.0


def _rank(found: tuple[str, dict[str, str], float], form: str) -> int:
    """How specifically a range names a form; 0 if it does not match."""
    wanted, given, _ = found
    kind, parameters, _ = _parse(form)
    if parameters:
        return 4 if wanted == kind and parameters.items() <= given.items() else 0
    if wanted == kind and "profile" not in given:
        return 3
    if wanted == kind.split("/")[0] + "/*":
        return 2
    return 1 if wanted == "*/*" else 0
