"""An embedded PostgreSQL: making its data folder, starting it, and making our two roles and the database in it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import psycopg
from psycopg import sql

from crm.core.embedded.place import choose_place
from crm.core.embedded.process import CannotStart, Program, spawn, tail

DATABASE = "fairlead"
OWNER_ROLE = "fairlead_owner"
APP_ROLE = "fairlead"
EXTENSIONS = ("pg_trgm", "unaccent", "citext", "btree_gin")


def settings(sockets: Path, tuning: dict[str, str]) -> str:
    """The server's own settings, for a machine of two processors that it shares with the rest of the product."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    values = {
        "listen_addresses": "",
        "unix_socket_directories": str(sockets),
        "unix_socket_permissions": "0700",
        "max_connections": "200",
        "shared_buffers": f"{min(512, memory // 8)}MB",
        "effective_cache_size": f"{memory // 2}MB",
        "work_mem": "16MB",
        "maintenance_work_mem": f"{min(512, memory // 16)}MB",
        "max_wal_size": "2GB",
        "checkpoint_timeout": "15min",
        "random_page_cost": "1.1",
        "cpu_operator_cost": "0.01",  # `locks && keys` is no cheap comparison: docs/adr/0006-count-first.md
        "jit": "off",
        "autovacuum_vacuum_scale_factor": "0.05",
        "autovacuum_analyze_scale_factor": "0.02",
        "idle_in_transaction_session_timeout": "10min",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "%m [%p] %d ",
        **tuning,
    }
    return "".join("{} = '{}'\n".format(name, value.replace("'", "''")) for name, value in values.items())


class Postgres:
    """The embedded server of one data folder. `tuning` overrides its settings."""

    def __init__(self, data: Path, sockets: Path, tuning: dict[str, str] | None = None) -> None:
        self.sockets = sockets
        self.place = choose_place(data, sockets)
        self.log = data / "logs" / "postgresql.log"
        self.tuning = tuning or {}
        # a fast stop when we stop; an immediate one, still safe, when we are killed
        self.program = Program("PostgreSQL", self._spawn, self._ready, self.log, signal.SIGINT)

    def prepare(self) -> None:
        """Make the data folder the first time: beside its place and then moved there, so that it is whole or absent."""
        folder = self.place.data
        if (folder / "PG_VERSION").exists():
            return
        draft = folder.with_name(f"{folder.name}.new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        if folder.exists():  # made empty, for the user the server will be
            os.chown(draft, folder.stat().st_uid, folder.stat().st_gid)
        options = ["--username=postgres", "--auth-local=trust", "--auth-host=reject", "--locale=C.UTF-8"]
        made = spawn(
            [str(self.place.binaries.bin / "initdb"), f"--pgdata={draft}", "--encoding=UTF8", *options],
            log=self.log,
            become=self.place.become,
            cwd=draft,
        )
        if made.wait() != 0:
            raise CannotStart(f"{folder} could not be made. The end of {self.log}:\n{tail(self.log)}")
        draft.replace(folder)

    def bootstrap(self) -> None:
        """Make the roles, the extensions (in the template, so that every later database has them) and the database."""
        with self._connect("template1") as connection:
            for extension in EXTENSIONS:
                connection.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(extension)))
        with self._connect("postgres") as connection:
            roles = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
            for role, rights in ((OWNER_ROLE, "LOGIN CREATEDB"), (APP_ROLE, "LOGIN")):
                if role not in roles:
                    connection.execute(sql.SQL("CREATE ROLE {} " + rights).format(sql.Identifier(role)))
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                make = sql.SQL("CREATE DATABASE {} OWNER {}")
                connection.execute(make.format(sql.Identifier(DATABASE), sql.Identifier(OWNER_ROLE)))

    def _spawn(self) -> subprocess.Popen[bytes]:
        (self.place.data / "postgresql.conf").write_text(settings(self.place.sockets, self.tuning))
        clear_lock(self.place.data)
        return spawn(
            [str(self.place.binaries.bin / "postgres"), "-D", str(self.place.data)],
            log=self.log,
            become=self.place.become,
            death_signal=signal.SIGQUIT,
            cwd=self.place.data,
        )

    def _ready(self) -> bool:
        try:
            self._connect("template1").close()
        except psycopg.OperationalError:
            return False
        return True

    def _connect(self, database: str) -> psycopg.Connection:
        return psycopg.connect(
            host=str(self.sockets), dbname=database, user="postgres", autocommit=True, connect_timeout=5
        )


def clear_lock(folder: Path, seconds: float = 10) -> None:
    """Wait for a killed server's last processes to leave `folder`, then remove the lock they left.

    Its process number may meanwhile belong to something else, and PostgreSQL would then refuse to start.
    """
    lock = folder / "postmaster.pid"
    if not lock.exists() or not Path("/proc/self/cwd").exists():
        return
    deadline = time.monotonic() + seconds
    while anyone_works_in(folder):
        if time.monotonic() > deadline:
            raise CannotStart(f"A PostgreSQL server that is not ours is running on {folder}. Stop it and start again.")
        time.sleep(0.02)
    lock.unlink(missing_ok=True)


def anyone_works_in(folder: Path) -> bool:
    """Whether some process has `folder` as its working directory, as every PostgreSQL process has."""
    for entry in Path("/proc").glob("[0-9]*/cwd"):
        try:
            if entry.readlink() == folder.resolve():
                return True
        except OSError:
            continue
    return False
