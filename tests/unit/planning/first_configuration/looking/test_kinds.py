"""Gray pictures, photographs and others are told apart."""

import io

import numpy as np
import pytest
from PIL import Image

from maskconver_tf.planning.first_configuration.looking.kinds import (
    is_gray,
    looks_like_photograph,
    spectral_slope,
)


def colored_noise(slope: float, side: int = 128, seed: int = 0) -> np.ndarray:
    """Gray noise whose power falls with frequency to the power of `slope`; 0..255."""
    white = np.fft.fft2(np.random.default_rng(seed).normal(size=(side, side)))
    radius = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side))
    radius[0, 0] = 1
    noise = np.fft.ifft2(white / radius ** (slope / 2)).real
    return (noise - noise.min()) / np.ptp(noise) * 255


def encode(pixels: np.ndarray, kind: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, quality=85)
    return file.getvalue()


def tinted(gray: np.ndarray, saturation: float = 0.2) -> np.ndarray:
    channels = gray[..., None] * np.array([1, 1 - saturation / 2, 1 - saturation])
    return channels.astype(np.uint8)


def repeated(gray: np.ndarray) -> np.ndarray:
    return np.repeat(gray[..., None], 3, axis=2).astype(np.uint8)


@pytest.mark.parametrize("slope", [1.0, 2.0, 4.0])
def test_the_slope_of_made_noise_is_found(slope):
    assert spectral_slope(colored_noise(slope)) == pytest.approx(slope, abs=0.35)


@pytest.mark.parametrize("shape", [(4, 4), (1, 200), (32, 32)])
def test_flat_and_tiny_pictures_have_no_slope(shape):
    assert spectral_slope(np.full(shape, 7.0)) == 0


def test_a_gray_picture_in_three_channels_is_gray_even_after_jpeg():
    gray = repeated(colored_noise(2))
    again = np.asarray(Image.open(io.BytesIO(encode(gray, "JPEG"))))
    assert is_gray(gray) and is_gray(again)
    assert not is_gray(tinted(colored_noise(2)))


@pytest.mark.parametrize("channels", [tinted, repeated])
def test_photographs_fall_like_the_square_of_frequency(channels):
    natural, blurred, sharp = (channels(colored_noise(slope)) for slope in (2.3, 4.2, 1.0))
    assert looks_like_photograph(natural, encode(natural, "PNG"))
    assert not looks_like_photograph(blurred, encode(blurred, "PNG"))
    assert not looks_like_photograph(sharp, encode(sharp, "PNG"))


def test_vivid_colors_are_of_drawings():
    vivid = tinted(colored_noise(2.3), saturation=1.0)
    assert not looks_like_photograph(vivid, encode(vivid, "PNG"))


def test_a_jpeg_in_color_is_a_photograph_and_a_gray_one_is_measured():
    blurred = colored_noise(4.2)
    assert looks_like_photograph(tinted(blurred), encode(tinted(blurred), "JPEG"))
    for slope, expected in ((2.3, True), (4.2, False)):
        gray = repeated(colored_noise(slope))
        assert looks_like_photograph(gray, encode(gray, "JPEG")) == expected
