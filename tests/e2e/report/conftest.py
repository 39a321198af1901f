"""A report of generated scenes, and a browser to look at it."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from maskconver_tf.cli.main import main
from maskconver_tf.datasets.synthetic.toy_scenes import write_toy_scenes
from tests.unit.evaluation.report.perturbed import write_perturbed

# The page's own listener was added before this one, so it has drawn when the promise ends.
GO_TO = """hash => new Promise((done) => {
  const begin = performance.now();
  addEventListener("hashchange", () => done(performance.now() - begin), { once: true });
  location.hash = hash;
})"""
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")  # Playwright allows one at a time; other modules start their own.
def browser() -> Iterator:
    """Chromium without a window: that of the system, or Playwright's own."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    path = next(filter(None, map(shutil.which, CHROMIUM)), None)
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []  # root may not use the sandbox.
    with sync_api.sync_playwright() as playwright:
        if path is None and not Path(playwright.chromium.executable_path).is_file():
            pytest.skip("found no browser: install chromium, or run `playwright install chromium`")
        started = playwright.chromium.launch(executable_path=path, args=arguments)
        yield started
        started.close()


@pytest.fixture(scope="session")
def report(tmp_path_factory) -> Path:
    """A report that compares two predictions of 12 scenes."""
    root = tmp_path_factory.mktemp("report")
    write_toy_scenes(root / "scenes", num_train=12, num_val=1, seed=3, workers=1, progress=False)
    truth, png = root / "scenes/panoptic_train.json", root / "scenes/panoptic/train"
    runs = [
        str(write_perturbed(truth, png, root / name, seed, shift))
        for name, seed, shift in (("first", 0, 1), ("second", 1, 3))
    ]
    images = ["--images", str(root / "scenes/images/train")]
    files = ["--truth", str(truth), "--truth_png", str(png), *images]
    names = ["--names", "first", "second", "--title", "A <test> & more"]
    assert (
        main(["report", *runs, "--out", str(root / "out"), "--workers", "1", *files, *names]) == 0
    )
    return root / "out"


@pytest.fixture(scope="session")
def large_report(report, tmp_path_factory) -> Path:
    """The report with 5,000 pictures, which share the files of the 12."""
    out = tmp_path_factory.mktemp("large") / "out"
    shutil.copytree(report, out)
    repeats = 5000 // 12 + 1
    pictures = data_of(out, "pictures")
    columns = {name: values * repeats for name, values in pictures.items() if name != "models"}
    columns["models"] = [
        {name: values * repeats for name, values in model.items()} for model in pictures["models"]
    ]
    for i in range(12, 12 * repeats):
        os.link(out / f"thumbnails/0/{i % 12:06d}.jpg", out / f"thumbnails/0/{i:06d}.jpg")
    columns["id"] = list(range(12 * repeats))
    write_data_of(out, "pictures", columns)
    for name in ("segments", "pairs"):
        write_data_of(out, name, [_repeated(table, repeats) for table in data_of(out, name)])
    return out


def _repeated(table: dict[str, list[int]], repeats: int) -> dict[str, list[int]]:
    repeated = {name: values * repeats for name, values in table.items()}
    count = len(table["picture"])
    repeated["picture"] = [
        picture + 12 * (i // count) for i, picture in enumerate(repeated["picture"])
    ]
    return repeated


def data_of(folder: Path, name: str):
    """What data/NAME.js sets."""
    text = (folder / "data" / f"{name}.js").read_text(encoding="utf-8")
    return json.loads(text[text.index(f"REPORT.{name}=") + len(f"REPORT.{name}=") : -2])


def write_data_of(folder: Path, name: str, value) -> None:
    text = f"var REPORT=window.REPORT||{{}};REPORT.{name}={json.dumps(value)};\n"
    (folder / "data" / f"{name}.js").write_text(text, encoding="utf-8")


@pytest.fixture
def open_page(browser) -> Iterator[Callable]:
    """`open_page(folder, hash="", **context)`: a page; at the end it must have had no problem.

    A problem is an error, a warning, or a request for anything that is no file.
    """
    contexts, problems = [], []

    def open_it(folder: Path, hash_: str = "", **options):
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda m: problems.append(m.text) if m.type != "log" else None)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("requestfailed", lambda request: problems.append(request.url))
        page.on("request", lambda r: problems.append(r.url) if not is_local(r.url) else None)
        page.set_default_timeout(10_000)
        page.goto(f"{(folder / 'index.html').as_uri()}{hash_}")
        page.wait_for_selector("#class-table")
        return page

    open_it.problems = problems
    yield open_it
    for context in contexts:
        context.close()
    assert problems == []


def go_to(page, hash_: str) -> float:
    """Changes the address within the page; returns the milliseconds until the page shows it."""
    return page.evaluate(GO_TO, hash_)


def is_local(url: str) -> bool:
    return url.startswith(("file:", "data:"))
