"""Rules for .gin files, which are read as text.

A rule takes the root of a repository and returns its offenders, each as `file:line: what is wrong`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tests.lint.sources import PACKAGE

MAX_OWN_LINES = 15
BLOCKS = ("model", "data", "task", "schedule", "overlay")
"""Folders with parts that experiments include. Every other .gin file is an experiment, a leaf."""
HEADER = ("Command:", "Hardware:", "Expected:")
_DYNAMIC_REGISTRATION = "from __gin__ import dynamic_registration"


def leaves_have_a_header(root: Path) -> list[str]:
    """A header says what the experiment is, then HEADER. `Expected: not measured` is allowed."""
    offenders = []
    for path in leaves(root):
        text = path.read_text(encoding="utf-8")
        header = re.match(r"(#.*\n)*", text).group()
        missing = [label for label in HEADER if f"# {label}" not in header]
        if path.name not in header:
            missing.append(f"a command with {path.name}")
        if missing:
            offenders.append(f"{_place(path, root, 1)}: header lacks {', '.join(missing)}")
    return offenders


def leaves_are_short(root: Path) -> list[str]:
    offenders = []
    for path in leaves(root):
        own = [line for line, text in _lines(path) if not text.startswith("include")]
        if len(own) > MAX_OWN_LINES:
            line = own[MAX_OWN_LINES]
            offenders.append(
                f"{_place(path, root, line)}: {len(own)} lines of its own, {MAX_OWN_LINES} at most"
            )
    return offenders


def includes_come_first(root: Path) -> list[str]:
    offenders = []
    for path in _gin_files(root):
        first = next((line for line, text in _lines(path) if not _is_head(text)), None)
        offenders += [
            f"{_place(path, root, line)}: include below a setting, which the include may overwrite"
            for line, text in _lines(path)
            if text.startswith("include") and first and line > first
        ]
    return offenders


def includes_exist(root: Path) -> list[str]:
    return [
        f"{_place(path, root, line)}: no file {match[1]}, seen from here or from the root"
        for path in _gin_files(root)
        for line, text in _lines(path)
        if (match := re.match(r"""include\s+["'](.+)["']""", text))
        if not any((folder / match[1]).is_file() for folder in (path.parent, root))
    ]


def imports_are_dynamic(root: Path) -> list[str]:
    """Gin needs this statement to find the classes and functions of the imports below it."""
    offenders = []
    for path in _gin_files(root):
        imports = [(line, text) for line, text in _lines(path) if _is_import(text)]
        if imports and imports[0][1] != _DYNAMIC_REGISTRATION:
            offenders.append(
                f"{_place(path, root, imports[0][0])}: write {_DYNAMIC_REGISTRATION!r} before it"
            )
    return offenders


def imports_exist(root: Path) -> list[str]:
    return [
        f"{_place(path, root, line)}: no module {module}"
        for path in _gin_files(root)
        for line, text in _lines(path)
        if (module := _module(text)) and module.split(".")[0] == PACKAGE
        if not _is_module(root.joinpath(*module.split(".")))
    ]


def nothing_skips_unknown(root: Path) -> list[str]:
    return [
        f"{_place(path, root, line)}: skip_unknown hides typing errors"
        for path in _gin_files(root)
        for line, text in _lines(path)
        if "skip_unknown" in text
    ]


def leaves(root: Path) -> list[Path]:
    """The experiments."""
    folder = root / "experiments"
    files = sorted(folder.rglob("*.gin"))
    return [path for path in files if path.relative_to(folder).parts[0] not in BLOCKS]


# ---- Reading .gin files --------------------------------------------------------------------------
def _gin_files(root: Path) -> list[Path]:
    return sorted((root / "experiments").rglob("*.gin"))


def _place(path: Path, root: Path, line: int) -> str:
    return f"{path.relative_to(root).as_posix()}:{line}"


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Number and text of each line that is neither blank nor a comment."""
    for line, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if text.strip() and not text.lstrip().startswith("#"):
            yield line, text.rstrip()


def _is_head(text: str) -> bool:
    return text.startswith("include") or _is_import(text)


def _is_import(text: str) -> bool:
    return re.match(r"(import|from)\s", text) is not None


def _module(text: str) -> str | None:
    match = re.match(r"from\s+(\S+)\s+import\s+(\w+)|import\s+(\S+)", text)
    if not match:
        return None
    return match[3] or f"{match[1]}.{match[2]}"


def _is_module(stem: Path) -> bool:
    return stem.with_suffix(".py").is_file() or (stem / "__init__.py").is_file()
