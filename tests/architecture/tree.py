"""The source tree as the guard tests walk it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from django.conf import settings

ROOT: Path = settings.BASE_DIR
ROOMS = [
    "core",
    "organization",
    "notifications",
    "permissions",
    "leads",
    "routing",
    "dialer",
    "webhooks",
]  # lower ones first
PACKAGES = ["crm", "permissions", "leads", "routing", "dialer"]


@cache
def product_files() -> list[Path]:
    """The product's Python files but its migrations."""
    found = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    return sorted(path for path in found if "migrations" not in path.parts)


@cache
def migration_files() -> list[Path]:
    found = [path for package in PACKAGES for path in (ROOT / package).rglob("migrations/*.py")]
    return sorted(path for path in found if path.name != "__init__.py")


@cache
def files(folder: str, ending: str) -> list[Path]:
    return sorted((ROOT / folder).rglob(f"*{ending}"))


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imports_of(path: Path) -> Iterator[str]:
    """The dotted names that a file imports, whether at its top or inside a function."""
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def assert_only(found: set[str], allowed: set[str]) -> None:
    """Nothing beyond what is allowed, and nothing allowed that is no longer needed."""
    assert found <= allowed, f"not allowed: {sorted(found - allowed)}"
    assert allowed <= found, f"no longer needed, strike it from the list: {sorted(allowed - found)}"
