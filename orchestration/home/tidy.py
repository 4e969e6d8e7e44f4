"""Deleting what a home need not keep, by `retention.toml`: runs and what they logged, what killed writers and what-ifs left, and the room inside the working warehouse.

Payloads, the fetch log, the lake and the operator's files are nobody's to delete here; releases are retired where they are published.
"""

import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import TypeVar

import dagster as dg
from sqlalchemy.exc import OperationalError

from ingest.catalog.documents import load
from ingest.catalog.schemas import Keep, RetentionFile
from ingest.files import unfinished
from ingest.settings import Settings
from orchestration.instance import retention
from orchestration.warehouse.compaction import compact
from serving.research.whatif import copies_of, forget_copies

logger = logging.getLogger(__name__)
T = TypeVar("T")
# The files of each kind below a home.
_FILES: Mapping[str, Callable[[Path], Iterable[Path]]] = {
    "logs": lambda home: (home / "logs").glob("*.log"),
    "failures": lambda home: (home / "failures").glob("*.jsonl"),
    "unfinished": unfinished,
}


@dataclass(frozen=True)
class Tidied:
    """What was deleted: lines of runs, runs whose events went, older copies of descriptions, files, and bytes the disk has back."""

    runs: int
    events: int
    thinned: int
    files: int
    copies: int
    """Copies of the warehouse that a killed what-if left."""
    bytes_freed: int
    warehouse: tuple[int, int] | None
    """Bytes of the working warehouse before and after, None where it was not written anew."""

    def __str__(self) -> str:
        """Say it in one line."""
        said = f"{self.runs} runs, the events of {self.events} runs and {self.files} files were older than is kept; {self.bytes_freed / 2**20:,.1f} MB freed"
        if self.copies:
            said += f", with the copies of the warehouse of {self.copies} killed what-ifs"
        if self.warehouse:
            said += f", the warehouse {self.warehouse[1] / 2**20:,.1f} MB after {self.warehouse[0] / 2**20:,.1f} MB"
        return said


def tidy(settings: Settings, instance: dg.DagsterInstance, now: datetime) -> Tidied:
    """Delete what is older than the home keeps. Run again, it deletes what has become old since.

    Raises ConfigurationError for a retention.toml that is wrong, WarehouseBusyError where the warehouse is in use; nothing is half deleted then.
    """
    kept = load(RetentionFile, settings.catalog_overlay)
    of: dict[str, Keep] = {row.of: row for row in kept.keep}
    before = _bytes(settings)
    compacted = compact(settings, kept.warehouse.compact_beyond)
    ended = retention.ended_runs(instance)
    without_events = beyond(ended, of.get("events"), now, lambda run: run.at)
    without_line = beyond(ended, of.get("runs"), now, lambda run: run.at)
    events = retention.forget_events(instance, settings, [run.run_id for run in (*without_events, *(set(without_line) - set(without_events)))])
    runs = retention.forget_runs(instance, [run.run_id for run in without_line])
    thinned = retention.thin(instance)
    files = [
        path for kind, found in _FILES.items() for _, path in beyond(_newest_first(found(settings.root)), of.get(kind), now, lambda file: file[0])
    ]
    kept_back = []
    for path in files:
        try:
            path.unlink(missing_ok=True)
        except OSError as error:  # of another user, or mounted to be read only: the others go
            kept_back.append(path)
            logger.warning("%s may not be deleted: %s", path, error.strerror)
    copies = forget_copies(settings)
    with suppress(OperationalError):  # somebody reads the record just now; the next time will do
        retention.compact(instance)
    return Tidied(runs, events, thinned, len(files) - len(kept_back), copies, max(0, before - _bytes(settings)), compacted)


def beyond(things: Sequence[T], keep: Keep | None, now: datetime, at: Callable[[T], datetime]) -> list[T]:
    """Give what a rule does not keep of things in the order newest first; nothing where there is no rule."""
    if keep is None:
        return []
    horizon = now - timedelta(days=keep.days)
    return [thing for thing in things[keep.least :] if at(thing) < horizon]


def _newest_first(files: Iterable[Path]) -> list[tuple[datetime, Path]]:
    found = []
    for path in files:
        with suppress(FileNotFoundError):  # another tidying was faster, or its writer came to the end
            found.append((_written(path), path))
    return sorted(found, reverse=True)


def _written(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _bytes(settings: Settings) -> int:
    """Bytes of what is looked after here."""
    places = (settings.dagster, *copies_of(settings))
    of_places = (Path(folder) / name for place in places for folder, _, names in os.walk(place) for name in names)
    of_kinds = (path for found in _FILES.values() for path in found(settings.root))
    written = 0
    for path in chain(of_places, of_kinds):
        with suppress(FileNotFoundError):  # a run at work opens and closes its log
            written += path.stat().st_size if path.is_file() else 0
    return written + (settings.warehouse.stat().st_size if settings.warehouse.is_file() else 0)
