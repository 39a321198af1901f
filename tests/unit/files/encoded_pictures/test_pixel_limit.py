"""The value of --max_pixels."""

import pytest

from maskconver_tf.errors import UserError
from maskconver_tf.files.encoded_pictures.pixel_limit import parse_max_pixels


def test_whole_numbers_up_to_what_tensorflow_decodes():
    assert [parse_max_pixels(text) for text in ("1", " 200000000", 536870911)] == [
        1,
        200_000_000,
        536_870_911,
    ]


@pytest.mark.parametrize("text", ["0", "-1", "1e8", "536870912", "", "many", "1_000"])
def test_anything_else_is_refused(text):
    with pytest.raises(UserError, match=f"--max_pixels {text}: expected a whole number from 1 to"):
        parse_max_pixels(text)
