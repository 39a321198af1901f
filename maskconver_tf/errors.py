"""Errors that end a command with a message, and parts of such messages that all rooms use.

A `UserError` is a user's mistake, a `RunStopped` a stop on request.
"""

from __future__ import annotations

import difflib
import itertools
import unicodedata
from collections.abc import Iterable


class UserError(Exception):
    """A mistake that the user can correct; the message says how.

    The message names the file or argument, what was found, what was expected and the way out. It
    has no full stop at its end. The command line prints it without a traceback and exits with
    status 2.
    """

    # Keras adds text to errors from its layers, but not if this attribute is set.
    _keras_call_info_injected = True


class RunStopped(BaseException):
    """A run stopped early and lost nothing: the same command resumes it.

    Like `KeyboardInterrupt` this is not an `Exception`, so that code that catches all errors does
    not catch it.

    Attributes:
      status: exit status. 75 (EX_TEMPFAIL of sysexits.h) asks the caller to start the command
        again; 130 says that a person stopped it.
    """

    def __init__(self, message: str, status: int = 75):
        super().__init__(message)
        self.status = status


# ---- Parts of messages ---------------------------------------------------------------------------
def short_repr(value: object) -> str:
    """Returns `repr` of a value for a message, cut to 80 characters."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


_KINDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number with a decimal point",
    str: "text",
    list: "a list",
    tuple: "a tuple",
    dict: "an object",
}


def typed_repr(value: object) -> str:
    """Returns a value and its type for a message: "'1' (text)".

    Without the type, the text "1" or the number 1.0 may read like the whole number 1.
    """
    if value is None:
        return "null"
    return f"{short_repr(value)} ({_KINDS.get(type(value), type(value).__name__)})"


def suggest_name(name: str, names: Iterable[object]) -> str:
    """Suggests the one of `names` that is most like the unknown `name`; empty if none is like it.

    If the two look alike, the text says where they differ: "; did you mean 'cat' (character 4 is
    U+0020 (space) here, but 'cat' ends there)?"
    """
    known = [str(other) for other in names if str(other) != name]
    alike = [other for other in known if look_of(other) == look_of(name)]
    close = alike or difflib.get_close_matches(name, known, n=1)
    if not close:
        return ""
    differs = difference(name, close[0])
    return f"; did you mean '{close[0]}'" + (f" ({differs})?" if differs else "?")


def found_instead(key: str, given: Iterable[object]) -> str:
    """Names the one of `given` that was perhaps written for the missing `key`; else empty.

    Returns:
      "; found 'Name' instead (character 1 is 'N' here, not 'n')".
    """
    names = [str(name) for name in given]
    alike = [name for name in names if look_of(name) == look_of(key)]
    close = alike or difflib.get_close_matches(key, names, n=1)
    if not close:
        return ""
    differs = difference(close[0], key)
    return f"; found '{close[0]}' instead" + (f" ({differs})" if differs else "")


def difference(given: str, meant: str) -> str:
    """Says where two names differ that look alike; empty if they are equal or look different."""
    if given == meant or look_of(given) != look_of(meant):
        return ""
    pairs = itertools.zip_longest(given, meant)
    at = next(number for number, (ours, theirs) in enumerate(pairs) if ours != theirs)
    ours, theirs = _character(given, at), _character(meant, at)
    if not theirs:
        return f"character {at + 1} is {ours} here, but '{meant}' ends there"
    if not ours:
        return f"the given name ends before character {at + 1}, {theirs}"
    return f"character {at + 1} is {ours} here, not {theirs}"


_ALIKE = str.maketrans(
    "0|1i\u043e\u0430\u0435\u0440\u0441\u0443\u0445\u043a\u043c\u0442\u043d\u0456\u0458"
    "\u2010\u2011\u2012\u2013\u2014\u2212\u2018\u2019\u02bc`_",
    "ollloaepcyxkmthlj------" + 4 * "'" + " ",
)
"""Digits, Cyrillic letters, dashes and quotes -> the characters that look like them."""


def look_of(name: str) -> str:
    """Returns a text that is equal for names that a reader may take for the same."""
    text = unicodedata.normalize("NFKC", name)
    shown = (c for c in text if unicodedata.category(c) not in ("Cc", "Cf"))
    return " ".join("".join(shown).casefold().translate(_ALIKE).split())


def _character(name: str, at: int) -> str:
    """Names a character for a message: "'O'", "U+00A0 (no-break space)"; empty after the end."""
    if at >= len(name):
        return ""
    character = name[at]
    if character.isascii() and character.isprintable() and character != " ":
        shown = f"'{character}'"
    else:
        shown = f"U+{ord(character):04X} ({unicodedata.name(character, 'no name').lower()})"
    is_marked = at + 1 < len(name) and unicodedata.combining(name[at + 1])
    return f"{shown} with {_character(name, at + 1)}" if is_marked else shown
