"""Rules for what Python sources import and call.

A rule takes the root of a repository and returns its offenders, each as `file:line: what is wrong`.
"""

from __future__ import annotations

import ast
from pathlib import Path

from tests.lint.sources import (
    PACKAGE,
    Import,
    imports_of,
    modules_run_by,
    name_of,
    python_files,
    syntax_tree,
    target_room,
)

_BASE = {"types", "errors", "setting_checks"}
_FLOOR = _BASE | {"files", "ops"}
_TRUTH = _FLOOR | {"datasets"}
_MIDDLE = _TRUTH | {"layers", "models", "losses", "postprocess", "input", "evaluation"}
_ENDS = _MIDDLE | {"inference"}
_RUNS = _ENDS | {"export", "serving", "training"}
MAY_IMPORT = {
    "types": set(),
    "errors": set(),
    "setting_checks": {"errors"},
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
    "serving": _ENDS,
    "training": _ENDS,
    "planning": _RUNS,
    "config": _RUNS | {"planning"},
    "__init__": _ENDS | {"config"},
    "cli": _RUNS | {"planning", "config", "__init__"},
}
"""Room -> the rooms it may import, besides itself. A room is a folder or file of the package.
`__init__` is the package's own file, which holds what `import maskconver_tf` offers."""

TENSORFLOW_FREE = (
    "__init__.py",
    "types.py",
    "errors.py",
    "setting_checks.py",
    "cli/**/*.py",
    "config/bindings.py",
    "config/configuration.py",
    "config/doubtful_settings/unused.py",
    "config/gin_files.py",
    "config/messages.py",
    "config/named_models.py",
    "config/names.py",
    "config/places.py",
    "config/reader.py",
    "config/old_configurations/*.py",
    "config/statements.py",
    "datasets/build/encode_picture.py",
    "datasets/categories.py",
    "datasets/census/measure_picture.py",
    "datasets/check_picture.py",
    "datasets/process_pool.py",
    "datasets/records/writer.py",
    "datasets/sources/options.py",
    "datasets/synthetic/**/*.py",
    "evaluation/panoptic_quality.py",
    "evaluation/report/*.py",
    "evaluation/coco_results.py",
    "evaluation/results.py",
    "inference/drawing/**/*.py",
    "training/machines/cluster.py",
)
"""Modules that must load no TensorFlow when they are imported."""
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


# ---- Who may import whom -------------------------------------------------------------------------
def imports_point_one_way(root: Path) -> list[str]:
    offenders = []
    for path in python_files(root, [PACKAGE]):
        room = path.relative_to(root / PACKAGE).with_suffix("").parts[0]
        if room not in MAY_IMPORT:
            offenders.append(f"{name_of(path, root)}:1: room '{room}' is not in MAY_IMPORT")
            continue
        for found in imports_of(path, root):
            target = target_room(found, root)
            if target not in {None, room} | MAY_IMPORT[room]:
                place = f"{name_of(path, root)}:{found.line}"
                offenders.append(f"{place}: '{room}' may not import '{target}' ({found})")
    return offenders


def no_files_import_in_circles(root: Path) -> list[str]:
    """Imports inside functions and under TYPE_CHECKING count: such files depend on each other."""
    targets = {path: _imported_files(path, root) for path in python_files(root, [PACKAGE])}
    circles = {}
    for path in targets:
        if circle := _shortest_circle(path, targets):
            circles.setdefault(frozenset(file for file, _ in circle), circle)
    return [_describe_circle(circle, root) for circle in circles.values()]


def light_modules_need_no_tensorflow(root: Path) -> list[str]:
    """Importing a module of TENSORFLOW_FREE loads no TensorFlow, directly or indirectly."""
    offenders = []
    package = root / PACKAGE
    for path in sorted({path for glob in TENSORFLOW_FREE for path in package.glob(glob)}):
        if chain := _way_to_tensorflow(path, root):
            offenders.append(f"{chain[0]}: loads TensorFlow by way of {' -> '.join(chain)}")
    return offenders


def only_config_imports_gin(root: Path) -> list[str]:
    return [
        f"{name_of(path, root)}:{found.line}: only config/ may import gin"
        for path in python_files(root)
        if root / PACKAGE / "config" not in path.parents
        for found in imports_of(path, root)
        if found.module.split(".")[0] == "gin"
    ]


def _imported_files(path: Path, root: Path) -> dict[Path, int]:
    """Files of the package that a file imports -> the line of the first such import."""
    files: dict[Path, int] = {}
    for found in sorted(imports_of(path, root), key=lambda found: found.line):
        for file in modules_run_by(found, root)[-1:]:
            files.setdefault(file, found.line)
    return files


def _shortest_circle(start: Path, targets: dict[Path, dict[Path, int]]) -> list[tuple[Path, int]]:
    """File and line of each import on the shortest way back to a file; empty if there is none."""
    ways: dict[Path, list[tuple[Path, int]]] = {start: []}
    for path in (todo := [start]):  # The loop appends to this list.
        for target, line in targets[path].items():
            way = [*ways[path], (path, line)]
            if target == start:
                return way
            if target not in ways:
                ways[target] = way
                todo.append(target)
    return []


def _describe_circle(circle: list[tuple[Path, int]], root: Path) -> str:
    places = [f"{name_of(path, root)}:{line}" for path, line in circle]
    first_file = name_of(circle[0][0], root)
    return f"{places[0]}: import circle {' -> '.join([*places, first_file])}"


def _way_to_tensorflow(start: Path, root: Path) -> list[str]:
    """The shortest chain of imports, as `file:line`, from a module to TensorFlow; empty if none."""
    ways: dict[Path, list[str]] = {start: []}
    for path in (todo := [start]):  # The loop appends to this list.
        for found in filter(lambda found: found.runs_on_import, imports_of(path, root)):
            way = [*ways[path], f"{name_of(path, root)}:{found.line}"]
            if found.module.split(".")[0] in _TENSORFLOW:
                return [*way, str(found)]
            fresh = [module for module in modules_run_by(found, root) if module not in ways]
            ways |= dict.fromkeys(fresh, way)
            todo += fresh
    return []


# ---- Keras and Gin -------------------------------------------------------------------------------
def keras_is_tf_keras(root: Path) -> list[str]:
    """`tf.keras` and `keras` are Keras 3. Its layers cannot be mixed with those of `tf_keras`."""
    offenders = []
    for path in python_files(root):
        lines = [node.lineno for node in ast.walk(syntax_tree(path)) if _is_tf_dot_keras(node)]
        lines += [found.line for found in imports_of(path, root) if _is_keras_3(found)]
        offenders += [f"{name_of(path, root)}:{line}: use tf_keras" for line in sorted(lines)]
    return offenders


def nothing_skips_unknown_gin(root: Path) -> list[str]:
    return [
        f"{name_of(path, root)}:{node.value.lineno}: skip_unknown hides typing errors"
        for path in python_files(root)
        for node in ast.walk(syntax_tree(path))
        if isinstance(node, ast.keyword) and node.arg == "skip_unknown"
    ]


def _is_keras_3(found: Import) -> bool:
    return found.module.split(".")[0] == "keras" or str(found).startswith("tensorflow.keras")


def _is_tf_dot_keras(node: ast.AST) -> bool:
    if not (isinstance(node, ast.Attribute) and node.attr == "keras"):
        return False
    return ast.unparse(node).split(".")[0] in ("tf", "tensorflow")
