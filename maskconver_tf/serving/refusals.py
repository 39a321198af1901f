"""The refusal of a request: a status, one sentence, and a label for the metrics."""

from __future__ import annotations

import math


class Refusal(Exception):
    """A request that the server does not answer.

    The sentence names the part of the request and the way out. It never has a path of this machine
    or content of the request that could be a path.

    Attributes:
      status: HTTP status, 400..599.
      sentence: one sentence for the client.
      reason: label of the metric `maskconver_refused_total`, such as "queue_full".
      retry_after: seconds after which the client may try again, or None.
      headers: further headers of the answer.
    """

    def __init__(
        self,
        status: int,
        sentence: str,
        reason: str,
        retry_after: float | None = None,
        headers: dict[str, str] | None = None,
    ):
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.reason = reason
        self.retry_after = retry_after
        self.headers = dict(headers or {})
        if retry_after is not None:
            self.headers["Retry-After"] = str(max(1, math.ceil(retry_after)))


def bad_request(sentence: str, reason: str = "bad_request") -> Refusal:
    """The refusal of a request whose content is wrong."""
    return Refusal(400, sentence, reason)


def stopping() -> Refusal:
    """The refusal of a request that came too late, or takes too long, for a server that ends."""
    return Refusal(503, "The server is stopping; try again", "stopping", retry_after=1.0)
