"""What is printed on a simulated meter's label: a small file beside its flash."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

FILE = "label.json"


class Label(NamedTuple):
    """Which meter a folder holds."""

    folder: Path
    drn: str
    board: str  # "combined" or "split"
    customer: str  # whose it is, for people's eyes


def write(label: Label) -> None:
    """Put a label into its meter's folder."""
    text = {"drn": label.drn, "board": label.board, "customer": label.customer}
    (label.folder / FILE).write_text(json.dumps(text))


def labels_in(folder: Path) -> list[Label]:
    """Return the labels of all meters in a folder, in the order of their numbers."""
    return [
        Label(path.parent, **json.loads(path.read_text()))
        for path in sorted(folder.glob(f"*/{FILE}"))
    ]
