"""The embedded servers of a data folder together, and the lock that keeps them to one user at a time."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from crm.core.embedded.addresses import addresses
from crm.core.embedded.postgres import Postgres
from crm.core.embedded.process import CannotStart, Program, stop
from crm.core.embedded.valkey import Valkey

START_SECONDS = 60  # PostgreSQL may have a crash to recover from
STOP_SECONDS = 15


class Busy(CannotStart):
    """Someone else holds the data folder; `state` is what it wrote about itself."""

    def __init__(self, data: Path, state: dict[str, Any]) -> None:
        self.state = state
        holder = f" at {state['address']}" if "address" in state else f" (process {state.get('pid', 'unknown')})"
        super().__init__(
            f"Fairlead is already running on {data}{holder}. Stop it first, or choose another FAIRLEAD_DATA."
        )


class DataFolder:
    """A data folder held for ourselves until `release()` or our death, with a note of who holds it."""

    def __init__(self, data: Path) -> None:
        """Make the folder if need be and hold it; raises Busy when someone else does."""
        self.path = data
        try:
            data.mkdir(parents=True, exist_ok=True, mode=0o700)
            (data / "logs").mkdir(exist_ok=True, mode=0o700)
            self._lock = os.open(data / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise CannotStart(f"The data folder {data} cannot be used: {error.strerror}. Set FAIRLEAD_DATA.") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            raise Busy(data, read_state(data)) from None
        self.write_state({})

    def write_state(self, state: dict[str, Any]) -> None:
        """Note who we are and what runs: `pid`, and whatever `state` holds (`address`, `processes`)."""
        draft = self.path / "state.json.new"
        draft.write_text(json.dumps({"pid": os.getpid(), **state}))
        draft.replace(self.path / "state.json")

    def release(self) -> None:
        os.close(self._lock)


def read_state(data: Path) -> dict[str, Any]:
    """What the last holder of the folder noted; empty when there is nothing readable."""
    try:
        state: dict[str, Any] = json.loads((data / "state.json").read_text())
    except (OSError, ValueError):
        return {}
    return state


def make_sockets(folder: Path) -> None:
    """A folder only its owner can enter; outside the data folder someone else may have made it before us."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid != os.geteuid() and os.geteuid() != 0:
        raise CannotStart(f"{folder} belongs to someone else. Choose a shorter path with FAIRLEAD_DATA.")
    folder.chmod(0o700)


class Servers:
    """The servers of one held data folder. `programs` are in the order of their start."""

    def __init__(
        self, data: Path, *, postgres: bool = True, valkey: bool = True, tuning: dict[str, str] | None = None
    ) -> None:
        sockets = addresses(data).sockets
        make_sockets(sockets)
        self.postgres = Postgres(data, sockets, tuning) if postgres else None
        self.valkey = Valkey(data, sockets) if valkey else None

    @property
    def programs(self) -> list[Program]:
        return [server.program for server in (self.valkey, self.postgres) if server is not None]

    def start(self, pause: Callable[[float], None]) -> None:
        """Start them side by side and return once they answer, with roles and database made."""
        for server in (self.valkey, self.postgres):
            if server is not None:
                server.prepare()
                server.program.start()
        for program in self.programs:
            program.wait_ready(START_SECONDS, pause)
        if self.postgres is not None:
            self.postgres.bootstrap()

    def stop(self) -> None:
        stop(self.programs, STOP_SECONDS)


@contextmanager
def running_servers(
    data: Path, *, postgres: bool = True, valkey: bool = True, tuning: dict[str, str] | None = None
) -> Iterator[Servers]:
    """Hold `data` and run its servers for the length of the block; raises Busy when they run already."""
    folder = DataFolder(data)
    try:
        servers = Servers(data, postgres=postgres, valkey=valkey, tuning=tuning)
        try:
            servers.start(time.sleep)
            yield servers
        finally:
            servers.stop()
    finally:
        folder.release()
