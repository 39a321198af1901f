"""Names of folders that programs often get wrong."""

from __future__ import annotations

import unicodedata

NAMES = (
    "lr[0.1]",
    "a*b",
    "what?",
    "two words",
    " spaces around ",
    "it's",
    'say "hi"',
    "new\nline",
    "100%",
    "%s %(name)s",
    "$HOME",
    "a;b&c|d",
    "back\\slash",
    unicodedata.normalize("NFC", "café"),
    unicodedata.normalize("NFD", "café"),
    "日本語",
    "{a,b}",
    "-dash",
    "a=b,c:d@e()#f",
    "~",
)

EVERYTHING = "lr[0.1] *?\\ 'x' \"y\"\n100% {é} $HOME=#@"
"""All special characters in one name."""
NESTED = "/".join(NAMES)
"""One folder in the other: a path with all names."""
