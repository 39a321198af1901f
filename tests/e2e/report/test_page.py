"""The page in a browser: numbers, links, sorting, filters, keys, and many pictures."""

from __future__ import annotations

import re
from collections import Counter

import numpy as np
import pytest
from playwright.sync_api import expect

from maskconver_tf.cli.main import main
from tests.e2e.report.conftest import data_of, go_to
from tests.unit.evaluation.scoring.small_files import SmallFiles, write_map


def expect_names(page, names: list[str]) -> None:
    """Waits until the list shows these pictures: the page draws after its address changes."""
    expect(page.locator("#grid .name")).to_have_text(names)


def expect_count(page, count: int) -> None:
    expect(page.locator("#count")).to_have_text(re.compile(f"^{count:,} of "))


def class_column(page, number: int) -> list[str]:
    return page.locator(f"#class-table tbody tr > :nth-child({number})").all_inner_texts()


def test_the_headline_is_that_of_the_results(report, open_page):
    page = open_page(report)
    for card, group in ((1, "all"), (2, "things"), (3, "stuff")):
        found = data_of(report, "report")["models"][0]["results"][group]
        link = page.locator(f"#scores .card:nth-child({card}) .big a")
        assert link.inner_text() == f"{found['pq']:.1f}"
        assert float(link.get_attribute("title")) == found["pq"]
        low, high = found["interval"]["pq"]
        assert f"{low:.1f} to {high:.1f}" in page.inner_text(f"#scores .card:nth-child({card})")


def test_names_stay_text(report, open_page):
    page = open_page(report)
    assert page.inner_text("h1") == page.title() == "A <test> & more"


def test_classes_sort_by_each_column_and_by_name(report, open_page):
    page = open_page(report)
    table = data_of(report, "report")["models"][0]["results"]["per_class"]
    quality = sorted(entry["pq"] for entry in table.values() if entry["pq"] is not None)
    assert [float(text.split()[0]) for text in class_column(page, 2)] == pytest.approx(
        quality, abs=0.051
    )
    page.click("#class-table button[data-key=pq]")
    assert [float(text.split()[0]) for text in class_column(page, 2)] == pytest.approx(
        quality[::-1], abs=0.051
    )
    page.click("#class-table button[data-key=name]")
    names = [text.rsplit(" ", 1)[0] for text in class_column(page, 1)]
    assert names == sorted(names)
    head = page.locator("#class-table th[aria-sort=ascending]")
    assert head.count() == 1 and head.inner_text().startswith("class")
    page.click("#class-table button[data-key=fn]")
    misses = [int(text) for text in class_column(page, 6)]
    assert misses == sorted(misses, reverse=True)


def test_every_number_of_the_classes_leads_to_its_pictures(report, open_page):
    page = open_page(report)
    rows, classes = data_of(report, "segments")[0], data_of(report, "report")["classes"]
    table = {name: np.array(values) for name, values in rows.items()}
    for number in range(0, len(classes), 3):
        for outcome, name in enumerate(("tp", "fn", "fp")):
            here = (table["class"] == number) & (table["outcome"] == outcome)
            links = page.locator(f'#class-table a[href*="class={number}&outcome={name}"]')
            if links.count() == 0:
                continue
            assert int(links.first.inner_text()) == here.sum(), classes[number]["name"]
            go_to(page, links.first.get_attribute("href"))
            expect_count(page, len(set(table["picture"][here].tolist())))


def test_sections_link_to_pictures(report, open_page):
    """Each number in a table or card is a link, except those without pictures."""
    page = open_page(report)
    for section in ("scores", "lost", "classes", "calibration"):
        hrefs = page.eval_on_selector_all(
            f"#{section} td a, #{section} .card .big a",
            "links => links.map((a) => a.getAttribute('href'))",
        )
        assert len(hrefs) >= 8, section
        assert all(href.startswith("#pictures") for href in hrefs)
    plain = page.locator("#scores td:not(:has(a)), #lost td:not(:has(a))").all_inner_texts()
    assert set(plain) <= {"\N{EN DASH}"}


@pytest.mark.parametrize("kind", ["missed", "invented", "wrong_class", "inexact_mask"])
def test_kinds_of_errors_filter_and_sort(report, open_page, kind):
    page = open_page(report, f"#pictures?kind={kind}&sort=count")
    kinds = [entry["name"] for entry in data_of(report, "report")["kinds"]]
    rows, names = data_of(report, "segments")[0], data_of(report, "pictures")["name"]
    here = np.array(rows["kind"]) == kinds.index(kind)
    counts = np.bincount(np.array(rows["picture"])[here], minlength=len(names))
    order = sorted(np.flatnonzero(counts), key=lambda picture: (-counts[picture], picture))
    expect_names(page, [names[picture] for picture in order])
    assert page.input_value("select[name=kind]") == kind


def test_filters_of_the_form_change_the_list_and_the_address(report, open_page):
    page = open_page(report, "#pictures")
    names, quality = (data_of(report, "pictures")[key] for key in ("name", "models"))
    scores = np.array(quality[0]["pq"])
    rising, falling = (np.argsort(each, kind="stable") for each in (scores, -scores))
    expect_names(page, [names[i] for i in rising])
    page.select_option("select[name=order]", "down")
    expect_names(page, [names[i] for i in falling])
    expect(page).to_have_url(re.compile("order=down"))
    rows = {name: np.array(values) for name, values in data_of(report, "segments")[0].items()}
    invented = {name: column[rows["outcome"] == 2] for name, column in rows.items()}
    shown_in = Counter(number for number, _ in set(zip(invented["class"], invented["picture"])))
    some = next(number for number, count in shown_in.items() if 1 < count < len(names))
    filtered = [names[i] for i in falling if i in invented["picture"][invented["class"] == some]]
    assert set(filtered) < set(names), "the filter must leave something out"
    page.select_option("select[name=outcome]", "fp")
    expect(page).to_have_url(re.compile("outcome=fp"))
    expect(page.locator("button.chip")).to_have_count(1)  # The form is drawn anew by then.
    page.select_option("select[name=class]", str(some))
    expect_names(page, filtered)
    page.fill("input[name=text]", filtered[-1])
    page.press("input[name=text]", "Enter")
    expect_names(page, filtered[-1:])
    expect(page).to_have_url(re.compile(f"text={filtered[-1]}"))
    page.click("button.chip:has-text('name with')")
    expect_names(page, filtered)
    page.go_back()
    expect_names(page, filtered[-1:])


def test_a_cell_of_the_confusion_shows_its_pictures(report, open_page):
    page = open_page(report)
    pairs = {name: np.array(values) for name, values in data_of(report, "pairs")[0].items()}
    cell = page.locator("#confusion td.wrong a").first
    truth, predicted = map(
        int, cell.get_attribute("href").split("cell=")[1].split("&")[0].split("-")
    )
    cell.click()
    expect(page).to_have_url(re.compile(f"cell={truth}-{predicted}"))
    here = (pairs["truth"] == truth) & (pairs["predicted"] == predicted) & (pairs["pixels"] > 0)
    assert here.any(), "a cell that is a link has pictures"
    expect_count(page, len(set(pairs["picture"][here].tolist())))
    expect(page.locator("#grid")).to_be_in_viewport()


def test_sizes_and_scores_filter(report, open_page):
    page = open_page(report, "#pictures?size=small&group=things")
    rows = {name: np.array(values) for name, values in data_of(report, "segments")[0].items()}
    things = [c["isthing"] for c in data_of(report, "report")["classes"]]
    here = (rows["size"] == 0) & np.array(things)[rows["class"]]
    expect_count(page, len(set(rows["picture"][here].tolist())))
    link = page.locator("#calibration td a").first
    link.click()
    expect(page).to_have_url(re.compile("score="))
    low, high = (float(part) for part in page.url.split("score=")[1].split("&")[0].split("-"))
    here = (
        (rows["outcome"] != 1) & (rows["score"] >= low * 10_000) & (rows["score"] < high * 10_000)
    )
    expect_count(page, len(set(rows["picture"][here].tolist())))
    assert int(link.inner_text()) == here.sum()


def test_the_second_model_and_its_difference(report, open_page):
    page = open_page(report)
    models = data_of(report, "report")["models"]
    difference = models[1]["difference"]["all/pq"]["difference"]
    link = page.locator("#comparison a[title]").filter(has_text=f"{abs(difference):.2f}").first
    assert float(link.get_attribute("title")) == difference
    link.click()
    expect(page).to_have_url(re.compile("sort=change"))
    quality = [np.array(m["pq"]) for m in data_of(report, "pictures")["models"]]
    names = data_of(report, "pictures")["name"]
    order = np.argsort(quality[1] - quality[0], kind="stable")
    expect(page.locator("#scores .card .big a").first).to_have_text(
        f"{models[1]['results']['all']['pq']:.1f}"
    )
    for place, i in enumerate(order[:3]):
        expect(page.locator("#grid .name").nth(place)).to_have_text(names[i])


def test_unknown_addresses_show_the_page(report, open_page):
    page = open_page(report, "#nothing")
    for hash_ in ("#picture/99", "#pictures?class=99&model=7&cell=x&sort=nonsense"):
        go_to(page, hash_)
        expect_count(page, 12)
        assert not page.locator("#viewer").is_visible()


def test_a_report_without_scores_photos_or_segments(tmp_path, open_page):
    """Picture 7 is perfect and has no scores, picture 8 has no segments at all."""
    files = SmallFiles(tmp_path)
    for path in (files.truth, files.pred):
        with files.edit(path) as annotations:
            for info in annotations[0]["segments_info"]:
                del info["score"]
            annotations[1]["segments_info"] = []
        write_map(path.with_suffix("") / "8.png", np.zeros((2, 4), int))
    arguments = ["--truth", str(files.truth), "--out", str(tmp_path / "out"), "--workers", "1"]
    assert main(["report", str(files.pred), *arguments]) == 0
    page = open_page(tmp_path / "out", "#pictures")
    expect_names(page, ["7", "8"])
    assert page.locator("#scores .big a").first.inner_text() == "100.0"
    for section in ("comparison", "calibration", "training"):
        assert not page.locator(f"#{section}").is_visible()
    for number in (0, 1):
        go_to(page, f"#picture/{number}")
        page.wait_for_function("document.querySelector('#viewer canvas.prediction').width === 4")
        assert "This prediction equals the truth." in page.inner_text("#viewer .errors")


def test_more_than_255_segments_in_a_picture(tmp_path, open_page):
    """Segment i has pixel i; picture 7 has the numbers in rows, and its prediction too."""
    files = SmallFiles(tmp_path)
    numbers = np.arange(1, 301).reshape(15, 20)
    for path in (files.truth, files.pred):
        with files.edit(path) as annotations:
            annotations[0]["segments_info"] = [
                {"id": i, "category_id": 1, "iscrowd": 0, "area": 1} for i in range(1, 301)
            ]
        write_map(path.with_suffix("") / "7.png", numbers)
    arguments = ["--truth", str(files.truth), "--out", str(tmp_path / "out"), "--workers", "1"]
    assert main(["report", str(files.pred), *arguments]) == 0
    page = open_page(tmp_path / "out", "#picture/0")
    page.wait_for_function("document.querySelector('#viewer canvas.truth').width === 20")
    box = page.locator("#viewer .stage").bounding_box()
    for row, column in ((0, 0), (12, 15), (14, 2), (14, 19)):
        x = box["x"] + box["width"] * (column + 0.5) / 20
        page.mouse.move(x, box["y"] + box["height"] * (row + 0.5) / 15)
        assert page.inner_text("#tip").endswith(f"cat, segment {numbers[row, column]}")
