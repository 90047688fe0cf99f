"""The environment the product's settings see under test: nothing of the caller's, and a data folder nobody else uses."""

from __future__ import annotations

import os
from itertools import count
from pathlib import Path

from crm.core.embedded.addresses import addresses
from crm.core.embedded.servers import Busy, DataFolder

ROOT = Path(__file__).resolve().parents[2]
OTHERS = {
    *("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "SECRET_KEY", "HOST", "PORT", "PUBLIC_URL", "ALLOWED_HOSTS"),
    *("EMAIL_URL", "DEFAULT_FROM_EMAIL", "LOG_LEVEL", "GRAPH_URL", "LEADS_MAIL", "LEADS_IMAP_URL", "PUSH_KEY"),
}

held: DataFolder | None = None  # by the process that started pytest; its xdist workers use it through the environment


def enter() -> None:
    """Set the environment up; call it before Django's settings are read."""
    global held
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if not worker:
        for name in [name for name in os.environ if name.startswith("FAIRLEAD_") or name in OTHERS]:
            if name != "FAIRLEAD_CHROMIUM":
                del os.environ[name]
        held = free_folder()
        os.environ["FAIRLEAD_DATA"] = str(held.path)
        os.environ["FAIRLEAD_DEMO"] = "0"
        (held.path / "static").mkdir(exist_ok=True)  # whoever serves files looks there, though tests collect none
    number = int(worker.removeprefix("gw")) + 1 if worker else 0
    valkey = addresses(Path(os.environ["FAIRLEAD_DATA"])).redis
    os.environ["REDIS_URL"] = valkey.replace("db=0", f"db={number}")  # a database per worker, emptied after each test


def free_folder() -> DataFolder:
    """`.fairlead-test`, or with a number while other test runs hold that one."""
    for number in count(1):
        try:
            return DataFolder(ROOT / (".fairlead-test" if number == 1 else f".fairlead-test-{number}"))
        except Busy:
            continue
    raise AssertionError


def product_environment(data: Path, **changes: str) -> dict[str, str]:
    """What a whole product of its own on the folder `data` sees."""
    kept = {name: value for name, value in os.environ.items() if name not in OTHERS and name[:9] != "FAIRLEAD_"}
    return kept | {"DJANGO_SETTINGS_MODULE": "crm.settings", "FAIRLEAD_DATA": str(data)} | changes
