"""JSON files that a user handed over: read with an error that says what to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from maskconver_tf.errors import UserError


def read_json(path: Path, what: str) -> Any:
    """Returns the content of the UTF-8 JSON file at `path`.

    Args:
      what: what the file is, for messages: "the annotations file".

    Raises:
      UserError: it is missing, a folder, unreadable, or not JSON.
    """
    try:
        return json.loads(path.read_bytes())
    except FileNotFoundError:
        raise UserError(f"{path}: {what} does not exist; check the path.") from None
    except IsADirectoryError:
        raise UserError(f"{path}: found a folder, expected {what}; name the file in it.") from None
    except OSError as error:
        raise UserError(f"{path}: {what} cannot be read ({error.strerror}).") from None
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UserError(
            f"{path}: {what} is not valid JSON ({error}), perhaps an unfinished download; "
            "fetch or write it again."
        ) from None


def write_json(path: Path, content: Any) -> None:
    """Writes `content` as readable UTF-8 JSON: the same content gives the same bytes."""
    path.write_text(as_utf8(json.dumps(content, ensure_ascii=False, indent=1)) + "\n", "utf-8")


def as_utf8(text: str) -> str:
    r"""`text` that a UTF-8 file can hold; file names may have bytes that are none, such as \udce9.

    They come out as the escapes by which JSON reads them.
    """
    return text.encode("utf-8", "backslashreplace").decode()


def brief(value: Any) -> str:
    """A JSON value as a message can hold it."""
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
