"""A release says itself whether it is as it was published, and nobody writes into it by accident."""

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from ingest.settings import Settings
from serving.publish import release, served
from serving.read import UnreadableError, query
from serving.seal import MANIFEST, BrokenSealError, faults, remove, sealed
from tests.reliability.flips import flip
from tests.reliability.readers import publish, small_home

WRITE = 'import duckdb, sys; duckdb.connect(sys.argv[1]).execute("update serving.outlook_v2 set sentiment_score = 9999")'


@pytest.fixture
def published(tmp_path: Path) -> Settings:
    settings = small_home(tmp_path / "home")
    publish(settings, 0)
    return settings


def test_a_flipped_bit_anywhere_in_a_release_is_named(published: Settings) -> None:
    folder = published.serving.resolve()
    assert faults(folder) == []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        size = path.stat().st_size
        for position in range(0, size, max(1, size // 25)):
            flip(path, position)
            name = path.relative_to(folder).as_posix()
            assert any(name in fault for fault in faults(folder)), f"byte {position} of {name}"
            flip(path, position)
    assert faults(folder) == []


def test_a_flipped_bit_of_the_manifest_is_seen_whichever_it_is(published: Settings) -> None:
    folder = published.serving.resolve()
    body = (folder / MANIFEST).read_bytes()
    for position in range(0, len(body), 13):
        for bit in range(8):
            if chr(body[position]).isspace() and chr(body[position] ^ 1 << bit).isspace():
                continue  # white space between values means nothing
            flip(folder / MANIFEST, position, bit)
            with pytest.raises(BrokenSealError):
                sealed(folder, "note.html")
            (folder / MANIFEST).write_bytes(body)


def test_a_missing_and_a_foreign_file_are_named(published: Settings) -> None:
    folder = published.serving.resolve()
    folder.chmod(0o755)
    (folder / "note.html").unlink()
    (folder / "mine.csv").write_text("x")
    found = faults(folder)
    assert any("note.html cannot be read" in fault for fault in found)
    assert any("mine.csv was not published" in fault for fault in found)
    with pytest.raises(BrokenSealError, match="does not list"):
        sealed(folder, "mine.csv")


def test_our_own_reader_refuses_a_changed_file_and_says_what_to_do(published: Settings) -> None:
    flip(published.serving.resolve() / release.FILE_NAME, 5000)
    with pytest.raises(UnreadableError, match=r"alumina\.duckdb has changed on disk since it was published; `alumina rollback`"):
        query(published, "select 1")


def test_a_file_that_a_writer_holds_is_one_sentence(published: Settings) -> None:
    path = published.serving.resolve() / release.FILE_NAME
    code = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print(1, flush=True); sys.stdin.read()"
    path.chmod(0o644)
    with subprocess.Popen([sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline()
        with pytest.raises(UnreadableError, match="another program has it open for writing"):
            query(published, "select 1")
        holder.stdin.close()


def test_a_client_in_default_mode_cannot_write_a_release(published: Settings, tmp_path: Path) -> None:
    path = published.serving.resolve() / release.FILE_NAME
    assert {entry.stat().st_mode & 0o222 for entry in (path, path.parent, path.parent / MANIFEST)} == {0}
    if os.getuid() != 0:
        done = subprocess.run([sys.executable, "-c", WRITE, str(path)], capture_output=True, text=True, check=False)
    else:  # root ignores modes: write as nobody, who owns the release
        for entry in (path.parent, *path.parent.rglob("*")):
            os.chown(entry, 65534, 65534)
        for parent in path.parents:
            if parent.stat().st_uid == 0 and parent.is_relative_to(tmp_path.parents[1]):
                parent.chmod(0o755)
        code = (
            f"import os, sys; sys.path[:0] = {[entry for entry in sys.path if entry]!r}; import duckdb; os.setgid(65534); os.setuid(65534); {WRITE}"
        )
        done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode != 0
    assert "Permission denied" in done.stderr
    with duckdb.connect(str(path), read_only=True) as con:
        assert con.execute("select count(*) from serving.outlook_v2 where sentiment_score = 9999").fetchall() == [(0,)]


def test_the_owner_can_still_retire_and_roll_back(published: Settings) -> None:
    settings = published.model_copy(update={"releases_kept": 2})
    for number in (1, 2, 3):
        publish(settings, number)
    assert len(list(settings.releases.iterdir())) == 2
    before = settings.serving.resolve().name
    assert served.rollback(settings) < before
    remove(settings.releases / before)
    assert not (settings.releases / before).exists()


def test_a_rollback_passes_over_a_release_that_has_rotted(published: Settings) -> None:
    first = published.serving.resolve().name
    publish(published, 1)
    second = published.serving.resolve()
    publish(published, 2)
    flip(second / release.FILE_NAME, 5000)
    assert served.rollback(published) == first
    flip(published.serving.resolve() / release.FILE_NAME, 5000)
    with pytest.raises(served.ReleaseError, match="no release before"):
        served.rollback(published)
