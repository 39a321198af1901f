"""Values of options: sizes, counts and folders."""

from __future__ import annotations

import pytest

from maskconver_tf.cli.arguments import folder_name, input_size, positive_count
from maskconver_tf.errors import UserError


@pytest.mark.parametrize(
    ("text", "size"), [("640,480", (640, 480)), (" 32 , 64 ", (32, 64)), ("096,1216", (96, 1216))]
)
def test_a_size_is_height_and_width(text, size):
    assert input_size(text) == size


@pytest.mark.parametrize(
    ("text", "advice"),
    [
        ("640", "as H,W; write --input_size 640,640 for height 640 and width 640"),
        ("650", "as H,W; write --input_size 640,640 for height 640 and width 640"),
        ("640x480", "as H,W; write --input_size 640,480 for height 640 and width 480"),
        ("640 480", "as H,W; write --input_size 640,480 for height 640 and width 480"),
        ("(640, 480)", "as H,W; write --input_size 640,480 for height 640 and width 480"),
        ("", "such as 640,640"),
        ("large", "such as 640,640"),
        ("-640,480", "such as 640,640"),
        ("640.5,480", "such as 640,640"),
        ("640,480,3", "such as 640,640"),
        ("9" * 5000, "such as 640,640"),
        ("0,32", "two positive multiples of 32, such as 640,640"),
    ],
)
def test_what_is_no_size_is_answered_with_the_right_form(text, advice):
    with pytest.raises(UserError) as caught:
        input_size(text)
    assert str(caught.value) == f"--input_size {text}: expected height and width, {advice}"


@pytest.mark.parametrize(
    ("text", "nearest"),
    [("640,650", "640,640"), ("1,47", "32,32"), ("49,79", "64,64"), ("640,1215", "640,1216")],
)
def test_a_size_that_is_no_multiple_of_32_is_answered_with_the_nearest(text, nearest):
    with pytest.raises(UserError) as caught:
        input_size(text)
    message = f"expected height and width in multiples of 32; the nearest size is {nearest}"
    assert str(caught.value) == f"--input_size {text}: {message}"
    assert input_size(nearest)


@pytest.mark.parametrize("text", ["1", "300000", "+3"])
def test_a_count_is_a_whole_number_from_1(text):
    assert positive_count("--n")(text) == int(text)


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "1e3", "many", "", "9" * 5000])
def test_anything_else_is_no_count(text):
    with pytest.raises(UserError) as caught:
        positive_count("--n")(text)
    assert str(caught.value).startswith(f"--n {text}: expected a whole number from 1 to 2147483647")


def test_a_folder_has_a_name():
    assert folder_name("--d")(" a b ") == " a b "
    for text in ("", "  "):
        with pytest.raises(UserError, match="--d is empty; expected a folder, such as data/train"):
            folder_name("--d")(text)
