"""Turns the errors of full, read-only or unreachable disks and buckets into user messages."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

from maskconver_tf.errors import UserError

DISK_ERRORS = (
    OSError,
    tf.errors.ResourceExhaustedError,
    tf.errors.PermissionDeniedError,
    tf.errors.UnauthenticatedError,
    tf.errors.FailedPreconditionError,
    tf.errors.NotFoundError,
    tf.errors.OutOfRangeError,  # The file exceeds the largest allowed size.
    tf.errors.UnknownError,
)


@contextlib.contextmanager
def explain_write_errors(
    path: Any, what_is_safe: str = "Nothing was lost", only_if_named: bool = False
) -> Iterator[None]:
    """Turns any error of `DISK_ERRORS` in the block into one `UserError`.

    Args:
      path: the file or folder that the block writes.
      what_is_safe: a sentence, without full stop, that says what is still there.
      only_if_named: turn only errors that name the path. Use it if the block does more than write.
    """
    try:
        yield
    except DISK_ERRORS as error:
        if only_if_named and str(path) not in str(error):
            raise
        raise write_error(path, error, what_is_safe) from error


def write_error(path: Any, error: Exception, what_is_safe: str) -> UserError:
    """Makes the error for the user: which path, why, the way out, and what is safe."""
    reason = getattr(error, "strerror", None) or short_reason(error)
    if str(path).startswith("gs://"):
        way_out = (
            "check the bucket's name and this machine's credentials (gcloud auth "
            "application-default login, or the machine's service account)"
        )
    else:
        way_out = "free space, get permission to write there, or choose another --model_dir"
    return UserError(f"{path}: cannot be written ({reason}); {way_out}. {what_is_safe}")


def short_reason(error: Exception) -> str:
    """Finds the first line that says why, without the names of nodes and operations around it.

    TensorFlow may put lines of the code that made a graph node before it.
    """
    text = re.split(r'\n\s*File "[^\n]*', str(error))[-1]
    line = text.strip().partition("\n")[0]
    return re.sub(r"^\{\{.*?\}\} | \[Op:\w+\]$", "", line).rstrip(".")
