"""What goes into a record comes out of it inside `tf.data`, whole or one window of it."""

import io
import json

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from maskconver_tf import types
from maskconver_tf.datasets.records import codec
from maskconver_tf.input import transforms
from tests.unit.datasets.records.small_records import MAP, encode_pixels, make_record

HEIGHT, WIDTH = 100, 133


def _read_back(*written):
    serialized = tf.data.Dataset.from_tensor_slices([codec.encode(r) for r in written])
    return list(serialized.map(codec.parse).map(codec.decode).as_numpy_iterator())


def test_every_field_comes_back_in_a_data_pipeline():
    [example] = _read_back(make_record())
    np.testing.assert_array_equal(example[types.IMAGE].ravel(), np.arange(36))
    np.testing.assert_array_equal(example[types.SEGMENT_MAP], MAP)
    assert example[types.SEGMENT_IDS].tolist() == [2**24 - 1, 7, 1_000_000]
    assert example[types.SEGMENT_CLASS_IDS].tolist() == [1, 0, 1]
    assert example[types.SEGMENT_IS_CROWD].tolist() == [False, False, True]
    assert example[types.IMAGE_ID] == b"42"
    assert example[types.FILE_NAME].decode() == "night/été.png"
    assert example[types.IMAGE_SIZE].tolist() == [3, 4]
    dtypes = {
        field: value.dtype for field, value in example.items() if isinstance(value, np.ndarray)
    }
    assert dtypes == {
        types.IMAGE: np.uint8,
        types.IMAGE_SIZE: np.int32,
        types.SEGMENT_MAP: np.int32,
        types.SEGMENT_IDS: np.int64,
        types.SEGMENT_CLASS_IDS: np.int32,
        types.SEGMENT_IS_CROWD: np.bool_,
    }


def test_more_segments_than_a_byte_counts_and_none_at_all():
    crowded = np.arange(1, 1001, dtype=np.uint16).reshape(20, 50) * 65
    lists = {"segment_ids": np.arange(65_000), "segment_class_ids": np.zeros(65_000, int)}
    many, void = _read_back(
        make_record(segment_map=crowded, segment_is_crowd=[False] * 65_000, **lists),
        make_record(segment_map=MAP * 0, segment_ids=[], segment_class_ids=[], segment_is_crowd=[]),
    )
    np.testing.assert_array_equal(many[types.SEGMENT_MAP], crowded)
    assert many[types.SEGMENT_IDS][-1] == 64_999
    assert void[types.SEGMENT_IDS].shape == (0,) and not void[types.SEGMENT_MAP].any()
    assert codec.truth_segments(void) == []


def test_a_map_that_would_wrap_is_refused():
    with pytest.raises(TypeError, match="uint8; expected uint16"):
        codec.encode(make_record(segment_map=MAP.astype(np.uint8)))


def test_image_ids_are_json_text():
    number, text = _read_back(make_record(image_id=1), make_record(image_id="été_1"))
    assert json.loads(number[types.IMAGE_ID]) == 1
    assert json.loads(text[types.IMAGE_ID]) == "été_1"


@pytest.mark.parametrize("subsampling", [0, 2], ids=["4:4:4", "4:2:0"])
def test_jpeg_decodes_to_what_other_programs_see(subsampling):
    pixels = np.random.default_rng(0).integers(0, 256, [24, 40, 3], np.uint8)
    jpeg = encode_pixels(pixels, "JPEG", quality=80, subsampling=subsampling)
    [example] = _read_back(make_record(image_bytes=jpeg))
    seen = np.asarray(Image.open(io.BytesIO(jpeg)))
    np.testing.assert_array_equal(example[types.IMAGE], seen)


def test_grayscale_jpeg_decodes_to_rgb():
    gray = np.arange(96, dtype=np.uint8).reshape(8, 12)
    [example] = _read_back(make_record(image_bytes=encode_pixels(gray, "JPEG", quality=100)))
    assert example[types.IMAGE].shape == (8, 12, 3)
    assert np.ptp(example[types.IMAGE].astype(int), axis=-1).max() == 0


def test_the_same_record_gives_the_same_bytes():
    assert codec.encode(make_record()) == codec.encode(make_record())


def test_truth_segments_have_ids_areas_and_boxes_of_the_map():
    [example] = _read_back(make_record())
    assert codec.truth_segments(example) == [
        types.Segment(id=1, class_id=1, area=4, box=(0, 0, 2, 3)),
        types.Segment(id=2, class_id=0, area=4, box=(0, 2, 3, 4)),
        types.Segment(id=3, class_id=1, is_crowd=True, area=1, box=(2, 0, 3, 1)),
    ]


def _parsed(image_format):
    rows, columns = np.indices([HEIGHT, WIDTH])
    waves = np.stack([np.sin(rows / 29), np.cos(columns / 27), np.sin((rows + columns) / 41)], -1)
    encoded = io.BytesIO()
    Image.fromarray((127 + 120 * waves).astype(np.uint8)).save(encoded, image_format)
    segment_map = (rows * WIDTH + columns).astype(np.uint16)
    record = codec.PanopticRecord(
        encoded.getvalue(), 1, "1", HEIGHT, WIDTH, segment_map, [1], [0], [0]
    )
    return codec.parse(codec.encode(record))


@pytest.mark.parametrize("image_format", ["JPEG", "PNG"])
@pytest.mark.parametrize(
    ("begin", "extent"),
    [((0, 0), (HEIGHT, WIDTH)), ((37, 51), (20, 33)), ((99, 132), (1, 1)), ((0, 60), (100, 73))],
)
def test_a_window_equals_that_part_of_the_whole(image_format, begin, extent):
    parsed = _parsed(image_format)
    whole = codec.decode(parsed)
    window = transforms.Window(*map(tf.constant, (begin, extent, extent)))
    image, segment_map = codec.decode_window(parsed, *window)
    (top, left), (height, width) = begin, extent
    part = np.s_[top : top + height, left : left + width]
    expected = whole[types.IMAGE].numpy()[part]
    np.testing.assert_array_equal(image[:, 1:-1], expected[:, 1:-1])
    # JPEG colors are coarse, and a part does not know the colors of the pixels beside it.
    np.testing.assert_allclose(image.numpy().astype(int), expected, atol=12)
    np.testing.assert_array_equal(segment_map, whole[types.SEGMENT_MAP].numpy()[part])
    assert segment_map.dtype == tf.uint16


@pytest.mark.parametrize(
    ("size", "decoded"),
    [((51, 67), (100, 133)), ((50, 66), (50, 67)), ((25, 33), (25, 34)), ((1, 1), (13, 17))],
)
def test_a_jpeg_that_will_shrink_comes_at_least_as_large_as_needed(size, decoded):
    parsed = _parsed("JPEG")
    whole = tf.constant([0, 0]), tf.constant([HEIGHT, WIDTH]), tf.constant(size)
    image, segment_map = codec.decode_window(parsed, *whole)
    assert image.shape[:2] == decoded
    assert segment_map.shape == (HEIGHT, WIDTH)
    found = transforms.resize_image(image, whole[2]).numpy().astype(int)
    expected = transforms.resize_image(codec.decode(parsed)[types.IMAGE], whole[2])
    assert np.abs(found - expected.numpy()).mean() < 4


def test_a_png_and_a_part_never_shrink_while_they_are_decoded():
    for image_format, extent in (("PNG", (HEIGHT, WIDTH)), ("JPEG", (HEIGHT, 80))):
        image, _ = codec.decode_window(
            _parsed(image_format), tf.constant([0, 0]), tf.constant(extent), tf.constant([5, 5])
        )
        assert image.shape[:2] == extent
