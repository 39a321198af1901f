"""Reads .gin files and arguments in order, then checks the bindings that remain."""

from __future__ import annotations

from pathlib import Path

from gin.config_parser import BindingStatement, BlockDeclaration, IncludeStatement

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
from maskconver_tf.config.names import KnownNames
from maskconver_tf.config.old_configurations import renamed
from maskconver_tf.config.statements import NoteRename, add_place_to_errors, key_of, parse
from maskconver_tf.errors import UserError, suggest_name


class Reader:
    """Reads Gin texts in order. A later binding of a key replaces an earlier one."""

    def __init__(self, note_rename: NoteRename) -> None:
        """Starts without bindings.

        Args:
          note_rename: called for each use of an old name.
        """
        self._note_rename = note_rename
        self._bindings: dict[Key, Binding] = {}  # the most recent last
        self._macros_read: set[str] = set()
        self._names = KnownNames()  # of all texts, for the command line
        self._done: set[Path] = set()
        self._open: list[Path] = []

    def read_file(self, path: Path, note_renamed: bool = True) -> None:
        """Reads a .gin file and its includes, each file only once.

        Reading a file again would undo later bindings.

        Args:
          path: the file.
          note_renamed: whether to tell the user about old names in these files.

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
          UserError: the binding is wrong, or the argument is not a binding.
        """
        if not isinstance(argument, OptionSetting):
            self._read_binding(GinText(argument))
            return
        try:
            self._read_binding(GinText(argument.text, setting=argument))
        except UserError:  # The value is well formed, so the name does not exist.
            raise UserError(f"{argument.option}: {argument.advice}") from None

    def _read_binding(self, gin_text: GinText) -> None:
        statements = parse(gin_text, self._names, self._note_rename)
        statement = next(statements, None)
        if isinstance(statement, BindingStatement):
            with add_place_to_errors(gin_text, statement):
                self._bind(statement, self._names, gin_text)
        if not isinstance(statement, BindingStatement) or next(statements, None):
            raise UserError(
                f"{gin_text.place(None)}: expected one setting in the form --gin.NAME=VALUE, such "
                "as --gin.TrainingInput.batch_size=8"
            )

    def _read(self, gin_text: GinText) -> None:
        names = KnownNames(self._names)
        may_include = True
        for statement in parse(gin_text, names, self._note_rename):
            with add_place_to_errors(gin_text, statement):
                if isinstance(statement, IncludeStatement):
                    self._include(statement, gin_text, may_include)
                elif isinstance(statement, BlockDeclaration):
                    names.find(statement.selector)
                elif isinstance(statement, BindingStatement):
                    self._bind(statement, names, gin_text)
                    may_include = False

    def _include(self, statement: IncludeStatement, gin_text: GinText, allowed: bool) -> None:
        if not allowed:
            raise UserError(
                f"include '{statement.filename}' is below a setting and could overwrite it; "
                "move it to the top"
            )
        included = resolve_gin_file(statement.filename, beside=gin_text.path.parent)
        self.read_file(included, gin_text.note_renamed)

    def _bind(self, statement: BindingStatement, names: KnownNames, gin_text: GinText) -> None:
        key = key_of(statement, names)
        earlier = self._bindings.get(key)
        if earlier and earlier.gin_text is gin_text:
            raise UserError(
                f"{key_text(key)} is set in {earlier.place} already; keep one of the two"
            )
        place = gin_text.place(statement.location.line_num)
        self._bindings.pop(key, None)  # so that the new binding comes last
        self._bindings[key] = Binding(statement.value, place, gin_text)
        self._macros_read |= macros_in(statement.value)

    # ---- After the last text ---------------------------------------------------------------------
    def checked_bindings(self) -> dict[Key, Binding]:
        """Checks all bindings. Returns them without the macros that no remaining binding reads.

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
        """Raises `UserError` for a macro without effect.

        A macro of a file may lack an effect if the bindings that read it were overridden. The macro
        of a command's option must always have one.
        """
        if macro.gin_text.setting:
            raise UserError(f"{macro.place}: {macro.gin_text.setting.advice}")
        if name not in self._macros_read:
            advice = suggest_name(name, self._macros_read)
            raise UserError(f"{macro.place}: nothing reads the macro '{name}'{advice}")

    def _add_live(self, key: Key, live: dict[Key, Binding], readers: tuple[Key, ...]) -> None:
        """Adds the binding of `key` and the macros it reads; `readers` are the keys on the way."""
        binding = self._bindings[key]
        if key in readers:
            raise UserError(
                f"{binding.place}: the macro '{key[0]}' reads itself, perhaps through other "
                "macros; give it a value, or let it read another macro"
            )
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
        advice = suggest_name(name, [key[0] for key in self._bindings if key[1] == MACRO])
        return f"{reads} reads the macro '{name}', which is not set{advice}"


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UserError(
            f"{path}: not a text file in UTF-8; expected a .gin file. Save it as UTF-8, or name "
            "another file"
        ) from None
