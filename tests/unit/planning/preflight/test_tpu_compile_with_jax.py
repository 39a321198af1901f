"""Compiles what TensorFlow lowers with Google's compiler; needs the extra tpu-check."""

import types

import pytest
import tensorflow as tf

from maskconver_tf.planning.preflight import tpu_check, tpu_compile

pytest.importorskip("jaxlib.mlir", reason="the extra tpu-check is not installed")
pytest.importorskip("libtpu", reason="the extra tpu-check is not installed")


@pytest.fixture(autouse=True)
def no_device(monkeypatch):
    for name, value in tpu_check.NO_DEVICE.items():
        monkeypatch.setenv(name, value)


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

    assert of(1.0) == of(1.0)  # Each call traces a function with another number.
    assert len({of(1.0), of(2.0), of(1.0, "v6e:2x2")}) == 3


def test_compiles_for_a_tpu_that_is_not_there(lower):
    found = tpu_compile.compile_module(tpu_compile.to_stablehlo(lower(1.0)), "v5e:2x2")
    assert found["fits"]
    sizes = types.SimpleNamespace(**found["bytes"])
    assert sizes.arguments >= 4 * (128 * 128 + 8 * 128)
    assert sizes.aliased >= 4 * 128 * 128, "the weight's update must take the weight's place"


@pytest.fixture(scope="module")
def chain():
    """`chain(batch)`: the gradient of 20 convolutions, which takes 0.5 GiB a picture, or less."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_platforms", "cpu")
    kernel = jnp.ones([3, 3, 128, 128])

    def total(x):
        for _ in range(20):
            x = jnp.tanh(jax.lax.conv_general_dilated(x, kernel, [1, 1], "SAME", **layout))
        return x.sum()

    layout = {"dimension_numbers": ("NHWC", "HWIO", "NHWC")}

    def make(batch: int):
        pictures = jax.ShapeDtypeStruct([batch, 256, 256, 128], jnp.float32)
        return jax.jit(jax.grad(total)).lower(pictures).compiler_ir("stablehlo")

    return make


@pytest.mark.parametrize(
    ("topology", "batch", "fits"),
    [
        ("v5e:2x2", 30, True),  # 14.88 GiB, 94 % of the memory: nothing is computed again,
        ("v5e:2x2", 32, True),  # 13.00 GiB: much is.
        ("v5e:2x2", 39, False),
        ("v6e:2x2", 64, True),
        ("v6e:2x2", 79, False),
    ],
)
def test_the_planned_memory_equals_that_of_the_whole_compilation(chain, topology, batch, fits):
    module = chain(batch)
    plan = tpu_compile.plan_memory(module, topology)
    whole = tpu_compile.compile_module(module, topology)
    assert plan["fits"] is whole["fits"] is fits
    needed = whole.get("needed_bytes")
    if fits:
        needed = sum(whole["bytes"][part] for part in ("arguments", "outputs", "temporaries"))
    assert plan["needed_bytes"] == pytest.approx(needed, rel=0.002)


def test_a_layout_that_does_not_exist_is_an_error(lower):
    found = tpu_compile.compile_module(tpu_compile.to_stablehlo(lower(1.0)), "v5e:3x5")
    assert "fits" not in found and "v5e:3x5" in found["error"]
