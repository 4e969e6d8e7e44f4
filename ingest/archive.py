"""The archive: every payload's bytes by their sha256, and one receipt per attempt, kept before anything parses them.

`blobs/{sha[:2]}/{sha}` holds bytes, `receipts/{YYYY-MM}.jsonl` what happened. Everything else in the warehouse can be
rebuilt from here. Nothing here knows a source or a format.
"""

import hashlib
import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from ingest.files import append_lines, write_atomic
from ingest.source import ACCEPTED, OVERDUE, REFUSED, DataOrigin, Outcome
from ingest.storable import healed


class ArchiveError(Exception):
    """Archived bytes are missing or are not what their name says."""


_TEXTS = ("run_id", "source", "feed", "request_key", "request_name", "reason", "message")
_COUNTS = ("http_status", "payload_bytes")


@dataclass(frozen=True, slots=True)
class Receipt:
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
        """True where something is to be done. That a live payload is not published yet is news until it is overdue; a file will not become final."""
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
    def from_json(cls, line: str | bytes) -> "Receipt":
        """Read one line; raises ValueError, KeyError or TypeError when it is not a receipt."""
        row = json.loads(line)
        if not (all(isinstance(row[name], str) for name in _TEXTS) and all(isinstance(row[name], int | None) for name in _COUNTS)):
            raise TypeError("a receipt of other types")
        return cls(
            **row
            | {
                "attempted_at": datetime.fromisoformat(row["attempted_at"]),
                "outcome": Outcome(row["outcome"]),
                "data_origin": DataOrigin(row["data_origin"]),
            }
        )


# What the question "was this taken in before?" needs of a receipt.
_NEEDED = dict.fromkeys(("source", "feed", "request_key", "outcome", "payload_sha256", "attempted_at"), pl.String())


def _attempts(body: bytes) -> pl.DataFrame:
    """Read lines of receipts; one that is none costs a reading without those that were cut, or of each line by itself."""
    for lines in _readings(body):
        try:
            return pl.read_ndjson(lines, schema=_NEEDED) if lines else pl.DataFrame(schema=_NEEDED)
        except pl.exceptions.PolarsError:
            continue
    return pl.DataFrame([row for line in body.split(b"\n") if (row := _row(line))], schema=_NEEDED)


def _readings(body: bytes) -> Iterator[bytes]:
    yield body
    yield b"\n".join(line for line in body.split(b"\n") if line.startswith(b"{") and line.endswith(b"}"))


def _row(line: bytes) -> dict[str, str | None] | None:
    try:
        receipt = Receipt.from_json(line)
    except (ValueError, KeyError, TypeError):
        return None
    return {
        "source": receipt.source,
        "feed": receipt.feed,
        "request_key": receipt.request_key,
        "outcome": str(receipt.outcome),
        "payload_sha256": receipt.payload_sha256,
        "attempted_at": receipt.attempted_at.isoformat(),
    }


def _holds(path: Path, body: bytes) -> bool:
    """Compare, not hash: both are in hand, and it takes 0.02 ms of the 4 ms that a payload takes."""
    try:
        return path.stat().st_size == len(body) and path.read_bytes() == body
    except OSError:  # not there, or a sector that cannot be read any more
        return False


class Archive:
    """Bytes and receipts under one folder."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def put(self, body: bytes, *, durable: bool = True) -> str:
        """Keep bytes and give their sha256. A blob that was left short or has rotted since is written again."""
        sha = hashlib.sha256(body).hexdigest()
        path = self._blob(sha)
        if not _holds(path, body):
            write_atomic(path, body, durable=durable)
        return sha

    def get(self, sha: str) -> bytes:
        """Give archived bytes, hashed again on the way; raises ArchiveError when they are missing or have rotted."""
        path = self._blob(sha)
        try:
            body = path.read_bytes()
        except FileNotFoundError:
            raise ArchiveError(f"payload {sha} is not in the archive; restore {path} from a backup") from None
        if hashlib.sha256(body).hexdigest() != sha:
            raise ArchiveError(f"payload {sha} has changed on disk; restore {path} from a backup")
        return body

    def verify(self) -> int:
        """Read every receipt, hash every payload one speaks of and give their number; raises ArchiveError naming the first that cannot be read."""
        if unreadable := self.unreadable():
            raise ArchiveError(f"{unreadable[0]} is not a receipt that can be read; restore the file from a backup")
        shas = {receipt.payload_sha256 for receipt in self.receipts() if receipt.payload_sha256}
        for sha in sorted(shas):
            self.get(sha)
        return len(shas)

    def record(self, receipts: Iterable[Receipt]) -> None:
        """Append receipts, in one durable write per month."""
        months: dict[str, list[str]] = {}
        for receipt in receipts:
            months.setdefault(f"{receipt.attempted_at:%Y-%m}", []).append(receipt.to_json())
        for month, lines in months.items():
            append_lines(self.root / "receipts" / f"{month}.jsonl", lines)

    def receipts(self) -> Iterator[Receipt]:
        """Read every receipt in order of attempt; a line cut by an interrupted write is passed over."""
        for file in sorted((self.root / "receipts").glob("*.jsonl")):
            for line in healed(file.read_bytes()).split(b"\n"):
                try:
                    yield Receipt.from_json(line)
                except (ValueError, KeyError, TypeError):
                    continue  # the attempt it spoke of was not finished and runs again

    def unreadable(self) -> list[str]:
        """Name file and line of everything among the receipts that is none, but for what an interrupted write cut short."""
        found = []
        for file in sorted((self.root / "receipts").glob("*.jsonl")):
            for number, line in enumerate(healed(file.read_bytes()).split(b"\n"), start=1):
                if line.endswith(b"}"):
                    try:
                        Receipt.from_json(line)
                    except (ValueError, KeyError, TypeError):
                        found.append(f"{file}, line {number},")
        return found

    def accepted(self, sources: Collection[str]) -> pl.DataFrame:
        """Give request, sha256 and time of every attempt of these sources that brought a usable payload, in order of attempt."""
        return self._ended(sources, ACCEPTED)

    def refused(self, sources: Collection[str]) -> pl.DataFrame:
        """Give the same of every attempt whose payload a parser refused."""
        return self._ended(sources, REFUSED)

    def _ended(self, sources: Collection[str], outcomes: Collection[Outcome]) -> pl.DataFrame:
        """Read in columns: a home of ten years has a hundred thousand receipts, and every run asks for them."""
        bodies = [healed(file.read_bytes()) for file in sorted((self.root / "receipts").glob("*.jsonl"))]
        is_wanted = pl.col("outcome").is_in(list(outcomes)) & pl.col("payload_sha256").is_not_null() & pl.col("source").is_in(list(sources))
        # A rebuild appends what it now accepts, with the time it first came. Times are UTC in one form, so their text sorts as they do.
        return _attempts(b"\n".join(bodies)).filter(is_wanted).sort("attempted_at", maintain_order=True)

    def _blob(self, sha: str) -> Path:
        if len(sha) != 64 or not set(sha) <= set("0123456789abcdef"):
            raise ArchiveError(f"{sha!r} is not a sha256")
        return self.root / "blobs" / sha[:2] / sha
