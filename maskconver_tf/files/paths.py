"""Paths, local or in a bucket. Buckets are reached through TensorFlow's file systems."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from maskconver_tf.errors import UserError


class FileSize(NamedTuple):
    """The only field of `os.stat_result` that callers read."""

    st_size: int


class RemotePath(os.PathLike):
    """A path such as `gs://bucket/folder`, with the methods of `pathlib.Path` that callers use.

    `pathlib` itself would shorten it to `gs:/bucket/folder`.
    """

    def __init__(self, url: str):
        self._url = url.rstrip("/")

    def __fspath__(self) -> str:
        return self._url

    __str__ = __fspath__

    def __repr__(self) -> str:
        return f"RemotePath({self._url!r})"

    def __truediv__(self, name: str) -> RemotePath:
        return RemotePath(f"{self._url}/{name}")

    @property
    def name(self) -> str:
        return self._url.rpartition("/")[2]

    def exists(self) -> bool:
        with self._explained_errors():
            return _gfile().exists(self._url)

    def is_dir(self) -> bool:
        with self._explained_errors():
            return _gfile().isdir(self._url)

    def is_file(self) -> bool:
        return self.exists() and not self.is_dir()

    def stat(self) -> FileSize:
        with self._explained_errors():
            return FileSize(_gfile().stat(self._url).length)

    def read_bytes(self) -> bytes:
        with self._explained_errors(), _gfile().GFile(self._url, "rb") as file:
            return file.read()

    def read_text(self, encoding: str = "utf-8") -> str:
        return self.read_bytes().decode(encoding)

    def write_text(self, text: str, encoding: str = "utf-8") -> None:
        """Writes the file whole: a reader finds the old content or the new one."""
        partial = f"{self._url}.partial"
        with self._explained_errors():
            with _gfile().GFile(partial, "wb") as file:
                file.write(text.encode(encoding))
            _gfile().rename(partial, self._url, overwrite=True)

    def mkdir(self, parents: bool = True, exist_ok: bool = True) -> None:
        """Makes the folder and its parents."""
        with self._explained_errors():
            _gfile().makedirs(self._url)

    def unlink(self, missing_ok: bool = False) -> None:
        if self.exists() or not missing_ok:
            _gfile().remove(self._url)

    @contextlib.contextmanager
    def _explained_errors(self) -> Iterator[None]:
        """Turns TensorFlow's errors into `FileNotFoundError` or `UserError`."""
        import tensorflow as tf

        try:
            yield
        except tf.errors.NotFoundError as error:
            raise FileNotFoundError(self._url) from error
        except tf.errors.OpError as error:
            reason = str(error).strip().partition("\n")[0]
            raise UserError(
                f"{self._url}: cannot be reached ({reason}); check the name, the network and this "
                "machine's credentials (gcloud auth application-default login, or its service "
                "account)"
            ) from error

    def open(self, mode: str) -> io.BytesIO:
        """Opens the file to read bytes (mode "rb"), from a copy in memory."""
        if mode != "rb":
            raise ValueError(f"{self._url} can be opened for reading bytes only, not {mode!r}")
        return io.BytesIO(self.read_bytes())


def local_or_remote_path(path: str | os.PathLike) -> Path | RemotePath:
    """Returns a `RemotePath` if `path` has a scheme such as `gs://`, else a `pathlib.Path`.

    Raises:
      UserError: `path` is not a path; for instance a number.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise UserError(f"{path!r}: expected the path of a folder, as text in quotes")
    text = os.fspath(path)
    return RemotePath(text) if "://" in text else Path(text)


def _gfile() -> Any:
    import tensorflow as tf

    return tf.io.gfile
