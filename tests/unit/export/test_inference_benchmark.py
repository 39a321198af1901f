"""The table, the options and the picture of `benchmarks/inference.py`; nothing is timed."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from benchmarks import inference
from benchmarks.inference_picture import decode, make_picture

SAMPLES = [
    {"decode": [0.010, 0.010], "network": [0.100, 0.150], "fusion": [0.020, 0.030]},
    {"decode": [0.012, 0.011], "network": [0.120, 0.190], "fusion": [0.021, 0.040]},
    {"decode": [0.900, 0.010], "network": [0.110, 0.170], "fusion": [0.022, 0.020]},
]


def row(runtime: str, factor: float = 1.0, model: str = "demo") -> dict:
    samples = [{k: [factor * x for x in v] for k, v in each.items()} for each in SAMPLES]
    fields = {"megabytes": 512.4, "segments": 17, "samples": samples}
    return inference.summary({"model": model, "runtime": runtime} | fields)


def test_the_summary_has_medians_of_each_stage_and_of_the_whole():
    found = row("graph")
    assert found["runs"] == 3 and "samples" not in found
    assert found["clock"] == pytest.approx(
        {"decode": 12, "network": 110, "fusion": 21, "total": 153}
    )
    assert found["processor"] == pytest.approx(
        {"decode": 10, "network": 170, "fusion": 30, "total": 200}
    )


def test_the_table_has_ratios_to_the_graph_of_the_same_model():
    rows = [row("graph"), row("litert_int8", 0.25), row("saved_model", 3, model="resnet50")]
    lines = inference.format_table(rows).splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    assert {len(each) for each in cells} == {10}
    assert cells[2] == [
        *("demo", "TensorFlow graph", "12.0 ms", "110.0 ms", "21.0 ms", "153.0 ms"),
        *("200.0 ms", "1.00 (1.00)", "512 MB", "17"),
    ]
    assert cells[3][1] == "LiteRT int8" and cells[3][7] == "0.25 (0.25)"
    assert cells[4][7] == "-"  # Its model was not measured as a graph.


def test_a_skipped_runtime_says_why():
    skipped = {"model": "demo", "runtime": "openvino", "samples": [], "skipped": "not installed"}
    line = inference.format_table([row("graph"), inference.summary(skipped)]).splitlines()[3]
    assert line.startswith("| demo | OpenVINO, the SavedModel as it is | skipped: not installed |")
    assert line.count("|") == 11


def test_options_are_lists_in_their_usual_order():
    args = inference.parse_arguments(["--runtimes", "litert_int8, graph,graph", "--seconds", "0.5"])
    assert (args.runtimes, args.seconds) == (("graph", "litert_int8"), 0.5)
    assert args.models == tuple(inference.MODELS)
    assert "xla" not in inference.parse_arguments([]).runtimes


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--models", "mobile"], "found 'mobile'; expected some of mobile_256"),
        (["--runtimes", "graph,"], "found ''; expected some of graph"),
        (["--seconds", "0"], "0: expected a number above 0"),
        (["--seconds", "nan"], "nan: expected a number above 0"),
        (["--seconds", "soon"], "soon: expected a number above 0"),
    ],
)
def test_wrong_options_are_named(arguments, message, capsys):
    with pytest.raises(SystemExit):
        inference.parse_arguments(arguments)
    assert message in capsys.readouterr().err


def test_a_process_that_ends_while_it_loads_is_skipped():
    python = [inference.sys.executable, "-c", "print('note'); raise SystemExit(3)"]
    process = inference.subprocess.Popen(python, stdout=inference.subprocess.PIPE, text=True)
    with process:
        found = inference.first_answer(process)
    assert found == {"skipped": "its process ended with status 3 while it loaded"}


@pytest.mark.parametrize(
    ("input_size", "content"), [((256, 256), (192, 256)), ((640, 640), (480, 640))]
)
def test_the_picture_fits_the_input_at_the_top_left(input_size, content):
    canvas, found, size = decode(make_picture(), input_size)
    assert (found, size) == (content, (480, 640))
    assert canvas.shape == (*input_size, 3) and canvas.dtype == np.uint8
    assert canvas[: content[0]].std() > 20 and not canvas[content[0] :].any()


def test_a_gray_picture_becomes_rgb():
    file = io.BytesIO()
    Image.new("L", (30, 90), 77).save(file, "PNG")
    canvas, content, size = decode(file.getvalue(), (64, 64))
    assert (content, size) == ((64, 20), (90, 30))
    assert (canvas[:64, :20] == 77).all() and not canvas[:, 20:].any()
