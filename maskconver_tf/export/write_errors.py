"""Tells a user why an export cannot be written."""

from __future__ import annotations

import contextlib
import errno
import tempfile
from collections.abc import Iterator
from pathlib import Path

from maskconver_tf.errors import UserError
from maskconver_tf.files.disk_errors import DISK_ERRORS, short_reason

_OF_DISKS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
_TEXTS = ("No space left", "File too large", "No usable temporary directory")
"""In errors of TensorFlow and `tempfile`, which have other numbers or none."""


@contextlib.contextmanager
def explain_export_errors(out: Path, partial: Path, what_is_safe: str) -> Iterator[None]:
    """Turns an error of the disk in the block into a `UserError`.

    Args:
      out: what the user asked for.
      partial: the folder that the block writes.
      what_is_safe: says, without full stop, what of `out` is as it was.
    """
    try:
        yield
    except DISK_ERRORS as error:
        if not _is_of_disk(error, partial):
            raise
        raise UserError(
            f"{out}: cannot be written ({_reason(error)}); free space there and for temporary "
            f"files ({_temporary_folder()}), get permission to write, or choose another --out. "
            f"Nothing half-written is left, and {what_is_safe}"
        ) from error


def _is_of_disk(error: Exception, partial: Path) -> bool:
    if getattr(error, "errno", None) in _OF_DISKS:
        return True
    return any(text in str(error) for text in (*_TEXTS, str(partial)))


def _reason(error: Exception) -> str:
    """Why, and for which file if the error names one."""
    if not (text := getattr(error, "strerror", None)):
        return short_reason(error)
    name = getattr(error, "filename", None)
    return f"{text}: {name}" if name else text


def _temporary_folder() -> str:
    """Python's folder for temporary files. It looks for one that can be written."""
    try:
        return tempfile.gettempdir()
    except FileNotFoundError:
        return "set TMPDIR to a folder that can be written"
