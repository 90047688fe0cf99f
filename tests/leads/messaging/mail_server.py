"""A mail server to send to: it speaks just enough SMTP, keeps what it takes, and refuses whom it is told to."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class MailServer:
    """`answers`: what is said to RCPT for an address, beside yes."""

    port: int = 0
    taken: list[str] = field(default_factory=list)
    answers: dict[str, str] = field(default_factory=dict)


@contextmanager
def mail_server() -> Iterator[MailServer]:
    kept = MailServer()

    class Handler(socketserver.StreamRequestHandler):
        def say(self, line: str) -> None:
            self.wfile.write(f"{line}\r\n".encode())

        def handle(self) -> None:
            self.say("220 here")
            for raw in iter(self.rfile.readline, b""):
                line = raw.decode().strip()
                if line.upper() == "DATA":
                    self.take()
                elif line.upper() == "QUIT":
                    return self.say("221 bye")
                elif line.upper().startswith("RCPT"):
                    address = line.partition("<")[2].partition(">")[0]
                    self.say(kept.answers.get(address, "250 ok"))
                else:
                    self.say("250 ok")
            return None

        def take(self) -> None:
            self.say("354 go on")
            lines = list(iter(lambda: self.rfile.readline().decode(), ".\r\n"))
            kept.taken.append("".join(lines))
            self.say("250 taken")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        kept.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield kept
        finally:
            server.shutdown()
            thread.join()
