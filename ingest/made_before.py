"""The sample's deliveries of an earlier run, read from the archive instead of being generated again.

Generating them takes longer than the rest of a run without new data. The sample is a pure function of its code and data, so what it
delivered holds as long as the hash of these does; a note in the home says what that was, the archive holds the bytes. Whatever of
it is missing or has changed is made again: this is a short cut to the same deliveries, never another source of them.
"""

import hashlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

from ingest.archive import Archive, ArchiveError
from ingest.notes import NoteError, read_note, write_note
from ingest.source import Request, Response

_Delivery = tuple[Request, Response]


@dataclass(frozen=True)
class MadeBefore:
    """One note for each set of sources that was asked for together: `{folder}/{sources}.json`."""

    folder: Path
    archive: Archive

    def deliveries(self, sources: str, window: str, make: Callable[[], Iterator[_Delivery]]) -> Iterator[_Delivery]:
        """Give what `make` gives for these sources in a window, in its order, and note it once all of it was taken."""
        note, of = self.folder / f"{sources}.json", f"{_code()} {window}"
        known = _known(note, of)
        if known is None:
            made = []
            for request, response in make():
                made.append(_row(request, response))
                yield request, response
            write_note(note, {"of": of, "deliveries": made}, durable=False)
            return
        given = 0
        try:
            for row in known:
                delivery = self._delivery(*row)
                given += 1
                yield delivery
        except ArchiveError:  # lost or damaged since: taking it in stores it again
            yield from islice(make(), given, None)

    def _delivery(self, source: str, feed: str, key: str, name: str, day: str | None, at: str, status: int | None, sha: str) -> _Delivery:
        request = Request(source, feed, key, name, date.fromisoformat(day) if day else None)
        return request, Response(self.archive.get(sha), datetime.fromisoformat(at), status)


def _row(request: Request, response: Response) -> list[Any]:
    sha = hashlib.sha256(response.body).hexdigest()
    day = request.day and str(request.day)
    return [request.source, request.feed, request.key, request.name, day, response.fetched_at.isoformat(), response.status, sha]


def _known(note: Path, of: str) -> list[list[Any]] | None:
    """Give what is noted; None where that is nothing, of another sample or window, or not as it was written."""
    try:
        facts = read_note(note, "")
    except NoteError:
        return None
    return list(facts["deliveries"]) if facts is not None and facts["of"] == of else None


@cache  # hash the code this process has loaded, not what somebody edits meanwhile
def _code() -> str:
    """Hash everything a delivery depends on: all files of this package (one too many costs nothing) and the interpreter."""
    room = Path(__file__).parent
    digest = hashlib.sha256(sys.version.encode())
    for path in sorted(path for path in room.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
        digest.update(path.relative_to(room).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()
