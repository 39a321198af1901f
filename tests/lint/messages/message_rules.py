"""Rules for the messages of `UserError`: each says what is wrong, with what, and the way out.

The rules see the words that stand in the source. Where a message is made elsewhere, or a part of it
is computed, they check the rest.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.lint.sources import PACKAGE, name_of, python_files, syntax_tree

COMPUTED = "{}"
"""Stands for a part of a message that is computed."""

_VERBS = """
    add ask bind build change check choose close convert copy correct count cut divide download
    draw drop evaluate export fetch find fit free get give include increase install keep leave
    list lower make move name narrow number omit pass pick prepare put raise read reinstall
    remove rename repeat replace resize restart resume run save see set shorten show split start
    stop switch take train try turn update use wait widen write
"""
WAY_OUT = re.compile(
    r"(?:^|[;:.,?(]\s|\bor\s|\band\s|\bthen\s|\{\}\s|`\s)\s*(?:or |then |please |elsewhere )?(?:"
    + "|".join(_VERBS.split())
    + r")\b|[`:] ?maskconver \w|\bdid you mean\b|\bsuch as\b|\bit takes\b"
    # A list of what may be written is a way out, too.
    + r"|\bexpected (?:one of |True|False|'|\d)",
    re.IGNORECASE,
)
_SUBJECT = re.compile(r"\{\}|--\w|`|\bTRAIN_DATA\b|\b[A-Z]\w+\.\w+|\w+\.(?:json|gin|png)\b")
_SHORTEST = 12


def messages_end_without_full_stop(root: Path) -> list[str]:
    return [
        f"{place}: ends with a full stop: {text[-40:]!r}"
        for place, text in _messages(root)
        if text.endswith(".") and not text.endswith("...")
    ]


def messages_name_a_file_or_setting(root: Path) -> list[str]:
    """A message names a file, an option, a setting or a value that it was given."""
    return [
        f"{place}: names no file, option, setting or value: {text!r}"
        for place, text in _messages(root)
        if not _SUBJECT.search(text)
    ]


def messages_say_what_to_do(root: Path) -> list[str]:
    """A message tells what to write, run or change, in the words themselves or a computed end."""
    return [
        f"{place}: says no way out, such as 'give', 'remove' or 'such as': {text!r}"
        for place, text in _messages(root)
        if not WAY_OUT.search(text) and not text.endswith(COMPUTED)
    ]


def messages_are_no_catchwords(root: Path) -> list[str]:
    return [
        f"{place}: has fewer than {_SHORTEST} characters beside computed parts: {text!r}"
        for place, text in _messages(root)
        if len(text.replace(COMPUTED, "")) < _SHORTEST and not text.endswith(COMPUTED)
    ]


def _messages(root: Path) -> Iterator[tuple[str, str]]:
    """Yields file:line and text of each message that is not wholly made elsewhere."""
    for path in python_files(root, [PACKAGE]):
        for node in ast.walk(syntax_tree(path)):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "UserError":
                text = _text(node.args[0]) if node.args else ""
                if text != COMPUTED:
                    yield f"{name_of(path, root)}:{node.lineno}", text


def _text(node: ast.expr) -> str:
    """Returns a message with `COMPUTED` for each part that is not written out."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) for part in node.values)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _text(node.left) + _text(node.right)
    return COMPUTED
