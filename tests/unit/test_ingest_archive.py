"""Bytes by their hash, one receipt per attempt: what was kept is found again, and damage is noticed."""

import errno
import hashlib
import os
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest import files
from ingest.archive import Archive, ArchiveError, Attempt
from ingest.source import DataOrigin, Outcome
from orchestration.command.cli import IN_THE_WAY


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "archive")


def receipt(key: str = "20250716", at: datetime = datetime(2025, 7, 16, 9, 0, 0, 123456, UTC), **changes: object) -> Attempt:
    made = Attempt(
        attempted_at=at,
        run_id="run-1",
        source="shfe",
        feed="kx",
        request_key=key,
        request_name=f"kx{key}.dat",
        outcome=Outcome.OK,
        reason="",
        message="",
        http_status=200,
        payload_bytes=3,
        payload_sha256="a" * 64,
        data_origin=DataOrigin.FILES,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def blob(archive: Archive, sha: str) -> Path:
    return archive.root / "blobs" / sha[:2] / sha


@pytest.mark.parametrize("durable", [True, False])
@pytest.mark.parametrize("body", [b"", b"x", bytes(range(256)) * 5_000])
def test_what_is_put_is_given_back(archive: Archive, body: bytes, durable: bool) -> None:
    sha = archive.put(body, durable=durable)
    assert sha == hashlib.sha256(body).hexdigest()
    assert archive.get(sha) == body
    assert blob(archive, sha).read_bytes() == body


def test_the_same_bytes_are_kept_once(archive: Archive) -> None:
    sha = archive.put(b"payload")
    before = blob(archive, sha).stat()
    assert archive.put(b"payload") == sha
    assert (blob(archive, sha).stat().st_ino, blob(archive, sha).stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert [path.name for path in archive.root.rglob("*") if path.is_file()] == [sha], "no temporary file stays"


def test_a_flipped_byte_is_noticed_and_the_message_says_what_to_restore(archive: Archive) -> None:
    sha = archive.put(b"payload")
    blob(archive, sha).write_bytes(b"pAyload")
    with pytest.raises(ArchiveError, match="has changed on disk") as caught:
        archive.get(sha)
    assert sha in str(caught.value)
    assert str(blob(archive, sha)) in str(caught.value)
    assert "backup" in str(caught.value)


def test_a_missing_payload_is_noticed_and_the_message_says_what_to_restore(archive: Archive) -> None:
    with pytest.raises(ArchiveError, match=r"not in the archive.*restore.*backup"):
        archive.get("0" * 64)


def test_a_blob_an_interrupted_write_left_short_is_written_again(archive: Archive) -> None:
    sha = archive.put(b"payload")
    blob(archive, sha).write_bytes(b"pay")
    with pytest.raises(ArchiveError):
        archive.get(sha)
    archive.put(b"payload")
    assert archive.get(sha) == b"payload"


def test_a_blob_that_has_rotted_is_healed_by_the_bytes_offered_again(archive: Archive) -> None:
    sha = archive.put(b"payload")
    blob(archive, sha).write_bytes(b"pAyload")
    archive.put(b"payload")
    assert archive.get(sha) == b"payload"


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "..", "", "/etc/passwd", "a" * 63, "A" * 64, "a" * 65, "../" + "a" * 61, "a" * 32 + "/" + "a" * 31]
)
def test_a_name_that_is_no_hash_leads_nowhere(archive: Archive, name: str) -> None:
    with pytest.raises(ArchiveError, match="not a sha256"):
        archive.get(name)


def test_receipts_are_read_back_as_they_were_recorded(archive: Archive) -> None:
    written = [
        receipt(),
        receipt(
            "20250717", outcome=Outcome.NOT_PUBLISHED, reason="not_found", message="地址 404", http_status=404, payload_sha256=None, payload_bytes=0
        ),
        receipt("20250718", http_status=None, message='quotes " and\nline breaks\tstay', data_origin=DataOrigin.SAMPLE),
    ]
    archive.record(written[:1])
    archive.record(written[1:])
    assert list(archive.fetch_log()) == written


def test_receipts_lie_in_the_file_of_their_month_and_are_read_in_the_order_they_were_written(archive: Archive) -> None:
    june, july = receipt("20250630", datetime(2025, 6, 30, 9, tzinfo=UTC)), receipt("20250701", datetime(2025, 7, 1, 9, tzinfo=UTC))
    archive.record([june, july])
    assert [path.name for path in sorted((archive.root / "receipts").iterdir())] == ["2025-06.jsonl", "2025-07.jsonl"]
    late = receipt("20250629", datetime(2025, 6, 29, 9, tzinfo=UTC))
    archive.record([late])
    assert list(archive.fetch_log()) == [june, july, late], "order is that of writing, whatever a clock said"
    assert archive.newest() == july.attempted_at


def test_an_archive_that_was_never_written_has_no_receipts(archive: Archive) -> None:
    archive.record([])
    assert list(archive.fetch_log()) == []
    assert not archive.root.exists()


def test_a_last_line_cut_anywhere_is_passed_over_and_the_next_receipt_starts_on_a_new_line(archive: Archive) -> None:
    # The message is Chinese, as real ones are, so that some cuts fall inside a character.
    kept, cut, following = receipt(), receipt("20250717", message="挑战页"), receipt("20250718")
    path = archive.root / "receipts" / "2025-07.jsonl"
    archive.record([kept])
    whole = path.read_bytes()
    line = cut.to_json().encode()
    for length in range(1, len(line)):
        path.write_bytes(whole + line[:length])
        archive.log.forget_length()  # a write that was cut off noted none
        assert list(archive.fetch_log()) == [kept], length
        archive.record([following])
        assert list(archive.fetch_log()) == [kept, following], length


@pytest.mark.parametrize("separator", ["\u2028", "\u2029", "\x85", "\x0c", "\r"])
def test_a_receipt_whose_text_holds_an_exotic_line_break_is_one_receipt(archive: Archive, separator: str) -> None:
    # File names are other people's; everything `str.splitlines` takes for a line break may stand in one.
    written = receipt(request_name=f"kx{separator}.dat")
    archive.record([written])
    assert list(archive.fetch_log()) == [written]


@pytest.mark.parametrize("line", ["", "{}", "[]", "null", "not json", '{"attempted_at": "yesterday"}'])
def test_a_line_that_is_no_receipt_is_never_passed_over(archive: Archive, line: str) -> None:
    archive.record([receipt(), receipt("20250717")])
    path = archive.root / "receipts" / "2025-07.jsonl"
    first, second = path.read_text().splitlines()
    path.write_text(f"{first}\n{line}\n{second}\n")
    with pytest.raises(ArchiveError, match=rf"{path} has changed on disk at line 2.*restore it from a backup"):
        list(archive.fetch_log())


def test_an_atomic_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    files.write_atomic(path, b"old")

    def fail(_: Path, target: Path) -> Path:
        raise OSError("power went out")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="power went out"):
        files.write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path], "no temporary file stays"


@pytest.mark.parametrize("cause", [OSError("disk full"), KeyboardInterrupt()])
def test_a_write_that_fails_leaves_no_temporary_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cause: BaseException) -> None:
    def fail(_: int) -> None:
        raise cause

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(type(cause)):
        files.write_atomic(tmp_path / "file", b"new")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_made_is_named_as_people_know_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(path: Path, *_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", fail)
    with pytest.raises(PermissionError) as told:
        files.write_atomic(tmp_path / "dagster.yaml", b"new")
    assert told.value.filename == str(tmp_path / "dagster.yaml")


def test_appended_lines_close_a_line_left_open(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    files.append_lines(path, ["one"])
    with path.open("ab") as handle:
        handle.write(b"cut")
    files.append_lines(path, ["two", "three"])
    assert path.read_text().splitlines() == ["one", "cut", "two", "three"]
    files.append_lines(path, [])
    assert path.read_text().splitlines() == ["one", "cut", "two", "three"]


def test_accepted_attempts_are_found_beside_a_cut_line(archive: Archive) -> None:
    kept = [receipt(f"2025071{n}", outcome=outcome) for n, outcome in enumerate((Outcome.OK, Outcome.UNCHANGED, Outcome.BLOCKED, Outcome.OK))]
    archive.record(kept)
    file = next((archive.root / "receipts").glob("*.jsonl"))
    expected = [(*one.request, one.outcome, one.payload_sha256, one.attempted_at.isoformat()) for one in kept if one.outcome is not Outcome.BLOCKED]
    assert archive.accepted({kept[0].source}).rows() == expected
    assert archive.accepted({"another"}).is_empty()
    file.write_bytes(file.read_bytes() + b'{"source": "shfe", "message": "{}')
    assert archive.accepted({kept[0].source}).rows() == expected


def test_attempts_are_found_though_a_text_in_them_is_none(archive: Archive) -> None:
    # What older versions may have written: half a pair of surrogates.
    archive.record([receipt(message="\ud800"), receipt("20250717")])
    assert archive.accepted({"shfe"})["request_key"].to_list() == ["20250716", "20250717"]


@pytest.mark.parametrize("name", ["x" * 255, "铝" * 85])
def test_a_file_may_have_the_longest_name_there_is(tmp_path: Path, name: str) -> None:
    files.write_atomic(tmp_path / name, b"x")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_the_name_of_every_new_folder_is_durable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[Path] = []
    monkeypatch.setattr(files, "sync_folder", synced.append)
    files.write_atomic(tmp_path / "a" / "b" / "c.txt", b"x")
    assert synced == [tmp_path, tmp_path / "a", tmp_path / "a" / "b"]
    synced.clear()
    files.write_atomic(tmp_path / "d" / "e.txt", b"x", durable=False)
    assert synced == []


@pytest.mark.parametrize("kind", ["pipe", "folder", "link to nowhere", "circle"])
def test_what_lies_in_the_way_of_a_log_is_an_error_that_says_so(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "alerts.jsonl"
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "link to nowhere":
            path.symlink_to(tmp_path / "not mounted" / "alerts.jsonl")
        case "circle":
            path.symlink_to(path.name)
    with pytest.raises(OSError, match=re.escape(str(path))) as told:
        files.append_lines(path, ["one"])
    assert told.value.errno in IN_THE_WAY
