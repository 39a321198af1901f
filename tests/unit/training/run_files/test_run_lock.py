"""Only one process trains in a run's folder."""

from __future__ import annotations

import subprocess
import sys

import pytest

from maskconver_tf.errors import UserError
from maskconver_tf.files.paths import local_or_remote_path
from maskconver_tf.training.run_files import run_lock
from maskconver_tf.training.run_files.run_folder import RunFolder
from tests.unit.training.run_files.small_run import CATEGORIES


@pytest.fixture
def short_times(monkeypatch):
    monkeypatch.setattr(run_lock, "_RENEW_INTERVAL_S", 0.05)
    monkeypatch.setattr(run_lock, "_WATCH_TIME_S", 0.5)


def test_a_second_training_is_refused_until_the_first_one_ends(folder, short_times):
    folder.create_or_check(CATEGORIES)
    assert [c.name for c in folder.categories().entries] == ["ball"]
    refused = pytest.raises(UserError, match="another process is training")
    with folder.lock(), refused, folder.lock():
        pass
    with folder.lock():
        pass


def test_the_lock_of_a_dead_process_is_taken_over(tmp_path, short_times):
    folder = RunFolder(local_or_remote_path(f"ram://{tmp_path.name}/dead"))
    folder.create_or_check(CATEGORIES)
    (folder.path / ".lock").write_text("a machine that is gone 7\n")
    with folder.lock():
        assert "a machine that is gone" not in (folder.path / ".lock").read_text()


def test_a_kept_lock_outlives_the_training_but_not_the_process(tmp_path, monkeypatch):
    monkeypatch.setattr(run_lock, "_kept", None)
    folder = RunFolder(tmp_path / "run")
    folder.create_or_check(CATEGORIES)
    run_lock.keep_until_exit()
    code = "import fcntl, sys; fcntl.flock(open(sys.argv[1], 'a'), fcntl.LOCK_EX | fcntl.LOCK_NB)"
    claim = [sys.executable, "-c", code, str(folder.path / ".lock")]
    with folder.lock():
        assert subprocess.run(claim, capture_output=True).returncode == 1
    assert subprocess.run(claim, capture_output=True).returncode == 1
    with folder.lock():  # The same process may go on.
        pass
    for kept in run_lock._kept.values():
        kept.close()  # As the end of the process does.
    assert subprocess.run(claim, capture_output=True).returncode == 0
