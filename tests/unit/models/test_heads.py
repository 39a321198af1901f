import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf.models.heads import LightHead
from tests.unit.layers.check_layer import check_layer


def both_levels(head, x, training):
    return {level: head(x[level], level=level, training=training) for level in (3, 4)}


FEATURES = {
    3: tf.random.stateless_normal([2, 4, 6, 5], [1, 3]),
    4: tf.random.stateless_normal([2, 2, 3, 5], [1, 4]),
}


@pytest.mark.parametrize(("float32_output", "dtype"), [(True, "float32"), (False, "bfloat16")])
def test_is_a_layer(float32_output, dtype):
    check_layer(
        lambda: LightHead(
            7,
            width=8,
            repeats=2,
            kernel_size=3,
            levels=[3, 4],
            norm="layer",
            output_bias=-1.0,
            float32_output=float32_output,
            name="head",
        ),
        FEATURES,
        {3: (2, 4, 6, 7), 4: (2, 2, 3, 7)},
        both_levels,
        bfloat16_output=dtype,
    )


def test_has_as_many_units_as_asked_and_one_output_for_all_levels():
    head = LightHead(7, width=8, repeats=3, kernel_size=5, levels=[3, 4], norm="layer")
    both_levels(head, FEATURES, training=False)
    convolutions = 5 * (25 + 8) + 2 * 8 * (25 + 8) + 8 * 7 + 7
    norms = 2 * 2 * (5 + 5 * 8)  # Levels; scale and offset; channels.
    assert head.count_params() == convolutions + norms


def test_an_output_bias_sets_where_every_score_starts():
    head = LightHead(7, width=64, repeats=1, kernel_size=3, levels=[3, 4], output_bias=-4.595)
    np.testing.assert_allclose(tf.sigmoid(head(FEATURES[3], level=3)), 0.01, atol=0.005)


def test_every_output_starts_near_its_bias_and_every_unit_activates_as_asked():
    heads = {
        kind: LightHead(7, width=64, repeats=2, levels=[3, 4], activation=kind)
        for kind in ("relu", "gelu")
    }
    for head in heads.values():
        both_levels(head, FEATURES, training=False)
        assert np.abs(head(FEATURES[3], level=3)).max() < 0.5
    heads["gelu"].set_weights(heads["relu"].get_weights())
    found = {kind: head(FEATURES[3], level=3) for kind, head in heads.items()}
    assert np.abs(found["gelu"] - found["relu"]).max() > 1e-3
    least = {
        kind: head.units[0](FEATURES[3], level=3).numpy().min() for kind, head in heads.items()
    }
    assert least["relu"] == 0
    assert -0.1701 < least["gelu"] < -0.1


def test_a_grid_of_one_cell_is_enough():
    head = LightHead(7, width=8, repeats=1, levels=[7])
    assert head(tf.ones([2, 1, 1, 5]), level=7, training=True).shape == (2, 1, 1, 7)


def test_a_fusing_head_is_a_layer_of_the_finer_feature_s_size():
    check_layer(
        lambda: LightHead(7, width=8, repeats=1, kernel_size=3, levels=[3], fuses=True, name="h"),
        {"coarse": FEATURES[4], "finer": tf.random.stateless_normal([2, 4, 6, 3], [2, 3])},
        (2, 4, 6, 7),
        lambda head, x, training: head(x["coarse"], level=3, finer=x["finer"], training=training),
    )
