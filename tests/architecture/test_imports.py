"""Who may know whom: rooms, libraries that live behind one door, the environment."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.db.models import Model
from importlinter.cli import lint_imports

from tests.architecture.tree import (
    PACKAGES,
    ROOMS,
    ROOT,
    assert_only,
    imports_of,
    migration_files,
    name_of,
    parsed,
    product_files,
)


def test_rooms_import_downwards_only() -> None:
    assert lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True) == 0


def relations() -> Iterator[tuple[type[Model], str, type[Model]]]:
    """Every foreign key within our rooms as (model, field, target)."""
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            target: Any = field.related_model
            if target is not None and {model._meta.app_label, target._meta.app_label} <= set(ROOMS):
                yield model, field.name, target


def test_models_relate_downwards_only() -> None:
    """Foreign keys named by text escape the import linter."""
    upwards = [
        f"{model.__name__}.{name} → {target.__name__}"
        for model, name, target in relations()
        if ROOMS.index(target._meta.app_label) > ROOMS.index(model._meta.app_label)
    ]
    assert upwards == []


def test_migrations_depend_downwards_only() -> None:
    loader = MigrationLoader(connection, ignore_no_migrations=True, load=False)
    loader.load_disk()
    upwards = [
        (app, name, dependency)
        for (app, name), migration in loader.disk_migrations.items()
        for dependency, _ in migration.dependencies
        if app in ROOMS and dependency in ROOMS and ROOMS.index(dependency) > ROOMS.index(app)
    ]
    assert upwards == []


def importers_of(library: str) -> set[str]:
    return {
        name_of(path) for path in product_files() if any(name.split(".")[0] == library for name in imports_of(path))
    }


def test_object_grants_live_in_permissions() -> None:
    assert {name for name in importers_of("guardian") if not name.startswith("permissions/")} == set()


def test_the_celery_decorators_live_in_one_file() -> None:
    decorators = {"celery.shared_task", "celery.task", "celery.app.shared_task"}
    users = {name_of(path) for path in product_files() if decorators & set(imports_of(path))}
    assert_only(users, {"crm/core/tasks.py"})
    assert_only(importers_of("celery"), {"crm/celery.py", "crm/core/health.py", "crm/core/tasks.py"})


def environment_uses() -> set[str]:
    """Where the environment is touched other than to name the settings."""
    found = set()
    for path in [*product_files(), ROOT / "manage.py"]:
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv", "environb"}:
                found.add(f"{name_of(path)}: {ast.unparse(context_of(parsed(path), node))}")
    return {use for use in found if "setdefault('DJANGO_SETTINGS_MODULE'" not in use}


def context_of(tree: ast.Module, wanted: ast.AST) -> ast.AST:
    """The statement a node stands in."""
    inside = [node for node in ast.walk(tree) if isinstance(node, ast.stmt) and wanted in ast.walk(node)]
    return min(inside, key=lambda node: (node.end_lineno or 0) - node.lineno)


def test_only_the_settings_read_the_environment() -> None:
    allowed = {
        "manage.py: os.environ['FAIRLEAD_AS_OWNER'] = '1'",  # written, for the settings to read
        # handed on to a child
        "crm/bench/importing.py: return os.environ | urls | {'REDIS_URL': settings.REDIS_URL}",
    }
    assert_only({use for use in environment_uses() if not use.startswith("crm/settings.py")}, allowed)
    direct = {"os.environ", "os.getenv", "os.environb"}
    assert [name_of(path) for path in product_files() if direct & set(imports_of(path))] == []


def test_migrations_import_no_live_code() -> None:
    live = {
        f"{name_of(path)}: {name}"
        for path in migration_files()
        for name in imports_of(path)
        if name.split(".")[0] in PACKAGES
    }
    # the validator of a field; the migration only names it
    assert_only(live, {"crm/organization/migrations/0001_initial.py: crm.organization.models"})


def test_every_app_of_ours_is_a_room() -> None:
    ours = {app.label for app in apps.get_app_configs() if app.name.split(".")[0] in PACKAGES}
    on_top = {"demo", "bench"}  # commands that use every room; no models, no addresses
    assert ours == {*ROOMS, *on_top}
    assert [model for label in on_top for model in apps.get_app_config(label).get_models()] == []
