"""Names that cost a device little."""

from __future__ import annotations

import itertools
import keyword
import string
from collections.abc import Iterator


def short_names(prefix: str) -> Iterator[str]:
    """Yield the prefix with a, b, ... z, aa, ab, ..., without what Python means by some."""
    for length in itertools.count(1):
        for letters in itertools.product(string.ascii_lowercase, repeat=length):
            name = prefix + "".join(letters)
            if not keyword.iskeyword(name):
                yield name
