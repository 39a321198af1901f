"""Versions are loaded beside the old, swapped, kept by label, and refused if they are broken."""

from __future__ import annotations

import shutil
import threading
import time

import pytest

from maskconver_tf.errors import UserError
from maskconver_tf.serving.refusals import Refusal
from maskconver_tf.serving.versions.version_keeper import VersionKeeper
from tests.unit.serving.fake_model import fake_version, make_versions


def _load(path, number):
    content = (path / "saved_model.pb").read_bytes()
    if content != b"fake":
        raise UserError(f"{path}: damaged; write it again")
    return fake_version(number)


def _keeper(folder, num_versions=1, labels=None, load=_load, **given):
    return VersionKeeper(folder, num_versions, labels or {}, load, 0.02, **given)


def _wait(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)


@pytest.fixture
def started():
    keepers = []

    def start(*arguments, **given):
        keeper = _keeper(*arguments, **given)
        keeper.start()
        keepers.append(keeper)
        return keeper

    yield start
    for keeper in keepers:
        keeper.stop()


def test_the_newest_version_is_served(tmp_path, started):
    keeper = started(make_versions(tmp_path, 1, 2, 10))
    assert keeper.numbers() == [10] and keeper.find().number == 10
    with pytest.raises(Refusal) as caught:
        keeper.find(2)
    assert caught.value.status == 404


def test_a_single_version_can_be_served(tmp_path, started):
    make_versions(tmp_path, 7)
    assert started(tmp_path / "7").numbers() == [7]


def test_a_new_version_replaces_the_old_one(tmp_path, started):
    changes = []
    keeper = started(make_versions(tmp_path, 1), on_change=changes.append)
    make_versions(tmp_path, 2)
    _wait(lambda: changes[-1] == [2])  # It is told last.
    assert changes == [[1], [2, 1], [2]] and keeper.numbers() == [2]
    assert [(s.number, s.state) for s in keeper.states()] == [(2, "AVAILABLE")]


def test_there_is_a_version_at_every_moment_of_a_swap(tmp_path, started):
    def slow(path, number):
        time.sleep(0.1)
        return _load(path, number)

    keeper = started(make_versions(tmp_path, 1), load=slow)
    found, stop = set(), threading.Event()

    def ask():
        while not stop.is_set():
            found.add(keeper.find().number)

    thread = threading.Thread(target=ask)
    thread.start()
    make_versions(tmp_path, 2)
    _wait(lambda: keeper.numbers() == [2] and 2 in found)
    stop.set()
    thread.join()
    assert found == {1, 2}


def test_a_broken_version_is_refused_once_and_the_old_one_serves(tmp_path, started):
    loads = []

    def load(path, number):
        loads.append(number)
        return _load(path, number)

    keeper = started(make_versions(tmp_path, 1), load=load)
    make_versions(tmp_path / "later", 2)
    (tmp_path / "later/2/saved_model.pb").write_bytes(b"broken")
    (tmp_path / "later/2").rename(tmp_path / "2")
    _wait(lambda: len(keeper.states()) == 2)
    time.sleep(0.2)
    assert keeper.numbers() == [1] and loads == [1, 2]
    broken = keeper.states()[0]
    assert (broken.number, broken.state, broken.error_code) == (2, "END", "INTERNAL")
    assert broken.error_message == "2: damaged; write it again"


_UNTOLD = "the version cannot be loaded; the log of the server says why"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (UserError("{folder}/assets/a.json: found no object"), "2/assets/a.json: found no object"),
        (UserError("{folder}: reads /etc/secret"), _UNTOLD),
        (UserError("{folder}: reads '{parent}/1'"), _UNTOLD),
        (UserError("{folder}: two\nlines"), _UNTOLD),
        (UserError("{folder}: " + 300 * "a"), _UNTOLD),
        (ValueError("{folder}: no sentence for users"), _UNTOLD),
    ],
)
def test_the_state_tells_why_without_a_path(tmp_path, started, error, told):
    def load(path, number):
        if number == 2:
            raise type(error)(str(error).format(folder=path, parent=path.parent))
        return _load(path, number)

    keeper = started(make_versions(tmp_path, 1, 2), load=load)
    assert {s.number: s.error_message for s in keeper.states()} == {1: "", 2: told}


def test_a_broken_version_is_tried_again_after_it_is_repaired(tmp_path, started):
    keeper = started(make_versions(tmp_path, 1))
    make_versions(tmp_path, 2)
    (tmp_path / "2/saved_model.pb").write_bytes(b"half of it")
    _wait(lambda: len(keeper.states()) == 2)
    assert keeper.numbers() == [1]
    (tmp_path / "2/saved_model.pb").write_bytes(b"fake")
    _wait(lambda: keeper.numbers() == [2])


def test_several_versions_and_labels_stay(tmp_path, started):
    keeper = started(make_versions(tmp_path, 1, 2, 3, 4), 2, {"stable": 1})
    assert keeper.numbers() == [4, 3, 1] and keeper.labels() == {"stable": 1}
    assert keeper.find(label="stable").number == 1
    make_versions(tmp_path, 5)
    _wait(lambda: keeper.numbers() == [5, 4, 1])
    for label in ("other", "../etc"):
        with pytest.raises(Refusal) as caught:
            keeper.find(label=label)
        assert caught.value.status == 404 and "etc" not in caught.value.sentence


def test_the_service_goes_on_if_the_folder_vanishes(tmp_path, started):
    folder = make_versions(tmp_path / "exported", 1)
    keeper = started(folder)
    shutil.rmtree(folder)
    time.sleep(0.2)
    assert keeper.numbers() == [1]
    make_versions(folder, 2)
    _wait(lambda: keeper.numbers() == [2])


def test_other_folders_and_files_are_no_versions(tmp_path, started):
    folder = make_versions(tmp_path, 1)
    for name in ("2.partial", "old", "-3", "٣"):
        make_versions(tmp_path / "x", 1)
        (tmp_path / "x/1").rename(tmp_path / name)
    (tmp_path / "9").write_text("a file")
    assert started(folder).numbers() == [1]


def test_a_start_without_a_usable_version_tells_why(tmp_path):
    with pytest.raises(UserError, match="no exported model is here .*an empty folder"):
        _keeper(tmp_path).start()
    make_versions(tmp_path, 1)
    (tmp_path / "1/saved_model.pb").write_bytes(b"broken")
    with pytest.raises(UserError, match="1: damaged"):
        _keeper(tmp_path).start()
    with pytest.raises(UserError, match="--label stable=3: no such version .*expected one of 1"):
        _keeper(tmp_path, labels={"stable": 3}).start()


def test_the_newest_usable_version_starts_if_a_newer_one_is_broken(tmp_path, started):
    make_versions(tmp_path, 1, 2)
    (tmp_path / "2/saved_model.pb").write_bytes(b"broken")
    assert started(tmp_path).numbers() == [1]
