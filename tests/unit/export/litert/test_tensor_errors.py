"""The errors of int8 tensors, of two small files."""

import re

import pytest

from maskconver_tf.export.litert import convert
from maskconver_tf.export.litert.tensor_errors import format_errors, report_of, tensor_errors
from tests.unit.export.litert.pictures import PICTURES


def errors_by_part(float32: bytes, float_tensors: str | None) -> dict[str, float]:
    int8 = convert.quantise(float32, "int8", float_tensors, PICTURES)
    errors = tensor_errors(float32, int8, PICTURES[0])
    assert [each.own for each in errors] == sorted((each.own for each in errors), reverse=True)
    assert all(min(each.own, each.total) >= 0 for each in errors)
    names = {part: [e for e in errors if part in e.name.split(";")[0]] for part in ("easy", "hard")}
    return {part: max((e.own for e in found), default=None) for part, found in names.items()}


def test_rounding_errors_are_those_of_eight_bits(float32):
    found = errors_by_part(float32, None)
    assert 0 < found["easy"] < 0.02
    # A tensor that stays in float32 is still rounded where an int8 operation reads it.
    kept = errors_by_part(float32, "hard")
    assert kept["easy"] == pytest.approx(found["easy"], rel=0.5)


def test_a_float_file_has_no_errors_in_int8(float32):
    assert tensor_errors(float32, float32, PICTURES[0]) == []
    assert format_errors([]) == []


def test_the_log_lists_the_worst_and_the_card_at_most_twenty(float32):
    int8 = convert.quantise(float32, "int8", None, PICTURES)
    errors = tensor_errors(float32, int8, PICTURES[0])
    report = report_of(errors * 20)
    assert len(report) == 20
    head, line = format_errors(report_of(errors), count=1)
    assert "--float_tensors" in head
    name, own, total = re.fullmatch(r"  (.*): rounding .* ([\d.]+) %, .* ([\d.]+) %", line).groups()
    assert name == errors[0].name
    assert float(own) == pytest.approx(100 * errors[0].own, abs=0.06)
    assert float(total) == pytest.approx(100 * errors[0].total, abs=0.06)
