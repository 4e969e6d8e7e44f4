"""Is this payload within the limits of its feed? Told from counting bytes, before anything is made of them.

A count is never too low for what a parser will make (commas inside a text count as well), so what passes is cheap to read.
The limits are configuration: `ingest/catalog/limits.toml`. Spreadsheets are packed, so their cells are counted in `ingest.sheet`.
"""

import re
from itertools import chain, islice
from typing import Any

from ingest.catalog.configuration import SHIPPED_ONLY
from ingest.catalog.limits import FeedBounds
from ingest.inspect import kind_of
from ingest.source import Outcome, PayloadError
from ingest.table import BAR, SEPARATORS

ADVICE = "export a shorter span, or raise the limit in catalog/limits.toml of the home"
_NESTED = (dict, list)
_SEPARATORS = tuple(separator.encode() for separator in (*SEPARATORS, BAR))


def require_within(name: str, body: bytes, limits: FeedBounds) -> None:
    """Raise PayloadError with the outcome `not_data`, reason `oversized`, where a payload is more than its feed may have."""
    _require_counts(name, body, limits)
    kind, most_in_a_tag = kind_of(body), SHIPPED_ONLY.limits.shape.tag_bytes
    if kind not in ("json", "html", "xlsx"):
        _require_lines(name, body)
    if kind == "html" and re.search(rb"<[^<>]{%d}" % most_in_a_tag, body):  # a reader of pages compares each name in a tag with each
        raise PayloadError(Outcome.NOT_DATA, "oversized", f"{name} has a tag of more than {most_in_a_tag:,} bytes; no page of the feeds has")


def _require_lines(name: str, body: bytes) -> None:
    """Hold a text to the shape of lines: a parser looks at each, and may carry what stands above a table into every row."""
    shape = SHIPPED_ONLY.limits.shape
    if len(body) ** 2 // 4 <= shape.spread_bytes:  # no product of lines and bytes is more
        return
    import numpy as np

    codes = np.frombuffer(body, np.uint8)
    ends = np.flatnonzero((codes == ord("\n")) | (codes == ord("\r")))
    if ends.size > shape.line_ends:
        raise PayloadError(Outcome.NOT_DATA, "oversized", f"{name} has more than {shape.line_ends:,} line ends; delete the blank lines")
    lengths = np.diff(ends, prepend=-1, append=len(body)) - 1
    filled, longest = int(np.count_nonzero(lengths)), int(lengths.max())
    if filled * longest > shape.spread_bytes:
        told = f"{name} has a line of {longest:,} bytes and {filled:,} lines; what stands above a table may be carried into each of its rows"
        raise PayloadError(Outcome.NOT_DATA, "oversized", f"{told}, so shorten the line")


def _require_counts(name: str, body: bytes, limits: FeedBounds) -> None:
    for count, most, what in counted(body, limits):
        if count > most:
            raise PayloadError(Outcome.NOT_DATA, "oversized", f"{name} has more {what} than the {most:,} that are read; {ADVICE}")


def counted(body: bytes, limits: FeedBounds) -> list[tuple[int, int, str]]:
    """Count what can be counted of this kind of content: how many, how many are allowed, of what."""
    if len(body) > limits.bytes:
        return [(len(body), limits.bytes, "bytes")]
    if len(body) < min(limits.rows, limits.cells):
        return []  # nothing of a payload can be more than it has bytes
    commas = _count(body, b",")
    match kind_of(body):
        case "json":
            return [
                (_count(body, b"{"), limits.rows, "objects"),
                (commas + _count(body, b"["), limits.cells, "values"),
            ]
        case "html":
            return [(_count(body, b"<"), limits.cells, "tags")]
        case "xlsx":
            return []
    commas = max(_count(body, separator) for separator in _SEPARATORS)  # what stands between the cells of a text is not known yet
    lines = _count(body, b"\n") + _count(body, b"\r")
    if lines > limits.rows or commas + lines > limits.cells:  # blank ones cost nothing
        lines = sum(1 for _ in islice(re.finditer(rb"[\r\n]+", body), limits.cells + 1))
    head, _, _ = body.lstrip(b"\xef\xbb\xbf\r\n").partition(b"\n")
    return [
        (lines, limits.rows, "lines"),
        (commas + lines, limits.cells, "cells and line ends"),
        (max(map(head.count, _SEPARATORS)) + 1, limits.columns, "columns"),
    ]


def is_within_depth(document: Any, body: bytes, most: int) -> bool:
    """Tell whether lists and objects of a JSON document lie in each other at most so deep; `body` is what it was read from."""
    if _is_rows(document, _count(body, b"{") + _count(body, b"[")):
        return True
    level = [document]
    for _ in range(most):
        parts = chain.from_iterable(node.values() if isinstance(node, dict) else node for node in level)
        level = [part for part in parts if isinstance(part, _NESTED)]
        if not level:
            return True
    return False


def _is_rows(document: Any, openings: int) -> bool:
    """Tell whether a document is an envelope around lists of flat rows, as nearly all are: each opening bracket is then accounted for."""
    lists = [part for part in document.values() if isinstance(part, list)] if isinstance(document, dict) else []
    return openings == 1 + len(lists) + sum(map(len, lists)) and all(isinstance(row, dict) for rows in lists for row in rows)


def _count(body: bytes, byte: bytes) -> int:
    """Count a byte that stands often: `bytes.count` goes from one to the next, which takes ten times as long."""
    import numpy as np  # a tenth of the time a command takes to load, and most commands count nothing

    return int(np.count_nonzero(np.frombuffer(body, np.uint8) == byte[0]))
