#!/usr/bin/env python3
"""Django's command line, run by the project's own Python and with a database to talk to."""

import os
import sys
from pathlib import Path

VENV = Path(__file__).resolve().parent / ".venv"
AS_OWNER = {"makemigrations", "migrate", "showmigrations", "sqlmigrate", "squashmigrations"}


def use_own_python() -> None:
    """Start again in .venv when another Python runs us."""
    own = VENV / "bin" / "python"
    if own.exists() and Path(sys.prefix).resolve() != VENV.resolve():
        os.execv(own, [str(own), *sys.argv])  # noqa: S606  # a path of our own


def main() -> None:
    use_own_python()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
    command = sys.argv[1] if len(sys.argv) > 1 else "help"
    if command in AS_OWNER:
        os.environ["FAIRLEAD_AS_OWNER"] = "1"
    try:
        from django.core.management import execute_from_command_line
    except ImportError:
        sys.exit("The project is not set up yet: run `make setup` first (`make run` does it too).")
    from crm.core.embedded.borrowed import servers_for

    with servers_for(command):
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
