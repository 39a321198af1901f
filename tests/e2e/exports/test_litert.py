"""`maskconver export --to litert` and `maskconver parity`, on the tiny run that all tests share."""

import json
import re

import numpy as np
from ai_edge_litert.interpreter import Interpreter
from PIL import Image

from maskconver_tf.cli.main import main
from maskconver_tf.export.litert import convert
from maskconver_tf.export.litert.tensor_errors import tensor_errors
from maskconver_tf.inference.litert.lite_file import LiteFile


def read_card(lite_export, name: str) -> dict:
    return json.loads((lite_export / f"{name}.json").read_text(encoding="utf-8"))


def test_float32_files_have_the_map_of_tensorflow_and_int8_is_smaller(lite_export):
    for kind in ("whole", "heads"):
        card = read_card(lite_export, f"{kind}_float32")
        assert card["equal_pixels"] > 0.999
        assert abs(card["pq_lost"]) < 0.5
        assert card["milliseconds"].keys() == {"1 thread", "2 threads"}
        assert read_card(lite_export, f"{kind}_int8")["bytes"] < 0.7 * card["bytes"]


def test_int8_keeps_the_scores_of_the_run(lite_export):
    for kind in ("whole", "heads"):
        card = read_card(lite_export, f"{kind}_int8")
        assert card["equal_pixels"] > 0.93
        assert abs(card["pq_lost"]) < 5
        assert card["pq"] > 50


def test_int8_heads_are_near_those_in_float32(lite_export, scenes):
    """The root mean square of the difference, as a share of the spread of the float32 values."""
    heads = [LiteFile(lite_export / f"heads_{each}.tflite") for each in ("float32", "int8")]
    runs = [file.interpreter.get_signature_runner() for file in heads]
    for path in sorted((scenes / "images/train").iterdir())[:4]:
        picture = np.asarray(Image.open(path).convert("RGB").resize((64, 64)))
        image = np.zeros([1, 64, 96, 3], np.uint8)
        image[0, :, :64] = picture
        exact, rounded = (run(image=image) for run in runs)
        for name, value in exact.items():
            difference = np.sqrt(np.mean(np.square(value - rounded[name])))
            assert difference < 0.5 * np.std(value), name
            assert np.corrcoef(value.ravel(), rounded[name].ravel())[0, 1] > 0.9, name


def test_a_tensor_to_blame_can_stay_in_float32(lite_export, scenes):
    worst = read_card(lite_export, "heads_int8")["tensor_errors"][0]["name"]
    float32, int8 = (
        (lite_export / f"heads_{each}.tflite").read_bytes() for each in ("float32", "int8")
    )
    pictures = [
        np.asarray(Image.open(path).convert("RGB").resize((96, 64)))
        for path in sorted((scenes / "images/train").iterdir())[:4]
    ]
    kept = convert.quantise(float32, "int8", f"^{re.escape(worst)}$", pictures)
    assert len(int8) < len(kept) < len(float32)
    assert dtypes(int8)[worst] == np.int8
    assert dtypes(kept)[worst] == np.float32
    changed = [name for name, dtype in dtypes(int8).items() if dtypes(kept).get(name) != dtype]
    assert len(changed) < 0.1 * len(dtypes(int8))
    errors = [
        {each.name for each in tensor_errors(float32, file, pictures[0])} for file in (int8, kept)
    ]
    assert worst in errors[0] and len(errors[0] & errors[1]) > 10


def dtypes(model: bytes) -> dict[str, type]:
    """Name -> dtype of each tensor of a file."""
    details = Interpreter(model_content=model).get_tensor_details()
    return {each["name"]: each["dtype"] for each in details}


def test_heads_hold_only_operations_that_delegates_take(lite_export):
    for precision in ("float32", "int8"):
        card = read_card(lite_export, f"heads_{precision}")
        assert card["not_delegated"] == []
        assert card["operations"]["CONV_2D"] > 5


def test_int8_computes_convolutions_in_int8(lite_export):
    kinds = {}
    for precision in ("float32", "int8"):
        details = LiteFile(
            lite_export / f"heads_{precision}.tflite"
        ).interpreter.get_tensor_details()
        kinds[precision] = [each["dtype"] for each in details]
    assert np.int8 not in kinds["float32"]
    assert kinds["int8"].count(np.int8) > 0.5 * len(kinds["int8"])


def test_int8_cards_and_the_log_name_the_tensors_that_lose_most(lite_exported):
    folder, printed = lite_exported.folder, lite_exported.printed
    for kind in ("whole", "heads"):
        report = read_card(folder, f"{kind}_int8")["tensor_errors"]
        own = [each["own_error"] for each in report]
        assert own == sorted(own, reverse=True)
        assert 0 < own[-1] <= own[0] <= 1
        assert "tensor_errors" not in read_card(folder, f"{kind}_float32")
        assert f"  {report[0]['name']}: rounding changes it by {100 * own[0]:.1f} %" in printed
        details = LiteFile(folder / f"{kind}_float32.tflite").interpreter.get_tensor_details()
        assert {each["name"] for each in report} <= {each["name"] for each in details}


def test_parity_prints_a_line_for_every_form(lite_export, trained, dataset, capsys):
    arguments = ["parity", "--model", str(trained), "--exports", str(lite_export)]
    assert main([*arguments, "--data", str(dataset), "--num_pictures", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    table = {line.split("  ")[0].strip(): line for line in lines}
    for form in ("evaluation", "Python API", "lite/whole_float32.tflite"):
        percent, unmatched = re.search(r"([\d.]+) % +(\d+) of", table[form]).groups()
        assert float(percent) > 99.9
        assert int(unmatched) == 0
    assert {"lite/whole_int8.tflite", "lite/heads_int8.tflite"} < table.keys()


def test_parity_needs_pictures_of_one_kind(lite_export, trained, capsys):
    assert main(["parity", "--model", str(trained), "--exports", str(lite_export)]) != 0
    assert "neither --images and --data; give one" in capsys.readouterr().err


def test_a_folder_without_an_export_is_named(trained, dataset, tmp_path, capsys):
    arguments = ["parity", "--model", str(trained), "--data", str(dataset)]
    assert main([*arguments, "--exports", str(tmp_path)]) != 0
    assert f"{tmp_path}: found no export" in capsys.readouterr().err
