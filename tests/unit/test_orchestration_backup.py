"""A copy of a home holds what nobody can make again, whole; putting it back never lets half a lake be published."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest.archive import Archive, ArchiveError, Receipt
from ingest.settings import Settings
from ingest.source import DataOrigin, Outcome
from orchestration.home.backup import MARK, BackupError, backup, restore
from orchestration.resources import Home, Intake


def keep(settings: Settings, body: bytes) -> Path:
    """Archive a payload with its receipt; give the path of its bytes."""
    archive = Archive(settings.archive)
    sha = archive.put(body)
    now = datetime(2025, 7, 22, 8, tzinfo=UTC)
    archive.record([Receipt(now, "run", "shfe", "kx", "2025-07-22", "kx.dat", Outcome.OK, "", "", None, len(body), sha, DataOrigin.FILES)])
    return settings.archive / "blobs" / sha[:2] / sha


def release(settings: Settings, name: str) -> None:
    folder = settings.releases / name
    folder.mkdir(parents=True)
    (folder / "alumina.duckdb").write_bytes(name.encode())
    settings.serving.unlink(missing_ok=True)
    settings.serving.symlink_to(Path("releases") / name)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(home=tmp_path / "home")
    keep(settings, b"one")
    release(settings, "20250722")
    (settings.catalog_overlay).mkdir()
    (settings.catalog_overlay / "calendar.toml").write_text("# the operator's own")
    settings.lake.mkdir()
    (settings.lake / "part.parquet").write_bytes(b"made anew by a rebuild")
    return settings


def test_a_copy_holds_what_cannot_be_made_again_and_nothing_else(settings: Settings, tmp_path: Path) -> None:
    assert backup(settings, tmp_path / "copy").payloads == 1
    assert (tmp_path / "copy" / "serving" / "alumina.duckdb").read_bytes() == b"20250722"
    assert (tmp_path / "copy" / "catalog" / "calendar.toml").is_file()
    assert not (tmp_path / "copy" / "lake").exists()


def test_the_next_copy_takes_what_is_new_and_drops_what_is_retired(settings: Settings, tmp_path: Path) -> None:
    backup(settings, tmp_path / "copy")
    keep(settings, b"two")
    (settings.releases / "20250722" / "alumina.duckdb").unlink()
    (settings.releases / "20250722").rmdir()
    release(settings, "20250723")
    copied = backup(settings, tmp_path / "copy")
    # The payload, the month's receipts, the release and the operator's file.
    assert (copied.files, copied.payloads) == (4, 2)
    assert [path.name for path in (tmp_path / "copy" / "releases").iterdir()] == ["20250723"]
    assert os.readlink(tmp_path / "copy" / "serving") == "releases/20250723"


def test_a_copy_with_a_payload_that_is_not_whole_is_no_backup(settings: Settings, tmp_path: Path) -> None:
    keep(settings, b"two").write_bytes(b"tvo")
    with pytest.raises(ArchiveError, match="has changed on disk"):
        backup(settings, tmp_path / "copy")


@pytest.mark.parametrize("place", ["copy", "home/copy"])
def test_a_folder_of_something_else_and_the_home_itself_are_refused(settings: Settings, tmp_path: Path, place: str) -> None:
    (tmp_path / place).mkdir(parents=True)
    (tmp_path / place / "thesis.docx").write_bytes(b"years of work")
    with pytest.raises(BackupError):
        backup(settings, tmp_path / place)
    assert [path.name for path in (tmp_path / place).iterdir()] == ["thesis.docx"]


def test_a_home_put_back_is_served_at_once_and_takes_nothing_in_until_it_is_rebuilt(settings: Settings, tmp_path: Path) -> None:
    backup(settings, tmp_path / "copy")
    new = Settings(home=tmp_path / "new")
    assert restore(new, tmp_path / "copy").payloads == 1
    assert (new.serving / "alumina.duckdb").read_bytes() == b"20250722"
    assert not (new.root / MARK).exists()
    with pytest.raises(ValueError, match="alumina rebuild"):
        Intake(source="inbox").origin(Home(path=str(new.root)))
    Intake(source="archive").origin(Home(path=str(new.root)))


def test_into_a_home_at_work_only_lost_and_rotten_payloads_are_put_back(settings: Settings, tmp_path: Path) -> None:
    lost, rotten = keep(settings, b"two"), keep(settings, b"three")
    backup(settings, tmp_path / "copy")
    release(settings, "20250723")
    lost.unlink()
    rotten.write_bytes(b"thorn")
    assert restore(settings, tmp_path / "copy").files == 2
    assert (lost.read_bytes(), rotten.read_bytes()) == (b"two", b"three")
    assert os.readlink(settings.serving) == "releases/20250723"
    assert not settings.rebuilding.exists()


def test_what_is_no_backup_is_not_put_back(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="is no backup"):
        restore(Settings(home=tmp_path / "new"), settings.root)
