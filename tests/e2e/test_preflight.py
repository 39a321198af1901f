"""`maskconver preflight` for the tiny model: its counts, its command and its search."""

from __future__ import annotations

import dataclasses

import pytest
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.cli.main import main
from maskconver_tf.config import configuration
from maskconver_tf.errors import UserError
from maskconver_tf.input.pipeline import TrainingInput
from maskconver_tf.planning.preflight import measured_step, tpu_report, training_needs
from maskconver_tf.planning.preflight.step_program import StepProgram
from maskconver_tf.planning.preflight.tpu_check import MemoryPlan
from maskconver_tf.training.train import train
from tests.e2e.conftest import TINY
from tests.unit.layers.check_layer import precision

EXAMPLE_BYTES = {
    types.IMAGE: 64 * 96 * 3,
    types.CONTENT_SIZE: 2 * 4,
    types.SLOT_MAP: 32 * 48,
    types.SLOT_CLASS_IDS: 24 * 4,
    types.CENTER_LEVELS: 24 * 4,
    types.CENTER_INDICES: 24 * 2 * 4,
    types.GAUSSIAN_RADII: 24 * 4,
    types.NUM_DROPPED: 4,
}


def make_program(*bindings: str) -> StepProgram:
    configuration.load([TINY], bindings)
    with precision("float32"):  # Restores the policy afterwards.
        return StepProgram(configuration.arguments_of(train, ["model_dir", "on_built"]), 5)


@pytest.fixture(scope="module")
def program():
    return make_program()


@pytest.fixture(scope="module")
def counts(program):
    return training_needs.count_needs(program, 4)


def test_counts_bytes_of_weights_optimizer_and_example(program, counts):
    assert counts.parameters == program.model.count_params()
    assert 0 < counts.trainable_parameters < counts.parameters
    assert counts.weight_bytes == 4 * counts.parameters
    assert counts.gradient_bytes == 4 * counts.trainable_parameters
    assert counts.average_bytes == counts.weight_bytes  # Weights, and batch norms' statistics.
    # Two slots for each weight, and a few scalars besides.
    assert 0 <= counts.slot_bytes - 8 * counts.trainable_parameters < 64
    assert counts.example_bytes == EXAMPLE_BYTES


def test_an_example_has_the_fields_of_the_pipeline(program, dataset):
    data = TrainingInput(str(dataset), (64, 96), batch_size=2)
    targets = configuration.arguments_of(train, ["model_dir", "on_built"])["task"].targets
    batches = data.batches(targets(center_levels=program.model.center_levels))
    found = {name: (spec.shape[1:], spec.dtype) for name, spec in batches.element_spec.items()}
    assert found == {name: (x.shape, x.dtype) for name, x in program.example.items()}


def test_each_setting_changes_its_count(counts):
    sgd = training_needs.count_needs(
        make_program("make_optimizer.name='sgd'", "make_optimizer.ema_decay=None"), 4
    )
    assert sgd.average_bytes == 0
    assert 0 <= sgd.slot_bytes - 4 * sgd.trainable_parameters < 64

    less = training_needs.count_needs(make_program("ConvNeXtUNet.recompute=True"), 4)
    assert less.activation_bytes < 0.95 * counts.activation_bytes
    assert dataclasses.replace(less, activation_bytes=counts.activation_bytes) == counts

    half = training_needs.count_needs(make_program("Compute.precision='mixed_bfloat16'"), 4)
    assert half.weight_bytes == counts.weight_bytes
    # The statistics of norms, losses and masks stay in float32.
    assert 0.5 < half.activation_bytes / counts.activation_bytes < 0.9


def test_a_batch_beyond_the_sizes_of_tensorflow_is_refused(program):
    with pytest.raises(UserError, match="found a batch of 1000000 pictures .*--per_core_batch"):
        training_needs.count_needs(program, 10**6)


def test_a_lowered_step_contains_its_updates(program):
    hlo = program.hlo(2)
    assert len(hlo) > 100_000
    weights = len(program.model.trainable_variables)
    graph = program.graph(2)
    updates = [op for op in graph.get_operations() if op.type.startswith("Assign")]
    assert len(updates) >= 4 * weights  # weight, two slots and the moving average


# ---- The command ---------------------------------------------------------------------------------
@pytest.fixture
def run(capsys):
    """`run(*arguments)`: status, output and error of the command on the tiny experiment."""

    def call(*arguments: str) -> tuple[int, str, str]:
        with precision("float32"):
            status = main(["preflight", "--gin_file", str(TINY), *arguments])
        return status, *capsys.readouterr()

    return call


def test_needs_no_data_when_the_class_count_is_given(run, counts):
    status, output, _ = run("--num_classes", "5")
    assert status == 0
    assert "64x96, 5 classes, float32, 4 pictures per core" in output
    assert f"{counts.parameters:,}" in output
    assert "20.0 KiB" in output  # 20468 bytes
    assert "activations (estimate)" in output


def test_takes_the_class_count_of_the_data(run, dataset):
    small = ["--gin.MaskConver.center_levels=(3,)", "--gin.TargetBuilder.level_bounds=()"]
    status, output, _ = run(f"--gin.TRAIN_DATA='{dataset}'", "--per_core_batch=2", *small)
    assert status == 0
    assert "64x96, 13 classes, float32, 2 pictures per core" in output


@pytest.mark.parametrize(
    "arguments, message",
    [
        ([], "Or give --num_classes N to run without a dataset"),
        (["--num_classes=0"], "--num_classes 0: expected a whole number from 1"),
        (["--num_classes=5", "--per_core_batch=0"], "--per_core_batch 0: expected a whole number"),
        (
            ["--num_classes=5", "--gin.Compute.precision='float16'"],
            "Compute.precision = 'float16' (text): expected 'float32' or 'mixed_bfloat16'",
        ),
        (
            ["--num_classes=5", "--gin.TargetBuilder.centers='middle'"],
            "TargetBuilder.centers = 'middle' (text): expected 'mask' or 'box'; correct it",
        ),
        (["--num_classes=5", "--tpu=v9:2x2"], "--tpu v9:2x2: unknown; expected v5e or v6e"),
        (
            ["--num_classes=5", "--gin.make_optimizer.total_steps=3"],
            "these settings change nothing",
        ),
    ],
)
def test_a_mistake_is_one_message(run, arguments, message):
    status, output, error = run(*arguments)
    assert (status, output) == (2, "")
    assert error.startswith("maskconver: error: ") and message in error


# ---- Asking the compiler -------------------------------------------------------------------------
@pytest.fixture
def ask(program, monkeypatch, tmp_path, capsys):
    """`ask(batch_size, search, to_code)`: the lines printed when 3 GiB a picture are needed, and
    what was asked: the batch, negative when it was to be compiled to the end."""
    asked = []

    def compile_step(hlo, size, topology, cache, minutes, to_code):
        assert (hlo, topology, cache, minutes) == (f"step of {size}", "v5e:2x2", tmp_path, 7.0)
        asked.append(-size if to_code else size)
        return MemoryPlan(size, size * 3 * 2**30, fits=size <= 5)

    monkeypatch.setattr(tpu_report.tpu_check, "compile_step", compile_step)
    monkeypatch.setattr(StepProgram, "hlo", lambda self, size: f"step of {size}")

    def call(batch_size: int, search: bool, to_code: bool) -> tuple[list[str], list[int]]:
        asked.clear()
        tpu_report.print_tpu_memory(program, batch_size, "v5e:2x2", tmp_path, 7.0, search, to_code)
        return capsys.readouterr().out.splitlines(), asked

    return call


def test_finds_the_largest_batch_and_compiles_the_one_asked_for(ask):
    output, asked = ask(2, search=True, to_code=True)
    assert asked == [2, 4, 5, 6, -2]
    assert output == [
        "v5e:2x2, batch 2 per core: 6.00 of 15.75 GiB, fits",
        "v5e:2x2, batch 4 per core: 12.00 of 15.75 GiB, fits",
        "v5e:2x2, batch 5 per core: 15.00 of 15.75 GiB, fits",
        "v5e:2x2, batch 6 per core: 18.00 of 15.75 GiB, does NOT fit",
        "largest batch that fits: 5 per core; one more does not",
        "v5e:2x2, batch 2 per core, compiled to code: 6.00 of 15.75 GiB, fits",
    ]


@pytest.mark.parametrize(
    ("batch_size", "to_code", "expected"), [(6, True, [6]), (4, True, [4, -4]), (4, False, [4])]
)
def test_without_a_search_one_batch_is_asked_for(ask, batch_size, to_code, expected):
    """And no code is made of what does not fit, nor when it shall be quick."""
    assert ask(batch_size, search=False, to_code=to_code)[1] == expected


def test_a_global_batch_is_shared_out():
    assert [training_needs.batch_size_per_core(64, cores) for cores in (1, 4, 48)] == [64, 16, 2]


def test_a_step_with_more_than_255_slots_is_measured(program, monkeypatch):
    slot_map = tf.cast(program.example[types.SLOT_MAP], tf.uint16)
    monkeypatch.setitem(program.example, types.SLOT_MAP, slot_map)
    assert measured_step.measure_step(program, 2, num_steps=1).seconds_of_part > 0


def test_a_measured_step_gives_the_hours_of_the_run(program, capsys):
    before = [variable.numpy() for variable in program.model.trainable_variables]
    step = measured_step.measure_step(program, 2, num_steps=2)
    assert 0 < step.seconds_of_part < 60
    after = [variable.numpy() for variable in program.model.trainable_variables]
    assert any((a != b).any() for a, b in zip(before, after))  # The steps were real.
    text = measured_step.format_step(
        measured_step.MeasuredStep("CPU", 2, 0.5, 0.1), batch_size=8, total_steps=9000
    )
    assert "2.00 seconds a step" in text and "4 parts of 2 pictures" in text
    assert "5.0 hours in all for 9000 steps" in text
    minutes = measured_step.format_step(measured_step.MeasuredStep("CPU", 2, 0.5, 0.1), 8, 1, 30)
    assert "about 900 steps in 30 minutes" in minutes
    assert measured_step.format_duration(3000) == "50.0 minutes"
