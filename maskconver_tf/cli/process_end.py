"""Ends the process of the installed command.

Python ends a process by deleting all that is left. For a training that takes from seconds to a
minute: threads of the input prepare batches that nobody wants any more, and each waits for its
turn. Everything that matters is written by then. Therefore a training leaves without this
deletion. It does so only in the process of the command; a program that calls `main` goes on.
"""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import os
import sys
from typing import NoReturn, TextIO

_state = {"is_own": False, "leaves_at_once": False}


@dataclasses.dataclass(frozen=True)
class Ending:
    """How a command ended.

    Attributes:
      status: exit status.
      message: last line for stderr; empty for none.
      error: what ended it, or None. It keeps the objects of the command alive.
    """

    status: int
    message: str = ""
    error: BaseException | None = None

    def tell(self) -> None:
        if self.message:
            print(self.message, file=sys.stderr)


def own_process() -> None:
    """Says that this process exists for one command only."""
    _state["is_own"] = True


def leave_at_once() -> bool:
    """Asks for an end without deletion, and returns whether there will be one."""
    _state["leaves_at_once"] = _state["is_own"]
    return _state["is_own"]


def leave(ending: Ending) -> NoReturn:
    """Prints the last message and ends the process.

    Handlers of `atexit` run before the message, so that nothing comes after it.
    """
    if not _state["leaves_at_once"]:
        ending.tell()
        sys.exit(ending.status)
    atexit._run_exitfuncs()  # Python has no public function for this.
    _flush(sys.stdout)
    with contextlib.suppress(OSError):
        ending.tell()
    _flush(sys.stderr)
    os._exit(ending.status)


def _flush(stream: TextIO | None) -> None:
    """Flushes a stream, which may be closed or read by nobody any more."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        stream.flush()
