"""Child processes that never outlive their parent, in groups of their own, under an identity servers accept."""

from __future__ import annotations

import ctypes
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

PR_SET_PDEATHSIG = 1
CLONE_NEWUSER = 0x10000000
NOBODY = 65534
LONGEST_LOG = 10 * 1024 * 1024

_libc = ctypes.CDLL(None, use_errno=True)

Become = Callable[[], None]


class CannotStart(Exception):
    """A program cannot be started; the text says why and what to do, in words for the person at the terminal."""


def die_with_parent(sent: signal.Signals = signal.SIGKILL, parent: int | None = None) -> None:
    """Have the kernel send `sent` to this process when its parent dies (Linux; elsewhere this does nothing).

    The kernel forgets it when the process changes its user, and watches the *thread* that forked: call it last, and
    fork from a thread that lives as long as the process. With `parent`, a parent that died meanwhile counts too.
    """
    if sys.platform != "linux":
        return
    _libc.prctl(PR_SET_PDEATHSIG, int(sent))
    if parent is not None and os.getppid() != parent:
        os._exit(1)


def stay() -> None:
    """Run as whoever started it."""


def enter_namespace() -> None:
    """As root, look like nobody to the program while staying root to the files: database servers refuse to run as root.

    Needs no second user, no chown and no open folder; raises OSError where user namespaces are refused.
    """
    uid, gid = os.geteuid(), os.getegid()
    if _libc.unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "user namespaces are refused")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{NOBODY} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{NOBODY} {gid} 1")


def drop_to(user: pwd.struct_passwd) -> Become:
    """As root, become `user` for good."""

    def become() -> None:
        os.setgroups([])
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)

    return become


def works(become: Become, *test: str) -> bool:
    """Whether the command `test` succeeds under that identity."""
    try:
        return subprocess.run(test, preexec_fn=become, capture_output=True, timeout=10, cwd="/").returncode == 0
    except (subprocess.SubprocessError, OSError):
        return False


def spawn(
    command: Sequence[str],
    *,
    log: Path | None = None,
    become: Become = stay,
    death_signal: signal.Signals = signal.SIGKILL,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    pass_fds: Sequence[int] = (),
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own, dying with us; its output goes to the end of `log`."""
    parent = os.getpid()

    def before_exec() -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a run in the background inherits it ignored
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
        become()
        die_with_parent(death_signal, parent)

    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600) if log else None
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            preexec_fn=before_exec,
            start_new_session=True,
            env=env,
            cwd=cwd,
            pass_fds=pass_fds,
        )
    finally:
        if output is not None:
            os.close(output)


@dataclass
class Program:
    """One program to keep running: how it is started, when it is ready, how it is asked to stop, where it writes."""

    name: str
    start_process: Callable[[], subprocess.Popen[bytes]]
    ready: Callable[[], bool]
    log: Path
    stop_signal: signal.Signals = signal.SIGTERM
    process: subprocess.Popen[bytes] | None = None

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        shorten(self.log)
        self.process = self.start_process()

    def wait_ready(self, seconds: float, pause: Callable[[float], None] = time.sleep) -> None:
        """Return once it is ready; raise CannotStart with the end of its log when it dies or takes too long."""
        deadline = time.monotonic() + seconds
        while not self.ready():
            if not self.running:
                raise CannotStart(f"{self.name} stopped while starting. The end of {self.log}:\n{tail(self.log)}")
            if time.monotonic() > deadline:
                raise CannotStart(f"{self.name} was not ready after {seconds:.0f} s. See {self.log}.")
            pause(0.02)

    def ask_to_stop(self) -> None:
        if self.process is not None and self.running:
            self.process.send_signal(self.stop_signal)

    def clear(self) -> None:
        """Kill what is left of it, its children included."""
        if self.process is not None:
            with suppress(ProcessLookupError, PermissionError):  # nothing left, or (macOS) only zombies
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def stop(programs: Sequence[Program], seconds: float, hurry: Callable[[], bool] = lambda: False) -> None:
    """Ask all of them to stop, wait for `seconds` (or until `hurry()`), then kill what is left."""
    for program in programs:
        program.ask_to_stop()
    deadline = time.monotonic() + seconds
    while any(program.running for program in programs) and time.monotonic() < deadline and not hurry():
        time.sleep(0.02)
    for program in programs:
        program.clear()


def shorten(log: Path) -> None:
    """Begin a new log where the old one has grown long; one old one is kept."""
    if log.exists() and log.stat().st_size > LONGEST_LOG:
        log.replace(log.with_suffix(".old.log"))


def tail(log: Path, lines: int = 15) -> str:
    if not log.exists():
        return "(it wrote nothing)"
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 16_384))
        return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
