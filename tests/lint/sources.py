"""Reads Python sources for the lint rules.

The rules look at syntax trees. They import nothing and run nothing, so they need no TensorFlow.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PACKAGE = "maskconver_tf"


class Import(NamedTuple):
    """One imported name.

    `from a.b import c` has module `a.b` and name `c`; `import a.b` has no name.

    Attributes:
      line: of the statement, from 1.
      module: dotted; relative imports are resolved.
      name: None for a plain `import`.
      runs_on_import: whether importing the file runs the statement. It does not inside a function
        or under `if TYPE_CHECKING`.
    """

    line: int
    module: str
    name: str | None
    runs_on_import: bool

    def __str__(self) -> str:
        return f"{self.module}.{self.name}" if self.name else self.module


def python_files(root: Path, folders: list[str] | None = None) -> Iterator[Path]:
    """The .py files of the repository's source folders, or of those given."""
    for folder in folders or [PACKAGE, "benchmarks", "docs", "launch", "tests"]:
        yield from sorted((root / folder).rglob("*.py"))


def name_of(path: Path, root: Path) -> str:
    """The path from the root of the repository, with forward slashes."""
    return path.relative_to(root).as_posix()


@functools.cache
def syntax_tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


@functools.cache
def imports_of(path: Path, root: Path) -> list[Import]:
    """Every import in a file, also those in functions and under TYPE_CHECKING."""
    package = path.relative_to(root).parent.parts
    found = []
    for node, at_once in _walk(syntax_tree(path)):
        if isinstance(node, ast.Import):
            found += [Import(node.lineno, alias.name, None, at_once) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*above, *filter(None, [node.module])])
            found += [Import(node.lineno, module, alias.name, at_once) for alias in node.names]
    return found


def _walk(tree: ast.Module) -> Iterator[tuple[ast.AST, bool]]:
    """Each node, and whether importing the module runs it."""
    todo: list[tuple[ast.AST, bool]] = [(tree, True)]
    for node, at_once in todo:  # The loop appends to this list.
        yield node, at_once
        is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if is_function or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)):
            at_once = False
        todo += [(child, at_once) for child in ast.iter_child_nodes(node)]


def target_room(found: Import, root: Path) -> str | None:
    """The room that an import takes from, `__init__` for the package itself, None for others."""
    parts = str(found).split(".")
    if parts[0] != PACKAGE:
        return None
    stem = root.joinpath(*parts[:2])
    is_room = stem != root / PACKAGE and (stem.is_dir() or stem.with_suffix(".py").is_file())
    return parts[1] if is_room else "__init__"


def modules_run_by(found: Import, root: Path) -> list[Path]:
    """Files of the package that the import runs, outermost package first, the module last."""
    parts = str(found).split(".")
    stems = [root.joinpath(*parts[:end]) for end in range(1, len(parts) + 1)]
    files = [file for stem in stems for file in (stem / "__init__.py", stem.with_suffix(".py"))]
    return [file for file in files if parts[0] == PACKAGE and file.is_file()]
