"""Arrays of odd sizes: the graphs of an export answer them or say what is wrong."""

import numpy as np
import pytest
import tensorflow as tf

from maskconver_tf import types
from maskconver_tf.datasets.categories import Categories
from maskconver_tf.export.served_model import batches
from maskconver_tf.inference import signatures
from maskconver_tf.input.transforms import fit_image


class _Segmenter:
    """Stands for a segmenter whose network takes the mean of each picture."""

    input_size = (8, 12)
    categories = Categories.from_coco([{"id": 9, "name": "road", "isthing": 0}], "here")

    def propose_in_graph(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"mean": tf.reduce_mean(tf.cast(images, tf.float32), axis=[1, 2, 3])}

    def segment_one(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
        fit_image(image, self.input_size)
        names = [*signatures.FIELDS, types.SEGMENT_CLASS_IDS]
        fields = {name: tf.zeros([0], tf.int32) for name in names}
        return fields | {types.PANOPTIC_MAP: tf.zeros(tf.shape(image)[:2], tf.int32)}


@pytest.fixture(scope="module")
def call():
    """`call(array)`: `segment_image` for `[h, w, 3]`, `raw_heads` for `[B, h, w, 3]`."""

    def graph(method, rank: int):
        spec = tf.TensorSpec([None] * (rank - 1) + [3], tf.uint8)
        return tf.function(
            lambda images: method(_Segmenter(), images), input_signature=[spec], autograph=False
        )

    graphs = {3: graph(batches.segment_image, 3), 4: graph(batches.raw_heads, 4)}
    return lambda array: graphs[array.ndim](tf.constant(array))


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (0, 0)])
@pytest.mark.parametrize("batch", [(), (1,), (3,)])
def test_a_picture_without_pixels_is_one_clear_message(call, batch, size):
    found = f"at least 1 pixel, found. \\[{size[0]} {size[1]}\\]"
    with pytest.raises(tf.errors.InvalidArgumentError, match=found):
        call(np.zeros([*batch, *size, 3], np.uint8))


@pytest.mark.parametrize("size", [(1, 1), (1, 200), (200, 1)])
@pytest.mark.parametrize("batch", [(), (2,)])
def test_a_row_or_a_column_of_pixels_is_a_picture(call, batch, size):
    fields = call(np.full([*batch, *size, 3], 7, np.uint8))
    if batch:
        assert fields["mean"].shape == batch and np.all(fields["mean"] > 0)
    else:
        assert fields[signatures.PANOPTIC_MAP].shape == size


@pytest.mark.parametrize("size", [(6, 5), (0, 5), (5, 0), (0, 0)])
def test_an_empty_batch_of_any_size_is_answered_by_empty_fields(call, size):
    fields = call(np.zeros([0, *size, 3], np.uint8))
    assert [len(value) for value in fields.values()] == [0, 0]
