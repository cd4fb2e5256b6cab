"""The part of JSON that messages use, read strictly and the same on CPython and MicroPython.

MicroPython's own reader takes `{"a" 1}` and both keep only the last of two equal keys, so two
parties could read one signed message differently. Here: ASCII only, no equal keys, no fractions
(money and energy are integers), no blanks beyond the plain space, bounded depth.
"""

import json

DEEPEST = 6

_SPACE = 0x20
_TILDE = 0x7E
_QUOTE = 0x22
_BACKSLASH = 0x5C
_COMMA = 0x2C
_COLON = 0x3A
_OPEN_OBJECT = 0x7B
_CLOSE_OBJECT = 0x7D
_OPEN_LIST = 0x5B
_CLOSE_LIST = 0x5D
_MINUS = 0x2D
_ZERO = 0x30
_NINE = 0x39
_U = 0x75
_HEX = b"0123456789abcdefABCDEF"
_ESCAPES = b'"\\/bfnrt'


class BadJSON(ValueError):
    """The text is not JSON as messages use it."""


def dumps(value):
    """Return `value` as compact JSON in ASCII.

    Characters beyond ASCII become escapes; those beyond U+FFFF, which no display of ours can
    show, become "?".
    """
    text = json.dumps(value, separators=(",", ":"))
    for character in text:
        if ord(character) > 127:
            return "".join([_escaped(each) for each in text])
    return text


def _escaped(character):
    number = ord(character)
    if number < 128:
        return character
    return "\\u%04x" % number if number < 0x10000 else "?"


def loads(text):
    """Read JSON.

    Args:
        text: str, or bytes or bytearray, of which no copy is made.

    Returns:
        dict, list, str, int, True, False or None.

    Raises:
        BadJSON: it breaks a rule above.
    """
    reader = _Reader(_ascii(text))
    value = reader.value(0)
    if reader.peek():
        raise BadJSON("more after the end")
    return value


def _ascii(text):
    try:
        data = text.encode("ascii") if isinstance(text, str) else text
    except ValueError:
        data = b"\xff"
    for byte in data:
        if byte > 127:
            raise BadJSON("not ASCII")
    return data


class _Reader:
    """A place in ASCII text, and one method per kind of value found there.

    Characters are numbers here: a meter has no memory for slices of one character each.
    """

    def __init__(self, data):
        self.data = data
        self.at = 0

    def code(self, at):
        """Return the character at a place; 0 after the end."""
        return self.data[at] if at < len(self.data) else 0

    def text(self, start, end):
        return bytes(self.data[start:end]).decode()

    def peek(self):
        """Return the next character that is not a space; 0 at the end."""
        while self.code(self.at) == _SPACE:
            self.at += 1
        return self.code(self.at)

    def take(self, expected):
        if self.peek() != expected:
            raise BadJSON(f"no {chr(expected)} at {self.at}")
        self.at += 1

    def value(self, depth):
        first = self.peek()
        if first == _QUOTE:
            return self.string()
        if first in (_OPEN_OBJECT, _OPEN_LIST):
            if depth == DEEPEST:
                raise BadJSON("too deep")
            return self.members(depth + 1) if first == _OPEN_OBJECT else self.items(depth + 1)
        for word, meaning in ((b"true", True), (b"false", False), (b"null", None)):
            if self.data[self.at : self.at + len(word)] == word:
                self.at += len(word)
                return meaning
        return self.integer()

    def members(self, depth):
        found: dict = {}
        self.at += 1
        while self.peek() != _CLOSE_OBJECT:
            if found:
                self.take(_COMMA)
            self.peek()
            key = self.string()
            if key in found:
                raise BadJSON(f"{key} twice")
            self.take(_COLON)
            found[key] = self.value(depth)
        self.at += 1
        return found

    def items(self, depth):
        found: list = []
        self.at += 1
        while self.peek() != _CLOSE_LIST:
            if found:
                self.take(_COMMA)
            found.append(self.value(depth))
        self.at += 1
        return found

    def string(self):
        """Read a string; the escapes in it are left to `json`, once its end is known."""
        start = self.at
        if self.code(start) != _QUOTE:
            raise BadJSON(f"no string at {start}")
        at = start + 1
        escaped = False
        while self.code(at) != _QUOTE:
            if not _SPACE <= self.code(at) <= _TILDE:
                raise BadJSON(f"bad string at {at}")
            if self.code(at) == _BACKSLASH:
                escaped = True
                self.check_escape(at)
                at += 1
            at += 1
        self.at = at + 1
        if escaped:
            return json.loads(self.text(start, self.at))
        return self.text(start + 1, at)

    def check_escape(self, at):
        kind = self.code(at + 1)
        if kind == _U:
            digits = self.data[at + 2 : at + 6]
            if len(digits) == 4 and all([each in _HEX for each in digits]):
                return
        elif kind in _ESCAPES:
            return
        raise BadJSON(f"bad escape at {at}")

    def integer(self):
        start = self.at
        at = start + 1 if self.code(start) == _MINUS else start
        first = at
        while _ZERO <= self.code(at) <= _NINE:
            at += 1
        digits = at - first
        if not 1 <= digits <= 18 or (digits > 1 and self.code(first) == _ZERO):
            raise BadJSON(f"no integer at {start}")
        self.at = at
        return int(self.text(start, at))
