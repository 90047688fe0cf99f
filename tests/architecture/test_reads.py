"""Leads are read through the door: outside leads and permissions, no query of leads but for a person who may see them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.tree import assert_only, name_of, parsed, product_files

DOORS = {"visible_to", "workable_by", "manageable_by", "doable_by"}
MANAGERS = {"objects", "_default_manager", "_base_manager"}
SHORTCUTS = {"get_object_or_404", "get_list_or_404", "get_model"}
# who reads leads as nobody in particular, and why that is no leak
ALLOWED = {
    "crm/bench/building.py",  # builds the company it measures
    "crm/bench/capture.py",
    "crm/bench/lead.py",
    "crm/bench/rosters.py",
    "dialer/services/automating.py",  # what is done to leads, with the rights of who asked for it
    "dialer/services/flushing.py",  # what is in hoppers, shown to nobody
    "dialer/services/loading.py",
    "dialer/services/reach.py",
    "dialer/services/serving.py",  # what one is about to be given
    "routing/services/staging.py",  # decides by what leads are, and shows them to nobody
    "crm/demo/leads.py",  # builds the demo companies
}


def outside() -> list[Path]:
    return [path for path in product_files() if not name_of(path).startswith(("leads/", "permissions/"))]


def names_of_lead(tree: ast.Module) -> set[str]:
    """What the file calls the model."""
    aliases = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("leads")
        for alias in node.names
        if alias.name == "Lead"
    }
    return aliases | {"Lead"}


def is_lead(node: ast.AST, names: set[str]) -> bool:
    return (isinstance(node, ast.Name) and node.id in names) or (
        isinstance(node, ast.Attribute) and node.attr == "Lead"
    )


def side_doors(tree: ast.Module) -> Iterator[str]:
    """Reads of leads that neither ask for a person nor lock rows for a change."""
    names = names_of_lead(tree)
    steps = {id(node.value): node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and name_of_call(node) in SHORTCUTS:
            if any(is_lead(given, names) or getattr(given, "value", "") == "Lead" for given in node.args):
                yield ast.unparse(node)
        elif isinstance(node, ast.Attribute) and node.attr in MANAGERS and is_lead(node.value, names):
            step = steps.get(id(node), "")
            if step not in DOORS and not locks(tree, node):
                yield f"{ast.unparse(node)}.{step}"


def name_of_call(call: ast.Call) -> str:
    return str(getattr(call.func, "id", getattr(call.func, "attr", "")))


def locks(tree: ast.Module, manager: ast.Attribute) -> bool:
    """Whether the chain of calls on the manager goes on to lock the rows in id order."""
    chains = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "in_id_order"]
    return any(manager in ast.walk(chain) for chain in chains)


def test_v1_leads_are_read_through_the_door() -> None:
    found = {name_of(path) for path in outside() if any(side_doors(parsed(path)))}
    assert_only(found, ALLOWED)


def test_v1_the_guard_knows_the_side_doors() -> None:
    for code in [
        "Lead.objects.all()",
        "Lead.objects.filter(pk=1)",
        "Lead._default_manager.get(pk=1)",
        "rows = Lead.objects",
        "leads.models.Lead.objects.get(pk=1)",
        "get_object_or_404(Lead, pk=1)",
        "apps.get_model('leads', 'Lead')",
        "from leads.models import Lead as L\nL.objects.count()",
    ]:
        assert list(side_doors(ast.parse(code))) != [], code
    for code in ["Lead.objects.visible_to(user).count()", "Lead.objects.filter(pk=1).in_id_order().first()"]:
        assert list(side_doors(ast.parse(code))) == [], code
