"""Reads the parameters of a class or function from its source text, without importing it.

An import would load TensorFlow, which takes seconds.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

_PACKAGE = "maskconver_tf"
_ROOT = Path(__file__).parents[3]
"""The folder that holds the package."""

_SECTION = re.compile(r"^(?:Args|Attributes):\n((?:[ \n].*\n?)*)", re.MULTILINE)
_ENTRY = re.compile(r"^  (\w[\w, ]*):(.*(?:\n    .*|\n *$)*)", re.MULTILINE)


Found: TypeAlias = tuple[ast.expr | None, ast.expr | None, str]
"""Annotation and default of a parameter, and the module in which their names have a meaning."""


@dataclasses.dataclass(frozen=True)
class Parameter:
    """A parameter of a class or function, as its source says.

    Attributes:
      name: of the parameter.
      annotation: its type as written, with the names of other files replaced by what they mean.
      default: its default as written, with names of constants replaced; None without a default.
      description: its entry in the docstring, in one line; empty without an entry.
    """

    name: str
    annotation: str
    default: str | None
    description: str


def read_parameters(module: str, name: str) -> list[Parameter]:
    """Reads the parameters of the function `name`, or those of the class's constructor.

    A dataclass has those of its base classes first. `self`, `*args` and `**kwargs` do not count.
    A description comes from the nearest class that has one.

    Args:
      module: complete name, such as "maskconver_tf.input.pipeline".
      name: of a function or class at the top of the module.

    Raises:
      LookupError: the module has no such function or class.
    """
    node = _definition(module, name)
    if isinstance(node, ast.FunctionDef):
        found, entries = _of_arguments(module, node.args), _entries(node)
    else:
        found, entries = _of_class(module, node)
    return [
        Parameter(
            parameter,
            _written(annotation, where) if annotation else "",
            _written(default, where) if default else None,
            entries.get(parameter, ""),
        )
        for parameter, (annotation, default, where) in found.items()
    ]


# ---- Syntax trees --------------------------------------------------------------------------------
@functools.cache
def _tree(module: str) -> ast.Module:
    path = _ROOT.joinpath(*module.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(path.read_text(encoding="utf-8"))


def _definition(module: str, name: str) -> ast.ClassDef | ast.FunctionDef:
    for node in _tree(module).body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and node.name == name:
            return node
    raise LookupError(f"{module} has no function or class {name}")


def _imports(module: str) -> dict[str, tuple[str, str]]:
    """Returns names in a module that come from a file of this package: name -> (module, name)."""
    return {
        alias.asname or alias.name: (node.module, alias.name)
        for node in ast.walk(_tree(module))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(_PACKAGE)
        for alias in node.names
    }


def _constants(module: str) -> dict[str, ast.expr]:
    """Returns the values that a module gives to names at its top."""
    found = {}
    for node in _tree(module).body:
        if isinstance(node, ast.Assign):
            found |= _assigned(node.targets[0], node.value)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            found[node.target.id] = node.value
    return found


def _assigned(target: ast.expr, value: ast.expr) -> dict[str, ast.expr]:
    """Returns name -> value of an assignment, also of one such as `A, B = 1, 2`."""
    if isinstance(target, ast.Name):
        return {target.id: value}
    if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
        pairs = zip(target.elts, value.elts)
        return {name.id: each for name, each in pairs if isinstance(name, ast.Name)}
    return {}


# ---- Parameters ----------------------------------------------------------------------------------
def _of_arguments(module: str, arguments: ast.arguments) -> dict[str, Found]:
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults = [*[None] * (len(positional) - len(arguments.defaults)), *arguments.defaults]
    pairs = [*zip(positional, defaults), *zip(arguments.kwonlyargs, arguments.kw_defaults)]
    return {
        each.arg: (each.annotation, default, module)
        for each, default in pairs
        if each.arg != "self"
    }


def _of_class(module: str, node: ast.ClassDef) -> tuple[dict[str, Found], dict[str, str]]:
    """Returns parameter -> its parts, and parameter -> description."""
    found: dict[str, Found] = {}
    entries: dict[str, str] = {}
    for where, each in reversed([*_with_bases(module, node)]):
        entries |= _entries(each)
        inits = [n for n in each.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"]
        if inits:
            found = _of_arguments(where, inits[0].args)
        else:
            found |= _fields(where, each)
    return found, entries


def _with_bases(module: str, node: ast.ClassDef) -> Iterator[tuple[str, ast.ClassDef]]:
    """Yields a class and its base classes in this package, the nearest first."""
    yield module, node
    for base in node.bases:
        if isinstance(base, ast.Name):
            where, name = _imports(module).get(base.id, (module, base.id))
            try:
                definition = _definition(where, name)
            except LookupError:
                continue  # A base class such as Protocol.
            yield from _with_bases(where, definition)


def _fields(module: str, node: ast.ClassDef) -> dict[str, Found]:
    """Returns field -> its parts of a dataclass."""
    fields = {}
    for each in node.body:
        if isinstance(each, ast.AnnAssign) and "ClassVar" not in ast.unparse(each.annotation):
            fields[each.target.id] = (each.annotation, _field_default(each.value), module)
    return fields


def _field_default(value: ast.expr | None) -> ast.expr | None:
    """Returns the default of a field, also of one made by `dataclasses.field`."""
    if isinstance(value, ast.Call) and ast.unparse(value.func).endswith("field"):
        given = {keyword.arg: keyword.value for keyword in value.keywords}
        return given.get("default") or given.get("default_factory")
    return value


# ---- Texts ---------------------------------------------------------------------------------------
def _written(value: ast.expr, module: str) -> str:
    """Returns an expression as written, with constants and type aliases replaced."""
    return ast.unparse(_Replaced(module).visit(ast.parse(ast.unparse(value), mode="eval")).body)


class _Replaced(ast.NodeTransformer):
    """Replaces a name by the value that its module gives to it."""

    def __init__(self, module: str) -> None:
        self._module = module

    def visit_Name(self, node: ast.Name) -> ast.expr:
        module, name = _imports(self._module).get(node.id, (self._module, node.id))
        value = _constants(module).get(name)
        if value is None:
            return node
        return _Replaced(module).visit(ast.parse(ast.unparse(value), mode="eval").body)


def _entries(node: ast.ClassDef | ast.FunctionDef) -> dict[str, str]:
    """Returns parameter -> text of the sections Args and Attributes of a docstring."""
    doc = inspect.cleandoc(ast.get_docstring(node) or "") + "\n"
    sections = "\n".join(match[1] for match in _SECTION.finditer(doc))
    entries = {}
    for match in _ENTRY.finditer(sections):
        for name in match[1].split(","):
            entries[name.strip()] = " ".join(match[2].split())
    return entries
