"""Keeps a second process from training in a run's folder.

On a disk the file `.lock` is held by `flock`, which ends with its process, however that ends.

Where there is no `flock`, in a bucket or on some network disks, the rule is another: whoever trains
writes something new into `.lock` every `_RENEWED_S` seconds. A newcomer that finds the file watches
it for `_WATCHED_S` seconds: if it changes it is refused, if not its writer is dead and it takes
over. No two machines' clocks are compared. A run that ends in order removes the file.
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

import tensorflow as tf

from maskconver_tf.errors import UserError
from maskconver_tf.files.paths import RemotePath

_RENEWED_S = 15.0
_WATCHED_S = 60.0


@contextlib.contextmanager
def locked(folder: Path | RemotePath) -> Iterator[None]:
    """Holds the lock of a run's folder.

    Raises:
      UserError: another process does.
    """
    path = folder / ".lock"
    if isinstance(folder, RemotePath):
        with _renewed(path, folder):
            yield
        return
    with open(path, "a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _refusal(folder) from None
        except OSError:  # A network disk without locks.
            with _renewed(path, folder):
                yield
            return
        yield


@contextlib.contextmanager
def _renewed(path: Path | RemotePath, folder: Path | RemotePath) -> Iterator[None]:
    if _changes(path):
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
    while not ended.wait(_RENEWED_S):
        count += 1
        with contextlib.suppress(OSError, tf.errors.OpError):  # The next one will do.
            path.write_text(f"{holder} {count}\n")


def _changes(path: Path | RemotePath) -> bool:
    """Whether someone renews the lock; returns at once where there is none."""
    if not path.exists() or not (first := path.read_text()):
        return False
    end = time.monotonic() + _WATCHED_S
    while time.monotonic() < end:
        time.sleep(min(_RENEWED_S / 3, _WATCHED_S / 10))
        if not path.exists():
            return False
        if path.read_text() != first:
            return True
    return False


def _refusal(folder: Path | RemotePath) -> UserError:
    return UserError(
        f"{folder}: another process is training in this folder; wait for it or choose another "
        "--model_dir"
    )
