"""Answers that are files: streamed, and kept by nobody on the way."""

from __future__ import annotations

from collections.abc import Iterator

from django.http import StreamingHttpResponse

KINDS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def download(pieces: Iterator[str] | Iterator[bytes], name: str) -> StreamingHttpResponse:
    """The file, by the ending of its name."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    return StreamingHttpResponse(pieces, content_type=KINDS[name.rpartition(".")[2]], headers=headers)
