"""A headless Chromium for the tests of the page."""

from __future__ import annotations

import contextlib
import functools
import http.server
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, sync_playwright

PAGE = Path(__file__).parents[3] / "maskconver_tf/serving/page"


_OPTIONS = [
    "--no-sandbox",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]
"""The camera is a moving test picture, which a page may use without a question."""


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Starts Debian's Chromium, or that of Playwright; skips the test where none is installed."""
    own = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=own, args=_OPTIONS)
        except Error as error:
            pytest.skip(f"no Chromium starts here: {str(error).splitlines()[0]}")
        yield browser
        browser.close()


@contextlib.contextmanager
def static_page() -> Iterator[str]:
    """Serves the page's files, without a model; its address."""
    handler = functools.partial(_Quiet, directory=PAGE)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass
