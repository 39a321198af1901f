"""The options of `maskconver serve`."""

from __future__ import annotations

import pytest

from maskconver_tf.cli.main import main, make_parser
from maskconver_tf.cli.shipping.serve import read_token
from maskconver_tf.errors import UserError


def _error(capsys, *arguments: str) -> str:
    assert main(["serve", *arguments]) == 2
    return capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "value", "part"),
    [
        ("--port", "x", "from 0 to 65535"),
        ("--port", "70000", "from 0 to 65535"),
        ("--port", "-1", "from 0 to 65535"),
        ("--label", "stable", "NAME=VERSION"),
        ("--label", "../x=1", "NAME=VERSION"),
        ("--batch_sizes", "0", "from 1"),
        ("--batch_ms", "-1", "from 0"),
        ("--max_pixels", "many", "--max_pixels many"),
        ("--request_seconds", "0", "from 0.1"),
        ("--queue", "0", "from 1 to 100000"),
        ("--versions", "65", "from 1 to 64"),
        ("--threads", "many", "from 1 to 64"),
        ("--max_body_mb", "9999", "from 1 to 1024"),
        ("--prot", "1", "did you mean '--port'"),
        ("--name", "a/b", "an address cannot hold"),
        ("--token_file", "/nowhere/token", "cannot be read"),
        ("--model", "/nowhere", "no such folder"),
    ],
)
def test_wrong_options_are_named(capsys, tmp_path, option, value, part):
    found = _error(capsys, "--model", str(tmp_path), option, value)
    assert option in found or option == "--model"
    assert part in found and "Traceback" not in found


def test_defaults_and_lists():
    args = make_parser().parse_args(["serve", "--model", "exported"])
    assert (args.host, args.port, args.batch_sizes) == ("127.0.0.1", 8501, None)
    arguments = ["--model", "x", "--label", "a=1", "--label", "b=2", "--batch_sizes", "8,1"]
    args = make_parser().parse_args(["serve", *arguments])
    assert args.label == [("a", 1), ("b", 2)] and args.batch_sizes == (1, 8)


@pytest.mark.parametrize("text", ["", "short", "two words that are long", "x" * 600, "ä" * 20])
def test_a_token_file_must_hold_a_secret(tmp_path, text):
    file = tmp_path / "token"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match="--token_file .*openssl rand") as caught:
        read_token(str(file))
    assert not text or text not in str(caught.value)


def test_a_token_is_read_without_its_line_end(tmp_path):
    file = tmp_path / "token"
    file.write_text("0123456789abcdef\n")
    assert read_token(str(file)) == "0123456789abcdef" and read_token(None) is None


def test_an_empty_folder_is_told(capsys, tmp_path):
    assert "no exported model is here (found an empty folder)" in _error(
        capsys, "--model", str(tmp_path)
    )
