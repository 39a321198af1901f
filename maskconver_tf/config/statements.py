"""Parses a source into Gin's statements; each mistake becomes a `UserError` with its place."""

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
from maskconver_tf.config.names import Names, check_parameter
from maskconver_tf.errors import UserError

_NAME = r"[^\W\d]\w*"
_ARGUMENT = re.compile(
    rf"(?P<name>({_NAME}/)*{_NAME}(\.{_NAME})*)\s*=(?P<value>.*)", flags=re.DOTALL
)
"""A binding on the command line, unless its name is malformed."""
NoteRename: TypeAlias = Callable[[str, str, str], None]
"""Takes the place where a source uses an old name, the old name and the new one."""


def parse(source: GinText, names: Names, note_rename: NoteRename | None = None) -> Iterator[Any]:
    """Yields the statements of `source`, except for imports: those it adds to `names` on the way.

    Args:
      source: the text.
      names: the names that it may use.
      note_rename: is called for each use of an old name, unless `source` forbids it.

    Raises:
      UserError: the text does not parse, an import fails, or a reference names nothing.
    """
    parser = None
    while True:
        try:
            parser = parser or ConfigParser(source.text, _ValueDelegate(names))
            statement = parser.parse_statement()
        except (SyntaxError, tokenize.TokenError) as error:
            raise _syntax_error(error, source) from None
        except UserError as error:  # from the delegate; Gin has added the line
            line = re.search(r"line (\d+)", str(error).removeprefix(without_gin_notes(error)))
            place = source.place(int(line.group(1)))
            raise UserError(f"{place}: {without_gin_notes(error)}") from None
        if statement is None:
            return
        if isinstance(statement, ImportStatement):
            with add_place_to_errors(source, statement):
                names.add_import(statement)
        else:
            yield statement
        for old, new in names.take_renames():
            if note_rename and source.note_renamed:
                note_rename(source.place(statement.location.line_num), old, new)


def key_of(statement: BindingStatement, names: Names) -> Key:
    """The key that `statement` binds.

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
def add_place_to_errors(source: GinText, statement: Any) -> Iterator[None]:
    """Puts the place of `statement` before the message of a `UserError`."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{source.place(statement.location.line_num)}: {error}") from None


class _ValueDelegate(gin.config.ParserDelegate):
    """Turns `@name` into a reference to the function or class that `names` finds."""

    def __init__(self, names: Names) -> None:
        super().__init__()
        self._names = names

    def configurable_reference(self, scoped_selector: str, evaluate: bool) -> Any:
        *scopes, selector = scoped_selector.split("/")
        complete = self._names.find(selector).selector
        return super().configurable_reference("/".join([*scopes, complete]), evaluate)


def _syntax_error(error: SyntaxError | tokenize.TokenError, source: GinText) -> UserError:
    if isinstance(error, tokenize.TokenError):
        message, (line, _) = error.args
    else:
        # Gin puts Python's message first and its own last.
        message, line = error.msg.splitlines()[-1].strip().rstrip("."), error.lineno
    if source.path is None and (argument := _ARGUMENT.fullmatch(source.text)):
        message = unparsed_value(argument["name"], argument["value"], message)
    elif re.search("parse (token|value)", message):
        message += "; text goes in quotes: 'text'"
    return UserError(f"{source.place(line)}: {message}")
