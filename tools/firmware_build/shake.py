"""Leaves out what a joined program never uses: functions, classes, methods, constants, imports."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

# A constant may be made by these without anything else happening.
_HARMLESS_CALLS = ("const", "bytes", "bytearray", "tuple", "dict", "frozenset", "range", "len")
_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def shake(program: ast.Module, beside: Iterable[ast.AST]) -> None:
    """Drop the parts of a program that nothing reaches, in place.

    Use is judged by name alone: a method stays if any code that stays, or any text, has its name.

    Args:
        program: the joined module.
        beside: modules that run with it, all of which stays.
    """
    used = {name for tree in beside for node in ast.walk(tree) for name in _mentioned(node)}
    imports = {each for each in program.body if isinstance(each, ast.Import | ast.ImportFrom)}
    kept: set[ast.AST] = {*imports}
    waiting: list[ast.AST] = [
        each for each in program.body if _always(each) and each not in imports
    ]
    while True:
        for statement in waiting:
            for node in _without_optional(statement):
                kept.add(node)
                used.update(_mentioned(node))
        waiting = [
            each
            for each in _optional(program)
            if each not in kept and _wanted(each, used) and _home_is_kept(program, each, kept)
        ]
        if not waiting:
            break
    program.body = [each for each in program.body if each in kept]
    for node in program.body:
        if isinstance(node, ast.ClassDef):
            node.body = [each for each in node.body if each in kept]
            node.body = node.body or [ast.Pass()]
        elif isinstance(node, ast.Import | ast.ImportFrom):
            node.names = [alias for alias in node.names if (alias.asname or alias.name) in used]
    program.body = [
        each
        for each in program.body
        if not isinstance(each, ast.Import | ast.ImportFrom) or each.names
    ]


def _always(statement: ast.stmt) -> bool:
    """Tell whether a statement at the top must stay, because it does something."""
    return not isinstance(statement, _Definition) and not _is_constant(statement)


def _is_constant(statement: ast.AST) -> bool:
    if not isinstance(statement, ast.Assign):
        return False
    calls = [node for node in ast.walk(statement.value) if isinstance(node, ast.Call)]
    harmless = all(isinstance(c.func, ast.Name) and c.func.id in _HARMLESS_CALLS for c in calls)
    return harmless and all(isinstance(target, ast.Name) for target in statement.targets)


def _optional(program: ast.Module) -> Iterator[ast.stmt]:
    """Yield what may be left out: definitions and constants at the top, and methods."""
    for statement in program.body:
        if not _always(statement):
            yield statement
        if isinstance(statement, ast.ClassDef):
            yield from (each for each in statement.body if _is_method(each))


def _is_method(statement: ast.AST) -> bool:
    if not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    return not (statement.name.startswith("__") and statement.name.endswith("__"))


def _wanted(statement: ast.stmt, used: set[str]) -> bool:
    if isinstance(statement, ast.Assign):
        return any(isinstance(each, ast.Name) and each.id in used for each in statement.targets)
    return isinstance(statement, _Definition) and statement.name in used


def _home_is_kept(program: ast.Module, statement: ast.stmt, kept: set[ast.AST]) -> bool:
    """Tell whether a statement stands at the top, or in a class that stays."""
    if statement in program.body:
        return True
    classes = (each for each in program.body if isinstance(each, ast.ClassDef))
    return any(statement in each.body for each in classes if each in kept)


def _without_optional(statement: ast.AST) -> Iterator[ast.AST]:
    """Yield all nodes of a statement, but of a class only what is no method of its own."""
    yield statement
    for child in ast.iter_child_nodes(statement):
        if not (isinstance(statement, ast.ClassDef) and _is_method(child)):
            yield from ast.walk(child)


def _mentioned(node: ast.AST) -> list[str]:
    """Return the names that a node uses, and a text that might be one."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
        return [node.id]
    if isinstance(node, ast.Attribute):
        return [node.attr]
    if isinstance(node, ast.alias):
        return [node.name]
    if isinstance(node, ast.keyword) and node.arg:
        return [node.arg]
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value]
    return list(node.names) if isinstance(node, ast.Global) else []
