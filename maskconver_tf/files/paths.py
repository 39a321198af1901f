"""Folders in a bucket: what datasets and runs ask of a path, through TensorFlow's file systems."""

from __future__ import annotations

import contextlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from maskconver_tf.errors import UserError


class FileSize(NamedTuple):
    """The part of `os.stat_result` that is read here."""

    st_size: int


class RemotePath(os.PathLike):
    """A path such as `gs://bucket/folder`, which `pathlib` would make `gs:/bucket/folder` of."""

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
        with self._reached():
            return _gfile().exists(self._url)

    def is_dir(self) -> bool:
        with self._reached():
            return _gfile().isdir(self._url)

    def is_file(self) -> bool:
        return self.exists() and not self.is_dir()

    def stat(self) -> FileSize:
        with self._reached():
            return FileSize(_gfile().stat(self._url).length)

    def read_bytes(self) -> bytes:
        with self._reached(), _gfile().GFile(self._url, "rb") as file:
            return file.read()

    def read_text(self, encoding: str = "utf-8") -> str:
        return self.read_bytes().decode(encoding)

    def write_text(self, text: str, encoding: str = "utf-8") -> None:
        """Writes the file whole: a reader finds either the old content or the new."""
        partial = f"{self._url}.partial"
        with self._reached():
            with _gfile().GFile(partial, "wb") as file:
                file.write(text.encode(encoding))
            _gfile().rename(partial, self._url, overwrite=True)

    def mkdir(self, parents: bool = True, exist_ok: bool = True) -> None:
        """Makes the folder and those above it."""
        with self._reached():
            _gfile().makedirs(self._url)

    def unlink(self, missing_ok: bool = False) -> None:
        if self.exists() or not missing_ok:
            _gfile().remove(self._url)

    @contextlib.contextmanager
    def _reached(self) -> Iterator[None]:
        """Makes a `FileNotFoundError` or a `UserError` of what TensorFlow raises."""
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
        """For reading bytes ("rb"): the whole file, in memory."""
        if mode != "rb":
            raise ValueError(f"{self._url} can be opened for reading bytes only, not {mode!r}")
        return io.BytesIO(self.read_bytes())


def any_path(path: str | os.PathLike) -> Path | RemotePath:
    """A local path, or a remote one where there is a scheme such as `gs://`.

    Raises:
      UserError: it is no path, but a number, say.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise UserError(f"{path!r}: expected the path of a folder, as text in quotes")
    text = os.fspath(path)
    return RemotePath(text) if "://" in text else Path(text)


def _gfile() -> Any:
    import tensorflow as tf

    return tf.io.gfile
