"""The whole product as `make run` runs it: one at a time, healed when a part dies, and nothing left when it ends."""

from __future__ import annotations

import shlex
import shutil
import signal
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from django.conf import settings

from crm.core.embedded.addresses import addresses
from crm.core.embedded.servers import read_state
from crm.core.supervisor import LONGEST_WAIT, SHORTEST_WAIT, STEADY_SECONDS, Restarts
from tests.support.product import Product, processes_of, wait_until

PARTS = ("web", "worker", "clock", "beat", "Valkey", "PostgreSQL")


@contextmanager
def locked(product: Product, table: str) -> Iterator[None]:
    """Nobody reads `table` meanwhile: what needs it waits in the middle of its work."""
    with psycopg.connect(addresses(product.data).owner) as connection:
        connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield


def alive(pid: int) -> bool:
    """Whether the process runs; one that ended and was not yet asked about does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def someone_waits(product: Product) -> bool:
    with psycopg.connect(addresses(product.data).owner) as connection:
        return connection.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchone() is not None


def test_it_says_where_it_is_and_who_may_sign_in(running_product: Product) -> None:
    assert f"Fairlead is running at {running_product.base_url}" in running_product.said
    assert "ana@" in running_product.said
    assert "fairlead-demo" in running_product.said


def test_a_worker_uses_its_connection_for_one_task_after_the_other(running_product: Product) -> None:
    with psycopg.connect(addresses(running_product.data).owner, autocommit=True) as connection:

        def opened() -> int:
            row = connection.execute("SELECT sessions FROM pg_stat_database WHERE datname = 'fairlead'").fetchone()
            return int(row[0]) if row else 0

        before = opened()
        time.sleep(4)  # eight ticks of the clock alone
        assert opened() - before < 5


def test_a_second_run_on_the_same_data_says_so(running_product: Product) -> None:
    done = running_product.manage("run", check=False)
    assert done.returncode != 0
    assert f"already running on {running_product.data} at {running_product.base_url}" in done.stderr
    assert running_product.health()[0] == 200


def test_commands_use_the_running_servers(running_product: Product) -> None:
    assert "[ ]" not in running_product.manage("showmigrations", "--plan").stdout


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_is_killed_comes_back(running_product: Product, part: str) -> None:
    old = running_product.kill(part)
    running_product.wait_until_revived(part, old)
    running_product.wait_until_well()
    assert f"{part} stopped by itself (signal 9)" in running_product.said


def test_a_request_waits_while_the_web_comes_back(running_product: Product) -> None:
    gone = running_product.kill("web")
    wait_until(lambda: not alive(gone), 5, "the end of the web")
    with urllib.request.urlopen(f"{running_product.base_url}/accounts/login/", timeout=20) as response:
        assert response.status == 200


def test_sigterm_finishes_the_request_in_hand(running_product: Product) -> None:
    answers: list[int] = []

    def ask() -> None:
        request = urllib.request.Request(f"{running_product.base_url}/accounts/login/")
        request.add_header("Cookie", "sessionid=unknown0000000000000000000000000")
        with urllib.request.urlopen(request, timeout=30) as response:
            answers.append(response.status)

    asking = threading.Thread(target=ask)
    with locked(running_product, "django_session"):
        asking.start()
        wait_until(lambda: someone_waits(running_product), 10, "the request in hand")
        old = running_product.kill("web", signal.SIGTERM)
        time.sleep(0.5)
        assert answers == []
    asking.join(20)
    assert answers == [200]
    running_product.wait_until_revived("web", old)


def test_sigterm_finishes_the_task_in_hand(running_product: Product) -> None:
    with locked(running_product, "routing_offer"):
        wait_until(lambda: someone_waits(running_product), 10, "the task in hand")
        old = running_product.kill("clock", signal.SIGTERM)
        time.sleep(1.5)
        assert running_product.pid("clock") == old
        assert alive(old)
    running_product.wait_until_revived("clock", old)
    assert "clock stopped by itself (exit code 0)" in running_product.said


def test_a_taken_port_is_named(running_product: Product) -> None:
    other = Product(settings.DATA / "other")
    other.env["PORT"] = str(running_product.port)
    done = other.manage("run", check=False)
    assert done.returncode != 0
    assert f"port {running_product.port}" in done.stderr
    assert processes_of(other.data) == []


def test_kill_9_leaves_nothing_and_it_starts_again(running_product: Product) -> None:
    running_product.stop(signal.SIGKILL)
    try:
        wait_until(lambda: processes_of(running_product.data) == [], 10, "the end of every process")
    finally:
        running_product.start(fresh=False)
    running_product.wait_until_well()


def test_a_clean_stop_is_quick_and_leaves_nothing(running_product: Product) -> None:
    begun = time.monotonic()
    try:
        assert running_product.stop(signal.SIGINT) == 0
        assert processes_of(running_product.data) == []
        assert time.monotonic() - begun < 15
    finally:
        running_product.start(fresh=False)


def test_it_ends_with_the_process_it_is_tied_to() -> None:
    product = Product(settings.DATA / "tied")
    shutil.rmtree(product.data, ignore_errors=True)
    command = shlex.join(product.command("run", "--servers", "--tied"))
    with subprocess.Popen(
        ["/bin/sh", "-c", f"{command} $$; true"], env=product.env, stdout=subprocess.DEVNULL
    ) as starter:
        try:
            wait_until(lambda: len(read_state(product.data).get("processes", ())) == 2, 60, "the servers")
        finally:
            starter.kill()
    wait_until(lambda: processes_of(product.data) == [], 15, "the end of every process")


def test_a_command_brings_its_own_servers_where_none_run() -> None:
    product = Product(settings.DATA / "borrowed")
    assert product.python("from django.db import connection as c; c.ensure_connection(); print('there')") == "there\n"
    assert processes_of(product.data) == []


def test_what_keeps_dying_is_started_ever_more_rarely() -> None:
    restarts, waits = Restarts(), []
    for _ in range(12):
        restarts.note_start(now=100)
        restarts.note_death(now=101)
        waits.append(restarts.due - 101)
    assert waits[0] == pytest.approx(SHORTEST_WAIT)
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_WAIT
    restarts.note_start(now=200)
    restarts.note_death(now=200 + STEADY_SECONDS + 1)
    assert restarts.wait == SHORTEST_WAIT
