"""results.json follows the schema that the package ships."""

from __future__ import annotations

import copy
import importlib.resources
import json

import jsonschema
import pytest

from maskconver_tf.cli.main import main
from tests.unit.evaluation.scoring.small_files import SmallFiles

SCHEMA = json.loads(
    importlib.resources.files("maskconver_tf.evaluation.scoring")
    .joinpath("results.schema.json")
    .read_text(encoding="utf-8")
)


def written(files: SmallFiles, *options: str) -> dict:
    out = files.truth.parent / "out"
    assert main(["score", *files.arguments, "--workers", "1", "--out", str(out), *options]) == 0
    return json.loads((out / "results.json").read_text())


@pytest.mark.parametrize("options", [[], ["--strict"], ["--boundary", "--against"]])
def test_results_follow_the_schema(files, options):
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    if "--against" in options:
        options = [*options, str(files.truth)]
    jsonschema.validate(written(files, *options), SCHEMA)


def test_results_without_scores_or_a_class_follow_it(files):
    for path in (files.truth, files.pred):
        with files.edit(path) as annotations:
            for entry in annotations:
                for info in entry["segments_info"]:
                    info["category_id"] = 2
                    info.pop("score")
    results = written(files)
    jsonschema.validate(results, SCHEMA)
    assert results["calibration"] is None and results["lost"]["things"] is None
    assert not (files.truth.parent / "out" / "recalibration.json").exists()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["all", "pq"], "50"),
        (["all", "extra"], 1),
        (["lost", "all", "missed"], None),
        (["per_class", "cat", "tp"], -1),
        (["version"], 2),
        (["confusion"], {}),
    ],
)
def test_other_content_does_not_follow_it(files, path, value):
    results = copy.deepcopy(written(files))
    place = results
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(results, SCHEMA)
