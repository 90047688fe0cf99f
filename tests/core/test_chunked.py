"""Requests without a length reach the product whole."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from crm.core.chunked import MOST, measured


def taken(environ: dict[str, Any]) -> tuple[bytes, dict[str, Any]]:
    seen: dict[str, Any] = {}

    def application(given: dict[str, Any], start_response: Any) -> list[bytes]:
        seen.update(given)
        return [given["wsgi.input"].read()]

    return b"".join(measured(application)(environ, None)), seen


def test_c4_a_request_in_chunks_is_whole_and_says_its_length() -> None:
    body, seen = taken(
        {"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True, "wsgi.input": BytesIO("Maya 😀".encode())}
    )
    assert body == "Maya 😀".encode()
    assert seen["CONTENT_LENGTH"] == str(len(body))
    assert "HTTP_TRANSFER_ENCODING" not in seen


def test_c4_no_more_of_it_is_read_than_anything_here_takes() -> None:
    endless = BytesIO(b"x" * (MOST + 5))
    body, _ = taken({"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input_terminated": True, "wsgi.input": endless})
    assert len(body) == MOST


def test_c4_what_says_its_length_is_left_as_it_is() -> None:
    given = {"CONTENT_LENGTH": "2", "wsgi.input": BytesIO(b"ab"), "wsgi.input_terminated": True}
    assert taken(dict(given)) == (b"ab", given)
