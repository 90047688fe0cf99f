"""Requests that do not say how long they are (`Transfer-Encoding: chunked`), which Django would take for empty."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

MOST = 10 * 1024 * 1024  # bytes read; what is longer than its address takes is refused there

Application = Callable[[dict[str, Any], Any], Iterable[bytes]]


def measured(application: Application) -> Application:
    """`application`, given such a request as if it had said its length. The server has taken its chunks apart (PEP 3333's
    `wsgi.input_terminated`).
    """

    def call(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ.get("HTTP_TRANSFER_ENCODING") and environ.get("wsgi.input_terminated"):
            body = environ["wsgi.input"].read(MOST)
            del environ["HTTP_TRANSFER_ENCODING"]
            environ |= {"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        return application(environ, start_response)

    return call
