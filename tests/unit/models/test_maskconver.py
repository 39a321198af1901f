import numpy as np
import pytest
import tensorflow as tf
import tf_keras

from maskconver_tf import types
from maskconver_tf.errors import UserError
from maskconver_tf.models.backbones.mobilenet import mobilenet
from maskconver_tf.models.backbones.resnet import resnet
from maskconver_tf.models.maskconver import MaskConver
from maskconver_tf.models.pixel_decoders.aspp import ASPP
from maskconver_tf.models.pixel_decoders.convnext_unet import ConvNeXtUNet
from maskconver_tf.models.pixel_decoders.light_fpn import LightFPN
from tests.unit.layers.check_layer import assert_close, check_gradients, check_layer, shake

LEVEL_SIZES = {3: (12, 20), 4: (6, 10), 5: (3, 5), 6: (2, 3), 7: (1, 2)}
"""Of a 96x160 picture: 96 is no multiple of 64, 160 none of 64 or 128."""

IMAGES = tf.cast(tf.random.stateless_uniform([2, 96, 160, 3], [1, 2], 0, 256, tf.int32), tf.uint8)
CENTERS = {
    types.CENTER_LEVELS: tf.constant([[3, 4, 5, 6, 7, -1], [7, 3, 3, -1, 6, 4]]),
    types.CENTER_INDICES: tf.constant(
        [
            [[11, 19], [0, 9], [2, 4], [1, 2], [0, 1], [0, 0]],
            [[0, 0], [5, 7], [0, 0], [0, 0], [1, 0], [5, 0]],
        ]
    ),
    types.SLOT_CLASS_IDS: tf.constant([[0, 1, 2, 1, 1, -1], [2, 2, 0, -1, 1, 0]]),
}


def make_model(**settings):
    """The whole figure, 3 classes, levels 3..7; the same weights whatever tests came before."""
    tf_keras.utils.set_random_seed(2)
    parts = {
        "backbone": lambda: resnet(10, width_multiplier=1 / 16),
        "pixel_decoder": lambda: ConvNeXtUNet([1, 1, 1], [8, 8, 8], 3, se_ratio=1 / 2),
        "pyramid": lambda: LightFPN(8, kernel_size=3, norm="layer"),
    }
    parts = {name: make() for name, make in parts.items() if name not in settings}
    small = {
        "width": 8,
        "head_repeats": 1,
        "head_kernel_size": 3,
        "hidden": 16,
        "norm": "layer",
        "num_proposals": 24,
        "name": "maskconver",
    }
    return MaskConver(3, **parts | small | settings)


def apply(model, inputs, training):
    images, centers = inputs
    return model(images, centers=centers, training=training)


@pytest.fixture(scope="module")
def model():
    model = make_model()
    model(IMAGES)
    shake(model)
    return model


@pytest.fixture(scope="module")
def found(model):
    return model(IMAGES)


def test_is_a_layer():
    check_layer(
        make_model,
        (IMAGES, CENTERS),
        {
            types.CENTER_HEATMAP_LOGITS: {k: (2, *size, 3) for k, size in LEVEL_SIZES.items()},
            types.MASK_LOGITS: (2, 24, 40, 6),
        },
        apply,
        bfloat16_output="float32",
        bfloat16_error=0.06,
    )


def test_gradients_reach_every_weight_with_a_mobilenet_and_without_a_pyramid():
    model = make_model(
        backbone=mobilenet("MobileNetMultiAVGSeg", width_multiplier=0.25),
        pixel_decoder=ConvNeXtUNet([1, 1, 1], [16, 16, 16], 3, se_ratio=1 / 2, norm="batch"),
        pyramid=None,
        center_levels=(3, 4, 5),
        norm="batch",
    )
    centers = CENTERS | {
        types.CENTER_LEVELS: tf.constant([[3, 4, 5, 5, 5, -1], [5, 3, 3, -1, 4, 4]]),
        types.CENTER_INDICES: CENTERS[types.CENTER_INDICES] % 3,
    }
    check_gradients(model, (IMAGES, centers), apply)


def make_released(**settings):
    """The released mobile form: stride 16 backbone, ASPP, heads that fuse level 3."""
    parts = {
        "backbone": mobilenet(width_multiplier=0.25, output_stride=16),
        "pixel_decoder": ASPP(width=8, rates=(1, 2)),
        "pyramid": None,
        "center_levels": (3,),
        "mask_level": 3,
        "fuse_level": 3,
    }
    return make_model(**parts | settings)


RELEASED_CENTERS = CENTERS | {types.CENTER_LEVELS: tf.constant([[3] * 5 + [-1], [3] * 6])}


def test_the_released_mobile_form_is_a_layer():
    check_layer(
        make_released,
        (IMAGES, RELEASED_CENTERS),
        {types.CENTER_HEATMAP_LOGITS: {3: (2, 12, 20, 3)}, types.MASK_LOGITS: (2, 12, 20, 6)},
        apply,
        bfloat16_output="float32",
        bfloat16_error=0.1,
    )


def test_each_head_of_the_released_form_fuses_the_backbone_s_level_by_itself():
    model = make_released()
    before = model(IMAGES, centers=RELEASED_CENTERS)
    fusion = model.center_heatmap_head.fusion
    fusion.project.kernel.assign(-fusion.project.kernel)
    after = model(IMAGES, centers=RELEASED_CENTERS)
    heatmaps = [outputs[types.CENTER_HEATMAP_LOGITS][3] for outputs in (before, after)]
    assert np.abs(heatmaps[1] - heatmaps[0]).max() > 0
    np.testing.assert_array_equal(after[types.MASK_LOGITS], before[types.MASK_LOGITS])


def test_a_fused_level_is_the_only_one():
    with pytest.raises(
        UserError, match=r"fuse_level = 3.*center_levels = \(3, 4\).*mask_level = 2"
    ):
        make_model(center_levels=(3, 4), fuse_level=3)


def test_centers_on_a_level_that_is_not_there_are_refused():
    model = make_model(pyramid=None, center_levels=(4, 5, 6))
    words = r"^MaskConver.center_levels = .*decoder gives levels \[3, 4, 5\], not \[6\].*LightFPN"
    with pytest.raises(UserError, match=words):
        model(IMAGES)


@pytest.mark.parametrize("size", [(96, 100), (33, 64), (0, 32)])
def test_a_size_that_is_no_multiple_of_32_is_refused_with_the_way_out(model, size):
    with pytest.raises(UserError, match=f"^images are {size[0]}x{size[1]}: .*multiples of 32.*pad"):
        model(tf.zeros([1, *size, 3], tf.uint8))


def test_a_single_scale_has_all_centers_on_its_level():
    single = make_model(center_levels=(4,))
    outputs = single(IMAGES)
    assert {k: x.shape for k, x in outputs[types.CENTER_HEATMAP_LOGITS].items()} == {
        4: (2, 6, 10, 3)
    }
    names = [weight.name for weight in single.center_heatmap_head.weights if "norm" in weight.name]
    assert names and all("norm_4" in name for name in names)


def test_restores_with_every_setting():
    settings = {
        "center_levels": [5, 4],
        "mask_level": 3,
        "class_embedding": "multiply",
        "norm": "batch",
        "head_repeats": 2,
        "head_kernel_size": 5,
        "num_proposals": 7,
        "hidden": 12,
        "width": 8,
    }
    restored = MaskConver.from_config(make_model(pyramid=None, **settings).get_config())
    config = restored.get_config()
    assert {name: config[name] for name in settings} == settings
    outputs = restored(IMAGES[:1])
    assert sorted(outputs[types.CENTER_HEATMAP_LOGITS]) == [4, 5]
    assert outputs[types.MASK_FEATURES].shape == (1, 12, 20, 8)
    assert outputs[types.PROPOSAL_SCORES].shape == (1, 7)
    assert restored.num_classes == 3


@pytest.mark.parametrize("size", [(32, 32), (64, 224), (160, 96), (800, 1216)])
def test_takes_every_multiple_of_32(model, size):
    outputs = model(tf.zeros([1, *size, 3], tf.uint8))
    for level, logits in outputs[types.CENTER_HEATMAP_LOGITS].items():
        assert logits.shape == (1, -(-size[0] // 2**level), -(-size[1] // 2**level), 3)
    assert outputs[types.MASK_FEATURES].shape == (1, size[0] // 4, size[1] // 4, 8)
    assert outputs[types.PROPOSAL_SCORES].shape == (1, 24)


def test_masks_are_of_exactly_the_given_centers(model):
    levels = model.pyramid(model.pixel_decoder(model.backbone(IMAGES)))
    embeddings = {k: model.center_embedding_head(levels[k], level=k).numpy() for k in levels}
    gathered = np.zeros([2, 6, 8], np.float32)
    for picture in range(2):
        for slot, level in enumerate(CENTERS[types.CENTER_LEVELS][picture].numpy()):
            y, x = CENTERS[types.CENTER_INDICES][picture, slot].numpy()
            if level >= 0:
                gathered[picture, slot] = embeddings[level][picture, y, x]
    class_ids = CENTERS[types.SLOT_CLASS_IDS]
    mask_embeddings = model.mask_embedding_generator(gathered, class_ids).numpy()
    summed = 0
    for level, features in levels.items():
        scale = 2 ** (level - 2)
        summed += features.numpy().repeat(scale, axis=1).repeat(scale, axis=2)[:, :24, :40]
    mask_features = model.mask_feature_head(summed, level=2).numpy()

    mask_logits = apply(model, (IMAGES, CENTERS), False)[types.MASK_LOGITS].numpy()
    scale = np.abs(mask_logits).max()
    present = 0
    for picture, slot in zip(*np.nonzero(class_ids.numpy() >= 0)):
        expected = mask_features[picture] @ mask_embeddings[picture, slot]
        np.testing.assert_allclose(mask_logits[picture, ..., slot], expected, atol=1e-5 * scale)
        present += 1
    assert present == 10
    assert np.isfinite(mask_logits).all()


def test_proposals_are_the_highest_true_local_maxima(found):
    logits = {k: x.numpy() for k, x in found[types.CENTER_HEATMAP_LOGITS].items()}
    for picture in range(2):
        peaks = _local_maxima({k: x[picture] for k, x in logits.items()})
        assert len(peaks) > 24
        scores = [score for score, *_ in peaks[:24]]
        classes = [class_id for *_, class_id in peaks[:24]]
        np.testing.assert_allclose(found[types.PROPOSAL_SCORES][picture], scores, atol=1e-6)
        assert found[types.PROPOSAL_CLASS_IDS][picture].numpy().tolist() == classes


def test_proposals_get_the_masks_that_their_centers_get_when_given(model, found):
    centers = {key: [] for key in CENTERS}
    for picture in range(2):
        logits = {k: x[picture].numpy() for k, x in found[types.CENTER_HEATMAP_LOGITS].items()}
        _, levels, ys, xs, class_ids = zip(*_local_maxima(logits)[:24])
        centers[types.CENTER_LEVELS].append(levels)
        centers[types.CENTER_INDICES].append(list(zip(ys, xs)))
        centers[types.SLOT_CLASS_IDS].append(class_ids)
    centers = {key: tf.constant(np.array(value, np.int32)) for key, value in centers.items()}
    given = model(IMAGES, centers=centers)
    products = np.einsum("bhwd,bkd->bhwk", found[types.MASK_FEATURES], found[types.MASK_EMBEDDINGS])
    assert_close(given[types.MASK_LOGITS], products)


def test_fewer_candidates_than_proposals_leave_the_last_with_score_zero(model, monkeypatch):
    monkeypatch.setattr(model, "num_proposals", 80)  # Of 16 + 4 + 1 + 1 + 1 cells of 3 classes.
    outputs = model(IMAGES[:, :32, :32])
    scores = outputs[types.PROPOSAL_SCORES].numpy()
    assert scores.shape == (2, 80)
    assert (np.diff(scores) <= 0).all()
    assert (scores[:, 0] > 0).all()
    assert (scores[:, -1] == 0).all()
    assert np.isfinite(outputs[types.MASK_EMBEDDINGS]).all()


@pytest.mark.parametrize(
    ("class_embedding", "differ"), [("add", True), ("multiply", True), ("none", False)]
)
def test_a_ring_and_the_ball_in_it_get_two_masks_by_their_classes(class_embedding, differ):
    model = make_model(class_embedding=class_embedding)
    centers = {
        types.CENTER_LEVELS: tf.constant([[4, 4]]),
        types.CENTER_INDICES: tf.constant([[[2, 3], [2, 3]]]),
        types.SLOT_CLASS_IDS: tf.constant([[0, 2]]),
    }
    ring, ball = np.moveaxis(model(IMAGES[:1], centers=centers)[types.MASK_LOGITS][0], -1, 0)
    # The table starts small: untrained, classes differ by some percent, and without it by nothing.
    assert (np.abs(ring - ball).max() > 0.01 * np.abs(ring).max()) == differ
    if not differ:
        np.testing.assert_array_equal(ring, ball)


def test_empty_slots_and_their_order_change_no_mask(model):
    expected = apply(model, (IMAGES, CENTERS), False)[types.MASK_LOGITS]
    order = [5, 3, 1, 0, 2, 4]
    reordered = {key: tf.gather(x, order, axis=1) for key, x in CENTERS.items()}
    masks = apply(model, (IMAGES, reordered), False)[types.MASK_LOGITS]
    assert_close(masks, tf.gather(expected, order, axis=-1))


def test_every_cell_starts_with_a_score_of_a_hundredth():
    outputs = make_model(width=32)(IMAGES)
    for logits in outputs[types.CENTER_HEATMAP_LOGITS].values():
        np.testing.assert_allclose(tf.sigmoid(logits), 0.01, atol=0.005)


def _local_maxima(logits):
    """(score, level, y, x, class), highest first, where no cell of the 3x3 round it is higher."""
    peaks = []
    for level, x in logits.items():
        height, width, num_classes = x.shape
        for row, column, class_id in np.ndindex(height, width, num_classes):
            near = x[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2, class_id]
            value = float(x[row, column, class_id])
            if value >= near.max():
                score = 1 / (1 + np.exp(-value))
                peaks.append((score, level, row, column, class_id))
    return sorted(peaks, reverse=True)
