"""What a payload may be and may cost, from `limits.toml`; whether one keeps it is judged in `ingest.within`. Pure but for reading the file."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from ingest.sheet import Limits as SheetLimits
from ingest.source import ConfigurationError

LIMITS_FILE = Path(__file__).with_name("limits.toml")
_ALL = "*"


@dataclass(frozen=True, slots=True)
class FeedLimits:
    """What one payload of a feed may be; `limits.toml` says what each counts."""

    bytes: int
    rows: int
    cells: int
    columns: int
    refused_rows: int


@dataclass(frozen=True, slots=True)
class TextLimits:
    """How much of a foreign text is repeated in receipts and quarantine: characters of a message and of a cell, cells of a row."""

    message_characters: int
    cell_characters: int
    row_cells: int


@dataclass(frozen=True, slots=True)
class Shape:
    """How a payload may be shaped: depth of JSON, bytes of a tag, rows of labels above a wide export."""

    depth: int
    tag_bytes: int
    label_rows: int


@dataclass(frozen=True)
class Limits:
    """Everything `limits.toml` says."""

    feeds: Mapping[str, FeedLimits]
    text: TextLimits
    sheet: SheetLimits
    shape: Shape

    def of(self, source: str, feed: str) -> FeedLimits:
        """Give the limits of one feed: its own, those of its source, those of all."""
        return next(self.feeds[name] for name in (f"{source}/{feed}", f"{source}/*", _ALL) if name in self.feeds)


def parse_limits(texts: list[str]) -> Limits:
    """Build the limits from one or more TOML texts, later entries in place of earlier ones; raises ValueError, KeyError or TypeError."""
    feeds: dict[str, dict[str, Any]] = {}
    parts: dict[str, dict[str, Any]] = {"text": {}, "sheet": {}, "shape": {}}
    for text in texts:
        document = tomllib.loads(text)
        for row in document.get("limit", []):
            feeds[row["of"]] = _limits_of(feeds.get(row["of"], {})) | row
        for name, part in parts.items():
            part.update(document.get(name, {}))
    common = feeds[_ALL]
    return Limits(
        {of: FeedLimits(**_numbers(FeedLimits, f"limit {of}", _limits_of(common) | row)) for of, row in feeds.items()},
        TextLimits(**_numbers(TextLimits, "text", parts["text"])),
        SheetLimits(**_numbers(SheetLimits, "sheet", parts["sheet"])),
        Shape(**_numbers(Shape, "shape", parts["shape"])),
    )


def _limits_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Give an entry without its reasons: who changes a number says why."""
    return {name: value for name, value in entry.items() if name not in ("label", "source")}


def _numbers(kind: Any, of: str, entry: Mapping[str, Any]) -> dict[str, int]:
    names = [field.name for field in fields(kind)]
    if unknown := entry.keys() - {*names, "of", "label", "source"}:
        raise ValueError(f"{of} says {', '.join(sorted(unknown))}, which limits nothing")
    if not entry.get("source") or entry.get("label") not in ("sourced", "assumed"):
        raise ValueError(f"{of} needs its source, and a label that is sourced or assumed")
    for name in names:
        if type(entry[name]) is not int or entry[name] < 1:
            raise ValueError(f"{name} of {of} must be a whole number above zero, not {entry[name]!r}")
    return {name: entry[name] for name in names}


@lru_cache
def load_limits(overlay: Path | None = None) -> Limits:
    """Read the shipped limits, the operator's entries in their place; raises ConfigurationError where they cannot be read."""
    files = [LIMITS_FILE, *([file] if overlay and (file := overlay / LIMITS_FILE.name).is_file() else [])]
    try:
        return parse_limits([file.read_text(encoding="utf-8") for file in files])
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        said = f"there is no {error}" if isinstance(error, KeyError) else str(error)
        raise ConfigurationError(f"catalogue file {LIMITS_FILE.name}: {said}") from None
