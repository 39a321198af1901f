"""Every command that a document prints can be typed: its options and its Gin files exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from maskconver_tf.cli.main import make_parser

ROOT = Path(__file__).resolve().parents[3]
DOCUMENTS = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "launch" / "README.md"]
EXPERIMENTS = sorted((ROOT / "experiments").rglob("*.gin"))
_IS_ELLIPSIS = re.compile(r"\.\.\.")


def commands_of(path: Path) -> list[str]:
    """The `maskconver` commands in the code blocks of a document, or in a Gin file's header."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".gin":
        blocks = re.findall(r"^# Command: ((?:.*\\\n# )*.*)$", text, re.MULTILINE)
        blocks = [block.replace("\n#", "\n") for block in blocks]
    else:
        blocks = re.findall(r"^ *```\w*\n(.*?)^ *```", text, re.MULTILINE | re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    found = [re.match(r"\s*(?:\$ )?(?:\S*/bin/)?maskconver ([a-z-].*)", line) for line in lines]
    return [match[1] for match in found if match and not _IS_ELLIPSIS.search(match[1])]


COMMANDS = [
    pytest.param(path, command, id=f"{path.relative_to(ROOT)}: {command[:50]}")
    for path in [*DOCUMENTS, *EXPERIMENTS]
    for command in commands_of(path)
]


def test_commands_are_found():
    assert len(COMMANDS) > 50


@pytest.mark.parametrize(("path", "command"), COMMANDS)
def test_a_documented_command_parses(path, command):
    words = shlex.split(command, comments=True)
    gin = [word for word in words if word.startswith("--gin.")]
    arguments = [word for word in words if word not in gin and word not in ("&&", ";")]
    if "--version" in arguments or "--help" in arguments:
        return
    args, unknown = make_parser().parse_known_args(arguments)
    assert unknown == []
    assert args.handler is not None
    assert args.takes_gin or not gin
    assert all("=" in word for word in gin)
    for name in getattr(args, "gin_file", None) or []:
        own = not name.startswith("experiments/")  # The user's own file, such as mine.gin.
        assert own or (ROOT / name).is_file(), name
