"""Channel mappings: worked values, types of numbers, and mistakes."""

import json

import numpy as np
import pytest

from maskconver_tf.errors import UserError
from maskconver_tf.files.channels.channel_mapping import (
    ChannelMapping,
    parse_channels,
    parse_percentiles,
)
from maskconver_tf.files.channels.dataset_limits import with_limits

WHOLE_RANGE = (0, 100)


def plane(*values):
    return np.array(values).reshape(1, -1, 1)


def test_twelve_bits_in_sixteen_get_the_whole_range():
    pixels = np.array([0, 1024, 2048, 4095], np.uint16).reshape(2, 2, 1)
    mapped = ChannelMapping((0,), WHOLE_RANGE).apply(pixels)
    assert mapped.dtype == np.uint8
    np.testing.assert_array_equal(mapped[..., 0], [[0, 64], [128, 255]])
    np.testing.assert_array_equal(mapped[..., 0], mapped[..., 2])


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [
        (plane(-1.0, 0.0, 1.0), [0, 128, 255]),
        (plane(np.nan, 0.0, np.inf, 2.0, -np.inf), [0, 0, 255, 255, 0]),
        (plane(-300, 0, 300).astype(np.int16), [0, 128, 255]),
        (plane(7, 7, 7), [0, 0, 0]),
        (plane(np.nan, np.nan), [0, 0]),
        (plane(False, True), [0, 255]),
        (plane(0, 2**32 - 1).astype(np.uint32), [0, 255]),
    ],
)
def test_any_type_of_number(pixels, expected):
    mapped = ChannelMapping((0,), WHOLE_RANGE).apply(pixels)
    np.testing.assert_array_equal(mapped[0, :, 0], expected)


def test_each_channel_has_a_range_of_its_own():
    pixels = np.dstack([np.arange(4) * 10, np.arange(4), 5 - np.arange(4)])[0][None]
    mapped = ChannelMapping((2, 0, 1), WHOLE_RANGE).apply(pixels)
    np.testing.assert_array_equal(
        mapped[0], [[255, 0, 0], [170, 85, 85], [85, 170, 170], [0, 255, 255]]
    )


@pytest.mark.parametrize(
    ("count", "channels", "expected"),
    [
        (1, (), [0, 0, 0]),
        (2, (), [0, 0, 0]),
        (3, (), [0, 1, 2]),
        (5, (), [0, 1, 2]),
        (5, (4,), [4, 4, 4]),
        (5, (4, 1), [4, 1, None]),
    ],
)
def test_which_channels_become_red_green_and_blue(count, channels, expected):
    pixels = np.zeros((2, count, count), np.uint8)
    pixels[0, range(count), range(count)] = 200
    mapped = ChannelMapping(channels, WHOLE_RANGE).apply(pixels)
    for color, source in enumerate(expected):
        bright = np.flatnonzero(mapped[0, :, color]).tolist()
        assert bright == ([] if source is None else [source])


def test_percentiles_cut_outliers():
    values = np.append(np.arange(999), 60_000).astype(np.uint16).reshape(1, -1, 1)
    mapped = ChannelMapping((0,), (0, 99)).apply(values)[0, :, 0]
    assert mapped[-1] == 255
    assert mapped[495] == pytest.approx(127.5, abs=1)


def test_without_percentiles_a_type_has_its_whole_range():
    mapping = ChannelMapping((0,), None)
    np.testing.assert_array_equal(mapping.apply(plane(3, 250).astype(np.uint8))[0, :, 0], [3, 250])
    deep = plane(0, 257, 65_535).astype(np.uint16)
    np.testing.assert_array_equal(mapping.apply(deep)[0, :, 0], [0, 1, 255])
    np.testing.assert_array_equal(mapping.apply(plane(False, True))[0, :, 0], [0, 255])
    for pixels in (plane(0.5), plane(-3).astype(np.int16)):
        with pytest.raises(ValueError, match="no known range"):
            mapping.apply(pixels)


def test_a_channel_that_is_not_there():
    with pytest.raises(ValueError, match=r"2 channels.*channel 4"):
        ChannelMapping((0, 4)).apply(np.zeros((2, 2, 2)))


def test_limits_of_a_dataset_are_those_of_all_pictures():
    pictures = [np.full((4, 4, 2), value, np.uint16) for value in (100, 200, 300)]
    mapping = with_limits(ChannelMapping((1,), WHOLE_RANGE), pictures)
    assert mapping.limits == ((100.0, 300.0),)
    found = [mapping.apply(picture)[0, 0, 0] for picture in pictures]
    assert found == pytest.approx([0, 127.5, 255], abs=1)
    with pytest.raises(ValueError, match="no picture"):
        with_limits(ChannelMapping(), [])
    with pytest.raises(ValueError, match="one channel and others three"):
        with_limits(ChannelMapping(), [np.zeros((2, 2, 1)), np.zeros((2, 2, 3))])


@pytest.mark.parametrize(
    "mapping",
    [
        ChannelMapping(),
        ChannelMapping((2, 1, 0), None),
        ChannelMapping((3,), (1, 99.5), ((0.5, 7.0),)),
    ],
)
def test_a_mapping_survives_its_file(mapping):
    content = json.loads(json.dumps(mapping.to_json()))
    assert ChannelMapping.from_json(content, "here") == mapping


@pytest.mark.parametrize(
    "content",
    [
        None,
        3,
        {},
        {"channels": [0], "percentiles": [1, 2]},
        {"channels": ["0"], "percentiles": None, "limits": None},
        {"channels": [-1], "percentiles": None, "limits": None},
        {"channels": [0], "percentiles": [1], "limits": None},
        {"channels": [0], "percentiles": None, "limits": [[0, "x"]]},
    ],
)
def test_a_damaged_mapping_is_named(content):
    with pytest.raises(UserError, match="here: found pictures"):
        ChannelMapping.from_json(content, "here")


@pytest.mark.parametrize("text", ["", "a", "1,2,3,4", "-1", "1.5", "1,,2", "99999"])
def test_wrong_channels_are_refused(text):
    with pytest.raises(UserError, match="--channels"):
        parse_channels(text)
    assert parse_channels(" 2, 1,0 ") == (2, 1, 0)


@pytest.mark.parametrize(
    "text", ["", "a,b", "5", "9,1", "1,1", "-1,5", "0,100.1", "nan,5", "1,2,3"]
)
def test_wrong_percentiles_are_refused(text):
    with pytest.raises(UserError, match="--percentiles"):
        parse_percentiles(text)
    assert parse_percentiles("0.1, 99.9") == (0.1, 99.9)
    assert parse_percentiles("None") is None
