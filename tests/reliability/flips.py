"""Flipped bits on the disk, in archive, receipts, manifest, lake, release and notes: each is noticed before the file is used."""

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from ingest.archive import Archive
from ingest.home import FormatError, origin_of
from ingest.lake import Lake
from ingest.notes import NoteError, read_note, write_note
from ingest.settings import Settings
from serving.seal import faults
from tests.reliability import work
from tests.reliability.case import Bench, Step

COUNT = 40
"""Bits tried in each file where nobody says otherwise."""


def flip(path: Path, position: int | None = None, bit: int = 3) -> None:
    """Change one bit of a file in its place, in the middle unless told otherwise."""
    body = bytearray(path.read_bytes())
    body[len(body) // 2 if position is None else position] ^= 1 << bit
    path.chmod(0o644)
    path.write_bytes(bytes(body))


def flipped(path: Path, count: int = COUNT) -> Iterator[str]:
    """Flip bits spread over a file, one at a time; afterwards it is as it was."""
    size = path.stat().st_size
    for number in range(count):
        place, bit = number * size // count, number % 8
        flip(path, place, bit)
        try:
            yield f"{path} byte {place} bit {bit}"
        finally:
            flip(path, place, bit)


def files(folder: Path) -> list[Path]:
    """Give what lies in a folder, without locks and the notes of a journal's length: one that has rotted is as good as none, and made anew."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.suffix not in {".lock", ".length"})


def _is_refused(read: Callable[[], object]) -> bool:
    try:
        read()
    except (NoteError, FormatError):
        return True
    return False


def watched(settings: Settings) -> dict[Path, Callable[[Path], bool]]:
    """Give every file of a home that must be whole, with what tells whether a change of it is seen."""
    archive, lake, release = Archive(settings.archive).root, Lake(settings.lake).root, settings.serving.resolve()
    notes = (settings.status, settings.rejected, settings.rebuilding)
    return {
        **dict.fromkeys(files(archive), lambda path: any(fault.path == path for fault in Archive(archive).faults())),
        **dict.fromkeys(files(lake), lambda path: any(fault.path == path for fault in Lake(lake).faults())),
        **dict.fromkeys(files(release), lambda path: any(path.relative_to(release).as_posix() in fault for fault in faults(release))),
        **dict.fromkeys(notes, lambda path: _is_refused(lambda: read_note(path, ""))),
        settings.root / "home.json": lambda _: _is_refused(lambda: origin_of(settings)),
    }


def home(folder: Path) -> Settings:
    """Make a home that holds each kind of file."""
    settings = work.new_home(folder / "home")
    work.take_in(settings, work.write_payloads(folder / "payloads", work.DAYS[:2]))
    for note in (settings.rejected, settings.rebuilding):
        write_note(note, {"rejected": ["20250722T000000000000Z-abc"]})
    return settings


def bits(bench: Bench, steps: range) -> Iterator[Step]:
    """Step N flips one bit in each file of a home, one file at a time; a line break at the end of a note says nothing and is left out."""
    settings = home(bench.fresh("flips"))
    for number in steps:
        chance, bad = Random(number), list[str]()
        seen_by = watched(settings)
        for path, is_seen in seen_by.items():
            place, bit = chance.randrange(path.stat().st_size - 1), chance.randrange(8)
            flip(path, place, bit)
            if not is_seen(path):
                bad.append(f"bit {bit} of byte {place} of {path.relative_to(settings.root)} flipped and nobody saw it")
            flip(path, place, bit)
        yield Step(len(seen_by), tuple(bad))
