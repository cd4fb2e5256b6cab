"""Cells of the sheets that people open in a spreadsheet."""

from __future__ import annotations

FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
ESCAPE = "'"


def safe_cell(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula, whoever wrote the text."""
    return ESCAPE + text if text.startswith(FORMULA_SIGNS) else text
