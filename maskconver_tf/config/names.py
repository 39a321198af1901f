"""Finds the function or class that a name in a Gin text means, and checks its parameters."""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
from collections.abc import Callable, Iterator
from typing import Any

import gin
from gin.config_parser import ImportStatement

from maskconver_tf.config.old_configurations import renamed
from maskconver_tf.errors import UserError, suggest_name

DYNAMIC_REGISTRATION = ImportStatement("__gin__.dynamic_registration", True, None, None)
"""With this import, Gin accepts functions and classes of any module without a decorator."""


class KnownNames:
    """The names that one Gin text may use.

    A text may use the names that it imports, and the short name of anything configured before.
    An old name from `renamed` means the function or class that replaced it.
    """

    def __init__(self, everywhere: KnownNames | None = None) -> None:
        """Starts without imports.

        Args:
          everywhere: the names of all texts together. What this text imports and finds is added to
            them. None to make the names of all texts.
        """
        self._everywhere = everywhere
        self._found = everywhere._found if everywhere else {}
        self._modules: dict[str, Any] = {"gin": gin.config}  # for @gin.singleton()
        self._old_modules: dict[str, str] = {}
        """Name in this text -> old module that it was imported from."""
        self._renames: list[tuple[str, str]] = []
        self._context = gin.config.ParseContext()
        self._context.process_import(DYNAMIC_REGISTRATION)

    def add_import(self, statement: ImportStatement) -> None:
        """Imports a module, or the module that replaced it.

        Raises:
          UserError: the import fails.
        """
        if statement == DYNAMIC_REGISTRATION._replace(location=statement.location):
            return
        statement = self._current_import(statement)
        try:
            self._context.process_import(statement)
        except (ImportError, SyntaxError, ValueError) as error:
            raise UserError(f"'{statement.format()}' fails: {error}") from error
        has_own_name = statement.is_from or statement.alias
        module = statement.module if has_own_name else statement.module.split(".")[0]
        self._modules[statement.bound_name()] = sys.modules[module]
        if self._everywhere:
            self._everywhere.add_import(statement)

    def _current_import(self, statement: ImportStatement) -> ImportStatement:
        """Replaces an old module in an import. The text can still use the old name."""
        bound, old = statement.bound_name(), statement.module
        self._old_modules.pop(bound, None)
        if old not in renamed.MODULES:
            return statement
        self._renames.append((old, renamed.MODULES[old]))
        statement = statement._replace(module=renamed.MODULES[old])
        if statement.is_from or statement.alias:
            self._old_modules[bound] = old
        return statement if statement.bound_name() == bound else statement._replace(alias=bound)

    def find(self, selector: str) -> gin.config.Configurable:
        """Finds the function or class that `selector` names, and registers it with Gin.

        Raises:
          UserError: no function or class has this name, or several have it.
        """
        found = self._renamed(selector) or self._imported(selector) or self._configured(selector)
        if not (found or self._everywhere):
            # An old configuration of a run may not name the classes that `train` takes now.
            found = _importable(renamed.SHORT_NAMES.get(selector, selector))
        if not found:
            raise UserError(f"no function or class '{selector}'{self._advice(selector)}")
        self._found[found.selector] = found
        return found

    def take_renames(self) -> Iterator[tuple[str, str]]:
        """Yields the old and the new name for each use of an old name since the last call."""
        while self._renames:
            yield self._renames.pop(0)

    def _renamed(self, selector: str) -> gin.config.Configurable | None:
        """Finds the target of an old complete name, or of a name in an imported old module."""
        first, dot, rest = selector.partition(".")
        is_in_old_module = dot and first in self._old_modules
        complete = f"{self._old_modules[first]}.{rest}" if is_in_old_module else selector
        if not (rename := renamed.find_rename(complete)):
            return None
        self._renames.append(rename)
        return _importable(renamed.current_name(complete))

    def _imported(self, selector: str) -> gin.config.Configurable | None:
        first, *rest = selector.split(".")
        try:
            target = functools.reduce(getattr, rest, self._modules[first])
        except (KeyError, AttributeError):
            return None
        return self._context.get_configurable(selector) if rest and callable(target) else None

    def _configured(self, selector: str) -> gin.config.Configurable | None:
        matches = [name for name in self._found if f".{name}".endswith(f".{selector}")]
        matches = matches or self._configured_under_old_name(selector)
        if len(matches) > 1:
            raise UserError(f"'{selector}' is ambiguous; write one of {', '.join(sorted(matches))}")
        return self._found[matches[0]] if matches else None

    def _configured_under_old_name(self, selector: str) -> list[str]:
        old_names = {old: name for name in self._found for old in renamed.old_names(name)}
        matches = [old for old in old_names if f".{old}".endswith(f".{selector}")]
        self._renames += map(renamed.find_rename, matches)
        return sorted({old_names[old] for old in matches})

    def _advice(self, selector: str) -> str:
        short = [name.rpartition(".")[2] for name in self._found]
        imported = [
            name
            for bound, module in self._modules.items()
            if module is not gin.config
            for name in _callables(bound, module)
        ]
        parent = selector.rpartition(".")[0]
        complete = _callables(parent, sys.modules[parent]) if parent in sys.modules else []
        return (
            suggest_name(selector, [*short, *imported, *complete])
            or "; import its module in a .gin file"
        )


def _callables(prefix: str, module: Any) -> list[str]:
    """Lists the public functions and classes of `module`, each with `prefix` before it."""
    found = vars(module).items()
    return [f"{prefix}.{name}" for name, value in found if callable(value) and name[0] != "_"]


def _importable(selector: str) -> gin.config.Configurable | None:
    """Finds the target of `package.module.name`, a complete name. No text has to import it."""
    parts = selector.split(".")
    for end in range(len(parts) - 1, 0, -1):
        names = KnownNames()
        with contextlib.suppress(UserError):
            names.add_import(ImportStatement(".".join(parts[:end]), end > 1, None, None))
            return names._imported(".".join(parts[end - 1 :]))
    return None


# ---- Parameters ----------------------------------------------------------------------------------
def check_parameter(found: gin.config.Configurable, parameter: str) -> None:
    """Raises `UserError` if `found` does not take this parameter."""
    if (found.selector, parameter) in renamed.PARAMETERS:
        return
    names, is_open = _parameters(found.wrapped)
    if parameter not in names and not is_open:
        advice = suggest_name(parameter, names) or f"; it takes {', '.join(names) or 'none'}"
        raise UserError(f"'{found.name}' has no parameter '{parameter}'{advice}")


def _parameters(target: Callable) -> tuple[list[str], bool]:
    """Returns the names of the parameters of `target`, and whether it also takes any other name.

    Gin accepts any name for a function with `**kwargs`. A Keras layer passes its `**kwargs` to
    its base classes, and one of them lists all its parameters. Therefore the parameters of the
    base classes count too. This finds a typo here, before the model is built.
    """
    names, is_open = [], True
    for function in _constructors(target):
        parameters = list(inspect.signature(function).parameters.values())
        named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        names += [p.name for p in parameters if p.kind in named and p.name not in (*names, "self")]
        is_open = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters)
        if not is_open:
            break
    return names, is_open


def _constructors(target: Callable) -> list[Callable]:
    if not inspect.isclass(target):
        return [target]
    bases = [base for base in target.__mro__[:-1] if "__init__" in vars(base)]
    return [base.__init__ for base in bases] or [target]
