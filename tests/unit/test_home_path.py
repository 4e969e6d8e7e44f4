"""A home can lie at any path that every tool reads as the same one; any other is refused before anything is written."""

import io
import os
import subprocess
import sys
from pathlib import Path

import duckdb
import polars as pl
import pytest
from pydantic import ValidationError
from rich.console import Console
from sqlalchemy import create_engine, text

from ingest.settings import HOME_BYTES, REPOSITORY, UNUSABLE, Settings
from orchestration.command import cli

USABLE = [
    "a b",
    "it's",
    'so "called"',
    "中文 氧化铝",
    "trailing.",
    "back\\slash",
    "a;b&c|d",
    "`id`",
    "{{ x }}",
    "a{b}c",
    "-rf",
    "~x",
    "a]b",
    "\U0001f600",
]


def _problem(home: Path | str) -> str:
    with pytest.raises(ValidationError) as refused:
        Settings(home=home)  # type: ignore[arg-type]
    return str(refused.value.errors()[0]["msg"])


@pytest.mark.parametrize("name", USABLE)
def test_a_path_that_is_taken_means_the_same_to_every_tool(tmp_path: Path, name: str) -> None:
    from dagster._core.storage.sqlite import create_db_conn_string
    from dbt.adapters.duckdb.credentials import DuckDBCredentials

    settings = Settings(home=tmp_path / name / "home")
    settings.lake.mkdir(parents=True)
    twin = settings.lake / "twin.parquet"
    pl.DataFrame({"a": [1]}).write_parquet(twin)
    assert pl.read_parquet(twin).height == 1
    with duckdb.connect(str(settings.warehouse)) as con:
        assert con.execute("select a from read_parquet(?, filename = true)", [[str(twin)]]).fetchall() == [(1,)]
    assert DuckDBCredentials.path_derived_database_name(str(settings.warehouse)) == "warehouse"
    engine = create_engine(create_db_conn_string(str(settings.root), "runs"))
    with engine.begin() as con:
        con.execute(text("create table t (a int)"))
    engine.dispose()
    assert os.path.expandvars(settings.root) == str(settings.root)  # Great Expectations does this
    assert {path.name for path in settings.root.iterdir()} == {"lake", "warehouse.duckdb", "runs.db"}
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("char", UNUSABLE)
def test_a_character_that_a_tool_reads_as_something_else_is_named(tmp_path: Path, char: str) -> None:
    home = tmp_path / f"c{char}20" / "ao"
    assert _problem(home) == f"Value error, the path {home} holds {char!r}: {UNUSABLE[char]}; choose a folder without it"
    link = tmp_path / "link"
    link.symlink_to(home)  # a plain name that leads to such a path
    assert repr(char) in _problem(link)


@pytest.mark.parametrize("name", ["a\nb", "a\x1b[31mb", "a\x85b", "a\u2028b", os.fsdecode(b"\xff\xfe")])
def test_a_path_that_no_line_can_name_is_refused_in_words_that_a_terminal_takes(tmp_path: Path, name: str) -> None:
    said = _problem(tmp_path / name)
    assert "holds a control character or is not UTF-8" in said
    assert said.isprintable()
    assert said.isascii()


def test_a_path_that_leads_nowhere_or_is_no_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to(tmp_path / "other")
    (tmp_path / "other").symlink_to(tmp_path / "one")
    assert "leads nowhere" in _problem(tmp_path / "one" / "home")
    assert "leads nowhere" in _problem("~nobody-of-this-name/home")
    (tmp_path / "file").touch()
    assert _problem(tmp_path / "file").endswith("is not a folder")
    assert "is set but empty" in _problem("")


def test_a_path_leaves_room_for_the_files_below_it(tmp_path: Path) -> None:
    long = tmp_path.joinpath(*["x" * 200] * 17)
    Settings(home=long)
    assert f"and at most {HOME_BYTES} leave room" in _problem(long.joinpath(*["x" * 200] * 2))


def test_dots_are_followed_before_the_path_is_judged(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert Settings(home=tmp_path / "link" / ".." / "c#" / ".." / "home").root == tmp_path / "home"


@pytest.mark.parametrize("name", ["c#", "x" * 300])
def test_the_command_says_it_in_one_sentence_and_writes_nothing(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    said = io.StringIO()
    monkeypatch.setenv("ALUMINA_HOME", str(tmp_path / name / "ao"))
    monkeypatch.setattr(cli, "err", Console(file=said, width=80))
    monkeypatch.setattr(sys, "argv", ["alumina", "rollback"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 1
    assert said.getvalue().count("\n") == 1
    assert "ALUMINA_HOME" in said.getvalue()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("hosts", ["https://alumina.example", "alumina.example/ui", "a b", "*"])
def test_what_is_no_name_of_a_host_is_refused(hosts: str) -> None:
    with pytest.raises(ValidationError, match=r"is not a name such as alumina\.example"):
        Settings(ui_hosts=hosts)
    assert Settings(ui_hosts="Alumina.example, [::1]:8443,").proxy_hosts == ("alumina.example", "[::1]:8443")


@pytest.mark.parametrize("name", ["a b", "a#b", "a&b", "a*b"])
def test_the_start_script_refuses_a_folder_whose_name_it_would_take_apart(tmp_path: Path, name: str) -> None:
    script, folder = REPOSITORY / "orchestration" / "deploy" / "start.sh", tmp_path / name
    env = os.environ | {"ALUMINA_HOME": str(tmp_path), "DAGSTER_HOME": str(folder), "ALUMINA_POSTGRES_URL": "postgresql://none"}
    done = subprocess.run(["bash", str(script)], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"the path {folder} holds a character" in done.stderr
    assert not folder.exists()
