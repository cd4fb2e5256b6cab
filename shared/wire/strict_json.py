"""The part of JSON that messages use, read strictly and the same on CPython and MicroPython.

MicroPython's own reader takes `{"a" 1}` and both keep only the last of two equal keys, so two
parties could read one signed message differently. Here: ASCII only, no equal keys, no fractions
(money and energy are integers), no blanks beyond the plain space, bounded depth.
"""

import json

DEEPEST = 6


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
        text: str or bytes.

    Returns:
        dict, list, str, int, True, False or None.

    Raises:
        BadJSON: it breaks a rule above.
    """
    reader = _Reader(text if isinstance(text, str) else _ascii(text))
    value = reader.value(0)
    if reader.peek():
        raise BadJSON("more after the end")
    return value


def _ascii(data):
    for byte in data:
        if byte > 127:
            raise BadJSON("not ASCII")
    return bytes(data).decode()


class _Reader:
    """A place in a text, and one method per kind of value found there."""

    def __init__(self, text):
        self.text = text
        self.at = 0

    def peek(self):
        """Return the next character that is not a space; "" at the end."""
        while self.text[self.at : self.at + 1] == " ":
            self.at += 1
        return self.text[self.at : self.at + 1]

    def take(self, expected):
        if self.peek() != expected:
            raise BadJSON(f"no {expected} at {self.at}")
        self.at += 1

    def value(self, depth):
        first = self.peek()
        if first == '"':
            return self.string()
        if first == "{" or first == "[":
            if depth == DEEPEST:
                raise BadJSON("too deep")
            return self.members(depth + 1) if first == "{" else self.items(depth + 1)
        for word, meaning in (("true", True), ("false", False), ("null", None)):
            if self.text.startswith(word, self.at):
                self.at += len(word)
                return meaning
        return self.integer()

    def members(self, depth):
        found: dict = {}
        self.at += 1
        while self.peek() != "}":
            if found:
                self.take(",")
            self.peek()
            key = self.string()
            if key in found:
                raise BadJSON(f"{key} twice")
            self.take(":")
            found[key] = self.value(depth)
        self.at += 1
        return found

    def items(self, depth):
        found: list = []
        self.at += 1
        while self.peek() != "]":
            if found:
                self.take(",")
            found.append(self.value(depth))
        self.at += 1
        return found

    def string(self):
        """Read a string; the escapes in it are left to `json`, once its end is known."""
        text = self.text
        start = self.at
        if text[start : start + 1] != '"':
            raise BadJSON(f"no string at {start}")
        at = start + 1
        escaped = False
        while text[at : at + 1] != '"':
            character = text[at : at + 1]
            if not " " <= character <= "~":
                raise BadJSON(f"bad string at {at}")
            if character == "\\":
                escaped = True
                _check_escape(text, at)
                at += 1
            at += 1
        self.at = at + 1
        return json.loads(text[start : self.at]) if escaped else text[start + 1 : at]

    def integer(self):
        text = self.text
        start = self.at
        at = start + 1 if text[start : start + 1] == "-" else start
        first = at
        while "0" <= text[at : at + 1] <= "9":
            at += 1
        digits = at - first
        if not 1 <= digits <= 18 or (digits > 1 and text[first] == "0"):
            raise BadJSON(f"no integer at {start}")
        self.at = at
        return int(text[start:at])


def _check_escape(text, at):
    kind = text[at + 1 : at + 2]
    if kind == "u":
        digits = text[at + 2 : at + 6]
        if len(digits) == 4 and all([each in "0123456789abcdefABCDEF" for each in digits]):
            return
    elif kind and kind in '"\\/bfnrt':
        return
    raise BadJSON(f"bad escape at {at}")
