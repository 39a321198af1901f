"""What a client raises."""

from __future__ import annotations

from maskconver_tf.errors import UserError


class RequestFailed(UserError):
    """The server refused a request, or could not be reached.

    Attributes:
      status: HTTP status or name of the gRPC status; None without an answer.
    """

    def __init__(self, message: str, status: int | str | None = None):
        super().__init__(message)
        self.status = status


class DeadlineExceeded(RequestFailed):
    """The answer did not come in time."""


class PictureRefused(UserError):
    """The model cannot decode a picture; the others of its request have answers.

    Attributes:
      status: why, see `docs/export.md`: 1 empty, 2 no picture, 3 too large, 4 damaged, 5 another
        kind.
    """

    def __init__(self, message: str, status: int):
        super().__init__(message)
        self.status = status


class TryAgain(Exception):
    """An attempt failed in a way that may pass.

    Attributes:
      failure: what to raise if there is no further attempt.
      after: seconds that the server asks to wait, or None.
    """

    def __init__(self, failure: RequestFailed, after: float | None = None):
        super().__init__(str(failure))
        self.failure = failure
        self.after = after
