"""Allows only one process at a time to train in a run's folder.

On a disk the process holds the file `.lock` with `flock`. The system releases it when the process
ends, even if it is killed. `keep_until_exit` makes the process hold it until then.

Buckets and some network disks have no `flock`. There the training process writes new content into
`.lock` every `_RENEW_INTERVAL_S` seconds. A new process that finds the file watches it for
`_WATCH_TIME_S` seconds. If the content changes, the new process is refused. If not, the writer is
dead and the new process takes over the folder. This does not compare the clocks of two machines. A
run that ends normally removes the file.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import tensorflow as tf

from maskconver_tf.errors import UserError
from maskconver_tf.files.paths import RemotePath

_RENEW_INTERVAL_S = 15.0
_WATCH_TIME_S = 60.0

_kept: dict[str, contextlib.ExitStack] | None = None
"""Path -> what closes the locked file; None to release locks at the end of the context."""


def keep_until_exit() -> None:
    """Keeps the locks of this process until it ends, beyond the end of the training.

    Until then the process holds memory and processor time, and another start in the folder would
    compete with it. Only for a process that ends after the training. Locks of buckets are released.
    """
    global _kept
    _kept = {} if _kept is None else _kept


@contextlib.contextmanager
def hold_lock(folder: Path | RemotePath) -> Iterator[None]:
    """Holds the lock of a run's folder in this context.

    Raises:
      UserError: another process holds the lock.
    """
    path = folder / ".lock"
    if isinstance(folder, RemotePath):
        with _hold_by_renewing(path, folder):
            yield
        return
    if _kept and str(path) in _kept:
        _kept.pop(str(path)).close()  # This process may lock it again.
    with _opened(path) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _refusal(folder) from None
        except OSError:  # A network disk without `flock`.
            with _hold_by_renewing(path, folder):
                yield
            return
        yield


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    """Opens the lock's file, which stays open after the context if locks are kept."""
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(open(path, "a"))
        try:
            yield file
        finally:
            if _kept is not None:
                _kept[str(path)] = stack.pop_all()


@contextlib.contextmanager
def _hold_by_renewing(path: Path | RemotePath, folder: Path | RemotePath) -> Iterator[None]:
    if _is_renewed(path):
        raise _refusal(folder)
    holder = f"{socket.gethostname()} process {os.getpid()} {secrets.token_hex(8)}"
    path.write_text(f"{holder} 0\n")
    ended = threading.Event()
    thread = threading.Thread(target=_renew, args=(path, holder, ended), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        path.unlink(missing_ok=True)


def _renew(path: Path | RemotePath, holder: str, ended: threading.Event) -> None:
    count = 0
    while not ended.wait(_RENEW_INTERVAL_S):
        count += 1
        with contextlib.suppress(OSError, tf.errors.OpError):  # The next write may succeed.
            path.write_text(f"{holder} {count}\n")


def _is_renewed(path: Path | RemotePath) -> bool:
    """Watches whether another process renews the lock. Returns at once if there is no lock."""
    if not path.exists() or not (first := path.read_text()):
        return False
    end = time.monotonic() + _WATCH_TIME_S
    while time.monotonic() < end:
        time.sleep(min(_RENEW_INTERVAL_S / 3, _WATCH_TIME_S / 10))
        if not path.exists():
            return False
        if path.read_text() != first:
            return True
    return False


def _refusal(folder: Path | RemotePath) -> UserError:
    return UserError(
        f"{folder}: another process is training in this folder. Wait until it ends, or choose "
        "another --model_dir"
    )
