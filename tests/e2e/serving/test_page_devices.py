"""The page's camera and clipboard."""

from __future__ import annotations

import json

import pytest

from tests.e2e.serving.browser import chromium
from tests.e2e.serving.page_server import give_picture, run_server


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    with run_server(tmp_path_factory.mktemp("versions")) as url, chromium() as browser:
        context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
        context.set_default_timeout(10_000)
        page = context.new_page()
        page.goto(url)
        yield page


def test_the_camera_gives_a_picture(page):
    page.get_by_role("button", name="Use the camera").click()
    page.wait_for_selector("dialog[open] video")
    video = page.locator("video")
    page.wait_for_function("() => document.querySelector('video').videoWidth > 0")
    assert video.evaluate("node => node.srcObject.active")
    page.get_by_role("button", name="Take the picture").click()
    page.wait_for_selector("text=/segments? in/")
    assert page.locator(".segment").count() >= 1
    assert video.evaluate("node => node.srcObject") is None  # The camera is off again.


def test_a_closed_camera_gives_none(page):
    page.get_by_role("button", name="Camera", exact=True).click()
    page.wait_for_selector("dialog[open] video")
    before = page.inner_text("#status")
    page.get_by_role("button", name="Cancel").click()
    page.wait_for_timeout(300)
    assert page.inner_text("#status") == before


def test_json_and_pictures_are_copied(page):
    give_picture(page)
    page.get_by_role("button", name="Copy JSON").click()
    page.wait_for_selector("text=Copied segments.json.")
    found = json.loads(page.evaluate("() => navigator.clipboard.readText()"))
    assert len(found["segments"]) == 2
    page.get_by_role("button", name="Copy PNG").click()
    page.wait_for_selector("text=Copied segments.png.")
    kinds = page.evaluate("async () => (await navigator.clipboard.read())[0].types")
    assert kinds == ["image/png"]
