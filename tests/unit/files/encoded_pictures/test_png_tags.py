"""A PNG of one pixel has the tags of another PNG, which is not decoded."""

import io

import pytest
from PIL import Image, PngImagePlugin

from maskconver_tf.files.encoded_pictures.png_tags import only_tags


def encoded_with(text):
    tags = PngImagePlugin.PngInfo()
    tags.add_text("Comment", text, zip=True)
    tags.add_itxt("XML:com.adobe.xmp", '<x tiff:Orientation="6"/>')
    file = io.BytesIO()
    Image.new("L", (40, 30), 9).save(file, "PNG", pnginfo=tags)
    return file.getvalue()


def test_tags_are_kept_and_pixels_are_not():
    picture = Image.open(io.BytesIO(only_tags(encoded_with("sunny"))))
    picture.load()
    assert (picture.size, picture.text["Comment"]) == ((1, 1), "sunny")
    assert picture.getexif()[0x112] == 6


@pytest.mark.parametrize("missing", [1, 12, 40])
def test_the_end_may_be_missing(missing):
    found = Image.open(io.BytesIO(only_tags(encoded_with("a")[:-missing])))
    assert found.getexif()[0x112] == 6
