"""Finds the bindings that changed nothing. It looks at the calls that Gin made so far."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

import gin

from maskconver_tf.config.bindings import MACRO, GinText, Key, key_text
from maskconver_tf.config.names import KnownNames
from maskconver_tf.config.statements import key_of, parse
from maskconver_tf.errors import suggest_name


def unused_bindings(
    places: Mapping[Key, str], other_roots: Iterable[Callable] = ()
) -> dict[Key, str]:
    """Finds the bindings that no call so far used, each with the reason.

    Args:
      places: all loaded bindings, and where each was made.
      other_roots: functions that other commands call with the same configuration. Bindings that
        only these functions, or objects they build, would use are not reported.
    """
    called = set(_called_keys())
    used = {_supplier(key, places) for key in called}
    roots = {f"{root.__module__}.{root.__qualname__}" for root in other_roots}
    waiting = {MACRO} | (_reachable(roots, places) - {selector for _, selector, _ in called})
    unused = [key for key in places if key not in used and key[1] not in waiting]
    return {key: f"{key_text(key)} ({_reason(key, called)})" for key in unused}


def _called_keys() -> Iterator[Key]:
    """Yields the key of every argument that Gin or a default supplied to a call."""
    names = KnownNames()
    for statement in parse(GinText(gin.operative_config_str()), names):
        yield key_of(statement, names)


def _supplier(key: Key, places: Mapping[Key, str]) -> Key | None:
    """Finds the binding that supplied the argument `key`: the one in the innermost scope."""
    scope, selector, parameter = key
    scopes = scope.split("/") if scope else []
    for end in range(len(scopes), -1, -1):
        candidate = ("/".join(scopes[:end]), selector, parameter)
        if candidate in places:
            return candidate
    return None


def _reason(key: Key, called: set[Key]) -> str:
    scope, selector, _ = key
    scopes = sorted({called_scope for called_scope, name, _ in called if name == selector})
    if not scopes:
        return "nothing built it"
    if scope and not any(f"{other}/".startswith(f"{scope}/") for other in scopes):
        return f"nothing is built in scope '{scope}'{suggest_name(scope, filter(None, scopes))}"
    return "the code, or a narrower scope, sets it"


def _reachable(selectors: set[str], places: Mapping[Key, str]) -> set[str]:
    """Returns `selectors`, and all that their bindings refer to, directly or indirectly."""
    found, new = set(), selectors
    while new:
        found |= new
        values = [gin.config._CONFIG[key[:2]][key[2]] for key in places if key[1] in new]
        references = [r for value in values for r in gin.config.iterate_references(value)]
        new = {reference.configurable.selector for reference in references} - found
    return found
