"""A mail server that stands in for the one that holds the mailbox: real sockets, as much IMAP as is asked of it."""

from __future__ import annotations

import re
import socketserver
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock, Thread

LOGIN = ("leads", "opens sesame")


@dataclass
class Mail:
    raw: bytes
    flags: set[str] = field(default_factory=set)


@dataclass
class Mailbox:
    """`cut_at`: the command, such as `UID STORE`, at which the line goes dead; `refuses`: one it answers NO to."""

    mails: dict[int, Mail] = field(default_factory=dict)
    port: int = 0
    cut_at: str = ""
    refuses: str = ""
    asked: list[str] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def put(self, *raws: bytes) -> None:
        for raw in raws:
            self.mails[len(self.mails) + 1] = Mail(raw)

    def flags(self) -> list[set[str]]:
        return [mail.flags for mail in self.mails.values()]

    @property
    def settings(self) -> dict[str, object]:
        user, password = LOGIN
        return {
            "host": "127.0.0.1",
            "port": self.port,
            "user": user,
            "password": password,
            "folder": "Leads",
            "tls": "imap",
        }


class Session(socketserver.StreamRequestHandler):
    server: Server

    def handle(self) -> None:
        self.say("* OK ready")
        while line := self.rfile.readline().decode().strip():
            tag, _, command = line.partition(" ")
            name = re.match(r"(UID )?\w+", command, re.IGNORECASE)
            said = name[0].upper() if name else ""
            box = self.server.box
            box.asked.append(said)
            if said == box.cut_at:
                return
            if said == box.refuses or (said == "LOGIN" and command.replace('"', "") != f"LOGIN {' '.join(LOGIN)}"):
                self.say(f"{tag} NO [DENIED] not this time")
                continue
            with box.lock:
                self.answer(said, command)
            self.say(f"{tag} OK done")
            if said == "LOGOUT":
                return

    def answer(self, said: str, command: str) -> None:
        mails, words = self.server.box.mails, command.split()
        if said == "CAPABILITY":
            self.say("* CAPABILITY IMAP4rev1")
        elif said == "SELECT":
            self.say(f"* {len(mails)} EXISTS")
        elif said == "UID SEARCH":
            waiting = [str(uid) for uid, mail in mails.items() if not mail.flags & {r"\Answered", r"\Deleted"}]
            self.say(" ".join(["* SEARCH", *waiting]))
        elif said == "UID FETCH" and int(words[2]) in mails:
            most = int(re.findall(r"<0\.(\d+)>", command)[0])
            raw = mails[int(words[2])].raw[:most]
            self.wfile.write(
                f"* {words[2]} FETCH (UID {words[2]} BODY[]<0> {{{len(raw)}}}\r\n".encode() + raw + b")\r\n"
            )
        elif said == "UID STORE":
            mails[int(words[2])].flags |= set(re.findall(r"\\\w+", command))

    def say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, box: Mailbox) -> None:
        super().__init__(("127.0.0.1", 0), Session)
        self.box, box.port = box, self.server_address[1]


@contextmanager
def serving() -> Iterator[Mailbox]:
    box = Mailbox()
    server = Server(box)
    Thread(target=server.serve_forever, daemon=True).start()
    yield box
    server.shutdown()
    server.server_close()
