"""A server that stands in for Facebook's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Graph:
    """What it answers, by the id asked for, and what it was asked."""

    url: str = ""
    status: int = 200
    asked: list[tuple[str, dict[str, list[str]]]] = field(default_factory=list)
    answers: dict[str, Any] = field(default_factory=dict)


@contextmanager
def standing_in() -> Iterator[Graph]:
    found = Graph()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            found.asked.append((asked.path, parse_qs(asked.query)))
            self.send_response(found.status)
            self.end_headers()
            self.wfile.write(json.dumps(found.answers.get(asked.path.rpartition("/")[2], {})).encode())

        def log_message(self, *args: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    found.url = f"http://127.0.0.1:{server.server_port}/v21.0"
    yield found
    server.shutdown()
    server.server_close()
