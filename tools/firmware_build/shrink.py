"""Makes the names of private things short before compiling: on a device each name costs heap.

MicroPython keeps every distinct name in memory, about 20 bytes each. Private names (one leading
underscore) mean nothing outside their module, so names that never meet in one module share a
short one; private constants become numbers in the code. Line numbers stay as they are.
"""

from __future__ import annotations

import ast
import io
import itertools
import keyword
import re
import string
import tokenize
from collections.abc import Iterable, Iterator, Mapping

_PRIVATE = re.compile(r"_[A-Za-z]\w*$")


def short_names(texts: Iterable[str]) -> dict[str, str]:
    """Return a short name for each private name of a program.

    Two names get the same one only if no file has both, so an object's attributes stay apart
    wherever its class is written in one file; a class must not inherit private attributes from
    another file's class.

    Args:
        texts: sources of all files of the program.
    """
    neighbours: dict[str, set[str]] = {}
    for text in texts:
        found = {token.string for token in _tokens(text) if _is_private(token)}
        for name in found:
            neighbours.setdefault(name, set()).update(found)
    short: dict[str, str] = {}
    for name in sorted(neighbours, key=lambda each: (-len(neighbours[each]), each)):
        taken = {short.get(other) for other in neighbours[name]}
        short[name] = next(each for each in _candidates() if each not in taken)
    return short


def shrink(text: str, short: Mapping[str, str]) -> str:
    """Return a source with private names replaced and private constants marked as such.

    Args:
        text: the source.
        short: as `short_names` returned it.
    """
    lines = text.splitlines(keepends=True)
    changes = [
        (token.start, token.end, short[token.string])
        for token in _tokens(text)
        if _is_private(token)
    ]
    for value in _constants(ast.parse(text)):
        start = (value.lineno, _column(lines, value.lineno, value.col_offset))
        end = (
            value.end_lineno or value.lineno,
            _column(lines, value.end_lineno or value.lineno, value.end_col_offset or 0),
        )
        changes += [(start, start, "const("), (end, end, ")")]
    for start, end, new in sorted(changes, key=lambda change: change[:2], reverse=True):
        line = lines[start[0] - 1]
        lines[start[0] - 1] = line[: start[1]] + new + line[end[1] :]
    return "".join(lines)


def _tokens(text: str) -> Iterator[tokenize.TokenInfo]:
    return tokenize.generate_tokens(io.StringIO(text).readline)


def _is_private(token: tokenize.TokenInfo) -> bool:
    return token.type == tokenize.NAME and _PRIVATE.match(token.string) is not None


def _candidates() -> Iterator[str]:
    for length in itertools.count(1):
        for letters in itertools.product(string.ascii_letters, repeat=length):
            name = "_" + "".join(letters)
            if not keyword.iskeyword(name):
                yield name


def _constants(tree: ast.Module) -> Iterator[ast.expr]:
    """Yield the values of private whole-number constants that a file sets once."""
    stored = [
        node.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    ]
    known: set[str] = set()
    for node in tree.body:
        if not isinstance(node, ast.Assign) or len(node.targets) != 1:
            continue
        target = node.targets[0]
        if (
            isinstance(target, ast.Name)
            and _PRIVATE.match(target.id)
            and stored.count(target.id) == 1
            and _is_whole_number(node.value, known)
        ):
            known.add(target.id)
            yield node.value


def _is_whole_number(value: ast.expr, known: set[str]) -> bool:
    if isinstance(value, ast.Constant):
        return type(value.value) is int
    if isinstance(value, ast.Name):
        return value.id in known
    if isinstance(value, ast.UnaryOp):
        return _is_whole_number(value.operand, known)
    if isinstance(value, ast.BinOp):
        return _is_whole_number(value.left, known) and _is_whole_number(value.right, known)
    return False


def _column(lines: list[str], number: int, octets: int) -> int:
    return len(lines[number - 1].encode()[:octets].decode())
