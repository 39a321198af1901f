"""Rules for Python sources, found in their syntax trees: nothing is imported, nothing runs.

A rule takes the root of a repository and returns its offenders, each as `file:line: what is wrong`.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PACKAGE = "maskconver_tf"
MAX_FUNCTION_LINES = 60

_BASE = {"types", "errors"}
_FLOOR = _BASE | {"files", "ops"}
_TRUTH = _FLOOR | {"datasets"}
_MIDDLE = _TRUTH | {"layers", "models", "losses", "postprocess", "input", "evaluation"}
_ENDS = _MIDDLE | {"inference"}
_ALL = _ENDS | {"export", "training", "planning", "config", "__init__"}
MAY_IMPORT = {
    "types": set(),
    "errors": set(),
    "files": _BASE,
    "ops": _BASE,
    "layers": _FLOOR,
    "models": _FLOOR | {"layers"},
    "losses": _FLOOR,
    "postprocess": _FLOOR,
    "datasets": _FLOOR,
    "input": _TRUTH,
    "evaluation": _TRUTH,
    "inference": _MIDDLE,
    "export": _ENDS,
    "training": _ENDS,
    "planning": _ENDS | {"training"},
    "config": _ENDS | {"training", "planning"},
    "__init__": _ENDS | {"config"},
    "cli": _ALL,
}
"""Room -> the rooms it may import, besides itself. A room is a folder or file of the package;
`__init__` is the package's own file: what `import maskconver_tf` offers."""

TENSORFLOW_FREE = (
    "__init__.py",
    "types.py",
    "errors.py",
    "cli/**/*.py",
    "config/gin_support.py",
    "config/named_models.py",
    "datasets/categories.py",
    "datasets/sources/options.py",
    "datasets/synthetic/**/*.py",
    "evaluation/panoptic_quality.py",
    "evaluation/coco_results.py",
    "evaluation/results.py",
    "inference/drawing/**/*.py",
    "training/machines/cluster.py",
)
_TENSORFLOW = {
    "keras",
    "official",
    "orbit",
    "tensorflow",
    "tensorflow_datasets",
    "tensorflow_hub",
    "tensorflow_models",
    "tf_keras",
}


class Import(NamedTuple):
    """`from a.b import c` has module `a.b` and name `c`; `import a.b` has no name."""

    line: int
    module: str
    name: str | None
    runs_on_import: bool

    def __str__(self) -> str:
        return f"{self.module}.{self.name}" if self.name else self.module


# ---- Rules ---------------------------------------------------------------------------------------
def imports_point_one_way(root: Path) -> list[str]:
    offenders = []
    for path in _sources(root, [PACKAGE]):
        room = path.relative_to(root / PACKAGE).with_suffix("").parts[0]
        if room not in MAY_IMPORT:
            offenders.append(f"{_name(path, root)}:1: room '{room}' is not in MAY_IMPORT")
            continue
        for found in _imports(path, root):
            target = _target_room(found, root)
            if target not in {None, room} | MAY_IMPORT[room]:
                place = f"{_name(path, root)}:{found.line}"
                offenders.append(f"{place}: '{room}' may not import '{target}' ({found})")
    return offenders


def keras_is_tf_keras(root: Path) -> list[str]:
    """`tf.keras` and `keras` are Keras 3, whose layers do not mix with those of `tf_keras`."""
    offenders = []
    for path in _sources(root):
        lines = [node.lineno for node in ast.walk(_tree(path)) if _is_tf_dot_keras(node)]
        lines += [found.line for found in _imports(path, root) if _is_keras_3(found)]
        offenders += [f"{_name(path, root)}:{line}: use tf_keras" for line in sorted(lines)]
    return offenders


def only_config_imports_gin(root: Path) -> list[str]:
    return [
        f"{_name(path, root)}:{found.line}: only config/ may import gin"
        for path in _sources(root)
        if root / PACKAGE / "config" not in path.parents
        for found in _imports(path, root)
        if found.module.split(".")[0] == "gin"
    ]


def nothing_skips_unknown_gin(root: Path) -> list[str]:
    return [
        f"{_name(path, root)}:{node.value.lineno}: skip_unknown hides typing errors"
        for path in _sources(root)
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.keyword) and node.arg == "skip_unknown"
    ]


def light_modules_need_no_tensorflow(root: Path) -> list[str]:
    """Importing a module of TENSORFLOW_FREE loads no TensorFlow, by whatever way round."""
    offenders = []
    package = root / PACKAGE
    for path in sorted({path for glob in TENSORFLOW_FREE for path in package.glob(glob)}):
        if chain := _way_to_tensorflow(path, root):
            offenders.append(f"{chain[0]}: loads TensorFlow by way of {' -> '.join(chain)}")
    return offenders


def functions_are_short(root: Path) -> list[str]:
    """Docstrings are not counted: nobody should save on them."""
    return [
        f"{_name(path, root)}:{node.lineno}: {node.name} has {length} lines of code, "
        f"{MAX_FUNCTION_LINES} at most"
        for path in _sources(root)
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (length := _lines_of_code(node)) > MAX_FUNCTION_LINES
    ]


def folders_are_packages(root: Path) -> list[str]:
    """setup.py would leave out a folder without __init__.py, and only an installed wheel notice."""
    folders = {path.parent for path in _sources(root, [PACKAGE])}
    return [
        f"{_name(folder, root)}:1: no __init__.py"
        for folder in sorted(folders)
        if not (folder / "__init__.py").is_file()
    ]


# ---- Reading sources -----------------------------------------------------------------------------
def _sources(root: Path, folders: list[str] | None = None) -> Iterator[Path]:
    for folder in folders or [PACKAGE, "benchmarks", "docs", "launch", "tests"]:
        yield from sorted((root / folder).rglob("*.py"))


def _name(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix()


@functools.cache
def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


@functools.cache
def _imports(path: Path, root: Path) -> list[Import]:
    package = path.relative_to(root).parent.parts
    found = []
    for node, at_once in _walk(_tree(path)):
        if isinstance(node, ast.Import):
            found += [Import(node.lineno, alias.name, None, at_once) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*above, *filter(None, [node.module])])
            found += [Import(node.lineno, module, alias.name, at_once) for alias in node.names]
    return found


def _walk(tree: ast.Module) -> Iterator[tuple[ast.AST, bool]]:
    """Each node, and whether importing the module runs it: no function body, no TYPE_CHECKING."""
    todo: list[tuple[ast.AST, bool]] = [(tree, True)]
    for node, at_once in todo:  # which grows meanwhile
        yield node, at_once
        is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if is_function or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)):
            at_once = False
        todo += [(child, at_once) for child in ast.iter_child_nodes(node)]


def _target_room(found: Import, root: Path) -> str | None:
    parts = str(found).split(".")
    if parts[0] != PACKAGE:
        return None
    stem = root.joinpath(*parts[:2])
    is_room = stem != root / PACKAGE and (stem.is_dir() or stem.with_suffix(".py").is_file())
    return parts[1] if is_room else "__init__"


def _lines_of_code(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = function.body[0]
    docstring = first.end_lineno - first.lineno + 1 if ast.get_docstring(function) else 0
    return function.end_lineno - function.lineno + 1 - docstring


def _is_keras_3(found: Import) -> bool:
    return found.module.split(".")[0] == "keras" or str(found).startswith("tensorflow.keras")


def _is_tf_dot_keras(node: ast.AST) -> bool:
    if not (isinstance(node, ast.Attribute) and node.attr == "keras"):
        return False
    return ast.unparse(node).split(".")[0] in ("tf", "tensorflow")


def _way_to_tensorflow(start: Path, root: Path) -> list[str]:
    """The shortest chain of imports, as `file:line`, from a module to TensorFlow; empty if none."""
    ways: dict[Path, list[str]] = {start: []}
    for path in (todo := [start]):  # which grows meanwhile
        for found in filter(lambda found: found.runs_on_import, _imports(path, root)):
            way = [*ways[path], f"{_name(path, root)}:{found.line}"]
            if found.module.split(".")[0] in _TENSORFLOW:
                return [*way, str(found)]
            fresh = [module for module in _modules_run_by(found, root) if module not in ways]
            ways |= dict.fromkeys(fresh, way)
            todo += fresh
    return []


def _modules_run_by(found: Import, root: Path) -> Iterator[Path]:
    """Files of the package that the import runs: the module and every package above it."""
    parts = str(found).split(".")
    for end in range(1, len(parts) + 1 if parts[0] == PACKAGE else 0):
        stem = root.joinpath(*parts[:end])
        yield from filter(Path.is_file, [stem / "__init__.py", stem.with_suffix(".py")])
