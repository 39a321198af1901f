"""Rules for Markdown files.

A rule takes the root of a repository and returns its offenders, each as `file:line: what is wrong`.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

from tests.lint.sources import PACKAGE, name_of, python_files, syntax_tree

_LINK = re.compile(r"""\]\(<?([^)\s>]+)|\s(?:src|href)=["']([^"']+)""")
_NOT_A_FILE = re.compile(r"[a-z]+:")
_MADE_FOLDERS = {"build", "dist", "runs"}
_HEADING = re.compile(r"#{1,6} +(.*?) *#*$")
_TREE_ROW = re.compile(r"( *)(\S+)/ ")
_LISTS_OF_DOCUMENTS = ("docs/README.md", "docs/decisions/README.md")


def relative_links_exist(root: Path) -> list[str]:
    return [
        f"{name_of(path, root)}:{line}: no file {target}"
        for path in _markdown_files(root)
        for line, target in _links(path)
        if not _target_file(path, target).exists()
    ]


def links_lead_to_headings(root: Path) -> list[str]:
    """A link such as `page.md#some-heading` names a heading of that page."""
    return [
        f"{name_of(path, root)}:{line}: no heading for {target}"
        for path in _markdown_files(root)
        for line, target in _links(path)
        if "#" in target and (page := _target_file(path, target)).suffix == ".md"
        if page.is_file() and target.split("#")[1] not in _anchors(page)
    ]


def documents_are_listed(root: Path) -> list[str]:
    """Every page below docs/ is linked from a list of documents, so that a reader can find it."""
    lists = [root / name for name in _LISTS_OF_DOCUMENTS]
    listed = {
        _target_file(path, target).resolve()
        for path in filter(Path.is_file, lists)
        for _, target in _links(path)
    }
    return [
        f"{name_of(path, root)}:1: no link to it in {' or '.join(_LISTS_OF_DOCUMENTS)}"
        for path in sorted((root / "docs").rglob("*.md"))
        if path.resolve() not in listed and path != lists[0]
    ]


def rooms_are_in_the_tree(root: Path) -> list[str]:
    """The tree of docs/architecture.md has a row for every folder of the package, and no other."""
    page = root / "docs" / "architecture.md"
    named = _tree_rows(page)
    rooms = {path.parent for path in python_files(root, [PACKAGE])} - {root / PACKAGE}
    missing = [
        f"{name_of(room, root)}:1: no row in the tree of docs/architecture.md"
        for room in sorted(rooms)
        if name_of(room, root) not in named
    ]
    extra = [
        f"{name_of(page, root)}:{line}: no folder {name}"
        for name, line in named.items()
        if not (root / name).is_dir()
    ]
    return missing + extra


def python_examples_import_what_exists(root: Path) -> list[str]:
    """A Python example parses, and imports from the package only what its modules define."""
    offenders = []
    for path in _markdown_files(root):
        for line, text in _python_examples(path):
            place = f"{name_of(path, root)}:{line}"
            try:
                tree = ast.parse(text)
            except SyntaxError as error:
                offenders.append(f"{place}: no valid Python: {error.msg}")
                continue
            offenders += [
                f"{place}: nothing defines {node.module}.{alias.name}"
                for node in ast.walk(tree)
                if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == PACKAGE
                for alias in node.names
                if alias.name not in _names_of(root / node.module.replace(".", "/"))
            ]
    return offenders


# ---- Reading -------------------------------------------------------------------------------------
def _markdown_files(root: Path) -> Iterator[Path]:
    yield from sorted(root.glob("*.md"))
    for folder in sorted(filter(Path.is_dir, root.iterdir())):
        if not folder.name.startswith(".") and folder.name not in _MADE_FOLDERS:
            yield from sorted(folder.rglob("*.md"))


def _lines(path: Path) -> Iterator[tuple[int, str, bool]]:
    """Number and text of each line, and whether it is in a code block."""
    is_code = False
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        is_fence = text.lstrip().startswith("```")
        is_code ^= is_fence
        yield number, text, is_code or is_fence


def _links(path: Path) -> Iterator[tuple[int, str]]:
    """The links of a page to files and headings, outside code; not those to other sites."""
    for number, text, is_code in _lines(path):
        if not is_code:
            for match in _LINK.finditer(re.sub(r"`[^`]*`", "", text)):
                target = match[1] or match[2]
                if not _NOT_A_FILE.match(target):
                    yield number, target


def _target_file(path: Path, target: str) -> Path:
    file = target.split("#")[0]
    return path.parent / file if file else path


def _anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    found: dict[str, int] = {}
    for _, text, is_code in _lines(path):
        if not is_code and (match := _HEADING.match(text)):
            heading = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", match[1]).lower()
            anchor = re.sub(r"[^\w\- ]", "", heading).replace(" ", "-")
            count = found.get(anchor, 0)
            found[anchor] = count + 1
            if count:
                found[f"{anchor}-{count}"] = 1
    return set(found)


def _python_examples(path: Path) -> Iterator[tuple[int, str]]:
    """First line and text of each code block in Python."""
    start, block = 0, []
    for number, text, _ in _lines(path):
        if start and text.lstrip().startswith("```"):
            yield start, textwrap.dedent("\n".join(block))
            start, block = 0, []
        elif start:
            block.append(text)
        elif text.strip() == "```python":
            start = number


def _names_of(module: Path) -> set[str]:
    """What a module or a room defines at its top; empty if there is none."""
    files = [file for file in (module.with_suffix(".py"), module / "__init__.py") if file.is_file()]
    names = {path.stem for path in module.glob("*.py")}
    for node in (node for file in files for node in syntax_tree(file).body):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        for target in getattr(node, "targets", [getattr(node, "target", None)]):
            if isinstance(target, ast.Name):
                names.add(target.id)
    return names


def _tree_rows(page: Path) -> dict[str, int]:
    """Folders of the package in the first code block of a page -> line; two spaces are a level."""
    found: dict[str, int] = {}
    parents: list[str] = []
    for number, text, is_code in _lines(page):
        if not is_code and parents:
            return found
        if is_code and (match := _TREE_ROW.match(text + " ")):
            parents[len(match[1]) // 2 :] = [match[2]]
            if parents[0] == PACKAGE and len(parents) > 1:
                found["/".join(parents)] = number
    return found
