"""Pages of other sites: which of them may call the server (Fetch Standard, "CORS protocol")."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response

from maskconver_tf.serving.refusals import Refusal

_EXPOSED = "Inference-Header-Content-Length, Retry-After, X-Model-Version, X-Request-ID"
_MAX_AGE = "600"
_METHODS = "GET, POST"


class CrossOrigin:
    """Refuses requests of pages of other sites, unless their origin is named.

    Args:
      origins: origins of pages, such as "https://example.org".
    """

    def __init__(self, origins: Sequence[str]):
        self._origins = frozenset(origins)

    def check(self, method: str, headers: Headers, is_page: bool) -> None:
        """Refuses what a page of another site sends.

        Args:
          method: the method of the request.
          headers: its headers.
          is_page: whether the address is a file of our page; a link to it may be anywhere.

        Raises:
          Refusal: 403.
        """
        if headers.get("origin") in self._origins:
            return
        is_link = is_page and method == "GET" and headers.get("sec-fetch-mode") == "navigate"
        is_foreign = headers.get("sec-fetch-site") == "cross-site" and not is_link
        if is_foreign or (self._origins and _is_preflight(method, headers)):
            raise Refusal(403, "Pages of other sites may not call this server", "cross_site")

    def preflight(self, method: str, headers: Headers) -> Response | None:
        """Answers the question that browsers ask before a request of an allowed origin."""
        if headers.get("origin") not in self._origins or not _is_preflight(method, headers):
            return None
        answer = {"Access-Control-Allow-Methods": _METHODS, "Access-Control-Max-Age": _MAX_AGE}
        if asked := headers.get("access-control-request-headers"):
            answer["Access-Control-Allow-Headers"] = asked
        if "access-control-request-private-network" in headers:
            answer["Access-Control-Allow-Private-Network"] = "true"
        return Response(status_code=200, headers=answer)

    def mark(self, origin: str | None, answer: MutableHeaders) -> None:
        """Lets the page of an allowed origin read an answer, also a refusal."""
        if not self._origins:
            return
        answer["Vary"] = ", ".join([*answer.getlist("Vary"), "Origin"])
        if origin in self._origins:
            answer["Access-Control-Allow-Origin"] = origin
            answer["Access-Control-Expose-Headers"] = _EXPOSED


def _is_preflight(method: str, headers: Headers) -> bool:
    return (
        method == "OPTIONS" and "origin" in headers and "access-control-request-method" in headers
    )
