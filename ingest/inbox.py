"""The inbox: a folder people drop files into. Which of them are ready, how they are read, and where they go afterwards.

`inbox/NAME` → `inbox/archived/YYYY-MM/NAME` once archive and lake hold it, with `NAME.note.txt`
beside it where there is something to say, or → `inbox/refused/NAME` with `NAME.reason.txt`. Nothing is deleted, executed or followed; a file's name is data and reaches paths and messages only made safe.
"""

import os
import re
import stat
import time
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from ingest.archive import Attempt
from ingest.files import write_atomic
from ingest.source import SHANGHAI, Outcome, Response
from ingest.storable import is_plain, storable

ARCHIVED, REFUSED = "archived", "refused"
# Remarks about an accepted file lie beside it, under its name with this ending.
NOTE = ".note.txt"
# Why a file was refused lies beside it, likewise.
REASON = ".reason.txt"
# Of a reason, which people may have edited, so much is shown in a list; assumed: no message of ours is nearly as long.
LINE_CHARACTERS = 4_000
# Of the remarks about one file, so much is read; assumed: a remark has some 200 characters, so these are thousands.
NOTE_CHARACTERS = 1_000_000
# So many files are looked at in one run; assumed: nobody drops as many in a day, and every source looks at each name.
FILES = 5_000
NAME_CHARACTERS, NAME_BYTES = 100, 180
ROWS_TOLD = 200
_COPY = re.compile(r"(?:[ _-]*(?:\(\d+\)|副本|copy(?: \d+)?))+$", re.IGNORECASE)
_ENDINGS = {"xlsx": "xlsx", "csv": "csv", "txt": "csv", "tsv": "csv"}
UNFINISHED = (".part", ".filepart", ".crdownload", ".download", ".tmp")
ADVICE = {
    Outcome.NOT_PUBLISHED: "Drop the final file when it is published.",
    Outcome.BLOCKED: "Open the page in a browser and export the data itself.",
}
MEND = "Mend the export (docs/drop-files.md says how it should look) and drop it into the inbox again; nothing of this file was used."


class InboxError(Exception):
    """The inbox cannot be used."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing in the inbox: where it lies, its name made safe, and what it looked like when it was seen."""

    path: Path
    name: str
    size: int
    seen: tuple[int, int, int]
    """Inode, size and time of last change. A file that differs in one of them was changed or replaced."""
    is_file: bool
    changed_at: float


@dataclass(frozen=True)
class Inbox:
    """The folder, and how long a file must have been left alone before it counts."""

    folder: Path
    settle_seconds: float = 2.0
    limit: int = 64 * 2**20
    only: str | None = None
    """If set, only the file of this name counts."""
    most: int = FILES
    """Of more files, the first by name count; the next run sees those behind them."""
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep

    def entries(self) -> list[Entry]:
        """Give what lies in the inbox, by name, at most `most`. Folders, hidden files and unfinished ones (`*.part`, `~$…`) do not count."""
        return list(islice(self._entries(), self.most))

    def is_full(self) -> bool:
        """Tell whether more lies in the inbox than counts."""
        return sum(1 for _ in islice(self._entries(), self.most + 1)) > self.most

    def in_the_way(self) -> Iterator[str]:
        """Say what stands where files are filed away and is no folder."""
        for name in (ARCHIVED, REFUSED):
            try:
                _refuse_stranger(self.folder / name)
            except InboxError as error:
                yield str(error)

    def _entries(self) -> Iterator[Entry]:
        if not self.folder.is_dir():
            return
        for path in sorted(self.folder.iterdir()):
            name = path.name
            if self.only not in (None, name) or name in (ARCHIVED, REFUSED) or name.startswith((".", "~$")) or name.lower().endswith(UNFINISHED):
                continue
            try:
                facts = path.lstat()
            except FileNotFoundError:
                continue
            if not stat.S_ISDIR(facts.st_mode):
                yield Entry(path, safe_name(name), facts.st_size, _seen(facts), stat.S_ISREG(facts.st_mode), facts.st_mtime)

    def folders(self) -> list[str]:
        """Give the folders people dropped, which are not read."""
        if not self.folder.is_dir():
            return []
        return [safe_name(path.name) for path in sorted(self.folder.iterdir()) if path.is_dir() and path.name not in (ARCHIVED, REFUSED)]

    def notes(self, since: float) -> Iterator[tuple[str, list[str]]]:
        """Give the remarks about files accepted since a time, by file name. People may write here, so of one file no more than its beginning is read."""
        for path in sorted((self.folder / ARCHIVED).glob(f"*/*{NOTE}")):
            if stat.S_ISREG((facts := path.lstat()).st_mode) and facts.st_mtime >= since:
                with path.open(encoding="utf-8", errors="replace") as file:
                    yield safe_name(path.name.removesuffix(NOTE)), file.read(NOTE_CHARACTERS).splitlines()

    def refusals(self) -> Iterator[tuple[str, str]]:
        """Give the refused files, by name, with the first line that was said of each. What people put there themselves and is no plain file is passed over."""
        for path in sorted((self.folder / REFUSED).glob(f"*{REASON}")):
            if path.is_file() and not path.is_symlink():
                with path.open(encoding="utf-8", errors="replace") as file:
                    yield safe_name(path.name.removesuffix(REASON)), file.readline(LINE_CHARACTERS).rstrip("\n")

    def is_used(self) -> bool:
        """Tell whether people ever put anything here, including unfinished files, folders and files that were moved since."""
        return self.folder.is_dir() and any(not path.name.startswith(".") for path in self.folder.iterdir())

    def settled(self, entries: Sequence[Entry]) -> list[Entry]:
        """Give those that nobody writes any more: untouched for long enough, if need be by watching them that long, all at once."""
        young = {entry.path for entry in entries if entry.is_file and self.now() - entry.changed_at < self.settle_seconds}
        if young:
            self.sleep(self.settle_seconds)  # just written, or by a clock that runs ahead
        return [entry for entry in entries if entry.path not in young or _is_as_seen(entry)]

    def read(self, entry: Entry) -> Response | None:
        """Give the file's bytes, or why they are refused. None when the file is gone or still changing; the next run looks again."""
        now = datetime.now(UTC)
        if not entry.is_file:
            return Response(b"", now, error="not a regular file; links are not followed")
        if entry.size > self.limit:
            return Response(b"", now, error=f"larger than {self.limit} bytes; drop a smaller export")
        try:
            handle = os.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        except OSError as error:
            return Response(b"", now, error=f"cannot be read: {error.strerror}")
        if _seen(os.fstat(handle)) != entry.seen:  # before it is read as a file: a folder may have its name by now
            os.close(handle)
            return None
        with os.fdopen(handle, "rb") as file:
            body = file.read(self.limit + 1)
            return Response(body, now) if _seen(os.fstat(handle)) == entry.seen and len(body) == entry.size else None

    def file_away(self, entry: Entry, attempt: Attempt, refused_rows: Sequence[str] = (), notes: Sequence[str] = (), again: str = "") -> Path | None:
        """Move a file to `archived/` or `refused/` and write down why. None when it is no longer the file that was read.

        `notes` go into the note beside the archived file; `again` is the name to use for its corrected rows.
        """
        if not _is_as_seen(entry):
            return None
        if attempt.outcome in (Outcome.OK, Outcome.UNCHANGED):
            target = self._free(Path(ARCHIVED) / f"{attempt.attempted_at.astimezone(SHANGHAI):%Y-%m}", entry.name)
            if refused_rows:
                told = [f"- {row}" for row in refused_rows[:ROWS_TOLD]]
                told += [f"- and {len(refused_rows) - ROWS_TOLD} more"] if len(refused_rows) > ROWS_TOLD else []
                head = f"{entry.name} was taken, {len(refused_rows)} of its rows were not. Mend them and drop the file again as {again}."
                where = f"The file lies in {target.relative_to(self.folder)}."
                self._tell(entry, self._free(Path(REFUSED), f"{entry.name}{REASON}"), [head, where, *told])
            if notes:
                self._tell(entry, target.with_name(f"{target.name}{NOTE}"), notes)
        else:
            target = self._free(Path(REFUSED), entry.name)
            self._tell(entry, target.with_name(f"{target.name}{REASON}"), [attempt.message, ADVICE.get(attempt.outcome, MEND)])
        entry.path.replace(target)
        return target

    def _tell(self, entry: Entry, path: Path, lines: Sequence[str]) -> None:
        original = [] if entry.name == entry.path.name else [f"Name as dropped: {entry.path.name!a}"]
        write_atomic(path, "".join(f"{storable(line)}\n" for line in [*lines, *original]).encode())

    def _free(self, below: Path, name: str) -> Path:
        """Give a path nobody uses yet, with a number before the ending where the name is taken."""
        folder = self.folder
        for part in below.parts:
            folder /= part
            _refuse_stranger(folder)
            folder.mkdir(exist_ok=True)
        note = REASON if name.endswith(REASON) else ""
        stem, dot, ending = name.removesuffix(note).rpartition(".")
        stem, ending = (stem, f"{dot}{ending}{note}") if stem else (name.removesuffix(note), note)
        for number in range(1, 1_000_000):
            path = folder / (name if number == 1 else f"{stem}-{number}{ending}")
            if not os.path.lexists(path) and not any(os.path.lexists(f"{path}{beside}") for beside in (REASON, NOTE)):
                return path
        raise InboxError(f"{folder} holds a million files named like {name}; clear it up")


def _refuse_stranger(folder: Path) -> None:
    """Raise InboxError where a folder to file into is a link or no folder."""
    if folder.is_symlink():
        raise InboxError(f"{folder} is a link; remove it, files are only filed below the inbox itself")
    if folder.exists() and not folder.is_dir():
        raise InboxError(f"{folder} is no folder; move it elsewhere, files are filed below a folder of this name")


def as_meant(name: str) -> tuple[str, ...]:
    """Give a name and the same name without the marks of browsers and file managers: ` (1)`, ` - 副本`, `.XLSX`, `.txt` of a text export."""
    plain = unicodedata.normalize("NFKC", name)
    stem, dot, ending = plain.rpartition(".")
    ending = _ENDINGS.get(ending.lower(), ending)
    meant = f"{_COPY.sub('', stem).strip()}{dot}{ending}"
    return tuple(dict.fromkeys((name, meant, meant.lower())))


def safe_name(name: str) -> str:
    """Make a name safe for paths and messages: no control or direction characters, no separators, not too long."""
    text = "".join(character if is_plain(character) and character not in "/\\" else "_" for character in name)
    stem, dot, ending = text.rpartition(".")
    ending = dot + ending if stem and len(ending) <= 8 else ""
    stem = text[: len(text) - len(ending)][: NAME_CHARACTERS - len(ending)]
    while len(f"{stem}{ending}".encode()) > NAME_BYTES:
        stem = stem[:-1]
    return (stem + ending).lstrip(".") or "_"


def _is_as_seen(entry: Entry) -> bool:
    try:
        return _seen(entry.path.lstat()) == entry.seen
    except FileNotFoundError:
        return False


def _seen(facts: os.stat_result) -> tuple[int, int, int]:
    return (facts.st_ino, facts.st_size, facts.st_mtime_ns)
