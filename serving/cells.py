"""One value as a cell of a CSV file that a spreadsheet opens without running anything."""

import re
from datetime import datetime
from typing import Any

# The full-width forms are formulas to a Chinese Excel.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
# As spreadsheets print numbers: what fits is a figure and cannot be a formula. ASCII digits, no blanks around.
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def safe(value: Any) -> str:
    """Write one value as a cell: null is empty, a moment has its zone, text that would be a formula gets an apostrophe."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = value.isoformat(sep=" ") if isinstance(value, datetime) else str(value)
    return f"'{text}" if text.startswith(_FORMULA) and not _NUMBER.fullmatch(text) else text
