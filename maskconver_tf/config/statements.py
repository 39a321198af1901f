"""Parses a Gin text into statements. Each mistake becomes a `UserError` with its place."""

from __future__ import annotations

import contextlib
import re
import tokenize
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import gin
from gin.config_parser import BindingStatement, ConfigParser, ImportStatement

from maskconver_tf.config.bindings import GinText, Key, macro_key
from maskconver_tf.config.messages import unparsed_value, without_gin_notes
from maskconver_tf.config.names import KnownNames, check_parameter
from maskconver_tf.errors import UserError

_NAME = r"[^\W\d]\w*"
_ARGUMENT = re.compile(
    rf"(?P<name>({_NAME}/)*{_NAME}(\.{_NAME})*)\s*=(?P<value>.*)", flags=re.DOTALL
)
"""Matches a binding on the command line, unless its name is malformed."""
NoteRename: TypeAlias = Callable[[str, str, str], None]
"""Takes the place where a text uses an old name, the old name and the new one."""


def parse(
    gin_text: GinText, names: KnownNames, note_rename: NoteRename | None = None
) -> Iterator[Any]:
    """Yields the statements of a text. It adds imports to `names` and does not yield them.

    Args:
      gin_text: the text.
      names: the names that the text may use.
      note_rename: called for each use of an old name if the text's `note_renamed` is True.

    Raises:
      UserError: the text does not parse, an import fails, or a reference names nothing that exists.
    """
    parser = None
    while True:
        try:
            parser = parser or ConfigParser(gin_text.text, _ValueDelegate(names))
            statement = parser.parse_statement()
        except (SyntaxError, tokenize.TokenError) as error:
            raise _syntax_error(error, gin_text) from None
        except UserError as error:  # from the delegate; Gin has added the line
            line = re.search(r"line (\d+)", str(error).removeprefix(without_gin_notes(error)))
            place = gin_text.place(int(line.group(1)))
            raise UserError(f"{place}: {without_gin_notes(error)}") from None
        if statement is None:
            return
        if isinstance(statement, ImportStatement):
            with add_place_to_errors(gin_text, statement):
                names.add_import(statement)
        else:
            yield statement
        for old, new in names.take_renames():
            if note_rename and gin_text.note_renamed:
                note_rename(gin_text.place(statement.location.line_num), old, new)


def key_of(statement: BindingStatement, names: KnownNames) -> Key:
    """Returns the key that `statement` binds.

    Raises:
      UserError: its name or parameter does not exist.
    """
    scope, selector, parameter = statement.scope, statement.selector, statement.arg_name
    if not parameter:
        return macro_key(f"{scope}/{selector}" if scope else selector)
    found = names.find(selector)
    check_parameter(found, parameter)
    return scope, found.selector, parameter


@contextlib.contextmanager
def add_place_to_errors(gin_text: GinText, statement: Any) -> Iterator[None]:
    """Puts the place of `statement` before the message of a `UserError` in this context."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{gin_text.place(statement.location.line_num)}: {error}") from None


class _ValueDelegate(gin.config.ParserDelegate):
    """Turns `@name` into a reference to the function or class that `names` finds."""

    def __init__(self, names: KnownNames) -> None:
        super().__init__()
        self._names = names

    def configurable_reference(self, scoped_selector: str, evaluate: bool) -> Any:
        *scopes, selector = scoped_selector.split("/")
        complete = self._names.find(selector).selector
        return super().configurable_reference("/".join([*scopes, complete]), evaluate)


def _syntax_error(error: SyntaxError | tokenize.TokenError, gin_text: GinText) -> UserError:
    if isinstance(error, tokenize.TokenError):
        message, (line, _) = error.args
    else:
        # Gin puts Python's message first and its own last.
        message, line = error.msg.splitlines()[-1].strip().rstrip("."), error.lineno
    if gin_text.path is None and (argument := _ARGUMENT.fullmatch(gin_text.text)):
        message = unparsed_value(argument["name"], argument["value"], message)
    elif re.search("parse (token|value)", message):
        message += "; text goes in quotes: 'text'"
    return UserError(f"{gin_text.place(line)}: {message}")
