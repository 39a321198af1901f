"""Reads and writes JSON files; errors tell the user what is wrong and what to do."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from maskconver_tf.errors import UserError, found_instead
from maskconver_tf.files.paths import RemotePath
from maskconver_tf.files.whole_file import write_text_whole


def read_json(path: Path, what: str) -> Any:
    """Returns the content of the UTF-8 JSON file at `path`.

    Args:
      what: what the file is, for messages: "the annotations file".

    Raises:
      UserError: the file is missing, a folder, unreadable, or not JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        hint = found_instead(path.name, _names_beside(path))
        raise UserError(f"{path}: {what} does not exist{hint}; check the path") from None
    except IsADirectoryError:
        raise UserError(f"{path}: found a folder, expected {what}; name the file in it") from None
    except OSError as error:
        raise UserError(
            f"{path}: {what} cannot be read ({error.strerror}); get permission to read it, or copy "
            "it again"
        ) from None
    except (ValueError, RecursionError) as error:
        raise UserError(
            f"{path}: {what} is not valid JSON ({error}). Perhaps a download did not finish; fetch "
            "or write the file again"
        ) from None


def _names_beside(path: Path | RemotePath) -> list[str]:
    """Returns the names of what is in the folder of a local path; none if it cannot be listed."""
    try:
        return os.listdir(path.parent) if isinstance(path, Path) else []
    except OSError:
        return []


def write_json(path: Path | RemotePath, content: Any) -> None:
    """Writes `content` as readable UTF-8 JSON, whole or not at all.

    The same content gives the same bytes.
    """
    text = utf8_safe(json.dumps(content, ensure_ascii=False, indent=1))
    write_text_whole(path, text + "\n")


def utf8_safe(text: str) -> str:
    r"""Makes sure that a UTF-8 file can hold `text`.

    File names may have bytes that are not UTF-8; Python reads such a byte as a surrogate, for
    instance \udce9. It becomes the escape that JSON readers turn back into the surrogate.
    """
    return text.encode("utf-8", "backslashreplace").decode()
