"""`maskconver models` with a stand-in for the counting."""

from __future__ import annotations

import json
import sys

import pytest

from maskconver_tf.cli.main import main


@pytest.fixture
def zoo(calls, monkeypatch):
    """Table and page of the models replaced; the list of what was counted."""
    from maskconver_tf.config import named_models

    counted = []

    def count_models(*args):
        counted.append((args, {}))
        return ["a", "b"]

    monkeypatch.setattr(named_models, "count_models", count_models)
    calls("planning.model_table", "format_head", result="head")
    table = sys.modules["maskconver_tf.planning.model_table"]
    table.format_row = lambda each: f"row {each}"
    table.format_details = lambda each: f"details {each}"
    table.to_json = lambda each, with_layers: {"name": each, "layers": with_layers}
    calls("planning.model_zoo", "format_page")
    page = sys.modules["maskconver_tf.planning.model_zoo"]
    page.format_page = lambda counted, count_published: "page of " + ", ".join(counted)
    return counted


@pytest.mark.parametrize(
    ("argv", "printed"),
    [
        ([], "head\nrow a\nrow b\n"),
        (["--detail"], "head\nrow a\ndetails a\nrow b\ndetails b\n"),
    ],
)
def test_models_prints_a_row_each(zoo, capsys, argv, printed):
    assert main(["models", "tiny", *argv, "--num_classes", "7", "--gin.A.b=1"]) == 0
    assert capsys.readouterr().out == printed
    [((models, *others), _)] = zoo
    assert [model.name for model in models] == ["tiny"]
    assert others == [7, ["A.b=1"]]


def test_models_as_json_and_as_a_page(zoo, capsys, tmp_path):
    assert main(["models", "--json", "--detail"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == [{"name": "a", "layers": True}, {"name": "b", "layers": True}]
    assert main(["models", "--markdown", str(tmp_path / "zoo.md")]) == 0
    assert (tmp_path / "zoo.md").read_text() == "page of a, b"
    assert len(zoo[0][0][0]) > 5  # All models.


def test_names_alone_count_nothing(zoo, capsys):
    from maskconver_tf.config import named_models

    assert main(["models", "--names", "tiny", "resnet50"]) == 0
    expected = {m.name: m.description for m in named_models.find_models(["tiny", "resnet50"])}
    lines = capsys.readouterr().out.splitlines()
    assert dict(line.split(maxsplit=1) for line in lines) == expected
    assert "ResNet50" in expected["resnet50"]
    assert zoo == []
