"""The `alumina` command as a user meets it: mistakes, repetition, rebuilding, rolling back.

What happens to lake, lock and release is tried in a small house (`small.py`); that a rebuild gives the same is asked of the real models, too.
"""

import json
import os
import shutil
import subprocess
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import pytest

from ingest import sample
from ingest.archive import Archive
from ingest.flow import ingest
from ingest.lake import Lake
from ingest.origins import FilesOrigin, ReplayOrigin
from ingest.source import DataOrigin
from ingest.sources import SOURCES
from quality.gate import GATES
from tests.pipeline.conftest import ALUMINA, SLICE, Built, House, Model, content, query
from tests.pipeline.small import Small
from tests.pipeline.test_point_in_time import differences


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("run", "--sourc", "sample"), "No such option: --sourc"),
        (("run", "--source", "moon"), "'moon' is not one of"),
        (("run", "--source", "files"), "--source files needs --payloads DIR"),
        (("run", "--source", "files", "--payloads", "no/such/folder"), "the payload folder no/such/folder does not exist"),
        (("run", "--payloads", "."), "--payloads goes with --source files"),
        (("run", "--from", "22 July"), "--from '22 July' is not a day; write it as 2025-07-22"),
        (("run", "--from", "2025-07-22", "--to", "2025-07-01"), "--from 2025-07-22 is after --to 2025-07-01"),
        (("run", "--from", "2099-01-01"), "2099-01-01 is outside the trading calendar"),
        (("outlook",), "nothing is published"),
        (("outlook", "yesterday"), "the day 'yesterday' is not a day"),
        (("rebuild",), "there is no archive"),
        (("dance",), "No such command 'dance'"),
    ],
)
def test_a_mistake_is_answered_with_one_sentence(command, tmp_path: Path, arguments: tuple[str, ...], sentence: str) -> None:
    done = command(tmp_path, *arguments)
    assert done.returncode != 0
    assert sentence in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert not (tmp_path / "serving").exists()


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("ALUMINA_MEMORY_LIMIT", "lots", "ALUMINA_MEMORY_LIMIT: String should match pattern"),
        ("ALUMINA_RELEASES_KEPT", "1", "ALUMINA_RELEASES_KEPT: Input should be greater than or equal to 2"),
        ("ALUMINA_LOCK_WAIT_SECONDS", "soon", "ALUMINA_LOCK_WAIT_SECONDS: Input should be a valid number"),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, name: str, value: str, sentence: str) -> None:
    environment = os.environ | {"ALUMINA_HOME": str(tmp_path), name: value}
    done = subprocess.run([str(ALUMINA), "doctor"], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"alumina: {sentence}" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_home_that_is_no_folder_is_named(command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    done = command(tmp_path / "file", "run")
    assert done.returncode == 1
    assert "is not a folder" in done.stderr
    assert "Traceback" not in done.stderr


def test_sample_and_files_do_not_mix_in_one_home(command, sample) -> None:
    before = os.readlink(sample.home / "serving")
    done = command(sample.home, "run", "--source", "files", "--payloads", str(Path(__file__).parent))
    assert done.returncode == 1
    assert "holds sample data and cannot take files data; set ALUMINA_HOME to another folder" in done.stderr
    assert os.readlink(sample.home / "serving") == before


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, small_house: Small) -> Small:
    return small_house.copied(tmp_path_factory.mktemp("small"))


@pytest.mark.full
def test_without_a_source_a_home_of_files_takes_its_inbox_and_asks_nobody(small: Small, tmp_path: Path) -> None:
    """New, with nothing but an inbox: no sample. Later: no folder is read again and no exchange asked, but what was dropped since is taken.

    The models of the small house hold rows of another home, so the gate has nothing to publish here; what was taken stands in `raw`.
    """
    home = tmp_path / "home"
    inbox, later = home / "inbox", "kx20250718.dat"
    inbox.mkdir(parents=True)
    payloads = {request.name: response.body for request, response in sample.deliveries(date(2025, 7, 14), date(2025, 7, 18), ("shfe", "spot"))}
    for name, body in payloads.items():
        if name != later:
            (inbox / name).write_bytes(body)
    for dropped in ((), (later,)):
        for name in dropped:
            (inbox / name).write_bytes(payloads[name])
        done = replace(small, home=home).run("run")
        assert "the table has 0 rows" in done.stderr, done.stdout + done.stderr
        assert f"taking the files in {inbox}; to read a folder pass --source files --payloads DIR, to ask the exchanges --source live" in done.stdout
        assert [path.name for path in inbox.iterdir() if path.is_file()] == []
    assert json.loads((home / "home.json").read_text())["data_origin"] == "files"
    assert {receipt.data_origin for receipt in Archive(home / "archive").fetch_log()} == {DataOrigin.FILES, DataOrigin.CONFIG}
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as con:
        assert con.sql("select count(distinct trade_date), max(data_origin) from raw.shfe__daily_quotes").fetchall() == [(5, "files")]


@pytest.mark.full
def test_an_unreadable_file_is_reported_and_the_run_goes_on(small: Small, tmp_path: Path) -> None:
    """A link that leads outside and an empty file are not followed and not read; with nothing else to publish, the gate says why."""
    payloads = tmp_path / "payloads"
    payloads.mkdir()
    (payloads / "kx20250716.dat").symlink_to("/etc/passwd")
    (payloads / "pm20250716.dat").write_bytes(b"")
    done = replace(small, home=tmp_path / "home").run("run", "--source", "files", "--payloads", str(payloads))
    assert done.returncode == 1
    assert "kx20250716.dat: not a regular file; links are not followed" in done.stdout
    assert "not_data: pm20250716.dat: the payload is empty" in done.stdout
    assert "release refused" in done.stderr
    assert "the table has 0 rows" in done.stderr
    status = json.loads((tmp_path / "home" / "status.json").read_text())
    assert status["outcome"] == "refused"
    assert "0 rows" in status["reason"]


@pytest.mark.full
def test_the_real_models_of_a_catalogue_and_no_payload_hold_no_row(models: list[Model], tmp_path: Path) -> None:
    house = House(tmp_path / "home")
    house.take(FilesOrigin(tmp_path, SOURCES))
    built = house.build(models)
    assert [table for table in GATES if query(built, f"select count(*) from {table}") != [(0,)]] == []


@pytest.mark.full
def test_the_warehouse_is_rebuilt_from_the_archive_alone_and_a_rebuild_that_was_cut_off_lets_nothing_be_published_until_then(small: Small) -> None:
    """Killed while the lake was made anew: the next run would see a part of it, pass every check and publish that."""
    home = small.home
    before, release = {schema: content(home, schema) for schema in ("raw", "marts")}, os.readlink(home / "serving")
    assert before["raw"]["shfe__daily_quotes"][0] > 1000
    with small.start("rebuild") as cut_off:
        while not (home / "lake").is_dir() or not (home / "rebuilding.json").exists():
            assert cut_off.poll() is None
            time.sleep(0.05)
        cut_off.kill()
    done = small.run("run", *SLICE)
    assert done.returncode == 1
    assert "alumina rebuild" in done.stderr
    assert os.readlink(home / "serving") == release
    assert "lake holds a part of the archive only" in small.run("doctor").stdout
    done = small.run("rebuild")
    assert done.returncode == 0, done.stdout + done.stderr
    assert os.readlink(home / "serving") != release
    assert not (home / "rebuilding.json").exists()
    assert {schema: content(home, schema) for schema in ("raw", "marts")} == before


@pytest.mark.full
def test_from_its_archive_alone_the_real_models_give_what_a_run_gave(models: list[Model], sixty_sessions: Built, tmp_path: Path) -> None:
    """Lake and `raw` are made anew as `alumina rebuild` does, and the models run one by one, without dbt and Dagster."""
    house = House(tmp_path / "home")
    shutil.copytree(sixty_sessions.home / "archive", house.settings.archive)
    archive = Archive(house.settings.archive)
    ingest(SOURCES, ReplayOrigin(archive), archive, Lake(house.settings.lake), "again", record=False)
    tables = [name for name, kind, _ in models if name.startswith(("marts.", "serving.")) and kind == "table"]
    assert differences(sixty_sessions.home / "warehouse.duckdb", house.build(models), tables) == {}


def test_a_rebuild_from_an_archive_that_is_not_whole_deletes_nothing(command, small: Small, tmp_path: Path) -> None:
    home = small.home
    kept = command(home, "backup", str(tmp_path / "copy"))
    assert kept.returncode == 0, kept.stderr
    blob = next(path for path in sorted((home / "archive" / "blobs").rglob("*")) if path.is_file())
    body = blob.read_bytes()
    blob.write_bytes(body[:-1])
    done = command(home, "rebuild")
    assert done.returncode == 1
    assert "has changed on disk" in done.stderr
    assert (home / "lake").is_dir()
    assert (home / "warehouse.duckdb").is_file()
    done = command(home, "restore", str(tmp_path / "copy"))
    assert done.returncode == 0, done.stderr
    assert "1 files put back" in done.stdout
    assert blob.read_bytes() == body


def test_rolling_back_serves_the_release_before(command, small: Small) -> None:
    home = small.home
    releases = sorted(path.name for path in (home / "releases").iterdir())
    assert os.readlink(home / "serving") == f"releases/{releases[-1]}"
    done = command(home, "rollback")
    assert done.returncode == 0, done.stderr
    assert os.readlink(home / "serving") == f"releases/{releases[-2]}"
    assert json.loads((home / "status.json").read_text())["outcome"] == "rolled_back"
    assert command(home, "releases", "let-go").returncode == 0  # the next run publishes for everybody again
    assert os.readlink(home / "serving") == f"releases/{releases[-2]}"


def test_a_reader_of_the_working_file_is_told_to_go_away_not_shown_a_traceback(small: Small) -> None:
    home = small.home
    code = (
        f"import duckdb, sys; con = duckdb.connect({str(home / 'warehouse.duckdb')!r}, read_only=True); print('open', flush=True); sys.stdin.read()"
    )
    import sys

    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "open\n"
        done = small.run("run", *SLICE)
        reader.communicate("")
    assert done.returncode == 1
    assert "is open in another program" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "console",
    [{"PYTHONIOENCODING": "gbk"}, pytest.param({"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}, marks=pytest.mark.full)],
    ids=str,
)
def test_a_run_that_fails_says_so_on_every_console_and_its_alert_is_kept(tmp_path: Path, console: dict[str, str]) -> None:
    (tmp_path / "catalog").mkdir()
    (tmp_path / "catalog" / "clock.toml").write_text("x = ", encoding="utf-8")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "PYTHONUTF8", "PYTHONIOENCODING"))}
    environment = kept | {"ALUMINA_HOME": str(tmp_path)} | console
    done = subprocess.run([str(ALUMINA), "run", "--source", "sample", *SLICE], env=environment, capture_output=True, check=False, timeout=300)
    said = done.stderr.decode("gbk" if "PYTHONIOENCODING" in console else "ascii")
    assert done.returncode == 1
    assert "alumina: the catalogue cannot be used: catalogue file clock.toml, line 1" in said
    assert "Traceback" not in said
    assert b"  x take in: catalog" in done.stdout
    (alert,) = (json.loads(line) for line in (tmp_path / "alerts.jsonl").read_text(encoding="utf-8").splitlines())
    assert (alert["kind"], alert["message"]) == ("run_failed", said.split("alumina: ")[1].splitlines()[0])
