"""One picture in a browser: maps, slider, errors, keys; phones, dark, and many pictures."""

from __future__ import annotations

import base64
import re
import shutil

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.e2e.report.conftest import data_of, go_to

SEEN = """side => {
  const canvas = document.querySelector(`#viewer canvas.${side}`);
  const copy = new OffscreenCanvas(canvas.width, canvas.height);
  const context = copy.getContext('2d', { willReadFrequently: true });
  context.drawImage(canvas, 0, 0);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  let text = '';
  for (let i = 0; i < data.length; i += 8192) {
    text += String.fromCharCode(...data.subarray(i, i + 8192));
  }
  return [canvas.height, canvas.width, btoa(text)];
}"""


def open_viewer(open_page, report, picture: int = 0, query: str = "", **options):
    page = open_page(report, f"#picture/{picture}{query}", **options)
    wait_for_maps(page)
    return page


def wait_for_maps(page) -> None:
    """Waits until the picture's file is read: a new canvas is 300 pixels wide."""
    page.wait_for_function("document.querySelector('#viewer canvas.prediction').width !== 300")


def pixels(page, side: str) -> np.ndarray:
    """uint8 `[h, w, 4]`: what a canvas shows."""
    height, width, data = page.evaluate(SEEN, side)
    return np.frombuffer(base64.b64decode(data), np.uint8).reshape(height, width, 4)


def test_the_truth_is_painted_where_it_is(report, open_page):
    """The inside of the largest true thing has its class's color in the look of classes."""
    page = open_viewer(open_page, report)
    page.keyboard.press("2")
    classes = data_of(report, "report")["classes"]
    root = report.parent / "scenes"
    name = data_of(report, "pictures")["name"][0]
    rgb = np.asarray(Image.open(root / "panoptic/train" / name).convert("RGB")).astype(int)
    ids = rgb @ np.array([1, 256, 65536])
    shown = pixels(page, "truth")
    assert shown.shape[:2] == ids.shape
    inside = ids[1:-1, 1:-1]
    calm = np.ones(inside.shape, bool)
    for y in (0, 1, 2):
        for x in (0, 1, 2):
            calm &= ids[y : y + ids.shape[0] - 2, x : x + ids.shape[1] - 2] == inside
    colors = shown[1:-1, 1:-1]
    for segment in np.unique(inside[calm]):
        here = colors[calm & (inside == segment)]
        assert len(np.unique(here, axis=0)) == 1, "a segment has one color"
        if segment == 0:
            assert here[0, 3] == 0
    stuff = {tuple(c["color"]) for c in classes if not c["isthing"]}
    drawn = {tuple(color[:3]) for color in np.unique(colors[calm], axis=0).tolist()}
    # A canvas stores colors multiplied by their opacity, which rounds them.
    assert any(max(abs(a - b) for a, b in zip(x, y)) <= 2 for x in stuff for y in drawn)


def test_errors_are_listed_and_shown_alone(report, open_page):
    page = open_viewer(open_page, report)
    rows = data_of(report, "segments")[0]
    of_picture = [i for i, picture in enumerate(rows["picture"]) if picture == 0]
    wrong = [i for i in of_picture if rows["outcome"][i] or rows["iou"][i] < 10_000]
    buttons = page.locator("#viewer .error")
    assert buttons.count() == len(wrong)
    before = pixels(page, "truth")
    missed = next(i for i in wrong if rows["outcome"][i] == 1)
    page.click(f'#viewer .error[data-row="{missed}"]')
    chosen = page.locator("#viewer .error[aria-pressed=true]")
    assert chosen.get_attribute("data-row") == str(missed)
    after = pixels(page, "truth")
    assert (after[..., 3] == 215).any() and not (before[..., 3] == 215).any()
    page.click(f'#viewer .error[data-row="{missed}"]')
    np.testing.assert_array_equal(pixels(page, "truth"), before)


def test_the_slider_divides_truth_and_prediction(report, open_page):
    page = open_viewer(open_page, report)
    clips = "s => getComputedStyle(document.querySelector(`#viewer canvas.${s}`)).clipPath"
    assert "50%" in page.evaluate(clips, "truth") and "50%" in page.evaluate(clips, "prediction")
    page.focus("#slider")
    for _ in range(20):
        page.keyboard.press("ArrowRight")
    assert page.input_value("#slider") == "70"
    assert page.evaluate(clips, "prediction") == "inset(0px 0px 0px 70%)"
    box = page.locator("#viewer .stage").bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 60, steps=3)
    page.mouse.up()
    assert float(page.input_value("#slider")) == pytest.approx(25, abs=1)
    page.locator("#viewer [data-next]").focus()
    for key, value in (("t", "100"), ("p", "0"), ("b", "50")):
        page.keyboard.press(key)
        assert page.input_value("#slider") == value


def test_pointing_at_a_segment_names_it(report, open_page):
    page = open_viewer(open_page, report)
    box = page.locator("#viewer .stage").bounding_box()
    page.mouse.move(box["x"] + 5, box["y"] + box["height"] / 2)
    names = [c["name"] for c in data_of(report, "report")["classes"]] + ["void"]
    text = page.inner_text("#tip")
    assert text.startswith("truth: ") and any(name in text for name in names)
    page.mouse.move(box["x"] + box["width"] - 5, box["y"] + box["height"] / 2)
    assert page.inner_text("#tip").startswith("prediction: ")


def test_arrow_keys_walk_through_pictures_and_errors(report, open_page):
    page = open_page(report, "#pictures?sort=name")
    names = page.locator("#grid .name").all_inner_texts()
    page.locator("#grid a.picture").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.querySelector('.name').textContent") == names[1]
    page.keyboard.press("Enter")
    title = page.locator("#viewer h2")
    expect(title).to_have_text(names[1])
    for key, place in (("Right", 2), ("Left", 1), ("Left", 0)):
        page.keyboard.press(f"Arrow{key}")
        expect(title).to_have_text(names[place])
    page.keyboard.press("ArrowLeft")  # There is none before the first.
    page.keyboard.press("ArrowDown")
    expect(page.locator("#viewer .error[aria-pressed=true]")).to_have_count(1)
    expect(title).to_have_text(names[0])
    page.keyboard.press("Escape")
    expect(page.locator("#viewer")).not_to_be_visible()
    expect(page).to_have_url(re.compile(r"#pictures\?sort=name$"))
    # The list shows the picture that was left, and the keys go on from there.
    expect(page.locator("#grid a.picture:focus .name")).to_have_text(names[0])
    expect(page.locator("#grid a.picture:focus")).to_be_in_viewport()


def test_another_model_shows_its_own_prediction(report, open_page):
    page = open_viewer(open_page, report)
    first = pixels(page, "prediction")
    stage = page.query_selector("#viewer .stage")
    page.select_option("#viewer select", "1")
    stage.wait_for_element_state("hidden")  # The viewer is drawn anew.
    wait_for_maps(page)
    assert not np.array_equal(pixels(page, "prediction"), first)


def test_a_missing_file_is_named_on_the_page(report, open_page, tmp_path):
    shutil.copytree(report, tmp_path / "out")
    (tmp_path / "out/pictures/000001.js").unlink()
    page = open_page(tmp_path / "out", "#picture/1")
    notice = page.locator("#viewer .notice")
    assert notice.inner_text().startswith("pictures/000001.js is missing")
    go_to(page, "#picture/2")  # Others still work.
    wait_for_maps(page)
    assert any("000001.js" in problem for problem in open_page.problems)
    open_page.problems.clear()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_in_light_and_dark(report, open_page, scheme):
    page = open_page(report, color_scheme=scheme)
    colors = page.evaluate(
        """() => ['--ink', '--soft', '--accent'].map((name) => {
          const probe = document.body.appendChild(document.createElement('i'));
          probe.style.color = `var(${name})`;
          const found = getComputedStyle(probe).color;
          probe.remove();
          return found;
        })"""
    )
    back = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert all(contrast(color, back) >= 4.5 for color in colors)
    assert (luminance(back) < 0.1) == (scheme == "dark")
    cells = page.eval_on_selector_all(
        "#confusion .matrix td:has(a)",
        """cells => cells.map((cell) => [getComputedStyle(cell.firstChild).color,
          getComputedStyle(cell).backgroundColor])""",
    )
    assert len(cells) > 20
    assert min(contrast(*pair) for pair in cells) >= 4.5


def luminance(color: str) -> float:
    """Relative luminance as WCAG 2.2 defines it, of "rgb(r, g, b)" or "color(srgb r g b)"."""
    numbers = np.array([float(part) for part in re.findall(r"[\d.]+(?:e-\d+)?", color)[:3]])
    values = numbers if color.startswith("color") else numbers / 255
    linear = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_a_phone_needs_no_sideways_scrolling(report, open_page):
    options = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True}
    page = open_page(report, "#pictures", **options)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert page.locator("#grid a.picture").count() > 2
    page.locator("#grid a.picture").first.tap()
    page.wait_for_selector("#viewer[open]")
    assert page.evaluate("document.querySelector('#viewer').scrollWidth") <= 360
    box = page.locator("#viewer .stage").bounding_box()
    assert box["width"] > 250


def test_every_control_has_a_name(report, open_page):
    page = open_viewer(open_page, report)
    nameless = """() => [...document.querySelectorAll('a, button, select, input')].filter((e) =>
      !(e.textContent.trim() || e.getAttribute('aria-label') || e.labels?.length)).length"""
    assert page.evaluate(nameless) == 0
    assert page.evaluate("document.querySelectorAll('img:not([alt])').length") == 0
    assert page.get_attribute("html", "lang") == "en"


def test_five_thousand_pictures_stay_quick(large_report, open_page):
    page = open_page(large_report, "#pictures")
    page.wait_for_selector("#grid a.picture")
    loading = page.evaluate("performance.getEntriesByType('navigation')[0].domComplete")
    assert loading < 3000
    assert page.locator("#grid a.picture").count() < 120
    kinds = ["missed", "invented", "wrong_class", "poor_mask"]
    times = [go_to(page, f"#pictures?sort=kind:{kind}") for kind in kinds]
    assert min(times) < 300, times
    assert go_to(page, "#pictures?class=1&outcome=fn") < 1000
    go_to(page, "#pictures?sort=name")
    page.locator("#grid a.picture").first.focus()
    page.keyboard.press("End")
    assert page.evaluate("document.activeElement.parentElement.dataset.index") == "5003"
    assert page.locator("#grid a.picture").count() < 120
