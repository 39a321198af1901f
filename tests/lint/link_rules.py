"""Rules for Markdown files.

A rule takes the root of a repository and returns its offenders, each as `file:line: what is wrong`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

_LINK = re.compile(r"""\]\(<?([^)\s>]+)|\s(?:src|href)=["']([^"']+)""")
_NOT_A_FILE = re.compile(r"[a-z]+:|#")
_MADE_FOLDERS = {"build", "dist", "runs"}


def relative_links_exist(root: Path) -> list[str]:
    return [
        f"{path.relative_to(root).as_posix()}:{line}: no file {target}"
        for path in _markdown_files(root)
        for line, target in _links(path)
        if not _NOT_A_FILE.match(target)
        if not (path.parent / target.split("#")[0]).exists()
    ]


def _markdown_files(root: Path) -> Iterator[Path]:
    yield from sorted(root.glob("*.md"))
    for folder in sorted(filter(Path.is_dir, root.iterdir())):
        if not folder.name.startswith(".") and folder.name not in _MADE_FOLDERS:
            yield from sorted(folder.rglob("*.md"))


def _links(path: Path) -> Iterator[tuple[int, str]]:
    is_code = False
    for line, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if text.lstrip().startswith("```"):
            is_code = not is_code
        elif not is_code:
            for match in _LINK.finditer(re.sub(r"`[^`]*`", "", text)):
                yield line, match[1] or match[2]
