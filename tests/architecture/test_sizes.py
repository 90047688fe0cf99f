"""Files, functions, templates and tasks stay small enough to be read in one go."""

from __future__ import annotations

import ast

from crm.core.tasks import declared
from tests.architecture.tree import files, name_of, parsed, product_files

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions() -> list[tuple[str, Function]]:
    return [
        (f"{name_of(path)}:{node.lineno} {node.name}", node)
        for path in [*product_files(), *files("tests", ".py")]
        for node in ast.walk(parsed(path))
        if isinstance(node, Function)
    ]


def length(node: Function) -> int:
    """Lines of a function without its decorators."""
    assert node.end_lineno is not None
    return node.end_lineno - node.lineno + 1


def is_task(node: Function) -> bool:
    calls = [one.func for one in node.decorator_list if isinstance(one, ast.Call)]
    return any(isinstance(call, ast.Name) and call.id == "task" for call in calls)


def body_length(node: Function) -> int:
    """Lines of a function's body, its docstring aside."""
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_files_have_400_lines_at_most() -> None:
    sources = [*product_files(), *files("tests", ".py"), *files("static", ".css"), *files("static", ".js")]
    long = {name_of(path): len(path.read_text().splitlines()) for path in sources}
    assert {name: lines for name, lines in long.items() if lines > 400} == {}


def test_functions_have_40_lines_at_most() -> None:
    assert {name: length(node) for name, node in functions() if length(node) > 40} == {}


def test_templates_have_150_lines_at_most() -> None:
    long = {name_of(path): len(path.read_text().splitlines()) for path in files("templates", "") if path.is_file()}
    assert {name: lines for name, lines in long.items() if lines > 150} == {}


def test_task_bodies_have_10_lines_at_most() -> None:
    tasks = {name: body_length(node) for name, node in functions() if is_task(node)}
    assert len(tasks) >= len(declared)
    assert {name: lines for name, lines in tasks.items() if lines > 10} == {}
