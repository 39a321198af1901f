"""Reads sources in order, and checks the bindings that are in force after the last."""

from __future__ import annotations

from pathlib import Path

from gin.config_parser import BindingStatement, BlockDeclaration, IncludeStatement

from maskconver_tf.config import renamed
from maskconver_tf.config.bindings import (
    MACRO,
    REQUIRED,
    Binding,
    GinText,
    Key,
    OptionSetting,
    key_text,
    macro_key,
    macros_in,
)
from maskconver_tf.config.gin_files import resolve_gin_file
from maskconver_tf.config.messages import nearest
from maskconver_tf.config.names import Names
from maskconver_tf.config.statements import NoteRename, add_place_to_errors, key_of, parse
from maskconver_tf.errors import UserError


class Reader:
    """Reads sources one after the other; a later binding of a key replaces the earlier one."""

    def __init__(self, note_rename: NoteRename) -> None:
        """Starts without bindings.

        Args:
          note_rename: is called for each use of an old name.
        """
        self._note_rename = note_rename
        self._bindings: dict[Key, Binding] = {}  # the most recent last
        self._macros_read: set[str] = set()
        self._names = Names()  # of all sources, for the command line
        self._done: set[Path] = set()
        self._open: list[Path] = []

    def read_file(self, path: Path, note_renamed: bool = True) -> None:
        """Reads a .gin file and its includes, each file only once.

        A second reading would undo the bindings made in between.

        Args:
          path: the file.
          note_renamed: whether to note the old names in these files.

        Raises:
          UserError: a statement is wrong, or the file includes itself.
        """
        resolved = path.resolve()
        if resolved in self._open:
            raise UserError(
                f"{path} includes itself through {self._open[-1].name}; remove one include"
            )
        if resolved in self._done:
            return
        self._open.append(resolved)
        self._read(GinText(_read_text(path), path, note_renamed=note_renamed))
        self._done.add(self._open.pop())

    def read_argument(self, argument: str | OptionSetting) -> None:
        """Reads one binding of the command line: `NAME=VALUE`, or the setting of an option.

        Raises:
          UserError: it is wrong, or it is not a binding.
        """
        if not isinstance(argument, OptionSetting):
            self._read_binding(GinText(argument))
            return
        try:
            self._read_binding(GinText(argument.text, setting=argument))
        except UserError:  # The value is well formed, so that the name does not exist.
            raise UserError(f"{argument.option}: {argument.advice}") from None

    def _read_binding(self, source: GinText) -> None:
        statements = parse(source, self._names, self._note_rename)
        statement = next(statements, None)
        if isinstance(statement, BindingStatement):
            with add_place_to_errors(source, statement):
                self._bind(statement, self._names, source)
        if not isinstance(statement, BindingStatement) or next(statements, None):
            raise UserError(f"{source.place(None)}: expected --gin.NAME=VALUE")

    def _read(self, source: GinText) -> None:
        names = Names(self._names)
        may_include = True
        for statement in parse(source, names, self._note_rename):
            with add_place_to_errors(source, statement):
                if isinstance(statement, IncludeStatement):
                    self._include(statement, source, may_include)
                elif isinstance(statement, BlockDeclaration):
                    names.find(statement.selector)
                elif isinstance(statement, BindingStatement):
                    self._bind(statement, names, source)
                    may_include = False

    def _include(self, statement: IncludeStatement, source: GinText, allowed: bool) -> None:
        if not allowed:
            raise UserError(
                f"include '{statement.filename}' comes below a setting, which it may undo; "
                "move it to the top"
            )
        included = resolve_gin_file(statement.filename, beside=source.path.parent)
        self.read_file(included, source.note_renamed)

    def _bind(self, statement: BindingStatement, names: Names, source: GinText) -> None:
        key = key_of(statement, names)
        earlier = self._bindings.get(key)
        if earlier and earlier.source is source:
            raise UserError(
                f"{key_text(key)} is set in {earlier.place} already; keep one of the two"
            )
        place = source.place(statement.location.line_num)
        self._bindings.pop(key, None)  # so that the new binding comes last
        self._bindings[key] = Binding(statement.value, place, source)
        self._macros_read |= macros_in(statement.value)

    # ---- After the last source -------------------------------------------------------------------
    def checked_bindings(self) -> dict[Key, Binding]:
        """The bindings in force, without the macros whose readers were all overridden.

        Raises:
          UserError: a macro is read but not set, set but read nowhere, or reads itself.
        """
        self._bindings = renamed.translate(self._bindings, self._names.find, self._note_rename)
        live: dict[Key, Binding] = {}
        for key in self._bindings:
            if key[1] != MACRO:
                self._add_live(key, live, readers=())
        for name in sorted(key[0] for key in self._bindings.keys() - live.keys()):
            self._check_unread(name, self._bindings[macro_key(name)])
        return live

    def _check_unread(self, name: str, macro: Binding) -> None:
        """Refuses a macro that changes nothing, unless only its readers were overridden.

        An option of a command must have an effect, so that nothing excuses its macro.
        """
        if macro.source.setting:
            raise UserError(f"{macro.place}: {macro.source.setting.advice}")
        if name not in self._macros_read:
            advice = nearest(name, self._macros_read)
            raise UserError(f"{macro.place}: nothing reads the macro '{name}'{advice}")

    def _add_live(self, key: Key, live: dict[Key, Binding], readers: tuple[Key, ...]) -> None:
        """Adds the binding of `key` and the macros it reads; `readers` lead from a class to it."""
        binding = self._bindings[key]
        if key in readers:
            raise UserError(f"{binding.place}: the macro '{key[0]}' reads itself")
        live[key] = binding
        for name in sorted(macros_in(binding.value)):
            macro = macro_key(name)
            if macro not in self._bindings:
                raise UserError(f"{binding.place}: {self._undefined(name, key)}")
            self._add_live(macro, live, (*readers, key))

    def _undefined(self, name: str, reader: Key) -> str:
        reads = key_text(reader)
        if name == REQUIRED:
            return f"{reads} must be set, in a .gin file or as --gin.{reads}=VALUE"
        advice = nearest(name, [key[0] for key in self._bindings if key[1] == MACRO])
        return f"{reads} reads the macro '{name}', which is not set{advice}"


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UserError(f"{path}: not a text file in UTF-8; expected a .gin file") from None
