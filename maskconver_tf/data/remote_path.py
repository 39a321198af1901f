"""Folders in a bucket: what a dataset folder asks of a path, through TensorFlow's file systems."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any, NamedTuple


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
        return _gfile().exists(self._url)

    def is_dir(self) -> bool:
        return _gfile().isdir(self._url)

    def is_file(self) -> bool:
        return self.exists() and not self.is_dir()

    def stat(self) -> FileSize:
        return FileSize(_gfile().stat(self._url).length)

    def read_bytes(self) -> bytes:
        with _gfile().GFile(self._url, "rb") as file:
            return file.read()

    def open(self, mode: str) -> io.BytesIO:
        """For reading bytes ("rb"): the whole file, in memory."""
        if mode != "rb":
            raise ValueError(f"{self._url} can be opened for reading bytes only, not {mode!r}")
        return io.BytesIO(self.read_bytes())


def any_path(path: str | os.PathLike) -> Path | RemotePath:
    """A local path, or a remote one where there is a scheme such as `gs://`."""
    text = os.fspath(path)
    return RemotePath(text) if "://" in text else Path(text)


def _gfile() -> Any:
    import tensorflow as tf

    return tf.io.gfile
