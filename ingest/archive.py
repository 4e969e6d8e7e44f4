"""The archive: every payload's bytes by their sha256, and the fetch log, one line for each attempt, kept before anything parses them.

`blobs/{sha[:2]}/{sha}` holds bytes, `receipts/{YYYY-MM}.jsonl` what happened, in the order in which it was written down: a journal
(`ingest.journal`), which proves itself. Any number of processes may write. Everything else in the warehouse can be rebuilt from
here. Nothing here knows a source or a format.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from pathlib import Path

import polars as pl
from filelock import FileLock

from ingest.files import write_atomic
from ingest.journal import Fault, Journal, JournalError
from ingest.notes import is_whole, read_note, write_note
from ingest.source import ACCEPTED, OVERDUE, REFUSED, DataOrigin, HomeError, Outcome
from ingest.storable import healed


class ArchiveError(HomeError):
    """Archived bytes are missing or do not match their hash, or the fetch log was changed on disk."""


UNREAD = "unread"
"""Reason of the line of a payload that came and was not judged yet. It counts as no attempt; the line of its verdict, of the same request, bytes
and time, takes its place."""
PURGED = "purged.json"
"""Payloads that were deleted for good, and why."""
_RESTORE = "restore it from a backup"
_TEXTS = ("run_id", "source", "feed", "request_key", "request_name", "reason", "message")
_COUNTS = ("http_status", "payload_bytes")


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt: what was asked for, when, how it ended, and where the bytes are."""

    attempted_at: datetime
    run_id: str
    source: str
    feed: str
    request_key: str
    request_name: str
    outcome: Outcome
    reason: str
    message: str
    http_status: int | None
    payload_bytes: int
    payload_sha256: str | None
    data_origin: DataOrigin

    @property
    def is_failure(self) -> bool:
        """True where somebody must act. A live payload that is not out yet is no failure until it is overdue; an unfinished file never becomes final."""
        if self.outcome is Outcome.NOT_PUBLISHED and self.data_origin is DataOrigin.LIVE:
            return self.reason == OVERDUE
        return self.outcome not in (Outcome.OK, Outcome.UNCHANGED, Outcome.NO_SESSION)

    @property
    def request(self) -> tuple[str, str, str]:
        """Identity of the request across attempts."""
        return (self.source, self.feed, self.request_key)

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps({name: getattr(self, name) for name in self.__slots__} | {"attempted_at": self.attempted_at.isoformat()})

    @classmethod
    def from_json(cls, line: str | bytes) -> "Attempt":
        """Read one line; raises ValueError, KeyError or TypeError when it is not an attempt."""
        row = json.loads(line)
        if not (all(isinstance(row[name], str) for name in _TEXTS) and all(isinstance(row[name], int | None) for name in _COUNTS)):
            raise TypeError("an attempt of other types")
        return cls(
            **row
            | {
                "attempted_at": datetime.fromisoformat(row["attempted_at"]),
                "outcome": Outcome(row["outcome"]),
                "data_origin": DataOrigin(row["data_origin"]),
            }
        )


# The columns every run reads of all attempts: was this payload taken in before, and what time does the newest attempt state?
_ASKED = dict.fromkeys(("source", "feed", "request_key", "outcome", "reason", "payload_sha256", "attempted_at", "data_origin"), pl.String())
_ONE_ATTEMPT = ("source", "feed", "request_key", "payload_sha256", "attempted_at")


def _is_attempt(line: bytes) -> bool:
    """Tell whether a line is an attempt as `Attempt.to_json` gives it."""
    try:
        Attempt.from_json(line)
    except (ValueError, KeyError, TypeError):
        return False
    return True


def _columns(lines: list[bytes]) -> pl.DataFrame:
    """Read the columns of every attempt that each run needs."""
    whole = healed(b"\n".join(lines))
    try:
        return pl.read_ndjson(whole, schema=_ASKED) if lines else pl.DataFrame(schema=_ASKED)
    except pl.exceptions.PolarsError:  # polars refuses this text
        rows = [json.loads(line) for line in whole.split(b"\n")]
        return pl.DataFrame([{name: row[name] for name in _ASKED} for row in rows], schema=_ASKED)


def _holds(path: Path, body: bytes) -> bool:
    """Compare bytes instead of hashing: both are in memory, and it takes 0.02 ms of a payload's 4 ms."""
    try:
        return path.stat().st_size == len(body) and path.read_bytes() == body
    except OSError:  # not there, or a sector that cannot be read any more
        return False


class Archive:
    """Bytes and the fetch log under one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.log = Journal(root / "receipts", "*.jsonl", root / "receipts.lock", root / "receipts.length")
        self._purging = FileLock(root / "purged.lock")
        self._asked: tuple[list[bytes], pl.DataFrame] = ([], pl.DataFrame(schema=_ASKED))

    def put(self, body: bytes, *, durable: bool = True) -> str:
        """Keep bytes and give their sha256. A blob that is cut short or damaged on disk is written again."""
        sha = hashlib.sha256(body).hexdigest()
        path = self._blob(sha)
        if not _holds(path, body):
            write_atomic(path, body, durable=durable)
        if sha in self.purged():  # brought again by somebody who may
            with self._purging:
                if not _holds(path, body):  # deleted since by a purge at work
                    write_atomic(path, body, durable=durable)
                self._note_purged({known: why for known, why in self.purged().items() if known != sha})
        return sha

    def get(self, sha: str) -> bytes:
        """Give archived bytes after hashing them again. Raises ArchiveError when they are missing or damaged."""
        path = self._blob(sha)
        try:
            body = path.read_bytes()
        except FileNotFoundError:
            raise ArchiveError(f"payload {sha} is not in the archive; restore {path} from a backup") from None
        if hashlib.sha256(body).hexdigest() != sha:
            raise ArchiveError(f"payload {sha} has changed on disk; restore {path} from a backup")
        return body

    def verify(self) -> int:
        """Hash every payload the fetch log speaks of and give their number; raises ArchiveError for the first fault there is."""
        for fault in self.faults():
            raise ArchiveError(f"{fault}; {_RESTORE}")
        return len(self.spoken_of())

    def purged(self) -> dict[str, str]:
        """Give the payloads that were deleted for good, by sha256, with why. The fetch log still says that they came."""
        note = (
            read_note(
                self.root / PURGED,
                "put it back: alumina restore BACKUP; without one delete it, and purge what was purged again: alumina purge PROVIDER",
            )
            or {}
        )
        return dict(note.get("purged", {}))

    def condemn(self, shas: Collection[str], reason: str) -> None:
        """Note that payloads are to be deleted for good; from now on they count as gone."""
        with self._purging:
            self._note_purged(self.purged() | dict.fromkeys(sorted(shas), reason))

    def condemned(self) -> dict[str, str]:
        """Give the payloads that count as gone and are still there, with why: their purge was cut off."""
        return {sha: why for sha, why in self.purged().items() if self._blob(sha).exists()}

    def purge(self, shas: Collection[str], reason: str) -> None:
        """Delete payloads for good; cut off anywhere, it is finished by doing it again."""
        self.condemn(shas, reason)
        with self._purging:
            for sha in shas:
                self._blob(sha).unlink(missing_ok=True)

    def faults(self) -> Iterator[Fault]:
        """Name every damaged line of the log, and every payload that is missing or damaged."""
        yield from self.log.faults()
        there = {path.name for path in (self.root / "blobs").glob("*/*") if not path.name.startswith(".")}
        if not is_whole(self.root / PURGED):
            yield Fault(self.root / PURGED, "has changed on disk")
            spoken_of = set[str]()  # nobody knows what must be here, but what is can still be hashed
        else:
            there -= self.purged().keys()
            try:
                spoken_of = self.spoken_of()
            except ArchiveError:
                spoken_of = set()  # the same: damaged lines cannot be read
        for sha in sorted(spoken_of | there):
            try:
                self.get(sha)
            except ArchiveError as error:
                yield Fault(self.root / "blobs" / sha[:2] / sha, f"is not the payload of its name: {error}")

    def adopt(self) -> None:
        """Chain a log written before its lines were chained; raises ArchiveError, with nothing changed, where one cannot be read."""
        try:
            self.log.adopt(_is_attempt)
        except JournalError as error:
            raise ArchiveError(f"{error}; {_RESTORE}") from None

    def record(self, attempts: Iterable[Attempt]) -> None:
        """Write attempts into the fetch log, in order. When it returns, they survive a power cut."""
        for month, found in groupby(attempts, key=lambda attempt: f"{attempt.attempted_at:%Y-%m}"):
            self.log.append([attempt.to_json() for attempt in found], f"{month}.jsonl")

    def salvage(self, rotten: "Archive") -> None:
        """Write the fetch log of another archive anew, without its damaged lines; what this one has is replaced."""
        left = [Attempt.from_json(healed(line)) for line in rotten.log.left()]
        self.log.forget_length()
        for path in self.log.files:
            path.unlink()
        self.record(left)

    def told(self) -> list[bytes]:
        """Give every row of the fetch log that can be read, also of a log written before its lines were chained."""
        return self.log.left() or [line for path in self.log.files for line in path.read_bytes().split(b"\n") if _is_attempt(line)]

    def fetch_log(self) -> Iterator[Attempt]:
        """Read every attempt that was judged, in the order they were written; raises ArchiveError where one is not as it was written."""
        return self._read(self._attempts().filter(~pl.col("waits")))

    def waiting(self) -> list[Attempt]:
        """Give the payloads that came and were not judged, since what took them in was cut off; without what was purged."""
        purged = self.purged()
        return [attempt for attempt in self._read(self._attempts().filter(pl.col("waits"))) if attempt.payload_sha256 not in purged]

    def came(self) -> Iterator[Attempt]:
        """Read every attempt, judged or waiting."""
        return self._read(self._attempts())

    def accepted(self, sources: Collection[str]) -> pl.DataFrame:
        """Give the same of every attempt that brought a usable payload."""
        return self.ended(sources, ACCEPTED)

    def refused(self, sources: Collection[str]) -> pl.DataFrame:
        """Give the same of every attempt whose payload a parser refused."""
        return self.ended(sources, REFUSED)

    def ended(self, sources: Collection[str], outcomes: Collection[Outcome]) -> pl.DataFrame:
        """Give request, outcome, sha256 and time of every attempt of these sources that brought bytes and ended so, in order of attempt."""
        is_judged = ~pl.col("waits") & pl.col("payload_sha256").is_not_null()
        is_wanted = is_judged & pl.col("outcome").is_in(list(outcomes)) & pl.col("source").is_in(list(sources))
        # What a rebuild accepts has the time it first came, and stands there. Times are UTC in one form, so their text sorts as they
        # do; the clock of each run was not before them (`ingest.flow`), so otherwise this is the order they were written in.
        found = self._attempts().filter(is_wanted).sort("attempted_at", maintain_order=True).drop("line", "waits", "reason", "data_origin")
        return found.filter(~pl.col("payload_sha256").is_in(list(purged))) if (purged := self.purged()) else found

    def newest(self) -> datetime | None:
        """Give the latest time an attempt was written with, by the clock of the machine; the sample has times of its own."""
        found = self._attempts().filter(pl.col("data_origin") != str(DataOrigin.SAMPLE))["attempted_at"].max()
        return datetime.fromisoformat(found) if isinstance(found, str) else None

    def _attempts(self) -> pl.DataFrame:
        """Give each attempt with the number of its line, and whether it waits to be judged.

        Read in columns: a home of ten years has a hundred thousand attempts, and every run asks for them.
        """
        lines = self._lines()
        known, frame = self._asked
        if lines is not known:
            is_longer = lines[: len(known)] == known
            more = _columns(lines[len(known) :] if is_longer else lines)
            self._asked = (lines, pl.concat([frame, more]) if is_longer else more)
        found = self._asked[1].with_row_index("line").with_columns(waits=(pl.col("reason") == UNREAD) & (pl.col("outcome") == str(Outcome.OK)))
        waited, judged = found.filter("waits"), found.filter(~pl.col("waits"))
        if waited.is_empty():
            return found
        # Two runs at once may both judge what waited: their lines are one attempt.
        twice = judged.join(waited, on=_ONE_ATTEMPT, how="semi").filter(~pl.struct(*_ONE_ATTEMPT, "outcome", "reason").is_first_distinct())
        over = pl.concat([waited.join(judged, on=_ONE_ATTEMPT, how="semi"), twice])["line"].implode()
        return found.filter(~pl.col("line").is_in(over))

    def _read(self, attempts: pl.DataFrame) -> Iterator[Attempt]:
        lines = self._lines()
        return (Attempt.from_json(healed(lines[number])) for number in attempts["line"])

    def _lines(self) -> list[bytes]:
        try:
            return self.log.read()
        except JournalError as error:
            raise ArchiveError(f"{error}; {_RESTORE}") from None

    def spoken_of(self) -> set[str]:
        """Give the sha256 of every payload that must be here: those of the fetch log, without what was purged."""
        return {attempt.payload_sha256 for attempt in self.came() if attempt.payload_sha256} - self.purged().keys()

    def _note_purged(self, purged: Mapping[str, str]) -> None:
        write_note(self.root / PURGED, {"purged": dict(purged)})

    def _blob(self, sha: str) -> Path:
        if len(sha) != 64 or not set(sha) <= set("0123456789abcdef"):
            raise ArchiveError(f"{sha!r} is not a sha256")
        return self.root / "blobs" / sha[:2] / sha
