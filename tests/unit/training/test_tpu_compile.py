"""From TensorFlow's lowering to Google's compiler; needs the extra tpu-check."""

import types

import pytest
import tensorflow as tf

from maskconver_tf.training import tpu_compile

pytest.importorskip("jaxlib.mlir", reason="the extra tpu-check is not installed")
pytest.importorskip("libtpu", reason="the extra tpu-check is not installed")


@pytest.fixture(scope="module")
def lower():
    """`lower(factor)`: serialized XLA module of a step that updates a variable in place."""
    weight = tf.Variable(tf.ones([128, 128]))

    def make(factor: float) -> bytes:
        @tf.function(jit_compile=True)
        def step(x):
            weight.assign_sub(factor * tf.matmul(x, x, transpose_a=True))
            return tf.reduce_sum(weight)

        return step.experimental_get_compiler_ir(tf.ones([8, 128]))(stage="hlo_serialized")

    return make


def test_becomes_stablehlo_and_nothing_else(lower):
    module = tpu_compile.to_stablehlo(lower(1.0))
    text = module.operation.get_asm()
    assert "stablehlo.dot" in text
    assert "mhlo.copy" not in text


def test_the_hash_is_of_the_computation_not_of_its_names(lower):
    def of(factor, topology="v5e:2x2"):
        return tpu_compile.program_hash(tpu_compile.to_stablehlo(lower(factor)), topology)

    assert of(1.0) == of(1.0)  # traced anew: the function's number is another
    assert len({of(1.0), of(2.0), of(1.0, "v6e:2x2")}) == 3


def test_compiles_for_a_tpu_that_is_not_there(lower):
    found = tpu_compile.compile_module(tpu_compile.to_stablehlo(lower(1.0)), "v5e:2x2")
    assert found["fits"]
    sizes = types.SimpleNamespace(**found["bytes"])
    assert sizes.arguments >= 4 * (128 * 128 + 8 * 128)
    assert sizes.aliased >= 4 * 128 * 128, "the weight's update must take the weight's place"


@pytest.fixture
def wide():
    """`wide(rows)`: a program that keeps several matrices of rows x 128 KiB."""

    def make(rows: int):
        @tf.function(jit_compile=True)
        def step(x):
            square = tf.matmul(x, tf.ones([128, 2**15]))
            return tf.matmul(tf.tanh(square), tf.sort(square, axis=0), transpose_b=True)

        x = tf.TensorSpec([rows, 128])
        lowered = step.experimental_get_compiler_ir(x)(stage="hlo_serialized")
        return tpu_compile.to_stablehlo(lowered)

    return make


def test_the_memory_laid_out_is_what_the_whole_compilation_finds(wide):
    plan = tpu_compile.plan_memory(wide(256), "v5e:2x2")
    parts = tpu_compile.compile_module(wide(256), "v5e:2x2")["bytes"]
    compiled = parts["arguments"] + parts["outputs"] + parts["temporaries"] - parts["aliased"]
    assert plan["fits"]
    assert compiled > 2**26
    assert abs(plan["needed_bytes"] - compiled) < 0.1 * compiled


def test_too_much_is_refused_with_the_need_in_either_way(wide):
    module = wide(2**17)  # 16 GiB a matrix
    whole, plan = (
        do(module, "v5e:2x2") for do in (tpu_compile.compile_module, tpu_compile.plan_memory)
    )
    assert whole["fits"] is plan["fits"] is False
    assert whole["needed_bytes"] == plan["needed_bytes"] > 2**34


def test_a_layout_that_does_not_exist_is_an_error(lower):
    found = tpu_compile.compile_module(tpu_compile.to_stablehlo(lower(1.0)), "v5e:3x5")
    assert "fits" not in found and "v5e:3x5" in found["error"]
