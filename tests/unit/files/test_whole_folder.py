"""A folder appears whole or not at all, and replaces only a folder of its kind."""

from pathlib import Path

import pytest

from maskconver_tf.errors import UserError
from maskconver_tf.files.whole_folder import whole_folder


def _is_ours(path):
    return (path / "ours").is_file()


def _write(out, text, overwrite=False):
    with whole_folder(out, overwrite, _is_ours, "a folder of ours") as folder:
        (folder / "ours").write_text(text)
        assert not out.exists() or not (out / "ours").exists() or overwrite


def _names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_new_or_empty_folder_is_written(tmp_path):
    (tmp_path / "empty").mkdir()
    for name in ("new", "empty"):
        _write(tmp_path / name, "a")
        assert (tmp_path / name / "ours").read_text() == "a"
    assert _names(tmp_path) == ["empty", "new"]


def test_a_folder_of_the_same_kind_is_replaced_only_with_overwrite(tmp_path):
    out = tmp_path / "out"
    _write(out, "a")
    (out / "more").touch()
    with pytest.raises(UserError, match="out: found a folder of ours; replace it with --overwrite"):
        _write(out, "b")
    _write(out, "b", overwrite=True)
    assert (out / "ours").read_text() == "b"
    assert _names(out) == ["ours"] and _names(tmp_path) == ["out"]


def test_an_error_in_the_block_leaves_everything_as_it_was(tmp_path):
    out = tmp_path / "out"
    _write(out, "a")
    with (
        pytest.raises(ZeroDivisionError),
        whole_folder(out, True, _is_ours, "a folder of ours") as folder,
    ):
        (folder / "ours").write_text("b")
        raise ZeroDivisionError
    assert (out / "ours").read_text() == "a" and _names(tmp_path) == ["out"]


def test_other_content_is_never_replaced(tmp_path):
    (tmp_path / "file").touch()
    for out, found in ((tmp_path / "file", "a file"), (tmp_path, "a folder with other content")):
        with pytest.raises(UserError, match=f"found {found}; choose another --out, or"):
            _write(out, "a", overwrite=True)


def test_two_writers_of_one_folder_do_not_meet(tmp_path):
    out = tmp_path / "out"
    with whole_folder(out, False, _is_ours, "a folder of ours") as folder:
        with pytest.raises(UserError, match="partial: another process writes there; wait until"):
            _write(out, "b")
        (folder / "ours").write_text("a")
    assert (out / "ours").read_text() == "a"


@pytest.mark.parametrize("target", ["absolute", "relative", "missing"])
def test_a_link_stays_and_its_target_is_written(tmp_path, target):
    disk = tmp_path / "disk"
    disk.mkdir()
    if target != "missing":
        (disk / "data").mkdir()
    out = tmp_path / "link"
    out.symlink_to("disk/data" if target == "relative" else disk / "data")
    _write(out, "a")
    for text in ("b", "c"):
        _write(out, text, overwrite=True)
        assert out.is_symlink() and (disk / "data" / "ours").read_text() == text
    assert _names(disk) == ["data"] and _names(tmp_path) == ["disk", "link"]


def test_a_link_to_a_disk_that_is_not_there_is_refused_before_the_work(tmp_path):
    (tmp_path / "link").symlink_to("unmounted/data")
    (tmp_path / "circle").symlink_to("circle")
    for name in ("link", "circle"):
        with pytest.raises(UserError, match=f"{name}: found a symbolic link to .*, which cannot"):
            _write(tmp_path / name, "a")
    assert _names(tmp_path) == ["circle", "link"]


def test_leftovers_of_any_kind_are_removed(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "keep").touch()
    (tmp_path / ".out.old").symlink_to("elsewhere")
    (tmp_path / ".out.partial").write_text("a file")
    for text in ("a", "b"):
        _write(tmp_path / "out", text, overwrite=True)
    assert _names(tmp_path) == ["elsewhere", "out"] and _names(tmp_path / "elsewhere") == ["keep"]


def test_a_parent_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(UserError, match="cannot be made beside it .*permission to write in /proc"):
        _write(Path("/proc/out"), "a")
