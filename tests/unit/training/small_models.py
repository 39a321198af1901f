"""Small networks, and runs with their weights, for tests of warm starts."""

import tensorflow as tf

from maskconver_tf.datasets.categories import Categories
from maskconver_tf.models.backbones.resnet import resnet
from maskconver_tf.models.build_network import build_network
from maskconver_tf.models.maskconver import MaskConver
from maskconver_tf.models.pixel_decoders.convnext_unet import ConvNeXtUNet
from maskconver_tf.training.run_files.run_folder import RunFolder


def classes(*names):
    entries = [{"id": i + 1, "name": name, "isthing": 1} for i, name in enumerate(names)]
    return Categories.from_coco(entries, "test")


def make(num_classes=2, backbone=None, repeats=(1, 1), width=8, **settings):
    return MaskConver(
        num_classes,
        backbone or resnet(10, width_multiplier=1 / 16),
        ConvNeXtUNet(repeats, [8] * len(repeats), kernel_size=3),
        center_levels=(4, 5),
        mask_level=3,
        width=width,
        hidden=8,
        head_repeats=1,
        head_kernel_size=3,
        **settings,
    )


def network(*args, **kwargs):
    return build_network(make(*args, **kwargs), (32, 32))


def run_of(model, categories, path):
    """Makes a run's folder with a checkpoint of the model."""
    folder = RunFolder(path)
    folder.create_or_check(categories)
    checkpoint = tf.train.Checkpoint(model=model, optimizer=tf.Variable(1.0))
    tf.train.CheckpointManager(checkpoint, str(folder.checkpoints), 1).save()
    return folder
