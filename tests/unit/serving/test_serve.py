"""`serve_model` exports a run first, tells the address, and warns about an open server."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from maskconver_tf.errors import UserError
from maskconver_tf.serving import serve
from maskconver_tf.serving.settings import ServerSettings
from tests.unit.serving.fake_model import make_versions


class _Server:
    url = "http://127.0.0.1:1234"

    def run(self) -> None:
        pass


@pytest.fixture(autouse=True)
def logs():
    """Takes back the handlers of the logs: pytest closes the stream that they write to."""
    found = [logging.getLogger(name) for name in ("maskconver.serve", "maskconver.access")]
    before = [(log.propagate, list(log.handlers)) for log in found]
    yield
    for log, (propagate, handlers) in zip(found, before):
        log.propagate, log.handlers = propagate, handlers


@pytest.fixture
def served(monkeypatch) -> list[Path]:
    """The folders that servers were made for."""
    folders: list[Path] = []

    def make_server(folder, settings):
        assert (folder / "1/saved_model.pb").is_file()
        folders.append(folder)
        return _Server()

    monkeypatch.setattr(serve, "make_server", make_server)
    return folders


def _no_export(*arguments):
    raise AssertionError("an export needs no other")


def test_an_export_is_served_where_it_is(served, tmp_path, capsys):
    folder = make_versions(tmp_path / "exported", 1)
    serve.serve_model(str(folder), ServerSettings(), _no_export, [])
    assert served == [folder]
    out, err = capsys.readouterr()
    assert "served at http://127.0.0.1:1234" in out and err == ""


def test_a_run_is_exported_into_a_folder_that_is_removed(served, tmp_path):
    run = tmp_path / "run"
    (run / "best").mkdir(parents=True)
    (run / "config.gin").write_text("")
    calls = []

    def export_run(model, out, bindings):
        calls.append((model, bindings))
        make_versions(Path(out), 1)

    serve.serve_model(str(run), ServerSettings(), export_run, ["A.b=1"])
    assert calls == [(str(run), ["A.b=1"])]
    assert not served[0].exists() and run not in (served[0], *served[0].parents)


def test_a_setting_for_an_export_is_refused(served, tmp_path):
    folder = make_versions(tmp_path / "exported", 1)
    with pytest.raises(UserError, match="--gin.A.b=1: found an export"):
        serve.serve_model(str(folder), ServerSettings(), _no_export, ["A.b=1"])
    assert served == []


@pytest.mark.parametrize(
    ("host", "token", "warns"),
    [("0.0.0.0", None, True), ("0.0.0.0", "a-long-secret-here", False), ("127.0.0.1", None, False)],
)
def test_an_open_server_is_warned_about(served, tmp_path, capsys, host, token, warns):
    folder = make_versions(tmp_path / "exported", 1)
    serve.serve_model(str(folder), ServerSettings(host=host, token=token), _no_export, [])
    assert ("--token_file" in capsys.readouterr().err) == warns
