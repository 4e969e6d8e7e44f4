"""The desk where things are not as they should be: a mount nobody can write to, a release swapped under an open pool, a session in another zone."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest
import sqlalchemy
from sqlalchemy.pool import NullPool, QueuePool

from ingest.settings import Settings
from serving.publish.served import point_serving_at
from serving.read import FILE_NAME
from tests.pipeline.conftest import ALUMINA, Built

RECEIPTS = "select receipts_t from desk.receipts_total where commodity_code = 'AO' and trade_date = date '2025-07-18'"
RECEIPTS_THEN, RECEIPTS_REVISED = 6922.0, 7000.0


@dataclass(frozen=True)
class Releases:
    """A home with two releases, the first of which is served; the second says another figure."""

    settings: Settings
    then: str
    revised: str

    @property
    def link(self) -> Path:
        """The path that names no release."""
        return self.settings.serving / FILE_NAME


@pytest.fixture
def releases(sixty_sessions: Built, tmp_path: Path) -> Releases:
    settings = Settings(home=tmp_path / "home")
    served = (sixty_sessions.home / "serving").resolve()
    then, revised = served.name, f"{served.name}-revised"
    for name in (then, revised):
        (settings.releases / name).mkdir(parents=True)
        shutil.copyfile(served / FILE_NAME, settings.releases / name / FILE_NAME)
    with duckdb.connect(str(settings.releases / revised / FILE_NAME)) as con:
        con.execute(f"update desk.receipts_total set receipts_t = {RECEIPTS_REVISED} where commodity_code = 'AO' and trade_date = date '2025-07-18'")
    point_serving_at(settings, then)
    return Releases(settings, then, revised)


@pytest.fixture
def mounted(sixty_sessions: Built, tmp_path: Path) -> list[str]:
    """The beginning of a command that sees that home at `mounted`, read-only, whoever it runs as."""
    place = tmp_path / "mounted"
    place.mkdir()
    apart = ["unshare", "--mount", "--map-root-user"]
    inside = 'mount --bind "$0" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@"'
    command = [*apart, "bash", "-c", inside, str(sixty_sessions.home), str(place)]
    if subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no mount of its own can be made: `unshare --mount --map-root-user` is not permitted")
    return command


def said(command: list[str], *more: str, at: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*command, *more], env={"PATH": "/usr/bin:/bin", "ALUMINA_HOME": str(at)}, capture_output=True, text=True, check=False)


def test_a_mount_that_is_read_only_is_read(mounted: list[str], tmp_path: Path) -> None:
    place = tmp_path / "mounted"
    assert "Read-only" in said(mounted, "touch", str(place / "written"), at=place).stderr
    read = f'import duckdb; print(duckdb.connect(\'{place}/serving/{FILE_NAME}\', read_only=True).execute("""{RECEIPTS}""").fetchall())'
    done = said(mounted, sys.executable, "-c", read, at=place)
    assert done.stdout == f"[({RECEIPTS_THEN},)]\n", done.stderr
    # Who opens the file to write is told, and not given an empty database.
    done = said(mounted, sys.executable, "-c", read.replace("read_only=True", "read_only=False"), at=place)
    assert "Read-only file system" in done.stderr
    assert done.returncode == 1


def test_an_export_reads_a_home_that_is_mounted_read_only(mounted: list[str], tmp_path: Path) -> None:
    target = tmp_path / "receipts.csv"
    done = said(mounted, str(ALUMINA), "export", "desk.receipts_total", "--to", str(target), "--commodity", "AO", at=tmp_path / "mounted")
    assert done.returncode == 0, done.stderr
    assert ",6922.0," in target.read_text(encoding="utf-8-sig")


def test_a_pool_that_keeps_nothing_finds_the_next_release_by_the_link(releases: Releases) -> None:
    """What docs/bi.md says of the link: with NullPool nobody repoints; a pool that keeps connections keeps the release they read."""
    question = sqlalchemy.text(RECEIPTS)
    engines = {
        pool: sqlalchemy.create_engine(f"duckdb:///{releases.link}", connect_args={"read_only": True}, poolclass=pool)
        for pool in (NullPool, QueuePool)
    }
    for engine in engines.values():
        with engine.connect() as con:
            assert con.execute(question).scalar() == RECEIPTS_THEN
    with engines[NullPool].connect() as held:
        point_serving_at(releases.settings, releases.revised)
        assert held.execute(question).scalar() == RECEIPTS_THEN
        with engines[NullPool].connect() as con:
            assert con.execute(question).scalar() == RECEIPTS_REVISED
        assert held.execute(question).scalar() == RECEIPTS_THEN
    with engines[QueuePool].connect() as con:
        assert con.execute(question).scalar() == RECEIPTS_THEN
    for engine in engines.values():
        engine.dispose()


@pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai", "America/New_York"])
def test_a_session_in_another_zone_sees_the_same_times_of_shanghai(sixty_sessions: Built, zone: str) -> None:
    file = (sixty_sessions.home / "serving" / FILE_NAME).resolve()
    with duckdb.connect(str(file), read_only=True) as con:
        con.execute(f"set TimeZone = '{zone}'")
        instants = con.execute(
            "select table_name, column_name from duckdb_columns() where schema_name = 'desk' and data_type = 'TIMESTAMP WITH TIME ZONE'"
        ).fetchall()
        for table, name in instants:
            shown = con.execute(
                f"select count({name}), count(*) filter ({name}_sh is distinct from timezone('Asia/Shanghai', {name})) from desk.{table}"
            )
            assert shown.fetchall()[0][1] == 0, (table, name)
        decisions = con.execute(
            "select distinct cast(decision_at_sh as time)::varchar, as_of_date = cast(decision_at_sh as date) from desk.outlook_daily"
        )
        assert decisions.fetchall() == [("17:30:00", True)]
        assert con.execute("select min(trade_date)::varchar, max(trade_date)::varchar from desk.receipts_total").fetchall() == [
            ("2025-05-06", "2025-07-23")
        ]
    assert len(instants) > 20
