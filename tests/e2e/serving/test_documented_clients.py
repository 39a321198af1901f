"""The curl lines and the TypeScript example of docs/serving.md, against a server."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from maskconver_tf.serving.settings import ServerSettings
from maskconver_tf.serving.web.server import ModelServer
from tests.unit.serving.fake_model import (
    FakeModel,
    bright_map,
    fake_version,
    make_versions,
    picture,
    pixels_of,
)

DOCUMENT = Path(__file__).parents[3] / "docs/serving.md"
FILE = picture(4, (33, 47))
MAIN = """
import { readFileSync } from "node:fs";
import { decodeMask, segment } from "./example.ts";
const found = await segment(process.argv[2], new Blob([readFileSync(process.argv[3])]));
const masks = found.segments.map((each) => Array.from(decodeMask(each.segmentation)));
console.log(JSON.stringify({ found, masks }));
try {
  await segment(process.argv[2], new Blob(["text"]));
} catch (error) {
  console.log(error.message);
}
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    folder = make_versions(tmp_path_factory.mktemp("fake"), 1)
    settings = ServerSettings(port=0, access_log=False)
    server = ModelServer(folder, settings, lambda path, number: fake_version(number, FakeModel()))
    with server.running() as found:
        yield found


def _blocks(language: str) -> list[str]:
    text = DOCUMENT.read_text(encoding="utf-8")
    found = re.findall(r"^```(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [block for name, block in found if name == language]


def _node() -> str:
    """A Node that runs TypeScript: the one of this machine, or Playwright's own."""
    candidates = [shutil.which("node")]
    try:
        import playwright

        candidates.append(str(Path(playwright.__file__).with_name("driver") / "node"))
    except ImportError:
        pass
    for path in filter(None, candidates):
        shown = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
        match = re.match(r"v(\d+)", shown.stdout)
        if match and int(match[1]) >= 24:
            return path
    pytest.skip("no Node of version 24 or later is here, which runs TypeScript")


def test_the_typescript_example_decodes_masks_as_the_server_made_them(url, tmp_path):
    node = _node()
    [example] = _blocks("typescript")
    (tmp_path / "example.ts").write_text(example, encoding="utf-8")
    (tmp_path / "main.mts").write_text(MAIN, encoding="utf-8")
    (tmp_path / "package.json").write_text('{"type": "module"}')
    (tmp_path / "picture.png").write_bytes(FILE)
    result = subprocess.run(
        [node, str(tmp_path / "main.mts"), url, str(tmp_path / "picture.png")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr
    first, second = result.stdout.splitlines()
    content = json.loads(first)
    expected = bright_map(pixels_of(FILE))
    assert [each["name"] for each in content["found"]["segments"]] == ["dark", "bright"]
    for number, mask in enumerate(content["masks"], 1):
        np.testing.assert_array_equal(np.reshape(mask, expected.shape), expected == number)
    assert second == "The picture is refused: not a picture"


def test_the_curl_lines_work(url, tmp_path):
    if shutil.which("curl") is None:
        pytest.skip("curl is not installed")
    (tmp_path / "street.jpg").write_bytes(FILE)
    own = [block for block in _blocks("") if "curl" in block and "127.0.0.1:8501" in block]
    commands = "\n".join(own).replace("http://127.0.0.1:8501", url).replace("curl ", "curl -sSf ")
    assert commands.count("curl ") == 3
    result = subprocess.run(
        ["bash", "-euc", commands], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    decoder, found = json.JSONDecoder(), []
    rest = result.stdout.strip()
    while rest:
        content, end = decoder.raw_decode(rest)
        found.append(content)
        rest = rest[end:].strip()
    assert {s["name"] for s in found[0]["segments"]} == {"dark", "bright"}
    assert found[1]["predictions"][0]["num_segments"] == 2
    assert Image.open(tmp_path / "drawn.jpg").size == (47, 33)
