"""Words for error messages: the nearest name, and Gin's own messages made plain."""

from __future__ import annotations

import contextlib
import difflib
import re
from collections.abc import Iterable, Iterator

from maskconver_tf.errors import RunStopped, UserError


def nearest(name: str, names: Iterable[str]) -> str:
    """Suggests the one of `names` that resembles `name`; an empty text when none does."""
    close = difflib.get_close_matches(name, list(names), n=1)
    return f"; did you mean '{close[0]}'?" if close else ""


def needs(name: str, arguments: str) -> str:
    """Says that the function `name` lacks `arguments`, a list of their names, and how to bind."""
    return f"'{name}' needs {arguments}: bind in a .gin file, or as --gin.{name}.NAME=VALUE"


def without_gin_notes(error: Exception) -> str:
    """The message as it was raised, without the places that Gin appends."""
    return re.split(r"\n  In (?:call to configurable|file|bindings string)", str(error))[0]


@contextlib.contextmanager
def plain_errors() -> Iterator[None]:
    """Removes Gin's notes from errors, and turns a missing argument into a `UserError`."""
    try:
        yield
    except UserError as error:
        raise UserError(without_gin_notes(error)) from error
    except RunStopped as stop:
        raise RunStopped(without_gin_notes(stop), stop.status) from stop
    except TypeError as error:
        if message := _missing_arguments(error):
            raise UserError(message) from error
        raise


def _missing_arguments(error: TypeError) -> str | None:
    """What to bind, if the function that Gin called lacks arguments; else None."""
    match = re.search(
        r"([\w.]+)\(\) missing \d+ required [\w-]+ arguments?: ([^\n]+)"
        r"(?:\n  [^\n]+)*?\n  In call to configurable '(\w+)'",
        str(error),
    )
    if not match or match[1].removesuffix(".__init__").split(".")[-1] != match[3]:
        return None
    return needs(match[3], match[2])
