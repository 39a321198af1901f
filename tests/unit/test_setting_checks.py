"""Checks of settings: wrong values of every type for every setting of the classes Gin builds."""

import dataclasses
import inspect
import math

import numpy as np
import pytest

from maskconver_tf.errors import UserError
from maskconver_tf.input.classification_input import ClassificationEvaluation, ClassificationInput
from maskconver_tf.input.pipeline import EvaluationInput, TrainingInput
from maskconver_tf.input.semantic_targets import SemanticTargets
from maskconver_tf.input.targets import TargetBuilder
from maskconver_tf.losses.cross_entropy import ClassificationLoss, SemanticLoss
from maskconver_tf.losses.maskconver_loss import MaskConverLoss
from maskconver_tf.postprocess.panoptic_fusion import PanopticFusion
from maskconver_tf.setting_checks import check_choices, check_flags, check_lists, is_whole_number
from maskconver_tf.training.optimizers import make_optimizer
from maskconver_tf.training.run_settings import Compute, RunLength, Saving
from maskconver_tf.training.tasks.panoptic_task import PanopticTask

_DATA = {"data_dir": "data/train", "input_size": (64, 64)}
_RIGHT = {
    TrainingInput: _DATA,
    EvaluationInput: _DATA,
    ClassificationInput: _DATA,
    ClassificationEvaluation: _DATA,
    make_optimizer: {"total_steps": 10},
}
"""Arguments without a default."""
_CLASSES = (
    RunLength,
    Compute,
    Saving,
    PanopticFusion,
    TrainingInput,
    EvaluationInput,
    ClassificationInput,
    ClassificationEvaluation,
    TargetBuilder,
    SemanticTargets,
    MaskConverLoss,
    ClassificationLoss,
    SemanticLoss,
)
_FROM_TRAIN = ("total_steps", "batch_size", "progress")
"""What `train` gives to `make_optimizer`."""
_NEVER_RIGHT = [{}, {"a": 1}, object(), b"7", 1j, math.nan, math.inf, 10**40, ["x", None]]
"""Values that no setting takes."""
_WRONG = {
    "int": ["7", "", 7.5, 7.0, True, -(10**12), 10**12, (7,), [7], np.int64(7), np.nan],
    "float": ["0.5", "", True, -0.5, 1e300, -math.inf, (0.5,), [], np.int64(1)],
    "bool": ["True", "", 2, -1, 1.0, 0.0, np.bool_(True), np.int64(1), (True,)],
    "str": [7, 0.5, True, " ", ("auto",), ["auto"]],
    "tuple": ["64", 64, 64.0, True, None, (), (64,), (64, "64"), (64, True), (64, 64, 64)],
    "Sequence": ["345", 3, None, (3, "4"), (3, True), (3.5, None)],
    "Literal": ["box ", "Box", 1, True, None, ("box",), ""],
}
"""First word of an annotation -> values that no such setting takes."""


def _cases():
    for target in (*_CLASSES, make_optimizer):
        fields = (
            {field.name: field.type for field in dataclasses.fields(target)}
            if dataclasses.is_dataclass(target)
            else dict(target.__annotations__)
        )
        for name, annotation in fields.items():
            if name in ("return", *_FROM_TRAIN) and target is make_optimizer:
                continue
            kind = annotation.partition("[")[0].split(" ")[0]
            wrong = [*_NEVER_RIGHT, *_WRONG[kind], *([] if "None" in annotation else [None])]
            default = repr(inspect.signature(target).parameters[name].default)
            yield from ((target, name, value) for value in wrong if repr(value) != default)


@pytest.mark.parametrize("target", [*_CLASSES, make_optimizer], ids=lambda one: one.__name__)
def test_each_wrong_value_gives_one_message_with_its_type(target):
    """The message names the setting, shows value and type, and ends without a full stop."""
    cases = [case for case in _cases() if case[0] is target]
    assert cases
    accepted, unclear = [], []
    for _, name, value in cases:
        try:
            target(**{**_RIGHT.get(target, {}), name: value})
        except UserError as error:
            message = str(error)
            is_named = message.startswith(f"{target.__name__}.{name}")
            has_type = value is None or "(" in message.partition("expected")[0]
            if not is_named or not has_type or "expected" not in message or message[-1] == ".":
                unclear.append(f"{value!r}: {message}")
        else:
            accepted.append(f"{name} = {value!r}")
    assert (accepted, unclear) == ([], [])


@pytest.mark.parametrize("target", [*_CLASSES, make_optimizer], ids=lambda one: one.__name__)
def test_the_defaults_are_right(target):
    assert target(**_RIGHT.get(target, {})) is not None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"total_steps": "7"},
            "RunLength.total_steps = '7' (text): expected a whole number from 1",
        ),
        ({"total_steps": 7.0}, "RunLength.total_steps = 7.0 (a number with a decimal point): "),
        ({"total_steps": True}, "RunLength.total_steps = True (true or false): expected a whole"),
        ({"total_steps": None}, "RunLength.total_steps = None: expected a whole number from 1"),
        ({"eval_interval": np.int64(7)}, "RunLength.eval_interval = np.int64(7) (int64): expected"),
    ],
)
def test_a_value_that_reads_like_the_right_one_is_shown_with_its_type(settings, message):
    with pytest.raises(UserError) as error:
        RunLength(**settings)
    assert str(error.value).startswith(message)


@pytest.mark.parametrize(
    ("settings", "advice"),
    [
        ({"total_steps": "7"}, "; write RunLength.total_steps = 7"),
        ({"total_steps": 7.0}, "; write RunLength.total_steps = 7"),
        ({"total_steps": "0"}, "; correct it in the Gin file, or set --gin.RunLength.total_steps="),
        ({"total_steps": 7.5}, "; correct it in the Gin file, or set --gin.RunLength.total_steps="),
        ({"total_steps": "x"}, "; correct it in the Gin file, or set --gin.RunLength.total_steps="),
    ],
)
def test_the_message_says_what_to_write(settings, advice):
    with pytest.raises(UserError) as error:
        RunLength(**settings)
    assert advice in str(error.value)


def test_an_unknown_choice_gets_the_nearest_one():
    with pytest.raises(UserError, match=r"Compute.strategy = 'tpv' \(text\).*did you mean 'tpu'"):
        check_choices("Compute", ["tpu", "cpu"], strategy="tpv")


def test_a_choice_that_looks_right_is_shown_with_its_difference():
    with pytest.raises(UserError, match="(?i)character 4 .*space"):
        check_choices("Compute", ["tpu", "cpu"], strategy="tpu ")


def test_a_flag_in_quotes_is_written_out():
    with pytest.raises(UserError, match=r"jit_compile = 'true' \(text\).*; write .* = True"):
        check_flags("Compute", jit_compile="true")


@pytest.mark.parametrize(
    ("value", "way_out"), [(2, "; correct"), (1.0, ".* = True"), ("0", ".* = False")]
)
def test_a_flag_of_an_old_run_may_be_1_or_0_and_nothing_else(value, way_out):
    check_flags("TrainingInput", flip=1, autoaugment=0)
    with pytest.raises(UserError, match=rf"\.flip = .*: expected True or False{way_out}"):
        check_flags("TrainingInput", flip=value)


def test_the_wrong_entry_of_a_list_is_named():
    with pytest.raises(UserError, match=r"ASPP.rates: entry 2 of \(6, '12'\) is '12' \(text\)"):
        check_lists("ASPP", (6, 12), is_whole_number, "whole numbers", rates=(6, "12"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"model": "MaskConver"},
            r"PanopticTask.model = 'MaskConver' \(text\).*; write .* = @Mask",
        ),
        ({"loss": MaskConverLoss}, r"PanopticTask.loss = <class .* = @MaskConverLoss\(\)"),
        ({"loss": SemanticLoss()}, r"PanopticTask.loss = SemanticLoss.* = @MaskConverLoss\(\)"),
        ({"targets": TargetBuilder()}, "PanopticTask.targets = TargetBuilder.* = @TargetBuilder$"),
        ({"fusion": PanopticFusion}, r"PanopticTask.fusion = .* = @PanopticFusion\(\)"),
        ({"fusion": None}, r"PanopticTask.fusion = None: expected an object such as @PanopticFus"),
        ({"train_input": "data"}, r"PanopticTask.train_input = 'data' .* = @TrainingInput\(\)"),
        ({"eval_input": TrainingInput(**_DATA)}, r"PanopticTask.eval_input = .*@EvaluationInput"),
    ],
)
def test_a_part_of_a_task_that_is_none_is_named_with_the_reference(settings, message):
    right = {"model": len, "loss": MaskConverLoss(), "train_input": TrainingInput(**_DATA)}
    right |= {"targets": TargetBuilder, "fusion": PanopticFusion()}
    assert PanopticTask(**right).eval_input is None
    with pytest.raises(UserError, match=message):
        PanopticTask(**right | settings)
