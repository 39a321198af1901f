"""Masks are dot products of pixels and segments."""

import tensorflow as tf

from maskconver_tf.ops.masks import mask_logits


def test_dot_products_of_every_pixel_with_every_embedding():
    features = tf.constant([[[[1.0, 0.0], [2.0, -1.0], [0.0, 3.0]]]])  # [1, 1, 3, 2]
    embeddings = tf.constant([[[1.0, 1.0], [0.0, -2.0]]])  # [1, 2, 2]
    logits = mask_logits(features, embeddings)
    assert logits.numpy().tolist() == [[[[1.0, 0.0], [1.0, 2.0], [3.0, -6.0]]]]


def test_pictures_do_not_mix():
    features = tf.constant([1.0, 10.0], shape=[2, 1, 1, 1])
    embeddings = tf.constant([2.0, 3.0], shape=[2, 1, 1])
    assert tf.squeeze(mask_logits(features, embeddings)).numpy().tolist() == [2.0, 30.0]


def test_bfloat16_is_summed_in_float32():
    ones = tf.ones([1, 1, 1, 257], tf.bfloat16)
    logits = mask_logits(ones, ones[0])
    assert logits.dtype == tf.float32
    assert logits.numpy().item() == 257.0  # bfloat16 would round it to 256.
