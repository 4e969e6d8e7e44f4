r"""Foreign text (names, messages, refused rows) made safe to store, send and show.

A character that no file can hold (a lone surrogate, which is also how the system hands out a name that is not UTF-8) or
that acts instead of being read (control and direction characters, private ones) stands as its JSON escape: `\ud800`,
`\u001b`. It stays readable and loses nothing; the payload's own bytes are in the archive anyway. What a parser gives as
data is not touched here. Pure; no I/O.
"""

import json
import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from itertools import islice
from typing import Any

# A pair of escapes is one character and stays; so does an escaped backslash before a `u`.
_ESCAPES = re.compile(rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)", re.DOTALL)


def is_plain(character: str) -> bool:
    """Tell whether a character can be stored and shown as it is; every kind of space can, a line break cannot."""
    return character.isprintable() or unicodedata.category(character) == "Zs"


class _Escaped(dict[int, str]):
    """What stands for each character that was met: looking one up anew takes ten times as long, and a text may hold nothing else."""

    def __missing__(self, code: int) -> str:
        if len(self) >= _CHARACTERS_KEPT:
            self.clear()
        character = chr(code)
        self[code] = character if is_plain(character) else json.dumps(character)[1:-1]
        return self[code]


# Assumed: the Chinese and Latin characters of one run are fewer, and so many take 1 MB.
_CHARACTERS_KEPT = 10_000
_ESCAPED = _Escaped()


def storable(text: str, most: int | None = None) -> str:
    """Give foreign text as one line that can be stored and shown; with `most`, what is longer is cut and says so."""
    length = len(text)
    cut = text if most is None or length <= most else text[:most]
    if not cut.isprintable():
        cut = cut.translate(_ESCAPED)
    return cut if most is None or length <= most else f"{cut}… ({length:,} characters)"


def storable_lines(text: str) -> str:
    """Give foreign text of many lines (a traceback), each of them storable."""
    return "\n".join(storable(line) for line in text.split("\n"))


# A row with lists and objects in its cells may have so many times the cells of a row; assumed: no row of a feed is nested at all.
_NESTED = 5


def storable_row(row: Mapping[Any, Any], cell_characters: int, cells: int, depth: int = 4) -> dict[str, Any]:
    """Give a foreign row with names and texts that can be stored: long ones are cut, what is beyond `cells` is counted only.

    What is nested deeper than `depth` stands as text, and the row with all that is nested in it has no more than five times `cells`.
    """
    return _row(row, cell_characters, cells, depth, [_NESTED * cells])


def _row(row: Mapping[Any, Any], most: int, cells: int, depth: int, left: list[int]) -> dict[str, Any]:
    taken = _taken(len(row), cells, left)
    kept = {_name(str(name), most): _cell(value, most, cells, depth, left) for name, value in islice(row.items(), taken)}
    return kept if len(row) == taken else kept | {"…": f"{len(row) - taken:,} more cells"}


def _taken(there: int, cells: int, left: list[int]) -> int:
    """Tell how many of the cells there are may be given, and count them."""
    taken = min(there, cells, left[0])
    left[0] -= taken
    return taken


def _name(name: str, most: int) -> str:
    return storable(name, most) if len(name) > most else _short_name(name)


@lru_cache(maxsize=1024)
def _short_name(name: str) -> str:
    """Give a name that is no longer than a cell: only of these some are kept, and one column of a table has one."""
    return storable(name)


def _cell(value: Any, most: int, cells: int, depth: int, left: list[int]) -> Any:
    if value is None or isinstance(value, bool | float) or (isinstance(value, int) and value.bit_length() <= 64):
        return value
    if depth and isinstance(value, dict):
        return _row(value, most, cells, depth - 1, left)
    if depth and isinstance(value, list):
        return [_cell(part, most, cells, depth - 1, left) for part in value[: _taken(len(value), cells, left)]]
    try:
        return storable(str(value), most)
    except (RecursionError, ValueError):  # nested without end, or a number of more digits than Python writes
        return f"a value of type {type(value).__name__} that cannot be written down"


def healed(lines: bytes) -> bytes:
    """Give lines of JSON without escapes of lone surrogates: each becomes the text of itself, as `storable` writes it."""
    if b"\\ud" not in lines and b"\\uD" not in lines:
        return lines
    return _ESCAPES.sub(lambda found: b"\\" + found[0] if found["lone"] else found[0], lines)
