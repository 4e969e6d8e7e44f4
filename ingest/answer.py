"""What all JSON answers of the exchanges need: decoding, envelope, required columns, leftover columns.

This module takes an answer apart and types it. What the figures mean is the business of `ingest/sources`.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import polars as pl

from ingest import values
from ingest.catalog.configuration import SHIPPED_ONLY
from ingest.source import Outcome, PayloadError, Reject, Request
from ingest.storable import healed
from ingest.within import is_within_depth
from quality.raw import TABLES


def read_json(body: bytes) -> tuple[Mapping[str, Any], list[str]]:
    """Decode an answer into the document and remarks about it. Raises PayloadError when it is cut short or nested too deeply.

    A lone surrogate, which JSON can write and no file can hold, becomes the text of its escape.
    """
    remarks: list[str] = []
    try:
        clean = healed(body)
        if clean != body:
            remarks.append("lone_surrogate")
        text = clean.decode("utf-8-sig")
        try:
            document = json.loads(text)
        except json.JSONDecodeError:
            document = json.loads(text, strict=False)  # raw control characters stand inside strings of real files
            remarks.append("control_char")
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise PayloadError(Outcome.NOT_DATA, "unparsable", f"the payload is cut short or is not JSON: {error}") from None
    depth = SHIPPED_ONLY.limits.shape.depth
    if not is_within_depth(document, clean, depth):
        raise PayloadError(
            Outcome.NOT_DATA, "too_deep", f"lists and objects lie in each other more than {depth} deep; no answer of the feeds is like that"
        )
    if not isinstance(document, dict):
        raise PayloadError(Outcome.FORMAT_CHANGED, "no_envelope", "the payload is JSON, but not the exchange's envelope")
    return document, remarks


def rows_of(request: Request, envelope: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """Give the rows under one key of the envelope; raises PayloadError when there is no list, or an empty one."""
    rows = envelope.get(key)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise PayloadError(Outcome.FORMAT_CHANGED, "no_rows_key", f"{request.name} has no list {key!r}")
    if not rows:
        raise PayloadError(Outcome.NOT_DATA, "no_rows", f"{request.name} holds no row")
    return rows


def require(request: Request, keys: set[str], required: set[str], remarks: list[str], known: set[str]) -> None:
    """Refuse an answer that lacks a required column or has far too many columns; remark on unknown columns."""
    if len(keys) > (most := SHIPPED_ONLY.limits.of(request.source, request.feed).columns):
        raise PayloadError(
            Outcome.FORMAT_CHANGED, "oversized", f"the rows of {request.name} have {len(keys):,} names, more than the {most} that are read"
        )
    if missing := sorted(required - keys):
        raise PayloadError(Outcome.FORMAT_CHANGED, "missing_column", f"{request.name} has no column {', '.join(missing)}")
    remarks.extend(f"unknown_column:{key}" for key in sorted(keys - known))


def lacking(table: str, row: Mapping[str, Any], required: set[str]) -> Reject | None:
    """Put aside a row that lacks a cell the others have. One bad row must not stop a run."""
    missing = sorted(required - row.keys())
    return Reject(table, "missing_cell", f"the row has no {', '.join(missing)}", row) if missing else None


def stated_time(envelope: Mapping[str, Any]) -> datetime | None:
    """Give the time of publication an SHFE envelope states, if it can be read."""
    try:
        return values.moment(envelope.get("update_date"))
    except ValueError:
        return None  # unreadable: the publication clock decides, and the archive keeps the text


def frame_of(table: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Build the typed frame of a raw table from rows; a column a row does not have is null."""
    return pl.DataFrame([pl.Series(name, [row.get(name) for row in rows], kind) for name, kind in TABLES[table].schema.items()])


def text_of(value: Any) -> str:
    """Give a value as text without its padding; null is blank."""
    return "" if value is None else str(value).strip()


def extra_of(row: Mapping[str, Any], known: set[str]) -> str | None:
    """Give what no column holds as JSON text."""
    if row.keys() <= known:
        return None
    unknown = {key: value for key, value in row.items() if key not in known}
    return json.dumps(unknown, ensure_ascii=False, sort_keys=True)
