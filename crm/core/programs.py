"""The product's own programs, as the supervisor runs them: web, worker, clock worker, beat, and commands that end."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
from ipaddress import ip_address

from django.conf import settings

from crm.core.embedded.process import CannotStart, Program, spawn

CELERY = ("celery", "-A", "crm.celery", "--quiet")
WORKER = ("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "INFO")
LISTEN_BACKLOG = 512


def python_program(name: str, *arguments: str, listener: socket.socket | None = None, yielding: int = 0) -> Program:
    """`python -m arguments…` from the project's folder, writing to `logs/<name>.log`; `yielding` as nice(1) has it."""
    log = settings.DATA / "logs" / f"{name}.log"
    command = [*(("nice", "-n", str(yielding)) if yielding else ()), sys.executable, "-m", *arguments]
    fds = [listener.fileno()] if listener else []

    def start() -> subprocess.Popen[bytes]:
        return spawn(command, log=log, cwd=settings.BASE_DIR, pass_fds=fds)

    return Program(name, start, ready=lambda: listener is None or answers(listener), log=log)


def product(listener: socket.socket) -> list[Program]:
    """The four programs of the product in the order of their start. Where there is work for all, the post waits first."""
    web = ("gunicorn", "--config", "python:crm.core.web", "--bind", f"fd://{listener.fileno()}")
    beat = ("--scheduler", "crm.core.health.PulsingScheduler", "--loglevel", "WARNING")
    return [
        python_program("web", *web, listener=listener),
        python_program("clock", *CELERY, "worker", "-Q", "clock", "-n", "clock@%h", "-c", "2", *WORKER),
        python_program(
            "worker", *CELERY, "worker", "-Q", "default", "-n", "worker@%h", "-c", "2", *WORKER, yielding=10
        ),
        python_program("beat", *CELERY, "beat", *beat),
    ]


def manage(command: str, *arguments: str) -> Program:
    """A management command."""
    return python_program(command, "manage", command, *arguments)


def listen(host: str, port: int) -> socket.socket:
    """The product's listening socket. It is held by the supervisor, so that callers wait while the web restarts."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=LISTEN_BACKLOG)
    except OSError as error:
        raise CannotStart(
            f"Cannot listen on {host}, port {port}: {error.strerror}. Choose another, for example PORT={port + 1}."
        ) from error


def answers(listener: socket.socket) -> bool:
    """Whether a web process answers on the socket; whatever it says."""
    host, port = listener.getsockname()[:2]
    if ip_address(host).is_unspecified:
        host = "::1" if ":" in host else "127.0.0.1"
    connection = http.client.HTTPConnection(host, port, timeout=1)
    try:
        connection.request("GET", "/healthz", headers={"Host": "localhost"})
        connection.getresponse()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True
