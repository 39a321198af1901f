import numpy as np
import pytest
import tensorflow as tf
from official.vision.configs import image_classification
from official.vision.modeling import classification_model
from official.vision.modeling.backbones import mobilenet as garden_mobilenet
from official.vision.modeling.backbones import resnet as garden_resnet

from maskconver_tf.errors import UserError
from maskconver_tf.models.backbones.backbone import random_weights
from maskconver_tf.models.backbones.mobilenet import mobilenet
from maskconver_tf.models.backbones.resnet import resnet
from tests.unit.layers.check_layer import assert_close, shake

IMAGES = tf.cast(tf.random.stateless_uniform([1, 64, 64, 3], [1, 2], 0, 256, tf.int32), tf.uint8)


def _classifier_checkpoint(backbone, folder) -> str:
    """As the Model Garden's trainer writes it: the model, and its parts by name."""
    model = classification_model.ClassificationModel(backbone, num_classes=5)
    shake(backbone)
    checkpoint = tf.train.Checkpoint(
        model=model, global_step=tf.Variable(7, dtype=tf.int64), **model.checkpoint_items
    )
    return tf.train.CheckpointManager(checkpoint, folder, max_to_keep=1).save()


def _normalised(images):
    mean, std = np.array([0.485, 0.456, 0.406]) * 255, np.array([0.229, 0.224, 0.225]) * 255
    return ((tf.cast(images, tf.float32) - mean) / std).numpy().astype(np.float32)


def test_a_classifier_s_checkpoint_fills_a_resnet(tmp_path):
    recipe = image_classification.image_classification_imagenet().task.model.norm_activation
    own = garden_resnet.ResNet(10, depth_multiplier=1 / 16, norm_epsilon=recipe.norm_epsilon)
    file = _classifier_checkpoint(own, str(tmp_path))
    expected = own(_normalised(IMAGES))
    for given in (file, str(tmp_path)):
        features = resnet(10, 1 / 16, weights=given, norm_epsilon=recipe.norm_epsilon)(IMAGES)
        assert_close(features, {level: expected[str(level)] for level in range(2, 6)})


def test_a_classifier_s_checkpoint_fills_a_mobilenet_before_it_is_cut(tmp_path):
    own = garden_mobilenet.MobileNet("MobileNetMultiAVGSeg", filter_size_scale=0.25)
    file = _classifier_checkpoint(own, str(tmp_path))
    features = mobilenet("MobileNetMultiAVGSeg", 0.25, weights=file)(IMAGES)
    expected = own(_normalised(IMAGES))
    assert_close(features, {k: expected[key] for k, key in zip(range(2, 6), "2346")})


def _unreachable(path):
    raise tf.errors.AbortedError(None, None, "no route\n\t to host")


def test_a_wrong_checkpoint_is_one_message(monkeypatch, tmp_path):
    own = garden_resnet.ResNet(10, depth_multiplier=1 / 16)
    file = _classifier_checkpoint(own, str(tmp_path))
    with pytest.raises(UserError, match=r"resnet.weights = .*does not hold this network.*depth"):
        resnet(10, width_multiplier=1 / 8, weights=file)
    with pytest.raises(UserError, match=r"resnet.weights = .*nowhere.*no checkpoint is there"):
        resnet(10, weights=str(tmp_path / "nowhere"))
    unreachable = r"gs://bucket/x.index: cannot be read \(no route to host\); check the address"
    with monkeypatch.context() as patch, pytest.raises(UserError, match=unreachable):
        patch.setattr(tf.io.gfile, "exists", _unreachable)
        resnet(10, weights="gs://bucket/x.index")
    with random_weights():
        resnet(10, weights=str(tmp_path / "nowhere"))
