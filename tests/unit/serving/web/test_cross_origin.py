"""Pages of other sites may call the server only if it names their origin."""

from __future__ import annotations

import json

import pytest

from maskconver_tf.errors import UserError
from maskconver_tf.serving.settings import ServerSettings
from tests.unit.serving.fake_model import picture

ORIGIN = "https://example.org"
TOKEN = "a-secret-of-24-characters"
FOREIGN = {"Origin": ORIGIN, "Sec-Fetch-Site": "cross-site"}
OTHER = FOREIGN | {"Origin": "https://evil.example"}


@pytest.fixture
def named(serve):
    """A server that names the origin, and wants a token."""
    with serve(cors_origins=(ORIGIN,), token=TOKEN) as running:
        yield running


def test_a_page_of_a_named_origin_can_read_answers_and_refusals(named):
    right = {"Authorization": f"Bearer {TOKEN}"}
    for path, body, given, status in (
        ("/segment", picture(), right, 200),
        ("/segment", b"text", right, 415),
        ("/segment", picture(), {}, 401),
        ("/segment", picture(), right | {"Content-Encoding": "gzip"}, 415),
        ("/nothing", b"", right, 404),
    ):
        answer = named.send("POST", path, body, FOREIGN | given)
        assert answer.status == status
        assert answer.headers["access-control-allow-origin"] == ORIGIN
        assert "X-Request-ID" in answer.headers["access-control-expose-headers"]
        assert "Origin" in answer.headers["vary"]


def test_a_browser_may_ask_before_it_sends(named):
    asked = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization",
        "Access-Control-Request-Private-Network": "true",
    }
    answer = named.send("OPTIONS", "/segment", None, FOREIGN | asked)
    assert answer.status == 200 and answer.body == b""
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["access-control-allow-methods"] == "GET, POST"
    assert answer.headers["access-control-allow-headers"] == "authorization"
    assert answer.headers["access-control-allow-private-network"] == "true"
    for origin in (OTHER, {"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-site"}):
        answer = named.send("OPTIONS", "/segment", None, origin | asked)
        assert answer.status == 403 and list(json.loads(answer.body)) == ["error"]
        assert "access-control-allow-origin" not in answer.headers


def test_other_pages_are_refused(named, serve):
    right = {"Authorization": f"Bearer {TOKEN}"}
    assert named.send("POST", "/segment", picture(), OTHER | right).status == 403
    assert named.send("GET", "/", None, OTHER).status == 403


def test_a_link_on_another_site_opens_the_page(serve):
    followed = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    with serve() as running:
        assert running.send("GET", "/", None, followed).status == 200
        assert running.send("GET", "/model", None, followed).status == 403
        assert running.send("POST", "/", b"", followed).status == 403
        assert running.send("GET", "/", None, followed | {"Sec-Fetch-Mode": "cors"}).status == 403


@pytest.mark.parametrize(
    "origin",
    [
        "*",
        "null",
        "example.org",
        "https://example.org/",
        "https://example.org/page",
        "https://Example.org",
        "https://example.org:443",
        "http://example.org:80",
        "ftp://example.org",
        "https://a b",
        "",
    ],
)
def test_an_origin_that_no_browser_sends_is_told(origin):
    with pytest.raises(UserError, match=r"--cors_origin .* such as https://example.org"):
        ServerSettings(cors_origins=(ORIGIN, origin))


@pytest.mark.parametrize("origin", ["http://localhost:3000", "https://[::1]:8443", "http://a-b.c"])
def test_origins_of_browsers_are_taken(origin):
    assert ServerSettings(cors_origins=(origin,)).cors_origins == (origin,)
