"""Rules for the size and content of rooms (folders), files and functions.

A rule takes the root of a repository and returns its offenders, each as `file:line: what is wrong`.
"""

from __future__ import annotations

import ast
from pathlib import Path

from tests.lint.sources import PACKAGE, name_of, python_files, syntax_tree

MAX_ROOM_FILES = 12
MAX_FILE_LINES = 300
MAX_FUNCTION_LINES = 60


def rooms_hold_few_files(root: Path) -> list[str]:
    """Counts the .py files directly in a folder, `__init__.py` included."""
    offenders = []
    for room in _rooms(root, [PACKAGE, "tests"]):
        count = len(list(room.glob("*.py")))
        if count > MAX_ROOM_FILES:
            offenders.append(
                f"{name_of(room, root)}:1: {count} .py files, {MAX_ROOM_FILES} at most; "
                "move some to a folder of their own"
            )
    return offenders


def files_are_short(root: Path) -> list[str]:
    return [
        f"{name_of(path, root)}:{MAX_FILE_LINES + 1}: {length} lines, {MAX_FILE_LINES} at most; "
        "split the file by concept"
        for path in python_files(root, [PACKAGE, "tests", "benchmarks"])
        if (length := len(path.read_text(encoding="utf-8").splitlines())) > MAX_FILE_LINES
    ]


def functions_are_short(root: Path) -> list[str]:
    """Docstrings do not count, so nobody has to cut them short."""
    return [
        f"{name_of(path, root)}:{node.lineno}: {node.name} has {length} lines of code, "
        f"{MAX_FUNCTION_LINES} at most"
        for path in python_files(root)
        for node in ast.walk(syntax_tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (length := _lines_of_code(node)) > MAX_FUNCTION_LINES
    ]


def folders_are_packages(root: Path) -> list[str]:
    """setup.py leaves out a folder without `__init__.py`; only an installed wheel would fail."""
    return [
        f"{name_of(room, root)}:1: no __init__.py"
        for room in _rooms(root, [PACKAGE])
        if not (room / "__init__.py").is_file()
    ]


def no_room_is_empty(root: Path) -> list[str]:
    """A room holds a module besides `__init__.py`, or rooms that do."""
    return [
        f"{name_of(room, root)}/__init__.py:1: the folder holds no other module; fill or delete it"
        for room in _rooms(root, [PACKAGE])
        if [path.name for path in room.rglob("*.py")] == ["__init__.py"]
    ]


def no_file_only_reexports(root: Path) -> list[str]:
    """A file with nothing but imports adds a second name for things that have one."""
    offenders = []
    for path in python_files(root, [PACKAGE]):
        statements = [node for node in syntax_tree(path).body if not _is_boilerplate(node)]
        if statements and all(_is_reexport(node) for node in statements):
            place = f"{name_of(path, root)}:{statements[0].lineno}"
            offenders.append(f"{place}: the file only re-exports; import from where things are")
    return offenders


# ---- Reading -------------------------------------------------------------------------------------
def _rooms(root: Path, folders: list[str]) -> list[Path]:
    """The folders that hold .py files."""
    return sorted({path.parent for path in python_files(root, folders)})


def _lines_of_code(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = function.body[0]
    docstring = first.end_lineno - first.lineno + 1 if ast.get_docstring(function) else 0
    return function.end_lineno - function.lineno + 1 - docstring


def _is_boilerplate(node: ast.stmt) -> bool:
    """Whether it is a docstring or `from __future__ import ...`."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _is_reexport(node: ast.stmt) -> bool:
    """Whether it is an import or sets `__all__`."""
    if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return all(isinstance(target, ast.Name) and target.id == "__all__" for target in targets)
    return isinstance(node, ast.Import | ast.ImportFrom)
