"""A whole product under test: started by the same command as `make run`, on a data folder of its own."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from crm.core.embedded.addresses import addresses
from crm.core.embedded.servers import read_state
from tests.support.databases import connected_to
from tests.support.environment import ROOT, product_environment


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def wait_until(condition: Callable[[], Any], seconds: float = 20, what: str = "it") -> Any:
    """The first true answer of `condition`; an AssertionError when there is none in time."""
    deadline = time.monotonic() + seconds
    while True:
        answer = condition()
        if answer:
            return answer
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        time.sleep(0.05)


class Product:
    """Web, worker, clock worker, beat and both servers. Processes: web, worker, clock, beat, PostgreSQL, Valkey."""

    def __init__(self, data: Path, *, demo: bool = False, **env: str) -> None:
        self.data, self.port = data, free_port()
        self.base_url = f"http://localhost:{self.port}"
        self.env = product_environment(data, PORT=str(self.port), FAIRLEAD_DEMO="1" if demo else "0", **env)
        self.output = data.with_name(f"{data.name}.out")

    def start(self, *, fresh: bool = True) -> None:
        """Start it and wait until it serves pages; on empty data unless `fresh` is false."""
        if fresh:
            shutil.rmtree(self.data, ignore_errors=True)
        with self.output.open("wb") as output:
            self.supervisor = subprocess.Popen(
                self.command("run"), env=self.env, cwd=ROOT, stdout=output, stderr=output
            )
        wait_until(lambda: self.supervisor.poll() is not None or "is running at" in self.said, 120, "the start")
        assert self.supervisor.poll() is None, self.said

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Stop it; the exit code."""
        self.supervisor.send_signal(how)
        return self.supervisor.wait(60)

    @property
    def said(self) -> str:
        return self.output.read_text()

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, str(ROOT / "manage.py"), *arguments]

    def manage(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a management command against this product."""
        done = subprocess.run(self.command(*arguments), env=self.env, cwd=ROOT, capture_output=True, text=True)
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    def python(self, code: str) -> str:
        """Run code inside this product (its database, its broker); what it printed."""
        return self.manage("shell", "--no-imports", "--command", code).stdout

    @contextmanager
    def database(self) -> Iterator[None]:
        """Django's default connection of this process on the product's database. Tasks queued here do not reach it."""
        with connected_to("fairlead", addresses(self.data).sockets):
            yield

    def health(self) -> tuple[int, dict[str, str]]:
        """The status (0: no answer) and parts of /healthz."""
        try:
            with urllib.request.urlopen(f"{self.base_url}/healthz", timeout=5) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)
        except OSError:
            return 0, {}

    def wait_until_well(self, seconds: float = 40) -> None:
        wait_until(lambda: self.health()[0] == 200, seconds, "good health")

    def pid(self, name: str) -> int:
        return int(read_state(self.data)["processes"][name])

    def kill(self, name: str, sent: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal to one process by name; its number."""
        pid = self.pid(name)
        if not belongs(pid, self.data):
            raise ProcessLookupError(pid)  # it died, and its number may be another's by now
        os.kill(pid, sent)
        return pid

    def wait_until_revived(self, name: str, old: int, seconds: float = 20) -> int:
        """The new process number of a part that was killed."""
        wait_until(lambda: self.pid(name) != old, seconds, f"a new {name}")
        return self.pid(name)


def belongs(pid: int, data: Path) -> bool:
    """Whether the process works for the data folder `data`."""
    process = Path(f"/proc/{pid}")
    try:
        environment = (process / "environ").read_bytes().split(b"\0")
        return f"FAIRLEAD_DATA={data}".encode() in environment or data in (process / "cwd").readlink().parents
    except OSError:
        return False


def processes_of(data: Path) -> list[int]:
    """All processes that work for the data folder `data`, ourselves left out."""
    numbers = (int(process.name) for process in Path("/proc").glob("[0-9]*"))
    return [pid for pid in numbers if pid != os.getpid() and belongs(pid, data)]
