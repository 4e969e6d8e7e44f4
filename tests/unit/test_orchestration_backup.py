"""A copy of a home holds what nobody can make again, whole; putting it back never lets half a home pass for a whole one."""

import hashlib
import json
import os
import shutil
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest.archive import Archive, Attempt
from ingest.home import FORMAT, FormatError, dedicate, format_of, open_home, origin_of
from ingest.journal import sealed
from ingest.lake import Lake
from ingest.notes import NoteError, read_note, write_note
from ingest.settings import Settings
from ingest.source import DataOrigin, HomeError, Outcome
from orchestration.home.backup import MARK, BackupError, backup, restore
from orchestration.home.doctor import Level, examine
from orchestration.resources import Home, Intake
from orchestration.warehouse.load import begin_anew
from serving.seal import faults, remove, seal
from tests.reliability.failing import WRITERS, backup_unfinished, fails, restore_unfinished
from tests.reliability.failing import files as whole
from tests.reliability.flips import flip


def keep(settings: Settings, body: bytes, now: datetime = datetime(2025, 7, 22, 8, tzinfo=UTC)) -> Path:
    """Archive a payload with its receipt; give the path of its bytes."""
    archive = Archive(settings.archive)
    sha = archive.put(body)
    archive.record([Attempt(now, "run", "shfe", "kx", "2025-07-22", "kx.dat", Outcome.OK, "", "", None, len(body), sha, DataOrigin.FILES)])
    return settings.archive / "blobs" / sha[:2] / sha


def release(settings: Settings, name: str) -> None:
    folder = settings.releases / name
    folder.mkdir(parents=True)
    (folder / "alumina.duckdb").write_bytes(name.encode())
    seal(folder, name)
    settings.serving.unlink(missing_ok=True)
    settings.serving.symlink_to(Path("releases") / name)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    settings = Settings(home=tmp_path / "home")
    dedicate(settings, DataOrigin.FILES)
    keep(settings, b"one")
    release(settings, "20250722")
    (settings.catalog_overlay).mkdir()
    (settings.catalog_overlay / "calendar.toml").write_text("# the operator's own")
    settings.lake.mkdir()
    (settings.lake / "part.parquet").write_bytes(b"made anew by a rebuild")
    return settings


def test_a_copy_holds_what_cannot_be_made_again_and_nothing_else(settings: Settings, tmp_path: Path) -> None:
    assert backup(settings, tmp_path / "copy").payloads == 1
    assert whole(tmp_path / "copy") == whole(settings.root)
    assert (tmp_path / "copy" / "serving" / "alumina.duckdb").read_bytes() == b"20250722"
    assert not (tmp_path / "copy" / "lake").exists()


def test_the_next_copy_takes_what_is_new_and_drops_what_is_retired(settings: Settings, tmp_path: Path) -> None:
    backup(settings, tmp_path / "copy")
    assert backup(settings, tmp_path / "copy").files == 0
    keep(settings, b"two")
    remove(settings.releases / "20250722")
    release(settings, "20250723")
    copied = backup(settings, tmp_path / "copy")
    # The payload, the month's receipts, the two files of the release.
    assert (copied.files, copied.payloads) == (4, 2)
    assert [path.name for path in (tmp_path / "copy" / "releases").iterdir()] == ["20250723"]
    assert os.readlink(tmp_path / "copy" / "serving") == "releases/20250723"


def test_what_the_home_has_no_more_is_not_put_back(settings: Settings, tmp_path: Path) -> None:
    write_note(settings.held, {"release_id": "20250722", "since": "2025-07-22T08:00:00+00:00", "reason": "", "waiting": []})
    (settings.catalog_overlay / "score.toml").write_text("# tried for a day")
    write_note(settings.outlook_model, {})
    backup(settings, tmp_path / "copy")
    settings.held.unlink()
    (settings.catalog_overlay / "score.toml").unlink()
    assert read_note(tmp_path / "copy" / settings.outlook_model.name, "") == {}  # until it is fitted anew, releases go on with it
    backup(settings, tmp_path / "copy")
    assert whole(tmp_path / "copy") == whole(settings.root)


def test_a_linked_file_of_the_catalogue_is_copied_with_what_it_holds(settings: Settings, tmp_path: Path) -> None:
    kept = tmp_path / "repository" / "limits.toml"
    kept.parent.mkdir()
    kept.write_text("# ours")
    (settings.catalog_overlay / "limits.toml").symlink_to(kept)
    backup(settings, tmp_path / "copy")
    fresh = Settings(home=tmp_path / "new")
    restore(fresh, tmp_path / "copy")
    kept.unlink()
    assert (fresh.catalog_overlay / "limits.toml").read_text() == "# ours"


@pytest.mark.parametrize("name", ["catalog/calendar.toml", "home.json"])
def test_a_file_by_itself_that_has_rotted_in_the_copy_is_not_put_back(settings: Settings, tmp_path: Path, name: str) -> None:
    backup(settings, tmp_path / "copy")
    flip(tmp_path / "copy" / name, 3)
    fresh = Settings(home=tmp_path / "new")
    with pytest.raises((BackupError, HomeError), match=f"{name} has changed on disk"):
        restore(fresh, tmp_path / "copy")
    assert not fresh.archive.exists()
    assert backup(settings, tmp_path / "copy").files == 1
    restore(fresh, tmp_path / "copy")
    assert (fresh.root / name).read_bytes() == (settings.root / name).read_bytes()


def test_what_is_whole_of_a_copy_is_taken_without_its_rotten_catalogue(settings: Settings, tmp_path: Path) -> None:
    backup(settings, tmp_path / "copy")
    flip(tmp_path / "copy" / "catalog" / "calendar.toml")
    fresh = Settings(home=tmp_path / "new")
    assert restore(fresh, tmp_path / "copy", partial=True).lost == ["catalog/calendar.toml"]
    assert not (fresh.catalog_overlay / "calendar.toml").exists()
    assert fresh.serving.exists()


def test_a_rotten_line_of_the_fetch_log_of_a_copy_costs_that_line_and_no_payload(settings: Settings, tmp_path: Path) -> None:
    kept = [keep(settings, body) for body in (b"two", b"three", b"four")]
    backup(settings, tmp_path / "copy")
    (log,) = (tmp_path / "copy" / "archive" / "receipts").glob("*.jsonl")
    flip(log, log.read_bytes().index(kept[1].name.encode()))
    fresh = Settings(home=tmp_path / "new")
    with pytest.raises(BackupError, match=r"line 3.*take what is whole with --partial"):
        restore(fresh, tmp_path / "copy")
    for _ in range(2):  # again, as after one that was cut off
        (lost,) = restore(fresh, tmp_path / "copy", partial=True).lost
        assert "has changed on disk at line 3" in lost
        archive = Archive(fresh.archive)
        assert list(archive.faults()) == []
        assert [attempt.payload_bytes for attempt in archive.fetch_log()] == [3, 3, 4]
        assert [archive.get(path.name) for path in kept] == [b"two", b"three", b"four"], "the bytes are kept, also of the line that is lost"
        write_note(fresh.restoring, {"from": str(tmp_path / "copy")})


def test_a_copy_whose_note_of_the_home_has_rotted_is_put_back_without_it(settings: Settings, tmp_path: Path) -> None:
    backup(settings, tmp_path / "copy")
    flip(tmp_path / "copy" / "home.json")
    fresh = Settings(home=tmp_path / "new")
    with pytest.raises(BackupError, match=r"home\.json has changed on disk; .* or take what is whole with --partial"):
        restore(fresh, tmp_path / "copy")
    assert restore(fresh, tmp_path / "copy", partial=True).lost == ["home.json"]
    open_home(fresh)
    assert (format_of(fresh), origin_of(fresh)) == (FORMAT, DataOrigin.FILES)
    assert list(Archive(fresh.archive).faults()) == []


@pytest.mark.parametrize("name", ["备份".encode("gbk"), b"disk #1", b"100 % [old]?", b"two\nlines"], ids=ascii)
def test_a_folder_holds_a_copy_whatever_its_name(settings: Settings, tmp_path: Path, name: bytes) -> None:
    folder = tmp_path / os.fsdecode(name)
    backup(settings, folder)
    restore(Settings(home=tmp_path / "new"), folder)
    assert whole(tmp_path / "new") == whole(folder)


def test_a_payload_that_is_whole_nowhere_is_named(settings: Settings, tmp_path: Path) -> None:
    flip(keep(settings, b"two"))
    with pytest.raises(BackupError, match="is not complete, nothing whole was found of payload"):
        backup(settings, tmp_path / "copy")
    with pytest.raises(BackupError, match="cut off before it was complete"):
        restore(Settings(home=tmp_path / "new"), tmp_path / "copy")


def test_a_copy_that_has_rotted_is_mended_by_the_next_backup(settings: Settings, tmp_path: Path) -> None:
    backup(settings, tmp_path / "copy")
    expected = whole(settings.root)
    files = [tmp_path / "copy" / name for name in expected]
    for path in files:
        flip(path)
    assert backup(settings, tmp_path / "copy").files >= len(files)
    assert whole(tmp_path / "copy") == expected


def test_a_whole_copy_is_never_replaced_by_what_has_rotted_in_the_home(settings: Settings, tmp_path: Path) -> None:
    blob = keep(settings, b"two")
    backup(settings, tmp_path / "copy")
    expected = whole(tmp_path / "copy")
    for path in (blob, settings.releases / "20250722" / "alumina.duckdb"):
        flip(path)
    backup(settings, tmp_path / "copy")
    assert whole(tmp_path / "copy") == expected
    flip(settings.archive / "receipts" / "2025-07.jsonl")
    with pytest.raises(BackupError, match=r"2025-07\.jsonl has changed on disk"):
        backup(settings, tmp_path / "copy")
    assert whole(tmp_path / "copy") == expected


def test_a_backup_killed_anywhere_is_finished_by_the_next_and_is_not_put_back_before(settings: Settings, tmp_path: Path) -> None:
    keep(settings, b"two")
    for number in range(20):
        copy = tmp_path / f"copy{number}"
        with fails(WRITERS, number, KeyboardInterrupt()) as fate, suppress(KeyboardInterrupt):
            backup(settings, copy)
        if not fate.fell:
            break
        assert backup_unfinished(settings, copy, tmp_path / f"early{number}") == []
    assert number > 8


def test_a_restore_killed_anywhere_is_finished_by_the_next(settings: Settings, tmp_path: Path) -> None:
    keep(settings, b"two")
    backup(settings, tmp_path / "copy")
    for number in range(20):
        new = Settings(home=tmp_path / f"new{number}")
        with fails(WRITERS, number, KeyboardInterrupt()) as fate, suppress(KeyboardInterrupt):
            restore(new, tmp_path / "copy")
        if not fate.fell:
            break
        assert restore_unfinished(settings, tmp_path / "copy", new) == []
    assert number > 8


@pytest.mark.parametrize("place", ["files", "home/copy"])
def test_a_folder_of_something_else_and_the_home_itself_are_refused(settings: Settings, tmp_path: Path, place: str) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "thesis.txt").write_text("mine")
    with pytest.raises(BackupError):
        backup(settings, tmp_path / place)
    assert [path.name for path in (tmp_path / "files").iterdir()] == ["thesis.txt"]


def test_a_home_put_back_is_served_at_once_and_takes_nothing_in_until_it_is_rebuilt(settings: Settings, tmp_path: Path) -> None:
    backup(settings, tmp_path / "copy")
    new = Settings(home=tmp_path / "new")
    restore(new, tmp_path / "copy")
    assert (new.serving / "alumina.duckdb").read_bytes() == b"20250722"
    assert faults(new.serving.resolve()) == []
    assert (new.serving / "alumina.duckdb").stat().st_mode & 0o222 == 0
    with pytest.raises(Exception, match="alumina rebuild"):
        Intake(source="files").origin(Home(path=str(new.root)))


def test_into_a_home_at_work_only_what_was_lost_or_has_rotted_is_put_back(settings: Settings, tmp_path: Path) -> None:
    rotten, lost = keep(settings, b"two"), keep(settings, b"three")
    backup(settings, tmp_path / "copy")
    newer = keep(settings, b"four")
    expected = whole(settings.root)
    for path in (rotten, settings.archive / "receipts" / "2025-07.jsonl", settings.releases / "20250722" / "alumina.duckdb"):
        flip(path)
    lost.unlink()
    (settings.catalog_overlay / "calendar.toml").write_text("# newer")
    restore(settings, tmp_path / "copy")
    assert whole(settings.root) == expected | {"catalog/calendar.toml": b"# newer"}
    assert newer.read_bytes() == b"four"
    assert not settings.rebuilding.exists()


def test_a_home_whose_note_has_rotted_is_opened_again_by_its_backup_and_not_by_that_of_another(settings: Settings, tmp_path: Path) -> None:
    another = Settings(home=tmp_path / "another")
    dedicate(another, DataOrigin.FILES)
    keep(another, b"two")
    backup(another, tmp_path / "others")
    backup(settings, tmp_path / "copy")
    note = settings.root / "home.json"
    before = note.read_bytes()
    flip(note, 20)
    with pytest.raises(FormatError, match=r"or, where there is none, delete it: the fetch log says what the home holds"):
        restore(settings, tmp_path / "others")
    assert restore(settings, tmp_path / "copy").files == 1
    assert note.read_bytes() == before
    flip(note, 20)
    note.unlink()  # as the message says
    open_home(settings)
    assert (origin_of(settings), format_of(settings)) == (DataOrigin.FILES, FORMAT)


@pytest.mark.parametrize("is_led_nowhere", [False, True])
def test_what_a_home_can_only_have_lost_stays_in_its_backup_and_is_named(settings: Settings, tmp_path: Path, is_led_nowhere: bool) -> None:
    backup(settings, tmp_path / "copy")
    kept = whole(tmp_path / "copy")
    remove(settings.releases / "20250722")
    shutil.rmtree(settings.catalog_overlay)
    if is_led_nowhere:
        settings.serving.unlink()
    copied = backup(settings, tmp_path / "copy")
    assert (copied.left, copied.dropped) == (["releases/20250722", "catalog/calendar.toml"], [])
    assert whole(tmp_path / "copy") == kept
    if is_led_nowhere:
        backup(settings, tmp_path / "another copy")
        settings.serving.symlink_to(Path("releases") / "20250722")
    else:
        with pytest.raises(BackupError, match="nothing whole was found of release 20250722, which is served"):
            backup(settings, tmp_path / "another copy")
    restore(settings, tmp_path / "copy")
    assert faults(settings.serving.resolve()) == []
    settings.catalog_overlay.mkdir()
    assert backup(settings, tmp_path / "copy").dropped == ["catalog/calendar.toml"]


def test_a_release_that_a_purge_lets_expire_does_not_stay_in_the_backup(settings: Settings, tmp_path: Path) -> None:
    backup(settings, tmp_path / "copy")
    remove(settings.releases / "20250722")
    begin_anew(settings, purging={"payloads": [], "provider": "SMM", "reason": ""})
    assert backup(settings, tmp_path / "copy").left == []
    assert list((tmp_path / "copy" / "releases").iterdir()) == []


def test_the_served_release_is_put_back_and_what_else_only_the_backup_has_is_named(settings: Settings, tmp_path: Path) -> None:
    release(settings, "20250723")
    backup(settings, tmp_path / "copy")
    for path in settings.releases.iterdir():
        remove(path)
    (settings.catalog_overlay / "calendar.toml").unlink()
    copied = restore(settings, tmp_path / "copy")
    assert (copied.files, copied.left) == (2, ["catalog/calendar.toml", "releases/20250722"])
    assert faults(settings.serving.resolve()) == []


def test_lines_that_the_end_of_the_fetch_log_has_lost_are_put_back_and_a_copy_without_its_end_is_not(settings: Settings, tmp_path: Path) -> None:
    keep(settings, b"one")
    keep(settings, b"two")
    backup(settings, tmp_path / "copy")
    (log,) = Archive(settings.archive).log.files
    whole = log.read_bytes()
    log.write_bytes(whole.splitlines(keepends=True)[0])
    with pytest.raises(BackupError, match="has lost whole lines at its end"):
        backup(settings, tmp_path / "copy")
    assert (tmp_path / "copy" / "archive" / "receipts" / log.name).read_bytes() == whole
    restore(settings, tmp_path / "copy", partial=True)  # since that backup did not end well
    assert log.read_bytes() == whole
    backup(settings, tmp_path / "copy")
    other = tmp_path / "copy" / "archive" / "receipts" / log.name
    other.write_bytes(whole.splitlines(keepends=True)[0])
    with pytest.raises(BackupError, match=r"is not whole: .* has lost whole lines at its end"):
        restore(Settings(home=tmp_path / "new"), tmp_path / "copy")
    restore(Settings(home=tmp_path / "new"), tmp_path / "copy", partial=True)
    keep(Settings(home=tmp_path / "new"), b"three")


def test_lost_lines_are_missed_by_the_copy_where_the_note_of_the_length_is_gone_too(settings: Settings, tmp_path: Path) -> None:
    keep(settings, b"two")
    backup(settings, tmp_path / "copy")
    kept = whole(tmp_path / "copy")
    (log,) = Archive(settings.archive).log.files
    before = log.read_bytes()
    log.write_bytes(before.splitlines(keepends=True)[0])
    Archive(settings.archive).log.forget_length()
    with pytest.raises(BackupError, match=r"has 1 lines of a fetch log that .* does not have: .*put them back with `alumina restore"):
        backup(settings, tmp_path / "copy")
    assert whole(tmp_path / "copy") == kept
    restore(settings, tmp_path / "copy")
    assert log.read_bytes() == before
    backup(settings, tmp_path / "copy")


@pytest.mark.parametrize("damaged", [False, True])
def test_a_backup_of_another_home_is_neither_replaced_nor_put_into_this_one(settings: Settings, tmp_path: Path, damaged: bool) -> None:
    another = Settings(home=tmp_path / "another")
    dedicate(another, DataOrigin.FILES)
    for body in (b"two", b"three", b"four"):
        keep(another, body)
    backup(another, tmp_path / "copy")
    kept = whole(tmp_path / "copy")
    keep(settings, b"five")
    if damaged:
        flip(settings.archive / "receipts" / "2025-07.jsonl")
    ours = whole(settings.root)
    with pytest.raises(BackupError, match="it is a backup of another home"):
        backup(settings, tmp_path / "copy")
    if damaged:
        with pytest.raises(BackupError, match=r"nothing whole was found of lines of .*: 1 that can be read stand in no backup"):
            restore(settings, tmp_path / "copy")
    else:
        restore(settings, tmp_path / "copy")
    assert (whole(tmp_path / "copy"), whole(settings.root)) == (kept, ours)


def test_what_killed_writers_left_is_no_file_of_somebody_and_goes_with_the_next_backup(settings: Settings, tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    folder.mkdir()
    (folder / f".{MARK}.123-140230.tmp").touch()
    blob = folder / "archive" / "blobs" / "ab" / ".abc.7-140230.tmp"
    backup(settings, folder)
    blob.parent.mkdir()
    blob.touch()
    backup(settings, folder)
    assert list(folder.rglob(".*.tmp")) == []


NOTES = ["held.json", "rejected.json", "outlook_model.json", "archive/purged.json"]


def purged_and_noted(settings: Settings) -> dict[str, bytes]:
    """Delete a payload for good, and write the other notes of a home; give what they say."""
    keep(settings, b"theirs")
    Archive(settings.archive).purge([hashlib.sha256(b"theirs").hexdigest()], "the licence ended")
    write_note(settings.held, {"release_id": "20250722", "since": "2025-07-22T08:00:00+00:00", "reason": "", "waiting": []})
    for name in NOTES[1:-1]:
        write_note(settings.root / name, {"of": name})
    return {name: (settings.root / name).read_bytes() for name in NOTES}


@pytest.mark.parametrize("name", NOTES)
def test_a_note_that_has_rotted_in_the_home_leaves_the_copy_whole_and_is_put_back(settings: Settings, tmp_path: Path, name: str) -> None:
    before, folder = purged_and_noted(settings), tmp_path / "copy"
    write_note(settings.status, {"outcome": "published", "run_id": "r", "at": "2025-07-22T09:40:00+00:00", "serving": "20250722", "reason": ""})
    backup(settings, folder)
    flip(settings.root / name)
    assert [finding.message for finding in examine(settings) if finding.level is Level.ERROR and name in finding.message] != []
    assert backup(settings, folder).spared == [Path(name).name]
    assert (folder / name).read_bytes() == before[name]
    assert restore(settings, folder).files == 1
    assert (settings.root / name).read_bytes() == before[name]
    assert Archive(settings.archive).verify() == 1


def test_the_note_of_what_was_deleted_for_good_is_put_back_where_it_is_lost(settings: Settings, tmp_path: Path) -> None:
    before, folder = purged_and_noted(settings), tmp_path / "copy"
    backup(settings, folder)
    (settings.root / NOTES[-1]).unlink()
    restore(settings, folder)
    assert (settings.root / NOTES[-1]).read_bytes() == before[NOTES[-1]]
    assert Archive(settings.archive).verify() == 1


@pytest.mark.parametrize("name", NOTES)
def test_a_note_that_has_rotted_on_both_sides_is_named_and_the_rest_can_be_taken(settings: Settings, tmp_path: Path, name: str) -> None:
    purged_and_noted(settings)
    folder, other = tmp_path / "copy", Settings(home=tmp_path / "other")
    backup(settings, folder)
    flip(settings.root / name)
    flip(folder / name)
    with pytest.raises(BackupError, match=rf"nothing whole was found of {Path(name).name}"):
        backup(settings, folder)
    assert restore(settings, folder, partial=True).lost == [name]
    restore(other, folder, partial=True)
    assert Archive(other.archive).get(hashlib.sha256(b"one").hexdigest()) == b"one"
    assert not (other.root / name).exists()


def test_a_fetch_log_that_is_lost_as_a_whole_is_told_and_put_back(settings: Settings, tmp_path: Path) -> None:
    keep(settings, b"two")
    Lake(settings.lake).commit({hashlib.sha256(b"one").hexdigest(): "1"}, {})
    before = whole(settings.archive)
    backup(settings, tmp_path / "copy")
    shutil.rmtree(settings.archive / "receipts")
    (settings.archive / "receipts.length").unlink()
    assert [finding.message for finding in examine(settings) if "has no line, and the lake holds what came" in finding.message] != []
    with pytest.raises(BackupError, match="2 lines of a fetch log"):
        backup(settings, tmp_path / "copy")
    restore(settings, tmp_path / "copy")
    assert whole(settings.archive) == before
    backup(settings, tmp_path / "copy")


def test_a_restore_that_was_cut_off_goes_on_from_another_backup(settings: Settings, tmp_path: Path) -> None:
    backup(settings, tmp_path / "older")
    keep(settings, b"two", datetime(2025, 8, 22, 8, tzinfo=UTC))
    backup(settings, tmp_path / "newer")
    other = Settings(home=tmp_path / "other")
    with pytest.raises(KeyboardInterrupt), fails(WRITERS, 5, KeyboardInterrupt()):
        restore(other, tmp_path / "newer")
    assert list((other.archive / "receipts").glob("2025-08*"))
    restore(other, tmp_path / "older")
    assert Archive(other.archive).verify() == 1
    assert not other.restoring.exists()


def test_a_restore_leaves_what_stands_in_the_catalogue_of_a_new_home_and_names_it(settings: Settings, tmp_path: Path) -> None:
    (settings.catalog_overlay / "score.toml").write_text("# theirs")
    backup(settings, tmp_path / "copy")
    other = Settings(home=tmp_path / "other")
    other.catalog_overlay.mkdir(parents=True)
    (other.catalog_overlay / "calendar.toml").write_text("# newer")
    assert restore(other, tmp_path / "copy").kept == ["catalog/calendar.toml"]
    assert (other.catalog_overlay / "calendar.toml").read_text() == "# newer"
    assert (other.catalog_overlay / "score.toml").read_text() == "# theirs"


@pytest.mark.parametrize(
    ("lost", "named"),
    [
        ("releases", "release 20250722"),
        ("serving", "serving, which led to the release people read"),
        ("archive", "2 of 2 lines of the fetch log"),
        ("catalog", "catalog/calendar.toml has changed on disk"),
    ],
)
def test_what_a_backup_has_lost_as_a_whole_is_named(settings: Settings, tmp_path: Path, lost: str, named: str) -> None:
    keep(settings, b"two")
    folder, other = tmp_path / "copy", Settings(home=tmp_path / "other")
    backup(settings, folder)
    (folder / lost).unlink() if lost == "serving" else remove(folder / lost)
    with pytest.raises(BackupError, match=rf"the backup itself is not whole: .*{named}"):
        restore(other, folder)
    assert not other.archive.exists()
    assert restore(other, folder, partial=True).lost != []


def test_a_file_of_the_catalogue_may_have_any_name(settings: Settings, tmp_path: Path) -> None:
    name = os.fsdecode("备份.toml".encode("gbk"))
    (settings.catalog_overlay / name).write_text("# mine")
    folder, other = tmp_path / "copy", Settings(home=tmp_path / "other")
    backup(settings, folder)
    restore(other, folder)
    assert (other.catalog_overlay / name).read_text() == "# mine"
    (folder / "catalog" / name).write_text("# rot")
    with pytest.raises(BackupError, match=r"is not whole: .* has changed on disk"):
        restore(Settings(home=tmp_path / "another"), folder)
    backup(settings, folder)
    (settings.catalog_overlay / name).unlink()
    assert backup(settings, folder).dropped == [f"catalog/{name}"]


def test_a_link_by_the_whole_path_of_its_home_leads_into_the_copy(settings: Settings, tmp_path: Path) -> None:
    settings.serving.unlink()
    settings.serving.symlink_to(settings.releases / "20250722")
    shutil.copytree(settings.releases / "20250722", settings.releases / ".building-20250723")
    (settings.releases / "mine").mkdir()
    (settings.releases / "mine" / "notes.txt").write_text("no release")
    backup(settings, tmp_path / "copy")
    assert (tmp_path / "copy" / "serving").resolve() == (tmp_path / "copy" / "releases" / "20250722").resolve()
    assert [path.name for path in (tmp_path / "copy" / "releases").iterdir()] == ["20250722"]


@pytest.mark.parametrize("how", ["flipped", "lost"])
def test_a_backup_without_a_mark_that_can_be_read_is_taken_for_what_it_is(settings: Settings, tmp_path: Path, how: str) -> None:
    folder, other = tmp_path / "copy", Settings(home=tmp_path / "other")
    backup(settings, folder)
    flip(folder / MARK) if how == "flipped" else (folder / MARK).unlink()
    with pytest.raises(BackupError, match="take what is whole with --partial"):
        restore(other, folder)
    assert not other.root.exists()
    assert restore(other, folder, partial=True).lost == []
    assert whole(other.root).keys() >= whole(settings.root).keys() - {"home.json"}
    assert Archive(other.archive).verify() == 1
    (tmp_path / "photos").mkdir()
    with pytest.raises(BackupError, match=r"is no backup: it has no alumina-backup\.json$"):
        restore(Settings(home=tmp_path / "another"), tmp_path / "photos", partial=True)


def test_a_release_is_put_back_where_the_link_to_it_is_lost_too(settings: Settings, tmp_path: Path) -> None:
    write_note(settings.status, {"outcome": "published", "run_id": "r", "at": "2025-07-22T09:40:00+00:00", "serving": "20250722", "reason": ""})
    backup(settings, tmp_path / "copy")
    remove(settings.releases)
    settings.serving.unlink()
    restore(settings, tmp_path / "copy")
    assert (settings.serving / "alumina.duckdb").read_bytes() == b"20250722"


def damage_line(settings: Settings, number: int) -> bytes:
    """Flip a bit of a line of the fetch log; give the log as it stands then."""
    (log,) = (settings.archive / "receipts").iterdir()
    lines = log.read_bytes().splitlines(keepends=True)
    lines[number] = lines[number].replace(b'"kx.dat"', b'"kx.dau"')
    log.write_bytes(b"".join(lines))
    return log.read_bytes()


@pytest.mark.parametrize("copy_of", ["another home", "this home, before the line", "this home, before one of two lines"])
def test_a_log_that_the_copy_cannot_mend_stays_as_it_is(settings: Settings, tmp_path: Path, copy_of: str) -> None:
    keep(settings, b"two")
    other = Settings(home=tmp_path / "other")
    dedicate(other, DataOrigin.FILES)
    for body in (b"a", b"b"):
        keep(other, body)
    backup(other if copy_of == "another home" else settings, tmp_path / "copy")
    for body in (b"three", b"four"):
        keep(settings, body)
    rotten = damage_line(settings, 3)
    if copy_of.endswith("two lines"):
        rotten = damage_line(settings, 0)
    with pytest.raises(BackupError, match=r"stand in no backup|which was written after the backup was made"):
        restore(settings, tmp_path / "copy")
    assert next((settings.archive / "receipts").iterdir()).read_bytes() == rotten


def test_a_log_that_is_damaged_at_other_lines_in_home_and_copy_is_mended_from_both(settings: Settings, tmp_path: Path) -> None:
    for body in (b"two", b"three", b"four"):
        keep(settings, body)
    before = whole(settings.archive)
    backup(settings, tmp_path / "copy")
    damage_line(settings, 1)
    damage_line(Settings.model_construct(home=tmp_path / "copy"), 2)
    assert restore(settings, tmp_path / "copy").lost == []
    assert whole(settings.archive) == before
    backup(settings, tmp_path / "copy")
    assert whole(tmp_path / "copy" / "archive") == before


def test_a_backup_of_a_home_with_a_damaged_log_holds_every_payload_and_line_that_is_whole(settings: Settings, tmp_path: Path) -> None:
    for body in (b"two", b"three"):
        keep(settings, body)
    damage_line(settings, 1)
    folder, other = tmp_path / "copy", Settings(home=tmp_path / "other")
    for _ in range(2):
        with pytest.raises(BackupError, match=r"the copy in .* is not complete, nothing whole was found of .*line 2"):
            backup(settings, folder)
    restore(other, folder, partial=True)
    assert len(list(Archive(other.archive).fetch_log())) == 2
    assert {path.read_bytes() for path in (other.archive / "blobs").glob("*/*")} == {b"one", b"two", b"three"}
    assert list(Archive(other.archive).faults()) == []


@pytest.mark.parametrize("has_note", [True, False])
def test_half_a_line_at_the_end_of_the_log_of_a_home_is_no_damage_of_its_copy(settings: Settings, tmp_path: Path, has_note: bool) -> None:
    backup(settings, tmp_path / "copy")
    (log,) = (settings.archive / "receipts").iterdir()
    for half in (b'{"attempted_at": "2025-07-22T08', b"{"):
        log.write_bytes(log.read_bytes() + half)
        if not has_note:
            (settings.archive / "receipts.length").unlink(missing_ok=True)
        for name in ("copy", f"new{len(half)}"):
            assert backup(settings, tmp_path / name).payloads == 1
            assert list(Archive(tmp_path / name / "archive").faults()) == []
    keep(settings, b"two")
    backup(settings, tmp_path / "copy")
    assert Archive(tmp_path / "copy" / "archive").verify() == 2


def test_a_home_is_not_put_back_from_itself(settings: Settings) -> None:
    before = whole(settings.root)
    with pytest.raises(BackupError, match="lies in the home itself"):
        restore(settings, settings.root, partial=True)
    assert whole(settings.root) == before


def test_what_a_home_without_its_archive_serves_goes_on_being_served(settings: Settings, tmp_path: Path) -> None:
    backup(settings, tmp_path / "copy")
    release(settings, "20250801")
    shutil.rmtree(settings.archive)
    restore(settings, tmp_path / "copy")
    assert os.readlink(settings.serving) == "releases/20250801"
    assert Archive(settings.archive).verify() == 1


def test_a_status_that_has_rotted_is_not_copied_since_a_run_writes_it_anew(settings: Settings, tmp_path: Path) -> None:
    settings.status.write_bytes(b"rot")
    backup(settings, tmp_path / "copy")
    assert not (tmp_path / "copy" / "status.json").exists()


def test_notes_of_another_home_are_not_put_into_this_one(settings: Settings, tmp_path: Path) -> None:
    other = Settings(home=tmp_path / "other")
    dedicate(other, DataOrigin.FILES)
    keep(other, b"another")
    purged_and_noted(other)
    backup(other, tmp_path / "copy")
    write_note(settings.held, {"of": "this home"})
    flip(settings.held)
    rotten = settings.held.read_bytes()
    with suppress(BackupError):
        restore(settings, tmp_path / "copy")
    assert settings.held.read_bytes() == rotten
    assert not (settings.archive / "purged.json").exists()


def test_what_has_rotted_on_both_sides_is_named(settings: Settings, tmp_path: Path) -> None:
    blob = keep(settings, b"two")
    backup(settings, tmp_path / "copy")
    flip(blob)
    flip(tmp_path / "copy" / blob.relative_to(settings.root))
    with pytest.raises(BackupError, match=f"nothing whole was found of payload {blob.name}"):
        restore(settings, tmp_path / "copy")
    with pytest.raises(BackupError, match="the backup itself is not whole"):
        restore(Settings(home=tmp_path / "new"), tmp_path / "copy")
    assert restore(Settings(home=tmp_path / "new"), tmp_path / "copy", partial=True).lost == [f"payload {blob.name}"]


def test_what_is_no_backup_is_not_put_back(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match=f"it has no {MARK}"):
        restore(settings, tmp_path)


@pytest.mark.parametrize("files", [[], {"\ud800": "0"}, {"a\0b": "0"}, {"catalog/calendar.toml": 5}])
def test_a_mark_that_makes_no_sense_is_refused_in_one_sentence(settings: Settings, tmp_path: Path, files: object) -> None:
    backup(settings, tmp_path / "copy")
    (tmp_path / "copy" / MARK).write_bytes(sealed(json.dumps({"complete": True, "files": files})) + b"\n")
    with pytest.raises(BackupError, match="has changed on disk"):
        restore(Settings(home=tmp_path / "new"), tmp_path / "copy")
    assert not (tmp_path / "new" / "archive").exists()


def test_a_note_that_is_sealed_and_no_note_is_refused(settings: Settings) -> None:
    for text in ("[" * 100_000, '"x"', "[1]"):
        settings.status.write_bytes(sealed(text))
        with pytest.raises(NoteError, match="has changed on disk; run again"):
            read_note(settings.status, "run again")
