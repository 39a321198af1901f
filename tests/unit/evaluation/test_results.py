"""Results as dictionary, JSON file and table."""

import json
import math

import numpy as np
import pytest

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.evaluation.panoptic_quality import PanopticQuality
from maskconver_tf.evaluation.results import format_table, results_dict, write_results

CATEGORIES = Categories.from_coco(
    [
        {"id": 11, "name": "cat", "isthing": 1},
        {"id": 22, "name": "sky", "isthing": 0},
        {"id": 33, "name": "dog", "isthing": 1},
        {"id": 44, "name": "car", "isthing": 1},
    ],
    "test",
)


def results(tp, fp, fn, iou_sum, categories=CATEGORIES):
    quality = PanopticQuality(len(categories), categories.is_thing)
    quality.tp[:], quality.fp[:], quality.fn[:], quality.iou_sum[:] = tp, fp, fn, iou_sum
    return results_dict(quality.result(), categories)


@pytest.fixture
def mixed():
    """cat 60 %, sky 50 %, dog never seen, car never found."""
    return results([3, 1, 0, 0], [1, 0, 0, 2], [1, 0, 0, 1], [2.4, 0.5, 0, 0])


def test_dictionary_is_in_percent_and_named_by_class(mixed):
    assert mixed["all"] == pytest.approx(
        {"pq": 110 / 3, "sq": 130 / 3, "rq": 175 / 3, "num_classes": 3}
    )
    assert mixed["things"] == pytest.approx({"pq": 30, "sq": 40, "rq": 37.5, "num_classes": 2})
    assert mixed["stuff"] == pytest.approx({"pq": 50, "sq": 50, "rq": 100, "num_classes": 1})
    assert list(mixed["per_class"]) == ["cat", "sky", "dog", "car"]
    assert mixed["per_class"]["cat"] == pytest.approx(
        {"pq": 60, "sq": 80, "rq": 75, "tp": 3, "fp": 1, "fn": 1, "isthing": True, "source_id": 11}
    )
    assert mixed["per_class"]["dog"] == {
        "pq": None,
        "sq": None,
        "rq": None,
        "tp": 0,
        "fp": 0,
        "fn": 0,
        "isthing": True,
        "source_id": 33,
    }
    assert (mixed["per_class"]["car"]["pq"], mixed["per_class"]["sky"]["isthing"]) == (0.0, False)


def test_file_is_plain_json_and_reads_back_equal(mixed, tmp_path):
    path = tmp_path / "run" / "results.json"
    write_results(path, mixed)
    write_results(path, mixed)

    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    assert json.loads(path.read_text("utf-8"), parse_constant=refuse) == mixed
    assert [p.name for p in path.parent.iterdir()] == ["results.json"]


def test_a_failed_write_leaves_the_old_file(mixed, tmp_path):
    path = tmp_path / "results.json"
    write_results(path, mixed)
    with pytest.raises(TypeError):
        write_results(path, {"all": np.zeros(2)})
    assert json.loads(path.read_text("utf-8")) == mixed
    assert [p.name for p in tmp_path.iterdir()] == ["results.json"]


def test_table_is_aligned_and_sorted_by_quality(mixed):
    assert format_table(mixed).split("\n") == [
        "          PQ    SQ     RQ  classes",
        "------  ----  ----  -----  -------",
        "All     36.7  43.3   58.3        3",
        "Things  30.0  40.0   37.5        2",
        "Stuff   50.0  50.0  100.0        1",
        "",
        "class    PQ    SQ     RQ  TP  FP  FN",
        "-----  ----  ----  -----  --  --  --",
        "cat    60.0  80.0   75.0   3   1   1",
        "sky    50.0  50.0  100.0   1   0   0",
        "car     0.0   0.0    0.0   0   2   1",
        "",
        "Classes that occur nowhere and are not counted: 1",
    ]


def test_table_shows_best_and_worst_of_many(mixed):
    lines = format_table(mixed, max_classes=2).split("\n")
    assert [line.split()[0] for line in lines[8:11]] == ["cat", "...", "car"]
    assert "... 1 more" in lines


@pytest.mark.parametrize("isthing", [0, 1])
def test_class_list_of_one_kind_works(isthing):
    categories = Categories.from_coco([{"id": 1, "name": "only", "isthing": isthing}], "test")
    one_kind = results([1], [0], [0], [1.0], categories)
    empty = {"pq": None, "sq": None, "rq": None, "num_classes": 0}
    absent, present = ("stuff", "things") if isthing else ("things", "stuff")
    assert one_kind[absent] == empty
    assert one_kind[present]["pq"] == one_kind["all"]["pq"] == 100.0
    row = next(line for line in format_table(one_kind).split("\n") if absent in line.lower())
    assert row.split() == [absent.capitalize(), "-", "-", "-", "0"]


def test_nothing_counted_at_all():
    nothing = results([0] * 4, [0] * 4, [0] * 4, [0.0] * 4)
    assert nothing["all"]["pq"] is None
    assert not any(
        isinstance(value, float) and math.isnan(value)
        for entry in nothing["per_class"].values()
        for value in entry.values()
    )
    assert "not counted: 4" in format_table(nothing)
