"""Joins the modules of a program into one, as a linker does.

Each module costs a device about 200 bytes, and every import in it a dictionary entry more. Names
at the top of the modules become short ones, each its own; only classes keep theirs, because an
error's is printed. What one module imports from another turns into the name of what is meant.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Iterator, Sequence

from tools.firmware_build.names import short_names

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


class CannotLink(Exception):
    """The modules use each other in a way that joining them would change."""


class Linker:
    """Joins modules that import each other by name.

    Args:
        trees: the modules, by dotted name, each after those it imports.
        target: name of the joined module, for those that stay apart.
        taken: names that are no free short names.

    Attributes:
        names: by module and name at its top, what that is called in the joined module.
    """

    def __init__(self, trees: dict[str, ast.Module], target: str, taken: Collection[str]) -> None:
        self._trees = trees
        self._target = target
        self._imports = {name: dict(_imports(tree.body)) for name, tree in trees.items()}
        self.names: dict[tuple[str, str], str] = {}
        foreign = {
            bound: known
            for imports in self._imports.values()
            for bound, known in imports.items()
            if not self._is_ours(known)
        }
        fresh = (name for name in short_names("_") if name not in taken)
        for module, tree in trees.items():
            classes = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
            for name in sorted(_bound_at_top(tree.body) - set(self._imports[module])):
                keep = name in classes - set(self.names.values()) and name[0] != "_"
                self.names[module, name] = name if keep else next(fresh)
        for module, imports in self._imports.items():
            for bound, known in imports.items():
                if not self._is_ours(known) and foreign[bound] != known:
                    raise CannotLink(f"{module}: {bound} is {known} here, {foreign[bound]} there")

    def join(self) -> ast.Module:
        """Return the joined module."""
        body: list[ast.stmt] = []
        seen = set()
        for module, tree in self._trees.items():
            for statement in self._rewritten(module, tree).body:
                if isinstance(statement, ast.Import | ast.ImportFrom):
                    origin = getattr(statement, "module", "")
                    statement.names = [
                        alias
                        for alias in statement.names
                        if (origin, alias.name, alias.asname) not in seen
                    ]
                    seen |= {(origin, alias.name, alias.asname) for alias in statement.names}
                    if not statement.names:
                        continue
                if not isinstance(statement, ast.Expr):
                    body.append(statement)
        return ast.Module(body, [])

    def adapt(self, tree: ast.Module) -> ast.Module:
        """Return a module that stays apart, importing what it wants from the joined one."""
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module in self._trees:
                for alias in node.names:
                    alias.asname = alias.asname or alias.name
                    alias.name = self.names[node.module, alias.name]
                node.module = self._target
        used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        for statement in [each for each in tree.body if isinstance(each, ast.ImportFrom)]:
            ours = [
                alias
                for alias in statement.names
                if f"{statement.module}.{alias.name}" in self._trees
            ]
            for alias in ours:
                # Its constants are in place already; if that was all, it is needed no more.
                if (alias.asname or alias.name) in used:
                    raise CannotLink(f"a module apart wants the whole of {alias.name}")
                statement.names.remove(alias)
            if not statement.names:
                tree.body.remove(statement)
        return tree

    def _is_ours(self, known: tuple[str, str]) -> bool:
        module, name = known
        return module in self._trees or f"{module}.{name}" in self._trees

    def _rewritten(self, module: str, tree: ast.Module) -> ast.Module:
        imports = self._imports[module]

        def joined(name: str) -> str:
            """Return what a name at the top of this module is called in the joined one."""
            if (module, name) in self.names:
                return self.names[module, name]
            known = imports.get(name)
            if known is None or known[0] not in self._trees:
                return name
            return self._resolve(*known)

        def whole_module(name: str) -> str:
            """Return the module that a name stands for, "" if it is none of ours."""
            known = imports.get(name)
            full = f"{known[0]}.{known[1]}" if known else ""
            return full if full in self._trees else ""

        rewriter = _Rewriter(joined, whole_module, self._resolve, self._is_ours)
        result = rewriter.visit(tree)
        assert isinstance(result, ast.Module)
        return result

    def _resolve(self, module: str, name: str) -> str:
        """Return the joined name of what a module offers under a name."""
        if (module, name) in self.names:
            return self.names[module, name]
        known = self._imports[module].get(name)
        if known is None:
            raise CannotLink(f"{module} has no {name}")
        return self._resolve(*known) if known[0] in self._trees else name


class _Rewriter(ast.NodeTransformer):
    """Gives the top-level names of one module their joined names, where they are meant."""

    def __init__(
        self,
        joined: Callable[[str], str],
        whole_module: Callable[[str], str],
        resolve: Callable[[str, str], str],
        is_ours: Callable[[tuple[str, str]], bool],
    ) -> None:
        self._joined = joined
        self._whole_module = whole_module
        self._resolve = resolve
        self._is_ours = is_ours
        self._locals: list[set[str]] = []  # of each function around, and of a class body
        self._in_class: list[bool] = []

    def _is_global(self, name: str) -> bool:
        """Tell whether a name here means the module's; a class body's names end with it."""
        innermost = len(self._locals) - 1
        for depth, names in enumerate(self._locals):
            if name in names and (not self._in_class[depth] or depth == innermost):
                return False
        return True

    def _inside(self, node: ast.AST, names: set[str], in_class: bool = False) -> None:
        self._locals.append(names)
        self._in_class.append(in_class)
        self.generic_visit(node)
        self._locals.pop()
        self._in_class.pop()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._function(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._function(node)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        if self._is_global(node.name):
            node.name = self._joined(node.name)
        node.decorator_list = [self.visit(each) for each in node.decorator_list]
        node.args.defaults = [self.visit(each) for each in node.args.defaults]
        decorators, node.decorator_list = node.decorator_list, []
        defaults, node.args.defaults = node.args.defaults, []
        self._inside(node, _bound_in(node))
        node.decorator_list, node.args.defaults = decorators, defaults
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        self._inside(node, _bound_in(node))
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        if self._is_global(node.name):
            node.name = self._joined(node.name)
        node.bases = [self.visit(each) for each in node.bases]
        bases, node.bases = node.bases, []
        self._inside(node, _bound_at_top(node.body), in_class=True)
        node.bases = bases
        return node

    def _comprehension(self, node: Comprehension) -> ast.AST:
        names = {
            each.id
            for generator in node.generators
            for each in ast.walk(generator.target)
            if isinstance(each, ast.Name)
        }
        self._inside(node, names)
        return node

    visit_ListComp = visit_SetComp = _comprehension  # noqa: N815 - ast chooses these names
    visit_DictComp = visit_GeneratorExp = _comprehension  # noqa: N815

    def visit_Global(self, node: ast.Global) -> ast.AST:
        node.names = [self._joined(name) for name in node.names]
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if self._is_global(node.id):
            if self._whole_module(node.id):
                raise CannotLink(f"the module {node.id} is used as an object")
            node.id = self._joined(node.id)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if isinstance(node.value, ast.Name) and self._is_global(node.value.id):
            module = self._whole_module(node.value.id)
            if module:
                return ast.Name(self._resolve(module, node.attr), node.ctx)
        self.generic_visit(node)
        return node

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST | None:
        if self._locals:
            return node
        node.names = [
            alias for alias in node.names if not self._is_ours((node.module or "", alias.name))
        ]
        return node if node.names else None


def _imports(body: Sequence[ast.stmt]) -> Iterator[tuple[str, tuple[str, str]]]:
    """Yield (bound name, (module, name in it)) of imports outside functions; "" is the module."""
    for node in _outside_functions(body):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.asname or alias.name.partition(".")[0], (alias.name, "")
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name, (node.module or "", alias.name)


def _outside_functions(body: Sequence[ast.stmt]) -> Iterator[ast.AST]:
    """Yield all nodes of a body, without the insides of functions and classes."""
    waiting: list[ast.AST] = list(body)
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            continue
        if not isinstance(node, Comprehension):
            waiting.extend(ast.iter_child_nodes(node))


def _bound_at_top(body: Sequence[ast.stmt]) -> set[str]:
    """Return the names that a module's or a class's body binds."""
    bound = set()
    for node in _outside_functions(body):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            bound.add(node.id)
        elif isinstance(
            node,
            ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.ExceptHandler,
        ):
            bound.add(node.name or "")
    return bound | {name for name, _ in _imports(body)}


def _bound_in(function: Function) -> set[str]:
    """Return the local names of a function."""
    arguments = function.args
    bound = {each.arg for each in [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]}
    bound |= {each.arg for each in (arguments.vararg, arguments.kwarg) if each}
    if isinstance(function, ast.Lambda):
        return bound
    declared = {
        name
        for node in _outside_functions(function.body)
        if isinstance(node, ast.Global)
        for name in node.names
    }
    return (bound | _bound_at_top(function.body)) - declared
