"""The page in a browser, against the real server with a fake model."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco_mask

from maskconver_tf.serving.settings import ServerSettings
from maskconver_tf.serving.web.server import ModelServer
from tests.e2e.serving.browser import PAGE, chromium
from tests.e2e.serving.page_server import SIZE, give_picture, make_picture, make_version, run_server
from tests.unit.serving.fake_model import make_versions

TOKEN = "sesame"


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    with run_server(tmp_path_factory.mktemp("versions")) as found:
        yield found


@pytest.fixture
def open_page(browser, url):
    """`open_page(color_scheme="dark")`: the page; it may have no error or outside call."""
    contexts, problems = [], []

    def open_(address: str = url, **options):
        context = browser.new_context(**{"viewport": {"width": 1200, "height": 800}} | options)
        contexts.append(context)
        context.set_default_timeout(10_000)
        page = context.new_page()
        page.on("console", lambda message: problems.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("request", lambda sent: _check_is_own(sent.url, address, problems))
        page.goto(address)
        return page

    yield open_
    for context in contexts:
        context.close()
    expected = "Failed to load resource"  # The browser's own line about a refusal.
    assert [problem for problem in problems if expected not in problem] == []


def _check_is_own(sent: str, address: str, problems: list[str]) -> None:
    if not sent.startswith((address, f"blob:{address}")):
        problems.append(f"outside: {sent}")


def _rows(page) -> list[str]:
    return [" ".join(row.split()) for row in page.locator(".segment").all_inner_texts()]


def _slide(page, name: str, value: float) -> None:
    page.locator(f"#{name}").fill(str(value))


def _save(page, kind: str, nth: int = 0) -> bytes:
    with page.expect_download() as found:
        page.locator(f"figure >> nth={nth}").locator(f"[data-save={kind}]").first.click()
    return open(found.value.path(), "rb").read()


def test_a_picture_is_segmented_and_listed(open_page):
    page = open_page()
    assert page.title() == "maskconver: try the model"
    give_picture(page)
    assert _rows(page)[0].startswith("bright 90 %")
    assert _rows(page)[1].startswith("dark 60 %")
    assert page.locator("canvas").get_attribute("aria-label") == (
        "Picture with 2 segments: bright, dark"
    )


def test_sliders_act_without_a_request(open_page):
    page = open_page()
    give_picture(page)
    sent = []
    page.on("request", lambda request: sent.append(request.url))
    _slide(page, "score_threshold", 0.2)
    page.wait_for_selector(".segment >> nth=2")
    assert _rows(page)[2].startswith("bright 35 %")
    _slide(page, "score_threshold", 0.7)
    page.locator(".segment >> nth=1").wait_for(state="detached")
    assert len(_rows(page)) == 1
    _slide(page, "min_area", 1)
    page.wait_for_selector("text=No segment. Lower the score.")
    page.click("#reset")
    page.wait_for_selector(".segment >> nth=1")
    assert page.input_value("#score_threshold") == "0.5"
    assert sent == []


def test_the_json_has_the_segments_of_the_map(open_page):
    page = open_page()
    give_picture(page)
    found = json.loads(_save(page, "json"))
    assert (found["version"], found["height"], found["width"]) == (2, *SIZE)
    first, second = (coco_mask.decode(each["segmentation"]) for each in found["segments"])
    assert first.sum() == found["segments"][0]["area"] > 1000
    assert found["segments"][0]["isthing"] is True
    assert (first + second <= 1).all()
    x, y, w, h = found["segments"][0]["bbox"]
    assert first[y : y + h, x : x + w].sum() == first.sum()
    assert (first.any(1).sum(), first.any(0).sum()) == (h, w)


def test_the_drawing_and_the_cut_out_are_saved(open_page):
    page = open_page()
    give_picture(page)
    drawing = Image.open(io.BytesIO(_save(page, "png")))
    assert drawing.size == SIZE[::-1]
    assert page.locator("[data-save=cut-out]").first.is_disabled()
    page.locator(".segment").first.focus()
    cut = np.asarray(Image.open(io.BytesIO(_save(page, "cut-out"))))
    segment = json.loads(_save(page, "json"))["segments"][0]
    x, y, w, h = segment["bbox"]
    assert cut.shape == (h, w, 4)
    assert (cut[..., 3] > 0).sum() == segment["area"]
    original = np.asarray(Image.open(io.BytesIO(make_picture()["buffer"])))[y : y + h, x : x + w]
    np.testing.assert_array_equal(cut[cut[..., 3] > 0][:, :3], original[cut[..., 3] > 0])


def test_pointing_names_a_segment(open_page):
    page = open_page()
    give_picture(page)
    box = page.locator("canvas").bounding_box()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.5 * box["height"])
    assert page.locator(".tip").inner_text() == "bright 90 %"
    page.mouse.move(box["x"] + box["width"] + 50, box["y"] + 20)
    assert not page.locator(".tip").is_visible()


def test_hidden_classes_are_not_drawn(open_page):
    page = open_page()
    give_picture(page)
    before = page.locator("canvas").screenshot()
    page.get_by_label("bright 1").uncheck()
    assert page.locator("canvas").screenshot() != before
    page.get_by_label("bright 1").check()
    assert page.locator("canvas").screenshot() == before
    page.get_by_label("Outlines").uncheck()
    page.get_by_label("Names").uncheck()
    _slide(page, "opacity", 0)
    original = np.asarray(Image.open(io.BytesIO(make_picture()["buffer"])))
    drawing = np.asarray(Image.open(io.BytesIO(_save(page, "png"))).convert("RGB"))
    np.testing.assert_array_equal(drawing, original)


def test_two_versions_side_by_side(open_page):
    page = open_page()
    give_picture(page)
    page.get_by_label("Two versions").check()
    page.wait_for_selector("figure >> nth=1")
    page.locator(".heading >> nth=1").wait_for()
    _slide(page, "score_threshold", 0.2)
    page.locator(".segment >> nth=5").wait_for()
    ours, theirs = (json.loads(_save(page, "json", nth)) for nth in range(2))
    assert (ours["version"], theirs["version"]) == (2, 1)
    assert ours["segments"][2]["bbox"] != theirs["segments"][2]["bbox"]
    page.get_by_label("Two versions").uncheck()
    page.locator("figure >> nth=1").wait_for(state="detached")
    assert len(_rows(page)) == 3


def test_keys_move_through_the_segments(open_page):
    page = open_page()
    give_picture(page)
    page.locator(".segment").first.focus()
    page.keyboard.press("ArrowDown")
    assert page.evaluate("() => document.activeElement.innerText").startswith("dark")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowUp")
    assert page.evaluate("() => document.activeElement.innerText").startswith("bright")


@pytest.mark.parametrize("event", ["paste", "drop"])
def test_pictures_are_pasted_and_dropped(open_page, event):
    page = open_page()
    page.evaluate(
        """([event, bytes]) => {
          const data = new DataTransfer();
          data.items.add(new File([Uint8Array.from(bytes)], "a.png", {type: "image/png"}));
          const given = event === "paste" ? {clipboardData: data} : {dataTransfer: data};
          const kind = event === "paste" ? ClipboardEvent : DragEvent;
          document.dispatchEvent(new kind(event, {...given, bubbles: true, cancelable: true}));
        }""",
        [event, list(make_picture()["buffer"])],
    )
    page.wait_for_selector("text=2 segments in")
    assert len(_rows(page)) == 2


def test_a_file_that_is_no_picture_is_refused_in_words(open_page):
    page = open_page()
    give_picture(page)
    page.set_input_files("#file", make_picture() | {"buffer": b"nothing"})
    page.wait_for_selector("#status.error")
    assert page.inner_text("#status").startswith("The picture is")
    assert _rows(page) == []
    page.set_input_files("#file", {"name": "a.txt", "mimeType": "text/plain", "buffer": b"a"})
    page.wait_for_selector("text=This is not a picture.")
    give_picture(page)


def test_a_picture_above_the_limit_is_made_smaller(open_page):
    page = open_page()
    give_picture(page, make_picture((1000, 1500)))
    assert "made smaller" in page.inner_text("#status")
    found = json.loads(_save(page, "json"))
    assert found["height"] * found["width"] <= 1_000_000


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_needs_no_sideways_scrolling(open_page, scheme):
    page = open_page(viewport={"width": 360, "height": 700}, color_scheme=scheme, has_touch=True)
    give_picture(page)
    assert page.evaluate("() => document.documentElement.scrollWidth") == 360
    red, green, blue = page.evaluate(
        "() => getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).map(Number)"
    )
    assert (red + green + blue < 200) == (scheme == "dark")
    box = page.locator("canvas").bounding_box()
    page.touchscreen.tap(box["x"] + 0.3 * box["width"], box["y"] + 0.5 * box["height"])
    page.wait_for_selector("#status >> text=bright 90 %")


def test_a_server_with_a_token_asks_for_it(open_page, tmp_path):
    folder = make_versions(tmp_path / "versions", 1)
    settings = ServerSettings(port=0, token=TOKEN, access_log=False)
    server = ModelServer(folder, settings, lambda path, number: make_version(number))
    with server.running() as address:
        page = open_page(address)
        page.get_by_label("This server asks for its token").fill("wrong")
        page.keyboard.press("Enter")
        page.get_by_label("This server asks for its token").fill(TOKEN)
        page.keyboard.press("Enter")
        page.wait_for_selector("#model >> text=maskconver")
        give_picture(page)
        assert len(_rows(page)) == 2


def test_the_page_is_small_and_names_no_other_host():
    lines = "".join(path.read_text(encoding="utf-8") for path in PAGE.iterdir()).splitlines()
    assert len(lines) < 1000
    assert not any(
        "http://" in line or "https://" in line for line in lines if "w3.org" not in line
    )
