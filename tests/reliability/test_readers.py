"""Readers during publications: nobody sees an error, nobody sees two releases at once; who holds a file open finds the next one."""

import shutil
from pathlib import Path

import duckdb
import pytest

from ingest.settings import Settings
from serving.publish import release
from tests.reliability import readers
from tests.reliability.one_reader import look


@pytest.fixture
def published(tmp_path: Path) -> Settings:
    settings = readers.small_home(tmp_path / "home")
    readers.publish(settings, 0)
    return settings


@pytest.mark.full
def test_eight_readers_see_whole_releases_only(tmp_path: Path) -> None:
    found = readers.hammer(tmp_path / "home", publishes=10)
    assert found.errors == ()
    assert found.torn == ()
    assert found.releases_seen >= 2
    assert found.reads >= 8


@pytest.mark.parametrize("file", ["publication.parquet", "outlook_v2.parquet", release.FILE_NAME])
def test_a_file_of_another_release_would_be_seen_as_torn(published: Settings, file: str) -> None:
    before = published.serving.resolve()
    after = readers.publish(published, 1).path
    assert look(published.serving / release.FILE_NAME)[1] is None
    shutil.copy(before / file, after / file)
    assert look(published.serving / release.FILE_NAME)[1] is not None


def test_a_long_lived_reader_keeps_its_release_and_finds_the_next_by_the_resolved_path(published: Settings) -> None:
    def release_of(con: duckdb.DuckDBPyConnection) -> str:
        return con.execute("select release_id from serving.publication").fetchall()[0][0]

    link, first = published.serving / release.FILE_NAME, published.serving.resolve().name
    with duckdb.connect(str(link.resolve()), read_only=True) as held, duckdb.connect(str(link), read_only=True) as by_link:
        second = readers.publish(published, 1).release_id
        assert release_of(held) == release_of(by_link) == first
        with duckdb.connect(str(link.resolve()), read_only=True) as fresh:
            assert release_of(fresh) == second
        assert release_of(held) == release_of(by_link) == first


def test_a_retired_release_is_still_read_by_who_holds_it(published: Settings) -> None:
    settings = Settings(home=published.home, releases_kept=2)
    with duckdb.connect(str((settings.serving / release.FILE_NAME).resolve()), read_only=True) as held:
        for number in (1, 2, 3):
            readers.publish(settings, number)
        assert len(list(settings.releases.iterdir())) == 2
        assert not Path(held.execute("select path from duckdb_databases() where not internal").fetchall()[0][0]).exists()
        assert held.execute("select run_id, (select sum(score) is not null from serving.outlook) from serving.publication").fetchall() == [
            ("0", True)
        ]
