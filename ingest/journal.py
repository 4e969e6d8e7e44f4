"""A journal: an append-only log of JSON lines that proves itself. The fetch log of the archive and the manifest of the lake are kept this way.

Each line ends in `"chain"`, the hash of the line and of the chain before it, so that a flipped bit, a lost, a doubled and a moved
line are all found, and the order of the lines is theirs, not a clock's. A journal of several files is read in the order of their
names, and the chain runs through all of them. No chain tells that its last lines are gone, so a note beside the journal says how
long its last file was. Only one thing is passed over: what a write that was cut off left after the last whole line. Nothing here
knows what the lines mean.
"""

import hashlib
import json
import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from filelock import FileLock

from ingest.files import listed, make_folder, sync_folder, write_atomic
from ingest.source import HomeError

logger = logging.getLogger(__name__)

_DIGITS = 16  # hex digits of sha256: 64 bits protect against damage, not against forgery
CHAIN = "chain"
"""The key of a line's hash."""
_BEFORE, _AFTER = f', "{CHAIN}": "'.encode(), b'"}'
_ENDING = len(_BEFORE) + _DIGITS + len(_AFTER)
_CHAINED = re.compile(re.escape(_BEFORE) + rb"[0-9a-f]{%d}" % _DIGITS + re.escape(_AFTER))
_START = b"0" * _DIGITS
_BLOCK = 1 << 16


class JournalError(HomeError):
    """A line of a journal is damaged."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One damaged thing on disk: which file, and what is wrong with it."""

    path: Path
    what: str

    def __str__(self) -> str:
        return f"{self.path} {self.what}"


class Journal:
    """The files `{folder}/{pattern}`; any process may append, one at a time."""

    def __init__(self, folder: Path, pattern: str, lock: Path, length: Path) -> None:
        self.folder, self.pattern, self._length = folder, pattern, length
        self._lock = FileLock(lock)
        self._read: tuple[list[bytes], list[bytes]] = ([], [])

    @property
    def files(self) -> list[Path]:
        """The files there are, in order."""
        return [path for path in listed(self.folder) if path.match(self.pattern)]

    def append(self, rows: Sequence[str], name: str) -> None:
        """Add rows, each one line of JSON with at least one key, to the file of this name or a later one where there is one.

        Either all rows are written or none. When it returns, they survive a power cut.
        """
        if not rows:
            return
        with self.held():
            if lost := self._lost():
                raise JournalError(f"{lost}; nothing is written after it")
            files = self.files
            chain = self._end(files)
            path = self.folder / max([name, *(file.name for file in files)])
            body = b""
            for row in rows:
                text = row.encode().removesuffix(b"}")
                chain = _link(chain, text)
                body += text + _BEFORE + chain + _AFTER + b"\n"
            _write_at_end(path, body)
            if path not in files:
                sync_folder(self.folder)
            with suppress(OSError):  # the lines are kept; a note of fewer of them is still true
                self.remember_length()

    def remember_length(self) -> None:
        """Note where the last whole line of the last file ends, so that lines which are lost there are missed; a lost line break is no lost line."""
        if (files := self.files) and (end := files[-1].read_bytes().rfind(b"\n")) > 0:
            facts = {"file": files[-1].name, "bytes": end}
            write_atomic(self._length, sealed(json.dumps(facts)) + b"\n", durable=False)

    def forget_length(self) -> None:
        """Delete that note, before lines are taken away on purpose."""
        self._length.unlink(missing_ok=True)

    def _lost(self) -> Fault | None:
        """Name the file whose lines end before they did; the note may be of an earlier line, or missing, or have rotted: the next write makes it anew."""
        noted = self._noted()
        if noted is None or isinstance(noted, Fault):
            return None
        path, size = noted
        if path.is_file() and path.stat().st_size >= size:
            with path.open("rb") as handle:
                handle.seek(max(0, size - _ENDING))
                end, after = handle.read(_ENDING), handle.read()
            # What is damaged and has its line break is found line by line. What has none would pass for a write that was cut off.
            if _CHAINED.fullmatch(end) or b"\n" in after:
                return None
        return Fault(path, "has lost whole lines at its end")

    def unproved(self) -> Fault | None:
        """Name the note of the length where it has rotted: until the next write makes it anew, nothing tells that lines were lost at the end."""
        return noted if isinstance(noted := self._noted(), Fault) else None

    def _noted(self) -> tuple[Path, int] | Fault | None:
        try:
            facts = json.loads(unsealed(self._length.read_bytes().removesuffix(b"\n")) or b"")
            return self.folder / facts["file"], int(facts["bytes"])
        except OSError:
            return None
        except (ValueError, KeyError, TypeError):
            return Fault(self._length, "has changed on disk")

    def read(self) -> list[bytes]:
        """Give every row in order. Raises JournalError for the first damaged line, and where lines are missing at the end."""
        if lost := self._lost():
            raise JournalError(str(lost))
        files, bodies = self._bodies()
        before, rows = self._read
        if bodies != before:  # a run reads the journal several times, and checking ten years of lines is slow: check only what was added since
            added = _added(before, bodies)
            more = list(_checked(files[-len(added) :], added, _chain_after(before))) if added else []
            if not added or any(isinstance(line, Fault) for line in more):
                rows, more = [], self._lines(files, bodies)
            if fault := next((line for line in more if isinstance(line, Fault)), None):
                raise JournalError(str(fault))
            self._read = (bodies, [*rows, *(line for line in more if isinstance(line, bytes))])
        return self._read[1]

    def faults(self) -> Iterator[Fault]:
        """Name every damaged line, and the file that has lost its end."""
        yield from (line for line in self._lines(*self._bodies()) if isinstance(line, Fault))
        if lost := self._lost():
            yield lost

    def of(self, bodies: Mapping[Path, bytes]) -> list[bytes | Fault]:
        """Give the rows and the damaged lines of files with this content, as if they stood here."""
        files = sorted(bodies)
        return list(_checked(files, [bodies[path] for path in files]))

    def merged(self, mine: Mapping[Path, bytes], others: Mapping[Path, bytes]) -> dict[Path, bytes]:
        """Make one of two copies of the files of a journal: of each line the first that follows the line before it, else that of `mine`."""
        chain, found = _START, {}
        for path in sorted(mine.keys() | others.keys()):
            copies = [bodies[path].removesuffix(b"\n").split(b"\n") for bodies in (mine, others) if path in bodies]
            lines = []
            for there in ([line for line in choice if line is not None] for choice in zip_longest(*copies)):
                line = next((line for line in there if line[-_ENDING:] == _BEFORE + _link(chain, line[:-_ENDING]) + _AFTER), there[0])
                chain = line[-_ENDING:][len(_BEFORE) : -len(_AFTER)]
                lines.append(line)
            found[path] = b"\n".join(lines) + b"\n"
        return found

    def left(self) -> list[bytes]:
        """Give every row that can still be read, without the damaged ones: for a copy beside which nothing whole is left."""
        return [line for line in self._lines(*self._bodies()) if isinstance(line, bytes)]

    def adopt(self, is_row: Callable[[bytes], bool]) -> None:
        """Chain the lines of a journal written before lines were chained; chained ones stay as they are. Twice is as good as once.

        Raises JournalError, with nothing changed, where a line is neither; a line that ends before its closing bracket is what
        a write that was cut off left behind: it is dropped, and said.
        """
        with self.held():
            chain, changed = _START, []
            for file in self.files:
                old = file.read_bytes()
                new = b""
                for number, line in enumerate(old.split(b"\n"), start=1):
                    text = line[:-_ENDING]
                    if _CHAINED.fullmatch(line[-_ENDING:]) and line[-_ENDING:] == _BEFORE + _link(chain, text) + _AFTER:
                        chain = _link(chain, text)
                        new += line + b"\n"
                    elif is_row(line):
                        chain = _link(chain, line.removesuffix(b"}"))
                        new += line.removesuffix(b"}") + _BEFORE + chain + _AFTER + b"\n"
                    elif line.endswith(b"}"):
                        raise JournalError(f"{file} line {number} cannot be read")
                    elif line:
                        logger.warning("%s line %d was cut off when it was written, and is dropped: %r", file, number, line)
                if new != old:
                    changed.append((file, new))
            for file, new in changed:
                write_atomic(file, new)

    def held(self) -> FileLock:
        """Hold the writer's lock for a `with` block; the holder may enter again."""
        Path(self._lock.lock_file).parent.mkdir(parents=True, exist_ok=True)
        return self._lock

    def _bodies(self) -> tuple[list[Path], list[bytes]]:
        files = self.files
        return files, [file.read_bytes() for file in files]

    def _lines(self, files: Sequence[Path], bodies: Sequence[bytes]) -> list[bytes | Fault]:
        lines = list(_checked(files, bodies))
        if any(isinstance(line, Fault) for line in lines):
            # Perhaps another process was writing just then. Look again under the lock; what is wrong then is damage.
            with suppress(OSError), self.held():
                lines = list(_checked(*self._bodies()))
        return lines

    def _end(self, files: Sequence[Path]) -> bytes:
        """Give the chain at the end, after closing or taking away what a write that was cut off left there."""
        if not files:
            return _START
        last = files[-1]
        size = last.stat().st_size
        start, block = size, b""
        with last.open("r+b") as handle:
            while start and block.count(b"\n", 0, -1) < 2:  # the last whole line, and all of what comes after it
                start = max(0, start - _BLOCK)
                handle.seek(start)
                block = handle.read(size - start)
            whole, newline, tail = block.rpartition(b"\n")
            line = whole.rpartition(b"\n")[2]
            chain = line[-_ENDING:][len(_BEFORE) : -len(_AFTER)] if newline else self._end(files[:-1])
            if newline and not _CHAINED.fullmatch(line[-_ENDING:]):
                raise JournalError(f"{last} is damaged in its last whole line; nothing is written after it")
            if tail:
                match _tail(chain, tail):
                    case bytes():
                        handle.seek(0, os.SEEK_END)
                        handle.write(b"\n")
                        return tail[-_ENDING:][len(_BEFORE) : -len(_AFTER)]
                    case None:
                        logger.warning("%s: an interrupted write left %d bytes of a line, which were taken away", last, len(tail))
                        handle.truncate(size - len(tail))
                    case str(what):
                        raise JournalError(f"{last} {what}; nothing is written after it")
        return chain


def sealed(row: str) -> bytes:
    """Give a row as a file of its own that proves itself: a journal of one line, without the line break."""
    text = row.encode().removesuffix(b"}")
    return text + _BEFORE + _link(_START, text) + _AFTER


def unsealed(body: bytes) -> bytes | None:
    """Give the row of such a file; None where it is damaged."""
    text = body[:-_ENDING]
    return text + b"}" if body[-_ENDING:] == _BEFORE + _link(_START, text) + _AFTER else None


def _link(chain: bytes, text: bytes) -> bytes:
    return hashlib.sha256(chain + text).hexdigest()[:_DIGITS].encode()


def _added(before: Sequence[bytes], bodies: Sequence[bytes]) -> Sequence[bytes]:
    """Give what was added to files since they were checked, from the end of the last of them on; nothing where more than that happened."""
    last = len(before) - 1
    if (
        last < 0
        or not before[last].endswith(b"\n")
        or len(bodies) <= last
        or before[:last] != bodies[:last]
        or not bodies[last].startswith(before[last])
    ):
        return []
    return [bodies[last][len(before[last]) :], *bodies[last + 1 :]]


def _chain_after(bodies: Sequence[bytes]) -> bytes:
    """Give the chain at the end of files whose last ends in a whole line."""
    return bodies[-1][-_ENDING - 1 : -1][len(_BEFORE) : -len(_AFTER)]


def _checked(files: Sequence[Path], bodies: Sequence[bytes], chain: bytes = _START) -> Iterator[bytes | Fault]:
    """Give each row, or what is wrong with its line; `chain` is that of what stands before."""
    for number, (file, body) in enumerate(zip(files, bodies, strict=True), start=1):
        whole, newline, tail = body.rpartition(b"\n")
        for place, line in enumerate(whole.split(b"\n") if newline else (), start=1):
            text, ending = line[:-_ENDING], line[-_ENDING:]
            expected = _link(chain, text)
            if ending == _BEFORE + expected + _AFTER:
                chain = expected
                yield text + b"}"
            else:
                chain = ending[len(_BEFORE) : -len(_AFTER)]  # go on from the chain the line states, so that one damaged line counts as one fault
                yield Fault(file, f"has changed on disk at line {place}, or a line before it is missing")
        if not tail:
            continue
        found = _tail(chain, tail) if number == len(files) else "ends within a line"
        if isinstance(found, str):
            yield Fault(file, found)
        elif found is not None:
            yield found


def _tail(chain: bytes, tail: bytes) -> bytes | str | None:
    """Judge what stands after the last line break: a whole row that lacks its own, decay, or, None, the beginning of a line that was never finished.

    A write that is cut off leaves the beginning of a line and nothing else. A whole line with something after it has lost its line break.
    """
    for end in (match.end() for match in _CHAINED.finditer(tail)):
        text = tail[: end - _ENDING]
        if tail[end - _ENDING : end] == _BEFORE + _link(chain, text) + _AFTER:
            return text + b"}" if end == len(tail) else "has changed on disk: the line break of its last line is gone"
    return None


def _write_at_end(path: Path, body: bytes) -> None:
    make_folder(path.parent)
    with path.open("ab", buffering=0) as handle:
        before = handle.seek(0, os.SEEK_END)
        try:
            while body:
                body = body[handle.write(body) :]
            os.fsync(handle.fileno())
        except BaseException:
            with suppress(OSError):  # the first error is the one to report
                handle.truncate(before)
            raise
