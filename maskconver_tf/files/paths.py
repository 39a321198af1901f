"""Paths, local or in a bucket. Buckets are reached through TensorFlow's file systems."""

from __future__ import annotations

import atexit
import contextlib
import functools
import io
import os
import re
import shutil
import tempfile
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from maskconver_tf.errors import UserError, look_of, typed_repr


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

    def read_part(self, begin: int, count: int) -> bytes:
        with self._explained_errors(), _gfile().GFile(self._url, "rb") as file:
            file.seek(begin)
            return file.read(count)

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
        raise UserError(
            f"found {typed_repr(path)} where a path belongs; expected the path of a file or folder "
            "as text in quotes, such as 'data/train'"
        )
    text = os.fspath(path)
    return RemotePath(text) if "://" in text else Path(text)


def read_part(path: Path | RemotePath, begin: int, count: int) -> bytes:
    """Returns `count` bytes of a file from byte `begin`, without the rest; fewer at its end."""
    if isinstance(path, RemotePath):
        return path.read_part(begin, count)
    with path.open("rb") as file:
        file.seek(begin)
        return file.read(count)


def pattern_free_path(path: str | os.PathLike) -> str:
    r"""Returns a path of the same file in which TensorFlow finds no pattern.

    TensorFlow's readers and writers of checkpoints and SavedModels take *, ?, [ and \ for a
    pattern. If a folder in `path` has one of them, the result leads through a symbolic link in a
    temporary folder, which the process removes when it ends. Messages must show `path` itself.

    Raises:
      UserError: the path is in a bucket, where no link can help.
    """
    text = os.fspath(path)
    if not _PATTERN.search(text):
        return text
    if "://" in text:
        raise UserError(
            f"{text}: found {_PATTERN.search(text)[0]!r} in the name; expected none of * ? [ and "
            "backslash, which TensorFlow takes for a pattern. Choose another name in the bucket"
        )
    folder, below = Path(text).absolute(), []
    while not _PATTERN.search(folder.name):
        below.append(folder.name)
        folder = folder.parent
    return os.path.join(_link_to(str(folder)), *reversed(below))


_PATTERN = re.compile(r"[*?\[\\]")


@functools.cache
def _link_to(folder: str) -> str:
    """Makes a symbolic link to a folder, which need not exist yet, and returns the link's path."""
    link = tempfile.mktemp(dir=_folder_of_links())
    os.symlink(folder, link)
    return link


@functools.cache
def _folder_of_links() -> str:
    plain = None if not _PATTERN.search(tempfile.gettempdir()) else "/tmp"
    folder = tempfile.mkdtemp(prefix="maskconver-", dir=plain)
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def composed_name(path: str | os.PathLike) -> str:
    """Returns the text of a path with composed letters: "e" and an accent become one letter.

    macOS stores some names decomposed. They look the same but are other names for Linux.
    """
    return unicodedata.normalize("NFC", os.fspath(path))


def find_same_looking(path: str | os.PathLike) -> Path | None:
    """Finds the file that has the name of `path` in composed or decomposed letters, or None."""
    path = Path(path)
    if os.path.lexists(path):
        return path
    folder = find_same_looking(path.parent) if path.parent != path else None
    name = _names_in(folder).get(composed_name(path.name)) if folder else None
    return folder / name if name else None


@functools.lru_cache(maxsize=64)
def _names_in(folder: Path) -> dict[str, str]:
    """Returns composed name -> name, for what is in a folder and is not composed."""
    try:
        names = os.listdir(folder)
    except OSError:
        return {}
    return {composed_name(name): name for name in names if not name.isascii()}


def name_that_looks_like(path: str | os.PathLike) -> str | None:
    """Finds another name in the folder of `path` that a reader may take for the name of `path`."""
    path = Path(path)
    name = _names_by_look(path.parent).get(look_of(path.name))
    return name if name != path.name else None


@functools.lru_cache(maxsize=16)
def _names_by_look(folder: Path) -> dict[str, str]:
    """Returns what a name looks like -> name, for what is in a folder."""
    try:
        return {look_of(name): name for name in os.listdir(folder)}
    except OSError:
        return {}


def same_file_key(path: str | os.PathLike) -> str:
    """Returns a text that is equal for all ways to write the path of one file.

    It is absolute and composed, and leads through no symbolic link to a folder.
    """
    folder, name = os.path.split(os.fspath(path))
    return composed_name(os.path.join(_real_folder(folder), name))


@functools.lru_cache(maxsize=1024)
def _real_folder(folder: str) -> str:
    return os.path.realpath(folder)


def _gfile() -> Any:
    import tensorflow as tf

    return tf.io.gfile


def make_out_folder(folder: str | os.PathLike) -> Path:
    """Makes a local folder for results, with its parents, and tries to write in it.

    Commands call it before long work, so that they lose no results.

    Raises:
      UserError: the folder cannot be made or written.
    """
    path = Path(folder)
    try:
        path.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=path).close()
    except OSError as error:
        found = "found a file" if isinstance(error, FileExistsError) else error.strerror
        raise UserError(
            f"{path}: cannot be written ({found}); expected a folder to write to. Get permission "
            "to write there, or choose another --out"
        ) from None
    return path
