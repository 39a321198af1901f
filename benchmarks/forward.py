"""Times the large model's forward pass against a plain composition of the same Keras layers.

    python benchmarks/forward.py --size 640

Both use the same layers and weights. They differ in what this package adds between the layers: how
it upsamples, concatenates and sums levels, and how it selects centers. The plain form uses Keras's
`UpSampling2D` and `MaxPooling2D`, and one `top_k` over all levels and classes. Runs alternate, so
both see the same load of the machine. Processor time, summed over all threads, hardly depends on
that load. --xla compiles both.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf
import tf_keras
from timing import in_turns, summary

from maskconver_tf import types
from maskconver_tf.layers.activation import gelu
from maskconver_tf.layers.convnext_block import ConvNeXtSEBlock
from maskconver_tf.models.backbones.resnet import resnet
from maskconver_tf.models.build_network import build_network
from maskconver_tf.models.heads import LightHead
from maskconver_tf.models.maskconver import MaskConver
from maskconver_tf.models.pixel_decoders.convnext_unet import ConvNeXtUNet
from maskconver_tf.models.pixel_decoders.light_fpn import LightFPN

double = tf_keras.layers.UpSampling2D(2)
peaks_of = tf_keras.layers.MaxPooling2D(3, strides=1, padding="same")


def plain_forward(model: MaskConver, images: tf.Tensor) -> dict[str, tf.Tensor]:
    """The paper's figure from left to right, layer by layer. Image sides are multiples of 128."""
    levels = plain_decoder(model.pixel_decoder, model.backbone(images, training=False))
    levels = plain_pyramid(model.pyramid, levels)
    heatmaps = {k: plain_head(model.center_heatmap_head, x, k) for k, x in levels.items()}
    embeddings = {k: plain_head(model.center_embedding_head, x, k) for k, x in levels.items()}
    total = levels[7]
    for level in (6, 5, 4, 3):
        total = double(total) + levels[level]
    mask_features = plain_head(model.mask_feature_head, double(total), 2)

    count = model.num_proposals
    scores = {k: tf.sigmoid(x) for k, x in sorted(heatmaps.items())}
    peaks = [tf.where(x >= peaks_of(x), x, 0.0) for x in scores.values()]
    joined = tf.concat([tf.reshape(x, [len(images), -1]) for x in peaks], axis=1)
    best, index = tf.math.top_k(joined, count)
    class_ids, cells = index % model.num_classes, index // model.num_classes
    flat = [tf.reshape(x, [len(images), -1, x.shape[-1]]) for _, x in sorted(embeddings.items())]
    chosen = tf.gather(tf.concat(flat, axis=1), cells, batch_dims=1)
    generator = model.mask_embedding_generator
    x = chosen + tf.gather(generator.class_embedding_table, class_ids)
    x = tf.nn.relu(generator.norm(generator.hidden(x)))
    return {
        types.PROPOSAL_SCORES: best,
        types.MASK_EMBEDDINGS: generator.output_dense(x),
        types.MASK_FEATURES: mask_features,
    }


def plain_decoder(unet: ConvNeXtUNet, features: dict[int, tf.Tensor]) -> dict[int, tf.Tensor]:
    pyramid = {}
    for level in (5, 4, 3):
        x = unet.laterals[str(level)](features[level])
        if level < 5:
            x += double(unet.climbs[str(level)](pyramid[level + 1]))
        for block in unet.stacks[str(level)]:
            x = plain_block(block, x)
        pyramid[level] = x
    return pyramid


def plain_block(block: ConvNeXtSEBlock, inputs: tf.Tensor) -> tf.Tensor:
    x = gelu(block.expand(block.norm(block.depthwise(inputs))))
    return inputs + block.contract(block.squeeze_excite(x)) * block.gamma


def plain_pyramid(fpn: LightFPN, features: dict[int, tf.Tensor]) -> dict[int, tf.Tensor]:
    merged = {5: fpn.laterals["5"](features[5])}
    for level in (4, 3):
        lateral = fpn.laterals[str(level)](features[level])
        merged[level] = tf.concat([lateral, double(merged[level + 1])], axis=-1)
    pyramid = {k: fpn.mixers[str(k)](x) for k, x in merged.items()}
    for level in (6, 7):
        pyramid[level] = fpn.reducers[str(level)](pyramid[level - 1])
    return {k: fpn.norms[str(k)](x) for k, x in pyramid.items()}


def plain_head(head: LightHead, x: tf.Tensor, level: int) -> tf.Tensor:
    for unit in head.units:
        x = tf.nn.relu(unit.spatial_norms[str(level)](unit.depthwise(x)))
        x = tf.nn.relu(unit.channel_norms[str(level)](unit.pointwise(x)))
    return head.output_conv(x)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--size", type=int, default=640, help="side of the input in pixels, a multiple of 128"
    )
    parser.add_argument("--runs", type=int, default=20, help="timed runs of each form")
    parser.add_argument("--xla", action="store_true", help="compile both with XLA")
    args = parser.parse_args()

    size = (args.size, args.size)
    tf_keras.utils.set_random_seed(0)
    model = build_network(MaskConver(133, resnet(50), ConvNeXtUNet(), LightFPN()), size)
    pixels = np.random.default_rng(0).integers(0, 256, [1, *size, 3], dtype=np.uint8)
    images = tf.constant(pixels)
    compiled = {"jit_compile": args.xla or None, "autograph": False}
    ours = tf.function(lambda: model(images, training=False), **compiled)
    plain = tf.function(lambda: plain_forward(model, images), **compiled)
    found, expected = ours(), plain()
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-3, atol=1e-3, err_msg=name)

    rows = [summary(times) for times in in_turns([ours, plain], args.runs)]
    print(f"| {args.size} px, batch 1 | median | fastest | processor time, median | least |")
    print("|---|---|---|---|---|")
    for name, row in zip(("MaskConver", "plain composition"), rows, strict=True):
        print(f"| {name} | " + " | ".join(f"{value:.2f} s" for value in row) + " |")
    ratios = (mine / other for mine, other in zip(*rows, strict=True))
    print("| ratio | " + " | ".join(f"{ratio:.3f}" for ratio in ratios) + " |")


if __name__ == "__main__":
    main()
