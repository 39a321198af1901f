"""The file of `--markdown`, for commands that write a page of the documentation."""

from __future__ import annotations

from pathlib import Path

from maskconver_tf.errors import UserError


def check_page_file(name: str) -> None:
    """Refuses a file that cannot exist, before a command works for it.

    Raises:
      UserError: the file is a folder, or its folder is missing.
    """
    path = Path(name)
    if path.is_dir() or not path.parent.is_dir():
        found = "it is a folder" if path.is_dir() else "its folder does not exist"
        raise UserError(f"--markdown {name}: {found}; give a file in a folder that exists")


def write_page(name: str, text: str) -> None:
    """Writes a page; raises `UserError` if the file cannot be written."""
    try:
        Path(name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(
            f"--markdown {name}: it cannot be written ({error.strerror}); give a file in a folder "
            "that exists and that you may write to"
        ) from error
