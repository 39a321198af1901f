"""Parts of error messages: Gin's own messages, and values with missing quotes."""

from __future__ import annotations

import ast
import contextlib
import json
import re
import shlex
from collections.abc import Iterator

from maskconver_tf.errors import RunStopped, UserError


def explain_missing_arguments(name: str, arguments: str) -> str:
    """Says that the function `name` lacks `arguments`, and how to bind them."""
    return f"'{name}' needs {arguments}; give a value in a .gin file or as --gin.{name}.NAME=VALUE"


def without_gin_notes(error: Exception) -> str:
    """Returns the message as it was raised, without the places that Gin appends."""
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
    """Says what to bind if the function that Gin called lacks arguments; else returns None."""
    match = re.search(
        r"([\w.]+)\(\) missing \d+ required [\w-]+ arguments?: ([^\n]+)"
        r"(?:\n  [^\n]+)*?\n  In call to configurable '(\w+)'",
        str(error),
    )
    if not match or match[1].removesuffix(".__init__").split(".")[-1] != match[3]:
        return None
    return explain_missing_arguments(match[3], match[2])


# ---- Values of the command line that do not parse ------------------------------------------------
OPTIONS = {"TRAIN_DATA": "--train_data", "EVAL_DATA": "--eval_data", "INPUT_SIZE": "--input_size"}
"""Macro -> option of `maskconver train` that sets it. An option needs no quotes and brackets."""


def unparsed_value(name: str, value: str, reason: str) -> str:
    """Returns the end of an error message: how to write `--gin.NAME=VALUE` so that it parses.

    Args:
      name: the parameter or macro.
      value: the text that does not parse, as the shell passed it on.
      reason: the message of the parser.
    """
    if name == "INPUT_SIZE":
        mistake, literal = "expected height and width in brackets", _size(value)
    else:
        mistake, literal = _repair(value.strip())
    if not literal:
        return f"the value '{value.strip()}' does not parse ({reason})"
    advice = f"{mistake}; write\n  --gin.{name}={shell_word(literal)}"
    if option := OPTIONS.get(name):
        advice += f"\nor, as `maskconver train` takes it,\n  {option} {_option_value(literal)}"
    return advice


_CLOSING = {"(": ")", "[": "]", "{": "}"}
_ITEM = re.compile(r"""'[^']*'|"[^"]*"|[^\s,:'"()\[\]{}][^,:'"()\[\]{}]*""")


def _repair(value: str) -> tuple[str, str]:
    """Returns the mistake in `value` and the literal that the user meant; empty if unknown."""
    if not value:
        return "the value is missing, and empty text needs quotes", "''"
    if value.startswith(tuple(_CLOSING)):
        return _repair_group(value)
    if value.startswith(("@", "%")) or value.endswith(tuple(_CLOSING.values())):
        return "", ""
    if _is_literal(f"({value})"):
        return "a group of values needs brackets", f"({value})"
    return "text needs quotes inside the quotes of the shell", _text_literal(_unquoted(value))


def _repair_group(value: str) -> tuple[str, str]:
    if "@" in value or "%" in value:
        return "", ""
    open_brackets = []
    for character in _ITEM.sub("", value):
        if character in _CLOSING:
            open_brackets.append(_CLOSING[character])
        elif open_brackets and character == open_brackets[-1]:
            open_brackets.pop()
    closed = value + "".join(reversed(open_brackets))
    quoted = _ITEM.sub(lambda item: _quoted_item(item[0]), closed)
    if not _is_literal(quoted):
        return "", ""
    return "a bracket is not closed" if open_brackets else "text needs quotes", quoted


def _quoted_item(item: str) -> str:
    return item if _is_literal(item.strip()) else _text_literal(item.strip())


def _size(value: str) -> str:
    sides = re.findall(r"\d+", value)
    return f"({', '.join(sides)})" if len(sides) == 2 else "(640, 640)"


def _is_literal(text: str) -> bool:
    try:
        return not isinstance(ast.literal_eval(text), set)
    except (SyntaxError, ValueError):
        return False


def _unquoted(value: str) -> str:
    """Removes a quote at the start of `value`, and the same quote at its end."""
    if not value.startswith(("'", '"')):
        return value
    return value[1:].removesuffix(value[0])


def _text_literal(text: str) -> str:
    """Returns `text` as a literal, in the quotes that need the least shell escaping."""
    has_plain_characters = not re.search(r'[\\$`!"]', repr(text))
    return repr(text) if has_plain_characters else json.dumps(text, ensure_ascii=False)


def _option_value(literal: str) -> str:
    value = ast.literal_eval(literal)
    return shlex.quote(value) if isinstance(value, str) else ",".join(map(str, value))


def shell_word(literal: str) -> str:
    """Quotes `literal` so that a shell passes it on unchanged."""
    if not re.search(r'[\\$`!"]', literal):
        return f'"{literal}"'
    if "'" not in literal:
        return f"'{literal}'"
    if "!" not in literal:
        escaped = re.sub(r'[\\$`"]', r"\\\g<0>", literal)
        return f'"{escaped}"'
    return shlex.quote(literal)
