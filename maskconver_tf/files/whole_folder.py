"""Writes local folders whole or not at all."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from maskconver_tf.errors import UserError


@contextlib.contextmanager
def whole_folder(
    out: Path, overwrite: bool, is_of_kind: Callable[[Path], bool], kind: str
) -> Iterator[Path]:
    """Gives an empty folder, which becomes `out` when the block ends without an error.

    After an error the empty folder and its content are removed, and `out` stays as it was.

    Args:
      out: what to write. It may be absent, an empty folder, or (with `overwrite`) a folder of the
        same kind. If it is a symbolic link, it stays one, and its target is written.
      overwrite: whether to replace a folder for which `is_of_kind` is true.
      is_of_kind: tells whether an existing path is a folder that this caller writes.
      kind: what such a folder is called, for messages: "a dataset folder".

    Raises:
      UserError: `out` is in a bucket, a mount point, holds something else or cannot be written, or
        another process is writing it.
    """
    _check_out(out, overwrite, is_of_kind, kind)
    out = Path(os.path.realpath(out))
    partial = out.with_name(f".{out.name}.partial")
    try:
        if partial.is_dir():  # Left by a process that was killed, or in use by one that runs.
            os.close(_locked(partial))
        _remove(partial)
        _remove(out.with_name(f".{out.name}.old"))
        partial.mkdir(parents=True)
        lock = _locked(partial)
    except OSError as error:
        raise UserError(
            f"{out}: cannot be written: {partial.name} cannot be made beside it "
            f"({error.strerror}). Get permission to write in {out.parent}, or choose another --out"
        ) from None
    try:
        yield partial
        _replace(out, partial)
    finally:
        _remove(partial)
        os.close(lock)


def _locked(folder: Path) -> int:
    """Locks a folder. The lock holds until the returned descriptor is closed or the process ends.

    On a file system without locks this does nothing.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise UserError(
            f"{folder}: another process writes there; wait until it ends, or choose another --out"
        ) from None
    except OSError:
        pass
    return descriptor


def _check_out(out: Path, overwrite: bool, is_of_kind: Callable[[Path], bool], kind: str) -> None:
    if out.parts and out.parts[0].endswith(":") and not out.is_absolute():
        raise UserError(
            f"{out}: found the name of a bucket; expected a local folder. Write to a local folder "
            "and copy it to the bucket; training reads it there"
        )
    target = Path(os.path.realpath(out))
    if out.is_symlink() and (target.is_symlink() or not target.parent.is_dir()):
        raise UserError(
            f"{out}: found a symbolic link to {os.readlink(out)}, which cannot be "
            "reached; make the folder around it or mount its disk, or choose another --out"
        )
    if target.is_mount():
        raise UserError(
            f"{out}: found a mount point, which cannot be replaced as a whole; name a folder in it"
        )
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return
    if not is_of_kind(out):
        found = "a folder with other content" if out.is_dir() else "a file"
        raise UserError(
            f"{out}: found {found}; choose another --out, or remove it if nobody needs it"
        )
    if not overwrite:
        raise UserError(f"{out}: found {kind}; replace it with --overwrite or choose another --out")


def _replace(out: Path, new: Path) -> None:
    """Moves the folder `new` to `out`. At no time does `out` hold a mix of old and new."""
    old = out.with_name(f".{out.name}.old")
    if out.exists():
        out.rename(old)
    new.rename(out)
    _remove(old)


def _remove(path: Path) -> None:
    """Removes a folder with its content, a file or a link. The target of a link stays."""
    if path.is_symlink() or path.is_file():
        path.unlink(missing_ok=True)
    else:
        shutil.rmtree(path, ignore_errors=True)
