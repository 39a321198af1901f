"""Where .gin files are found."""

from __future__ import annotations

from maskconver_tf.config import gin_files


def test_a_missing_file_is_named_with_the_nearest_shipped(load_error, folder, monkeypatch):
    package = folder / "package"
    (package / "experiments").mkdir(parents=True)
    (package / "experiments" / "demo.gin").write_text("")
    monkeypatch.setattr(gin_files, "_PACKAGE", package)
    message = load_error(files=["experiments/dmeo.gin"])
    assert "no Gin file 'experiments/dmeo.gin'" in message
    assert "did you mean 'experiments/demo.gin'?" in message


def test_shipped_experiments_are_found_from_any_folder(folder, monkeypatch):
    package = folder / "site" / "package"
    (package / "experiments").mkdir(parents=True)
    (package / "experiments" / "demo.gin").write_text("")
    monkeypatch.setattr(gin_files, "_PACKAGE", package)
    found = gin_files.resolve_gin_file("experiments/demo.gin")
    assert found == package / "experiments" / "demo.gin"
