"""Decay is seen before anything is used, the file is named, and what can be made again is: a bit flipped anywhere in archive and lake."""

from datetime import date

import pytest
from feeds import FEEDS, NOON, QUOTE_HEADER, Home, answer, csv_file, delivery, quote

from ingest.archive import Archive, ArchiveError
from ingest.flow import ingest
from ingest.home import FormatError, dedicate, open_home, origin_of
from ingest.lake import Lake, LakeError
from ingest.origins import ReplayOrigin
from ingest.source import DataOrigin, HomeError
from orchestration.home.doctor import Level, examine
from orchestration.warehouse.load import load_raw
from tests.reliability.flips import files, flipped

LINES = ("2025-07-16,山东氧化铝,3080,3120,3100,,元/吨,SD,SMM,山东,日,2025-07-16 11:40", "2025-07-16,山东氧化铝,3080,3120,many,,元/吨,SD,SMM,山东,日,")


@pytest.fixture
def home(home: Home) -> Home:
    dedicate(home.settings, DataOrigin.FILES)
    home.take(
        delivery("kx20250716.dat", answer([quote()])), delivery("smm_spot_price_20250716.csv", csv_file(*LINES, header=QUOTE_HEADER)),
        delivery("pm20250716.dat", b"cut"),
    )  # fmt: skip
    return home


def test_a_home_that_is_whole_has_no_fault(home: Home) -> None:
    assert (list(home.archive.faults()), list(home.lake.faults())) == ([], [])
    assert (home.archive.verify(), home.lake.verify()) == (3, 3)


def test_every_flip_in_the_archive_is_seen_and_named(home: Home) -> None:
    kinds = {path.parent.name if path.suffix else "blob" for path in files(home.archive.root)}
    assert kinds == {"receipts", "blob"}
    for file in files(home.archive.root):
        for what in flipped(file):
            faults = list(Archive(home.archive.root).faults())
            assert [fault.path for fault in faults if fault.path == file], what
            with pytest.raises(ArchiveError, match=f"{file}.*backup"):
                Archive(home.archive.root).verify()


def test_every_flip_in_the_lake_is_seen_and_named_and_the_lake_is_made_anew(home: Home) -> None:
    held = {name: home.rows(name) for name in ("shfe__daily_quotes", "spot__quotes", "ingest__quarantine")}
    for file in files(home.lake.root):
        for what in flipped(file):
            assert file in {fault.path for fault in Lake(home.lake.root).faults()}, what
            with pytest.raises(LakeError, match=f"{file}.*alumina rebuild"):
                Lake(home.lake.root).verify()
    file.write_bytes(b"")
    home.lake.clear()
    ingest(FEEDS, ReplayOrigin(home.archive), home.archive, home.lake, "rebuild", record=False)
    assert home.lake.verify() == 3
    assert all(home.rows(name).equals(frame) for name, frame in held.items())


def test_nothing_that_is_damaged_is_taken_in_or_loaded(home: Home) -> None:
    """One flip in each file: whoever needs it next says so."""
    receipts, manifest, parquet = home.archive.root / "receipts" / "2025-07.jsonl", home.lake.manifest, next(home.lake.root.rglob("*.parquet"))
    for file, use in (
        (receipts, lambda: Home(home.settings).take()),
        (receipts, lambda: load_raw(home.settings)),
        (manifest, lambda: Home(home.settings).take()),
        (manifest, lambda: load_raw(home.settings)),
        (parquet, lambda: load_raw(home.settings)),
    ):
        for _ in zip(flipped(file), range(1), strict=False):
            with pytest.raises(HomeError, match=file.name):
                use()


def test_the_doctor_says_which_file_it_is(home: Home) -> None:
    for file in (home.lake.manifest, home.settings.root / "home.json"):
        for _ in zip(flipped(file), range(1), strict=False):
            errors = [finding for finding in examine(home.settings, NOON) if finding.level is Level.ERROR and finding.subject == "home"]
            assert str(file) in errors[0].message


def test_the_doctor_says_that_a_note_of_the_length_has_rotted_and_the_next_run_writes_it_anew(home: Home) -> None:
    for note, subject in ((home.archive.root / "receipts.length", "archive"), (home.lake.root / "manifest.length", "lake")):
        assert note.is_file()
        for what in flipped(note):
            (told,) = [finding for finding in examine(home.settings, NOON, deep=True) if finding.subject == subject and finding.level is Level.NOTE]
            assert told.message.startswith(f"{note} has changed on disk"), what
        body = note.read_bytes()
        note.write_bytes(body[:3] + bytes([body[3] ^ 1]) + body[4:])
    home.take(delivery("kx20250717.dat", answer([quote()], day=date(2025, 7, 17))))
    assert (home.archive.log.unproved(), home.lake.log.unproved()) == (None, None)


def test_every_flip_in_the_note_of_the_home_is_seen_and_named(home: Home) -> None:
    note = home.settings.root / "home.json"
    for what in flipped(note):
        for use in (open_home, origin_of):
            with pytest.raises(FormatError, match=f"{note} has changed on disk; restore it from a backup"):
                pytest.fail(f"{what}: {use(home.settings)}")
