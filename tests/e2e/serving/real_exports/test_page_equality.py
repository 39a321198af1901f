"""What the page finds equals what the server finds, on real answers of a trained model."""

from __future__ import annotations

import json
import math
import urllib.request
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.serving.browser import chromium


@pytest.fixture(scope="module")
def page(server_url):
    with chromium() as browser:
        page = browser.new_page()
        page.set_default_timeout(20_000)
        page.goto(server_url)
        yield page


def _of_server(url: str, file: Path, **thresholds: float) -> dict:
    query = "&".join(f"{name}={value}" for name, value in thresholds.items())
    request = urllib.request.Request(
        f"{url}/segment?{query}", file.read_bytes(), {"Accept": "application/json"}
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def _of_page(page) -> dict:
    with page.expect_download() as found:
        page.locator("[data-save=json]").first.click()
    return json.loads(Path(found.value.path()).read_text(encoding="utf-8"))


def test_default_thresholds_give_the_server_s_segments_pixel_by_pixel(page, server_url, files):
    num_segments = 0
    for file in files:
        page.locator("#status").evaluate("node => { node.textContent = ''; }")
        page.set_input_files("#file", file)
        page.wait_for_selector("text=/segments? in/")
        wanted = _of_server(server_url, file)
        assert _of_page(page) == wanted, file.name
        num_segments += len(wanted["segments"])
    assert num_segments > len(files)


def test_moved_sliders_give_the_server_s_segments_too(page, server_url, files):
    file = files[0]
    page.click("#reset", force=True)
    page.locator("#status").evaluate("node => { node.textContent = ''; }")
    page.set_input_files("#file", file)
    page.wait_for_selector("text=/segments? in/")
    before = _of_page(page)
    # Between two scores, so that the slider leaves some segments out.
    scores = sorted(segment["score"] for segment in before["segments"])
    sliders = {"score_threshold": math.ceil(100 * scores[0]) / 100, "overlap_threshold": 0.8}
    for name, value in sliders.items():
        page.locator(f"#{name}").fill(str(value))
    wanted = _of_server(server_url, file, **sliders)
    assert wanted != before
    expect(page.locator(".segment")).to_have_count(len(wanted["segments"]), timeout=20_000)
    page.wait_for_timeout(500)
    if _of_page(page) != wanted:  # The page may still fuse with the first slider alone.
        page.wait_for_timeout(10_000)
    assert _of_page(page) == wanted
