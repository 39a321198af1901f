"""Keeps the newest versions of an export in memory, and swaps them without a failed request.

A version is an object that requests hold until they are answered. So a swap only changes which one
new requests get, and an old version leaves memory after its last answer.
"""

from __future__ import annotations

import dataclasses
import logging
import re
import threading
from collections.abc import Callable
from pathlib import Path

from maskconver_tf.errors import UserError
from maskconver_tf.serving.refusals import Refusal
from maskconver_tf.serving.settings import NAME
from maskconver_tf.serving.versions.model_version import ModelVersion
from maskconver_tf.serving.versions.version_folder import (
    Fingerprint,
    check_has_versions,
    find_versions,
    fingerprint,
)

Load = Callable[[Path, int], ModelVersion]
_log = logging.getLogger("maskconver.serve")
_UNTOLD = "the version cannot be loaded; the log of the server says why"
_LONGEST_REASON = 300


@dataclasses.dataclass(frozen=True)
class VersionState:
    """What a status request tells about a version: TensorFlow Serving's words."""

    number: int
    state: str
    error_code: str = "OK"
    error_message: str = ""


class VersionKeeper:
    """Loads versions, and looks for new ones in a thread of its own.

    Args:
      folder: an export's folder, or one version.
      num_versions: the newest versions that are kept.
      labels: label -> version that is kept while its folder exists.
      load: loads a version's folder and number, and warms it up; raises for a broken one.
      poll_seconds: time between two looks at the folder.
      on_change: called with the numbers of the kept versions after each change.
    """

    def __init__(
        self,
        folder: Path,
        num_versions: int,
        labels: dict[str, int],
        load: Load,
        poll_seconds: float,
        on_change: Callable[[list[int]], None] = lambda numbers: None,
    ):
        self._folder = folder
        self._num_versions = num_versions
        self._labels = dict(labels)
        self._load = load
        self._poll_seconds = poll_seconds
        self._on_change = on_change
        self._kept: dict[int, ModelVersion] = {}
        self._refused: dict[int, Fingerprint] = {}
        self._reasons: dict[int, str] = {}
        self._seen: dict[int, Fingerprint] = {}
        self._loading: int | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Loads the first versions, then looks for others in a thread.

        Raises:
          UserError: the folder has no version, none can be loaded, or a label's version is missing.
        """
        check_has_versions(self._folder)
        found = find_versions(self._folder)
        for label, number in self._labels.items():
            if number not in found:
                raise UserError(
                    f"--label {label}={number}: no such version is in {self._folder}; expected "
                    f"one of {', '.join(map(str, sorted(found)))}"
                )
        errors = self._update(found, is_first=True)
        if not self._kept:
            raise UserError("\n".join(errors))
        self._thread = threading.Thread(target=self._watch, name="versions", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stops the thread; versions that requests hold stay alive."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=1.0)

    # ---- Lookups ---------------------------------------------------------------------------------
    @property
    def newest(self) -> ModelVersion | None:
        kept = self._kept
        return kept[max(kept)] if kept else None

    def numbers(self) -> list[int]:
        """Numbers of the versions in memory, the newest first."""
        return sorted(self._kept, reverse=True)

    def labels(self) -> dict[str, int]:
        """Label -> version, of versions in memory."""
        return {label: number for label, number in self._labels.items() if number in self._kept}

    def find(self, version: int | None = None, label: str | None = None) -> ModelVersion:
        """Returns a version; without a number and label the newest.

        Raises:
          Refusal: 404, there is no such version or label.
        """
        kept = self._kept
        if label is not None:
            if label not in self._labels or self._labels[label] not in kept:
                shown = f" '{label}'" if NAME.fullmatch(label) else ""
                raise Refusal(404, f"No version has the label{shown}", "unknown_version")
            version = self._labels[label]
        if version is None:
            return kept[max(kept)]
        if version not in kept:
            served = ", ".join(map(str, sorted(kept)))
            raise Refusal(
                404, f"Version {version} is not served; found {served}", "unknown_version"
            )
        return kept[version]

    def states(self) -> list[VersionState]:
        """The state of each known version, the newest first."""
        states = {number: VersionState(number, "AVAILABLE") for number in self._kept}
        for number in list(self._refused):
            reason = self._reasons.get(number, _UNTOLD)
            states.setdefault(number, VersionState(number, "END", "INTERNAL", reason))
        if self._loading is not None:
            states.setdefault(self._loading, VersionState(self._loading, "LOADING"))
        return [states[number] for number in sorted(states, reverse=True)]

    # ---- Changes ---------------------------------------------------------------------------------
    def _watch(self) -> None:
        while not self._stop.wait(self._poll_seconds):
            try:
                self._update(find_versions(self._folder), is_first=False)
            except Exception:  # The thread must live as long as the server.
                _log.exception("cannot look for versions")

    def _update(self, found: dict[int, Path], is_first: bool) -> list[str]:
        """Loads what is new and drops what is too old; returns the messages of refused versions."""
        errors: list[str] = []
        self._refused = {n: mark for n, mark in self._refused.items() if n in found}
        newest: list[int] = []
        for number in sorted(found, reverse=True):
            if len(newest) == self._num_versions:
                break
            if self._is_usable(number, found[number], is_first, errors):
                newest.append(number)
        labelled = [
            number
            for number in set(self._labels.values())
            if number in found and self._is_usable(number, found[number], is_first, errors)
        ]
        if newest:  # A folder that is gone for a moment must not stop the service.
            self._drop_all_but({*newest, *labelled})
        return errors

    def _is_usable(self, number: int, folder: Path, is_first: bool, errors: list[str]) -> bool:
        """Whether a version is in memory, after loading it if it is new."""
        if number in self._kept:
            return True
        mark = fingerprint(folder)
        if self._refused.get(number) == mark:
            return False
        if not is_first and self._seen.get(number) != mark:
            self._seen[number] = mark  # Perhaps somebody is still copying: look again.
            return False
        if not mark:
            return False
        self._loading = number
        try:
            version = self._load(folder, number)
        except Exception as error:  # Whatever it is, the old version serves on.
            self._refused[number] = mark
            self._reasons[number] = _public_reason(error, folder)
            errors.append(f"{error}" if isinstance(error, UserError) else f"{folder}: {error!r}")
            _log.error("version %d is refused: %s", number, errors[-1])
            return False
        finally:
            self._loading = None
        self._refused.pop(number, None)
        self._kept = self._kept | {number: version}
        _log.info("version %d is loaded and warm", number)
        self._on_change(self.numbers())
        return True

    def _drop_all_but(self, wanted: set[int]) -> None:
        dropped = set(self._kept) - wanted
        if not dropped:
            return
        self._kept = {number: kept for number, kept in self._kept.items() if number in wanted}
        for number in sorted(dropped):
            _log.info("version %d is no longer served", number)
        self._on_change(self.numbers())


def _public_reason(error: Exception, folder: Path) -> str:
    """Tells a client why a version is refused, without a path of the server."""
    if not isinstance(error, UserError):
        return _UNTOLD
    reason = f"{error}".replace(f"{folder}", folder.name)
    has_path = re.search(r"(?:^|[\s'\"(=])[/~]\w", reason) or str(folder.parent) in reason
    is_sentence = "\n" not in reason and len(reason) <= _LONGEST_REASON
    return reason if is_sentence and not has_path else _UNTOLD
