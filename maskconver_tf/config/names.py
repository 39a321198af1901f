"""Which function or class a name in a source means, and which parameters it takes."""

from __future__ import annotations

import contextlib
import functools
import inspect
import sys
from collections.abc import Callable
from typing import Any

import gin
from gin.config_parser import ImportStatement

from maskconver_tf.config.messages import nearest
from maskconver_tf.errors import UserError

DYNAMIC_REGISTRATION = ImportStatement("__gin__.dynamic_registration", True, None, None)
"""With this import Gin takes functions and classes of any module without a decorator."""


class Names:
    """The names that one source may use.

    A source may use a name that it imports, and the short name of anything configured before.
    """

    def __init__(self, everywhere: Names | None = None) -> None:
        """Starts without imports.

        Args:
          everywhere: the names of all sources together; they learn what this source imports and
            finds. None for these names themselves.
        """
        self._everywhere = everywhere
        self._found = everywhere._found if everywhere else {}
        self._modules: dict[str, Any] = {"gin": gin.config}  # for @gin.singleton()
        self._context = gin.config.ParseContext()
        self._context.process_import(DYNAMIC_REGISTRATION)

    def add_import(self, statement: ImportStatement) -> None:
        """Imports a module.

        Raises:
          UserError: the import fails.
        """
        if statement == DYNAMIC_REGISTRATION._replace(location=statement.location):
            return
        try:
            self._context.process_import(statement)
        except (ImportError, SyntaxError, ValueError) as error:
            raise UserError(f"'{statement.format()}' fails: {error}") from error
        is_renamed = statement.is_from or statement.alias
        module = statement.module if is_renamed else statement.module.split(".")[0]
        self._modules[statement.bound_name()] = sys.modules[module]
        if self._everywhere:
            self._everywhere.add_import(statement)

    def find(self, selector: str) -> gin.config.Configurable:
        """The function or class that `selector` names, registered with Gin.

        Raises:
          UserError: there is none, or several.
        """
        found = self._imported(selector) or self._configured(selector)
        if not (found or self._everywhere):
            found = self._importable(selector)
        if not found:
            raise UserError(f"no function or class '{selector}'{self._advice(selector)}")
        self._found[found.selector] = found
        return found

    def _imported(self, selector: str) -> gin.config.Configurable | None:
        first, *rest = selector.split(".")
        try:
            target = functools.reduce(getattr, rest, self._modules[first])
        except (KeyError, AttributeError):
            return None
        return self._context.get_configurable(selector) if rest and callable(target) else None

    def _configured(self, selector: str) -> gin.config.Configurable | None:
        matches = [name for name in self._found if f".{name}".endswith(f".{selector}")]
        if len(matches) > 1:
            raise UserError(f"'{selector}' may be any of {', '.join(sorted(matches))}; say which")
        return self._found[matches[0]] if matches else None

    def _importable(self, selector: str) -> gin.config.Configurable | None:
        """The target of `package.module.name`, a complete name that no file imports."""
        parts = selector.split(".")
        for end in range(len(parts) - 1, 0, -1):
            with contextlib.suppress(UserError):
                self.add_import(ImportStatement(".".join(parts[:end]), False, None, None))
                return self._imported(selector)
        return None

    def _advice(self, selector: str) -> str:
        imported = [
            f"{bound}.{name}"
            for bound, module in self._modules.items()
            if module is not gin.config
            for name, value in vars(module).items()
            if callable(value) and not name.startswith("_")
        ]
        short = [name.rpartition(".")[2] for name in self._found]
        return nearest(selector, short + imported) or "; its module must be imported"


# ---- Parameters ----------------------------------------------------------------------------------
def check_parameter(found: gin.config.Configurable, parameter: str) -> None:
    """Raises a `UserError` when `found` takes no such parameter."""
    names, is_open = _parameters(found.wrapped)
    if parameter not in names and not is_open:
        advice = nearest(parameter, names) or f"; it takes {', '.join(names) or 'none'}"
        raise UserError(f"'{found.name}' has no parameter '{parameter}'{advice}")


def _parameters(target: Callable) -> tuple[list[str], bool]:
    """Names of the parameters of `target`, and whether it also takes any other name.

    Gin accepts any name for a function with `**kwargs`. A Keras layer passes its `**kwargs` to
    its base classes, and one of them lists all that it takes. So the names of the base classes
    count too, and a typo is found here and not while the model is built.
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
