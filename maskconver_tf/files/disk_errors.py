"""What disks and buckets say when they cannot be written, and what a user makes of it."""

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
    tf.errors.OutOfRangeError,  # Larger than a file may be.
    tf.errors.UnknownError,
)


@contextlib.contextmanager
def writing(
    path: Any, what_stands: str = "Nothing was lost.", only_named: bool = False
) -> Iterator[None]:
    """Makes one message of whatever keeps a file or folder from being written.

    Args:
      path: the file or folder.
      what_stands: the sentence on what is safe.
      only_named: leave errors alone that do not name the path: where more than writing is done.
    """
    try:
        yield
    except DISK_ERRORS as error:
        if only_named and str(path) not in str(error):
            raise
        raise cannot_write(path, error, what_stands) from error


def cannot_write(path: Any, error: Exception, what_stands: str) -> UserError:
    """The message: what, why, the way out, and what is safe."""
    reason = getattr(error, "strerror", None) or reason_of(error)
    if str(path).startswith("gs://"):
        way_out = (
            "check the bucket's name and this machine's credentials (gcloud auth "
            "application-default login, or the machine's service account)"
        )
    else:
        way_out = "free space, get permission to write there, or choose another --model_dir"
    return UserError(f"{path}: cannot be written ({reason}); {way_out}. {what_stands}")


def reason_of(error: Exception) -> str:
    """The first line that says why, without the names of nodes and operations around it.

    Before it there may be the lines of code that a node of the graph comes from.
    """
    text = re.split(r'\n\s*File "[^\n]*', str(error))[-1]
    line = text.strip().partition("\n")[0]
    return re.sub(r"^\{\{.*?\}\} | \[Op:\w+\]$", "", line).rstrip(".")
