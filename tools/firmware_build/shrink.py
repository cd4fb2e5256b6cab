"""Makes the firmware smaller before it is compiled, without changing what it does.

On a device each distinct name costs about 7 bytes and its letters, and each module constant a
dictionary entry besides. So integer constants are put in the place of their names, names that
are private to a module become short and are used again in the next module, and so do parameters
that nobody passes by keyword. What is written to the file system, shown or sent keeps its name,
because only names are touched, never texts.
"""

from __future__ import annotations

import ast
import builtins
from collections import defaultdict
from collections.abc import Iterable, Sequence

from tools.firmware_build.link import Linker
from tools.firmware_build.names import IN_EVERY_INTERPRETER, short_names
from tools.firmware_build.shake import shake

JOINED = "program"
_OPERATORS = {
    ast.LShift: int.__lshift__,
    ast.Mult: int.__mul__,
    ast.Add: int.__add__,
    ast.Sub: int.__sub__,
    ast.BitOr: int.__or__,
}


class Program:
    """A program made smaller.

    Attributes:
        modules: text of each module by its dotted name.
        legend: lines that say, for whoever reads a traceback, what the short names mean.
    """

    def __init__(
        self, sources: dict[str, str], beside: dict[str, str], *, main: str, joined: Sequence[str]
    ) -> None:
        """Shrink a program.

        Args:
            sources: text of each module by its dotted name; all modules of the program.
            beside: texts of further modules that run with them and stay whole, because they
                act when they are loaded.
            main: the module whose function `main` starts the program.
            joined: names of the modules that become one called JOINED, each after those it
                imports; the others stay apart, to be loaded when they are needed.
        """
        trees = {name: ast.parse(text) for name, text in {**sources, **beside}.items()}
        _inline_constants(trees)
        originals = _shorten_private_names(trees)
        _shorten_parameters(trees)
        taken = {
            name for tree in trees.values() for node in ast.walk(tree) for name in _names_of(node)
        }
        linker = Linker({name: trees[name] for name in joined}, JOINED, taken)
        apart = {name: tree for name, tree in trees.items() if name not in joined}
        linked = {name: linker.adapt(tree) for name, tree in apart.items()}
        linked[JOINED] = linker.join()
        start = linker.names[main, "main"]
        shake(linked[JOINED], [*apart.values(), ast.parse(start)])
        for name, tree in apart.items():
            if name not in beside:
                shake(tree, [each for each in linked.values() if each is not tree])
        linked[JOINED].body += ast.parse(f"main = {start}").body
        reused = _reuse_attribute_names(linked)
        self.modules = {
            name: ast.unparse(ast.fix_missing_locations(tree)) for name, tree in linked.items()
        }
        top = [
            f"{JOINED}: {reused.get(short, short)} is {module}."
            + originals.get((module, name), name)
            for (module, name), short in linker.names.items()
        ]
        inside = [
            f"{module}: {short} is {name}"
            for (module, short), name in originals.items()
            if (module, short) not in linker.names
        ]
        self.legend = sorted(top) + sorted(inside)


# Constants


def _inline_constants(trees: dict[str, ast.Module]) -> None:
    constants = {name: _constants(tree) for name, tree in trees.items()}
    for name, tree in trees.items():
        _Inliner(tree, constants[name], constants).visit(tree)
    used = _named_anywhere(trees.values())
    for name, tree in trees.items():
        tree.body = [
            statement
            for statement in tree.body
            if not (_assigned(statement) in constants[name] and _assigned(statement) not in used)
        ]


def _constants(tree: ast.Module) -> dict[str, int]:
    """Return a module's integer constants: assigned once, at its top."""
    stored: dict[str, int] = defaultdict(int)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            stored[node.id] += 1
        elif isinstance(node, ast.arg):
            stored[node.arg] += 1
    known: dict[str, int] = {}
    for statement in tree.body:
        name = _assigned(statement)
        if name and name.isupper() and stored[name] == 1:
            assert isinstance(statement, ast.Assign)
            number = _integer(statement.value, known)
            if number is not None:
                known[name] = number
    return known


def _assigned(statement: ast.stmt) -> str:
    """Return the name that a statement assigns to, "" if it is no plain assignment."""
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
        if isinstance(target, ast.Name):
            return target.id
    return ""


def _integer(node: ast.expr, known: dict[str, int]) -> int | None:
    """Return what an expression of integer constants comes to; None if it is anything else."""
    if isinstance(node, ast.Constant):
        return node.value if type(node.value) is int else None
    if isinstance(node, ast.Name):
        return known.get(node.id)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "const":
        return _integer(node.args[0], known)
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        left, right = _integer(node.left, known), _integer(node.right, known)
        if left is not None and right is not None:
            return _OPERATORS[type(node.op)](left, right)
    return None


class _Inliner(ast.NodeTransformer):
    """Puts numbers in the place of names in one module."""

    def __init__(
        self, tree: ast.Module, own: dict[str, int], constants: dict[str, dict[str, int]]
    ) -> None:
        self._numbers = dict(own)
        self._modules: dict[str, dict[str, int]] = {}  # alias of a module -> its constants
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                for alias in node.names:
                    name = alias.asname or alias.name
                    numbers = constants.get(node.module, {})
                    if alias.name in numbers:
                        self._numbers[name] = numbers[alias.name]
                    elif f"{node.module}.{alias.name}" in constants:
                        self._modules[name] = constants[f"{node.module}.{alias.name}"]

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST | None:
        node.names = [
            alias for alias in node.names if (alias.asname or alias.name) not in self._numbers
        ]
        return node if node.names else None

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if isinstance(node.ctx, ast.Load) and node.id in self._numbers:
            return ast.copy_location(ast.Constant(self._numbers[node.id]), node)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if isinstance(node.value, ast.Name) and isinstance(node.ctx, ast.Load):
            numbers = self._modules.get(node.value.id, {})
            if node.attr in numbers:
                return ast.copy_location(ast.Constant(numbers[node.attr]), node)
        self.generic_visit(node)
        return node


def _named_anywhere(trees: Iterable[ast.Module]) -> set[str]:
    """Return names that are read, imported, asked for as attributes, or written as texts."""
    used = set()
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                used.add(node.id)
            elif isinstance(node, ast.Attribute):
                used.add(node.attr)
            elif isinstance(node, ast.alias):
                used.add(node.name)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                used.add(node.value)
    return used


# Private names


def _shorten_private_names(trees: dict[str, ast.Module]) -> dict[tuple[str, str], str]:
    """Rename `_names`: per group of modules, or over all if modules share one.

    Returns:
        what the names were: by module and short name.
    """
    originals: dict[tuple[str, str], str] = {}
    kept = {name for name in _named_as_text(trees.values()) if _is_private(name)}
    group = _groups(trees)
    users: dict[str, set[str]] = defaultdict(set)  # name -> groups where it is used
    makers: dict[str, set[str]] = defaultdict(set)  # name -> groups that bind it
    for module, tree in trees.items():
        for name in _private_names(tree):
            users[name].add(group[module])
        for name in _bound_private_names(tree):
            makers[name].add(group[module])
    shared = sorted(name for name in users if name not in kept and users[name] - makers[name])
    fresh = (name for name in short_names("_") if name not in kept)
    everywhere = dict(zip(shared, fresh, strict=False))
    taken = kept | set(everywhere.values())
    for members in set(group.values()):
        own = sorted(
            name for name in users if members in users[name] and name not in {*kept, *everywhere}
        )
        free = (name for name in short_names("_") if name not in taken)
        names = everywhere | dict(zip(own, free, strict=False))
        for module, tree in trees.items():
            if group[module] == members:
                present = _private_names(tree)
                originals |= {(module, names[old]): old for old in names if old in present}
                _Renamer(names).visit(tree)
    return originals


def _is_private(name: str | None) -> bool:
    return bool(name) and name != "_" and str(name).startswith("_") and "__" not in str(name)[:2]


def _named_as_text(trees: Iterable[ast.Module]) -> set[str]:
    return {
        node.value
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def _groups(trees: dict[str, ast.Module]) -> dict[str, str]:
    """Return each module's group: modules whose classes inherit from one another are together."""
    group = {module: module for module in trees}
    homes = defaultdict(set)
    for module, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                homes[node.name].add(module)
    for module, tree in trees.items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.ClassDef):
                continue
            for base in node.bases:
                name = base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "")
                for home in homes[name]:
                    old, new = group[home], group[module]
                    group = {each: new if at == old else at for each, at in group.items()}
    return group


def _private_names(tree: ast.Module) -> set[str]:
    return {name for node in ast.walk(tree) for name in _names_of(node) if _is_private(name)}


def _bound_private_names(tree: ast.Module) -> set[str]:
    bound: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Load):
            continue
        bound.update(name for name in _names_of(node) if _is_private(name))
    return bound


def _names_of(node: ast.AST) -> list[str]:
    if isinstance(node, ast.alias):
        return [name for name in (node.name, node.asname) if name]
    for field in ("id", "attr", "arg"):
        name = getattr(node, field, None)
        if name:
            return [name]
    name = getattr(node, "name", None)
    if isinstance(name, str):
        return [name]
    names = getattr(node, "names", None)
    if isinstance(node, ast.Global | ast.Nonlocal) and names:
        return list(names)
    return []


class _Renamer(ast.NodeVisitor):
    """Gives names their new form, wherever they stand."""

    def __init__(self, names: dict[str, str]) -> None:
        self._names = names

    def generic_visit(self, node: ast.AST) -> None:
        for field in ("id", "attr", "arg", "name", "asname"):
            name = getattr(node, field, None)
            if isinstance(name, str) and name in self._names:
                setattr(node, field, self._names[name])
        if isinstance(node, ast.Global | ast.Nonlocal):
            node.names = [self._names.get(name, name) for name in node.names]
        super().generic_visit(node)


# Names of the joined module


def _reuse_attribute_names(linked: dict[str, ast.Module]) -> dict[str, str]:
    """Call the joined module's private names what attributes are called: a name costs once.

    The interpreter's own attributes cost nothing at all.

    Attributes and variables never meet, so these may have the names of those.
    """
    variables = {*dir(builtins), "const", "main"}
    attributes = set()
    for tree in linked.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute):
                attributes.add(node.attr)
            else:
                variables.update(_names_of(node))
    free = iter(sorted({*attributes, *IN_EVERY_INTERPRETER} - variables))
    top = {
        name
        for statement in linked[JOINED].body
        for name in _names_of(
            statement if not isinstance(statement, ast.Assign) else statement.targets[0]
        )
        if _is_private(name)
    }
    names = dict(zip(sorted(top), free, strict=False))
    for tree in linked.values():
        _VariableRenamer(names).visit(tree)
    return names


class _VariableRenamer(_Renamer):
    """Gives variables and functions their new names, and leaves attributes alone."""

    def visit_Attribute(self, node: ast.Attribute) -> None:
        self.visit(node.value)


# Parameters


def _shorten_parameters(trees: dict[str, ast.Module]) -> None:
    keywords = {
        node.arg
        for tree in trees.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.keyword) and node.arg
    }
    for tree in trees.values():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not _nests(node):
                _shorten_parameters_of(node, keywords)


def _nests(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Return whether further functions are made inside, whose names may be others."""
    inner = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef, ast.Global)
    return any(isinstance(node, inner) for node in ast.walk(function) if node is not function)


def _shorten_parameters_of(
    function: ast.FunctionDef | ast.AsyncFunctionDef, keywords: set[str]
) -> None:
    inside = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
    arguments = [*function.args.posonlyargs, *function.args.args]
    kept = {argument.arg for argument in arguments if argument.arg in keywords | {"self"}}
    fresh = (name for name in short_names("") if name not in inside | kept)
    names = {argument.arg: next(fresh) for argument in arguments if argument.arg not in kept}
    for argument in arguments:
        argument.arg = names.get(argument.arg, argument.arg)
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and node.id in names:
            node.id = names[node.id]
