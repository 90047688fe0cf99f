"""Where the embedded servers of a data folder listen. Standard library only: settings read this before Django is up."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

LONGEST_SOCKET_PATH = 100  # the kernel allows about 107 bytes


@dataclass(frozen=True)
class Addresses:
    """Addresses of one data folder's servers: `database` as the application's role, `owner` as the migrating one."""

    sockets: Path
    database: str
    owner: str
    redis: str


def addresses(data: Path) -> Addresses:
    """The addresses under `data` (an absolute folder), or under the temporary folder where that is too deep."""
    sockets = data / "sockets"
    if len(str(sockets / ".s.PGSQL.5432")) > LONGEST_SOCKET_PATH:
        digest = hashlib.sha256(str(data).encode()).hexdigest()[:16]
        sockets = Path(tempfile.gettempdir()) / f"fairlead-{digest}"
    host = quote(str(sockets), safe="")
    return Addresses(
        sockets=sockets,
        database=f"postgresql://fairlead@/fairlead?host={host}",
        owner=f"postgresql://fairlead_owner@/fairlead?host={host}",
        redis=f"unix://{sockets}/valkey.sock?db=0",
    )
