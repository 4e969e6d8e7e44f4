"""A home knows its format: an older one is brought to the present one and read, a newer one is refused before anything is written."""

import json
import subprocess
import sys
import tarfile
from datetime import date
from pathlib import Path

import pytest
from feeds import Home

from ingest import home as home_module
from ingest.archive import Archive, ArchiveError
from ingest.flow import ingest
from ingest.home import FORMAT, FormatError, dedicate, format_of, open_home, origin_of
from ingest.journal import sealed
from ingest.lake import LakeError
from ingest.notes import NoteError, read_note, write_note
from ingest.origins import ReplayOrigin
from ingest.settings import REPOSITORY, Settings
from ingest.source import DataOrigin
from ingest.sources import SOURCES
from orchestration.home.backup import MARK, restore
from orchestration.home.doctor import Level, examine
from orchestration.warehouse.load import connect, load_raw
from tests.reliability.flips import flip

# Homes as earlier formats left them: two days of the sample with their lake. Each is opened for ever.
KEPT = sorted((REPOSITORY / "tests" / "contracts").glob("home_*.tar.xz"))
LIMIT = 500_000


@pytest.fixture(params=KEPT, ids=lambda path: path.name.partition(".")[0])
def kept(request: pytest.FixtureRequest, settings: Settings) -> Home:
    with tarfile.open(request.param) as packed:
        checked = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}  # Debian 12 has Python 3.11.2, which knows no filter
        packed.extractall(settings.root, **checked)  # noqa: S202 the archive is our own
    return Home(settings)


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"}


def warrants(settings: Settings) -> list[tuple[object, ...]]:
    """AO's registered warehouse receipts, from `raw`."""
    with connect(settings, read_only=True) as con:
        query = "select trade_date, warehouse, receipts_qty from raw.shfe__warehouse_receipts where product_id like 'ao%' order by all"
        return con.execute(query).fetchall()


def test_a_home_of_every_earlier_format_is_kept() -> None:
    assert [path.name for path in KEPT] == [f"home_{number}.tar.xz" for number in range(1, FORMAT)]
    assert all(path.stat().st_size <= LIMIT for path in KEPT)


def test_an_older_home_is_brought_up_read_and_made_anew_from_its_archive(kept: Home) -> None:
    settings, before = kept.settings, tree(kept.settings.root)
    with pytest.raises(ArchiveError):
        list(kept.archive.fetch_log())
    open_home(settings)
    assert (format_of(settings), origin_of(settings)) == (FORMAT, DataOrigin.SAMPLE)
    assert len(kept.fetch_log()) == 44
    assert (kept.archive.verify(), kept.lake.verify()) == (44, 42)
    changed = {name for name, body in tree(settings.root).items() if before.get(name) != body}
    assert {name.split("/")[0] for name in changed} == {"home.json", "archive", "lake"}
    assert {Path(name).suffix for name in changed} == {".json", ".jsonl"}, "payloads and lake files are as they were"
    counts = load_raw(settings)
    known = warrants(settings)
    assert {day for day, *_ in known} == {date(2025, 7, 21), date(2025, 7, 22)}

    kept.lake.clear()
    for source in SOURCES:
        if source.name != "catalog":
            ingest([source], ReplayOrigin(kept.archive), kept.archive, kept.lake, "rebuild", record=False)
    anew = load_raw(settings)
    assert warrants(settings) == known
    assert {name: rows for name, rows in anew.items() if not name.startswith("catalog__")} == {
        name: rows for name, rows in counts.items() if not name.startswith("catalog__")
    }


def test_opening_a_home_twice_or_after_it_was_cut_off_is_opening_it_once(kept: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(home_module, "_write", dies)
        with pytest.raises(KeyboardInterrupt):
            open_home(kept.settings)
    open_home(kept.settings)
    before = tree(kept.settings.root)
    open_home(kept.settings)
    assert tree(kept.settings.root) == before
    assert len(kept.fetch_log()) == 44


def test_a_lake_that_cannot_be_brought_up_does_not_keep_the_archive_from_it(kept: Home) -> None:
    kept.lake.manifest.write_bytes(kept.lake.manifest.read_bytes().replace(b'"rows": 1', b'"rows": 1?', 1))
    open_home(kept.settings)
    assert kept.archive.verify() == 44
    with pytest.raises(LakeError, match="alumina rebuild"):
        kept.lake.verify()


def test_an_archive_that_has_rotted_is_not_brought_up_and_stays_as_it_was(kept: Home) -> None:
    log = max((kept.archive.root / "receipts").iterdir())
    log.write_bytes(log.read_bytes().replace(b'"outcome": "ok"', b'"outcome": "oj"', 1))
    before = tree(kept.settings.root)
    with pytest.raises(ArchiveError, match=rf"{log} line \d+ cannot be read; restore it from a backup"):
        open_home(kept.settings)
    assert tree(kept.settings.root) == before


def test_an_older_backup_is_put_back_in_the_present_format(kept: Home, tmp_path: Path) -> None:
    copy, anew = tmp_path / "copy", Settings(home=tmp_path / "anew", lock_wait_seconds=0)
    kept.settings.root.rename(copy)
    (copy / MARK).write_text("{}")
    assert restore(anew, copy).payloads == 44
    assert format_of(anew) == FORMAT
    assert len(Home(anew).fetch_log()) == 44


def test_a_newer_home_is_refused_in_one_sentence_and_nothing_is_written(settings: Settings, tmp_path: Path) -> None:
    dedicate(settings, DataOrigin.FILES)
    (settings.root / "home.json").write_bytes(sealed(json.dumps({"format": FORMAT + 1, "data_origin": "files", "what_is_new": 1})))
    before = tree(settings.root)
    told = f"the home {settings.root} has format {FORMAT + 1}, and this version knows formats up to {FORMAT}; use the newer version on it"
    with pytest.raises(FormatError) as caught:
        open_home(settings)
    assert str(caught.value) == told
    assert [(finding.level, finding.message) for finding in examine(settings)] == [(Level.ERROR, told)]
    (settings.archive / "receipts").mkdir(parents=True)
    for arguments in (["run"], ["rebuild"], ["backup", "copy"]):
        done = subprocess.run([Path(sys.executable).with_name("alumina"), *arguments], capture_output=True, text=True, cwd=tmp_path, check=False)
        assert (done.returncode, done.stdout, done.stderr) == (1, "", f"alumina: {told}\n")
    assert tree(settings.root) == before


def test_a_new_home_stays_untouched_until_it_is_claimed(settings: Settings) -> None:
    open_home(settings)
    assert not settings.root.exists()
    dedicate(settings, DataOrigin.LIVE)
    assert format_of(settings) == FORMAT


@pytest.mark.parametrize("place", range(2, 40, 3))
def test_a_note_that_has_rotted_is_not_believed_once_the_note_of_the_home_is_lost(settings: Settings, place: int) -> None:
    dedicate(settings, DataOrigin.FILES)
    Archive(settings.archive).put(b"one")
    write_note(settings.status, {"outcome": "published", "serving": "20250722"})
    flip(settings.status, place, 0)
    (settings.root / "home.json").unlink()
    open_home(settings)  # a home without that note looks like one of format 1, whose notes had no hash
    with pytest.raises(NoteError, match="has changed on disk"):
        read_note(settings.status, "")
