"""`Accept` chooses the form of an answer."""

from __future__ import annotations

import pytest

from maskconver_tf.serving.refusals import Refusal
from maskconver_tf.serving.routes.segment import FORMS, JPEG_DRAWING, JSON, PNG, PNG_DRAWING
from maskconver_tf.serving.web.accept import choose_form


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        ("image/*", PNG),
        ("image/png", PNG),
        ("IMAGE/PNG", PNG),
        ("image/jpeg", JPEG_DRAWING),
        ("image/png;profile=drawing", PNG_DRAWING),
        ('image/png; profile="drawing"', PNG_DRAWING),
        ("image/png;q=0.5, application/json", JSON),
        ("image/png, application/json;q=0.5", PNG),
        ("text/html, */*;q=0.1", JSON),
        ("application/json;q=0, */*", PNG),
        ("image/avif,image/webp,image/png;q=0.8,*/*;q=0.5", PNG),
    ],
)
def test_the_form_that_the_client_likes_best(accept, form):
    assert choose_form(accept, FORMS) == form


@pytest.mark.parametrize(
    "accept", ["text/html", "image/png;q=0", "image/png;q=x", "a", ";;", "*/*;q=0"]
)
def test_nothing_that_the_client_takes(accept):
    with pytest.raises(Refusal) as caught:
        choose_form(accept, FORMS)
    assert caught.value.status == 406 and JSON in caught.value.sentence
