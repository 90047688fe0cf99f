"""The embedded servers: what survives a crash, who may start them, and where they run."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis
from django.conf import settings

from crm.core.embedded import place, process
from crm.core.embedded.addresses import addresses
from crm.core.embedded.process import CannotStart
from crm.core.embedded.servers import Busy, DataFolder, Servers, running_servers
from tests.support.product import processes_of, wait_until

SMALL = {"shared_buffers": "16MB"}


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """A data folder; what it keeps elsewhere goes away with it."""
    folder = tmp_path / "data"
    yield folder
    for link in (folder / "sockets", addresses(folder).sockets):
        shutil.rmtree(link.resolve(), ignore_errors=True)


def run(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, connect_timeout=5) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def restart(servers: Servers) -> None:
    for program in servers.programs:
        assert program.process is not None
        program.process.kill()
        program.process.wait()
    servers.start(lambda seconds: None)


def test_what_was_committed_survives_kill_9(data: Path) -> None:
    there = addresses(data)
    with running_servers(data, tuning=SMALL) as servers, redis.Redis.from_url(there.redis) as valkey:
        run(there.owner, "CREATE TABLE kept (n int)")
        for n in range(50):
            run(there.owner, f"INSERT INTO kept VALUES ({n})")
            valkey.rpush("kept", n)
        restart(servers)
        assert run(there.owner, "SELECT count(*) FROM kept") == [(50,)]
        assert valkey.llen("kept") == 50


def test_the_application_role_owns_nothing_and_the_extensions_are_there(data: Path) -> None:
    there = addresses(data)
    with running_servers(data, valkey=False, tuning=SMALL):
        assert run(there.database, "SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user") == [
            ("fairlead", False)
        ]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            run(there.database, "CREATE TABLE mine ()")
        found = {row[0] for row in run(there.database, "SELECT extname FROM pg_extension")}
        assert {"pg_trgm", "unaccent", "citext", "btree_gin"} <= found
        assert run(there.database, "SHOW listen_addresses") == [("",)]
        assert there.sockets.stat().st_mode & 0o077 == 0


def test_a_folder_has_one_user_at_a_time(data: Path) -> None:
    first = DataFolder(data)
    first.write_state({"address": "http://localhost:9"})
    with pytest.raises(Busy, match=r"already running on .* at http://localhost:9"):
        DataFolder(data)
    first.release()
    DataFolder(data).release()


def test_stopping_leaves_no_process(data: Path) -> None:
    with running_servers(data, tuning=SMALL):
        assert len(processes_of(data)) > 2
    assert processes_of(data) == []


def test_a_stale_lock_whose_number_another_process_has_does_not_keep_it_down(data: Path) -> None:
    with running_servers(data, valkey=False, tuning=SMALL) as servers:
        assert servers.postgres is not None
        lock = servers.postgres.place.data / "postmaster.pid"
    lock.write_text(f"{os.getppid()}\n{lock.parent}\n")
    with running_servers(data, valkey=False, tuning=SMALL):
        assert run(addresses(data).database, "SELECT 1") == [(1,)]


def test_data_of_another_major_version_is_not_passed_over(data: Path) -> None:
    (data / "postgresql-12").mkdir(parents=True)
    with pytest.raises(CannotStart, match="written by postgresql 12"):
        place.choose_place(data, data / "sockets")


def test_without_any_postgresql_it_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "candidates", lambda: iter(()))
    with pytest.raises(CannotStart, match="Set DATABASE_URL"):
        place.find_binaries()


def test_a_deep_folder_gets_short_socket_paths(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    assert len(str(addresses(deep).sockets)) < 80


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become someone else")
def test_where_user_namespaces_are_refused_root_runs_it_as_someone_else(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused() -> None:
        raise OSError("refused")

    tmp_path.chmod(0o700)  # closed to anyone else
    home = Path("/var/lib") / f"fairlead-test-{os.getpid()}"
    home.mkdir()
    monkeypatch.setattr(place, "enter_namespace", refused)
    monkeypatch.setattr(place, "REFUGE", home)
    try:
        for _ in range(2):  # made, then found again
            with running_servers(data, tuning=SMALL) as servers:
                assert run(addresses(data).database, "SELECT current_user") == [("fairlead",)]
                assert servers.postgres is not None
                assert home in servers.postgres.place.data.parents
                assert servers.postgres.place.data.stat().st_uid != 0
    finally:
        shutil.rmtree(home)


def test_a_program_that_dies_at_once_is_told_with_its_last_words(tmp_path: Path) -> None:
    log = tmp_path / "log"
    program = process.Program(
        "talker", lambda: process.spawn(["/bin/sh", "-c", "echo no luck"], log=log), ready=lambda: False, log=log
    )
    program.start()
    with pytest.raises(CannotStart, match=r"talker stopped while starting(.|\n)*no luck"):
        program.wait_ready(5)


def test_children_die_with_their_parent(tmp_path: Path) -> None:
    script = (
        "import time; from crm.core.embedded.process import spawn; "
        "print(spawn(['sleep', '60']).pid, flush=True); time.sleep(60)"
    )
    log = tmp_path / "pid"
    parent = process.spawn([sys.executable, "-c", script], log=log, cwd=Path(settings.BASE_DIR))
    child = int(wait_until(lambda: log.read_text().strip(), 10, "the child"))
    parent.kill()
    parent.wait()
    wait_until(lambda: not Path(f"/proc/{child}").exists(), 5, "the child's death")
