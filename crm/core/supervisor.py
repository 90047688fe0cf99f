"""The one process behind `make run`: it starts every part, restarts what dies, and leaves nothing behind."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from subprocess import SubprocessError
from types import FrameType

from django.conf import settings

from crm.core import health, preparation
from crm.core.embedded.process import CannotStart, Program, stop, tail
from crm.core.embedded.servers import DataFolder, Servers
from crm.core.programs import listen, manage, product

WEB_SECONDS = 60
COMMAND_SECONDS = 3600  # a migration of much data may take its time
STOP_SECONDS = 20
SHORTEST_WAIT, LONGEST_WAIT = 0.2, 30.0
STEADY_SECONDS = 15  # a program that ran so long starts again with the shortest wait


class Stopped(Exception):
    """Someone asked us to stop."""


class Restarts:
    """When a program that died may start again: soon at first, then ever later while it keeps dying."""

    def __init__(self) -> None:
        self.wait, self.started, self.due = SHORTEST_WAIT / 2, 0.0, 0.0

    def note_start(self, now: float) -> None:
        self.started, self.due = now, 0.0

    def note_death(self, now: float) -> None:
        self.wait = SHORTEST_WAIT if now - self.started > STEADY_SECONDS else min(self.wait * 2, LONGEST_WAIT)
        self.due = now + self.wait


class Supervisor:
    """Runs the product on the data folder of the settings; with `servers_only`, just the embedded servers."""

    def __init__(self, *, servers_only: bool = False, say: Callable[[str], None] = print) -> None:
        self.servers_only = servers_only
        self.say = say
        self.stops = 0  # how often we were asked to stop
        self.servers: list[Program] = []
        self.product: list[Program] = []
        self.restarts: dict[str, Restarts] = {}

    def run(self) -> None:
        """Start everything, keep it running, and return once asked to stop; raises CannotStart."""
        self.folder = DataFolder(settings.DATA)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup means it
                signal.signal(number, self._on_signal)
        try:
            self._start()
            self._watch()
        except Stopped:
            self.say("Stopping.")
        finally:
            self._stop()

    def pause(self, seconds: float) -> None:
        """Sleep; raise Stopped as soon as someone asked us to stop."""
        deadline = time.monotonic() + seconds
        while not self.stops and (left := deadline - time.monotonic()) > 0:
            time.sleep(min(left, 0.05))
        if self.stops:
            raise Stopped

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.stops += 1

    def _start(self) -> None:
        listener = None if self.servers_only else listen(settings.HOST, settings.PORT)
        self._start_servers()
        if listener is None:
            self.say(f"The embedded servers are running on {settings.DATA}; stop them with Ctrl-C.")
            return
        self._prepare()
        if settings.EMBEDDED_REDIS:
            health.forget()
        self.product = product(listener)
        for program in self.product:
            self._start_program(program)
        self.product[0].wait_ready(WEB_SECONDS, self.pause)
        self._announce()

    def _start_servers(self) -> None:
        servers = Servers(settings.DATA, postgres=settings.EMBEDDED_DATABASE, valkey=settings.EMBEDDED_REDIS)
        self.servers = servers.programs
        servers.start(self.pause)
        for program in self.servers:
            self._note_start(program)

    def _prepare(self) -> None:
        if preparation.migrations_pending():
            self._run_to_end(manage("migrate", "--noinput"), "Setting up the database")
        preparation.collect_static()
        if preparation.demo_wanted():
            self._run_to_end(manage("seed_demo"), "Adding the demo companies")

    def _run_to_end(self, command: Program, words: str) -> None:
        """Run a command that ends; raise CannotStart with the end of its log when it fails."""
        self.say(f"{words} …")
        self.product = [command]  # what a stop has to stop meanwhile
        command.start()
        while command.running:
            self.pause(0.05)
        if command.process is not None and command.process.returncode != 0:
            raise CannotStart(f"{words} failed. The end of {command.log}:\n{tail(command.log)}")

    def _announce(self) -> None:
        where = f"Fairlead is running at {settings.PUBLIC_URL} (data and logs in {settings.DATA}; stop with Ctrl-C)."
        self.say("\n".join([where, *preparation.announced()]))

    # --- keeping it running ---

    def _watch(self) -> None:
        while True:
            self.pause(0.1)
            for program in [*self.servers, *self.product]:
                if not program.running:
                    self._revive(program)

    def _revive(self, program: Program) -> None:
        """Start a dead program again when its time has come."""
        restarts, now = self.restarts[program.name], time.monotonic()
        if not restarts.due:
            code = program.process.returncode if program.process else None
            program.clear()  # children it left would hold what it needs
            restarts.note_death(now)
            self.say(f"{program.name} stopped by itself ({how(code)}); starting it again. Its log is {program.log}.")
        elif now >= restarts.due:
            try:
                self._start_program(program)
            except (CannotStart, OSError, SubprocessError) as error:  # a full disk, or what the dead one left
                restarts.note_death(now)
                self.say(f"{program.name} cannot start yet: {error}")

    def _start_program(self, program: Program) -> None:
        program.start()
        self._note_start(program)

    def _note_start(self, program: Program) -> None:
        self.restarts.setdefault(program.name, Restarts()).note_start(time.monotonic())
        running = {each.name: each.process.pid for each in [*self.servers, *self.product] if each.process}
        address = {} if self.servers_only else {"address": settings.PUBLIC_URL}
        self.folder.write_state({**address, "processes": running})

    # --- stopping ---

    def _stop(self) -> None:
        """The product first, finishing what is in hand, then the servers; a second signal ends the patience."""
        asked = self.stops
        stop(self.product, STOP_SECONDS, hurry=lambda: self.stops > asked)
        stop(self.servers, STOP_SECONDS)
        self.folder.release()


def how(code: int | None) -> str:
    """An exit code in words."""
    return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"
