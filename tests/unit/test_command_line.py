"""What the command answers to mistakes, asked in this process: one sentence and a non-zero exit, never a traceback."""

import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
import typer
from feeds import Home, answer, delivery, quote
from filelock import FileLock
from rich.console import Console
from typer.testing import CliRunner

from ingest.settings import PACKAGE_VERSION, Settings
from ingest.storable import storable
from orchestration.command import cli
from orchestration.command.terminal import Output, console
from serving.publish.differences import differences
from serving.publish.release import code_version
from serving.publish.served import ReleaseError, kept
from serving.research.whatif import WhatIfError, whatif
from tests.reliability.readers import publish, small_home

Refused = Callable[..., tuple[int, str]]


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> Refused:
    """Run a command that must refuse, and give its exit code and sentence."""

    def run(command: Callable[..., None], *arguments: object, **options: object) -> tuple[int, str]:
        said = io.StringIO()
        monkeypatch.setattr(cli, "err", Console(file=said, width=80))
        with pytest.raises(typer.Exit) as ended:
            command(*arguments, **options)
        sentence = said.getvalue().removesuffix("\n")
        assert sentence.startswith("alumina: ")
        assert "\n" not in sentence
        return ended.value.exit_code, sentence.removeprefix("alumina: ")

    return run


@pytest.fixture(scope="module")
def once_published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small home with a release; each test takes a copy."""
    root = tmp_path_factory.mktemp("published") / "home"
    settings = small_home(root)
    with duckdb.connect(str(settings.warehouse)) as con:
        con.execute("update serving.outlook_v2 set decision_at = as_of_date + interval 18 hour, horizon = 'short'")
    publish(settings, 0)
    return root


@pytest.fixture
def published(settings: Settings, once_published: Path) -> Settings:
    shutil.copytree(once_published, settings.root, symlinks=True)
    return settings


@pytest.mark.parametrize(
    "command", ["rollback --reason", "note --commodity", "releases hold --reason", "review accept", "purge", "audit --publisher"]
)
def test_a_text_in_another_encoding_is_refused_before_anything_is_done(settings: Settings, command: str) -> None:
    said = CliRunner().invoke(cli.app, [*command.split(), os.fsdecode("氧化铝".encode("gbk")), "x.csv"], env={"ALUMINA_HOME": str(settings.root)})
    assert said.exit_code == 2
    assert r"'\udcd1\udcf5\udcbb\udcaf\udcc2\udcc1' is not UTF-8; set the terminal to UTF-8" in " ".join(said.output.replace("│", " ").split())
    assert not settings.root.exists()


@pytest.mark.parametrize("name", ["note[red].csv", os.fsdecode(b"\xd1\xf5.csv")])
def test_a_note_may_have_any_name(published: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stdout", shown)
    monkeypatch.setattr(cli, "out", console(Output("stdout")))
    header = "claim_id,section,quote_zh,kind,metric,entity,period,price_basis,cmp,value,value_high,unit,direction"
    (tmp_path / name).write_text(f"# publisher: [/]\n# commodity: AO\n{header}\n1,a,x,event,unmapped,AO,2025-07-22,,,,,,\n", encoding="utf-8")
    cli.audit(tmp_path / name, publisher=None, as_of=None, commodity=None, metrics=False)
    assert storable(name) in shown.getvalue()
    assert "[/]" in shown.getvalue()


def test_a_release_that_another_program_holds_is_not_compared(published: Settings) -> None:
    (release,) = kept(published)
    file = release / "alumina.duckdb"
    file.chmod(0o644)
    holding = f"import duckdb, sys; con = duckdb.connect({str(file)!r}); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", holding], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(ReleaseError, match="another program has it open for writing"):
            differences(release, release)
        other.communicate(b"")


@pytest.mark.parametrize("target", [".", "..", "", "/"])
def test_an_export_to_a_folder_is_refused(refused: Refused, published: Settings, target: str) -> None:
    code, sentence = refused(cli.export, "outlook", to=Path(target))
    assert code == 1
    assert sentence == f"--to {Path(target)} is a folder; name the file to write"


@pytest.mark.parametrize("day", ["20230620", "2023-W25-2", "2023-6-20", "yesterday", "２０２３-06-20"])
def test_a_day_has_one_form(refused: Refused, published: Settings, day: str) -> None:
    assert refused(cli.outlook, day) == (1, f"the day {day!r} is not a day; write it as 2025-07-22")
    assert refused(cli.note, day, commodity=None)[1].startswith(f"the day {day!r} is not a day")


def test_the_outlook_of_a_day_is_shown(published: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(cli, "out", Console(file=shown, width=200))
    cli.outlook("2023-06-20")
    assert "Outlook 2023-06-20" in shown.getvalue()
    monkeypatch.setenv("ALUMINA_LANG", "zh")
    cli.outlook("2023-06-20")
    assert "2023-06-20 展望" in shown.getvalue()
    assert "发布文件：" in shown.getvalue()


def test_a_what_if_names_a_warehouse_that_has_rotted(published: Settings) -> None:
    manifest = published.workshop / "dbt" / "manifest.json"
    manifest.parent.mkdir(exist_ok=True)
    manifest.write_bytes(b"{}")
    published.warehouse.write_bytes(b"rot" * 5000)
    with pytest.raises(WhatIfError, match=r"cannot be read .*alumina rebuild"):
        whatif(published, {"fx": 0.1})
    assert not list(published.workshop.glob("whatif-*"))


def test_the_sample_is_named_as_such_without_marks(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    small_home(settings.root)
    with duckdb.connect(str(settings.warehouse)) as con:
        con.execute("update serving.outlook_v2 set decision_at = as_of_date + interval 18 hour, data_origin = 'sample'")
    publish(settings, 0)
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stdout", shown)
    monkeypatch.setattr(cli, "out", console(Output("stdout")))
    cli.outlook(None)
    assert "SAMPLE DATA: published figures" in " ".join(shown.getvalue().split())


@pytest.mark.parametrize(
    ("name", "kind", "arguments"),
    [
        ("catalog", "file", ["catalog", "schema"]),
        ("as_of", "link", ["run", "--as-of", "2023-06-20"]),
        ("held.json", "folder", ["releases"]),
        ("rejected.json", "circle", ["releases"]),
        ("serving", "circle", ["outlook"]),
        ("warehouse.lock", "folder", ["rollback"]),
        ("dagster", "file", ["schedule"]),
    ],
)
def test_something_else_where_a_file_of_the_home_belongs_is_one_sentence(
    published: Settings, monkeypatch: pytest.MonkeyPatch, name: str, kind: str, arguments: list[str]
) -> None:
    path, said = published.root / name, io.StringIO()
    monkeypatch.setattr("orchestration.warehouse.as_of.half_a_lake", lambda _: "")
    if name == "as_of":
        monkeypatch.setattr("orchestration.warehouse.as_of.Lake.batches", lambda _: iter([1]))
    path.unlink(missing_ok=True)
    {"file": path.touch, "folder": path.mkdir, "link": lambda: path.symlink_to("nowhere"), "circle": lambda: path.symlink_to(name)}[kind]()
    monkeypatch.setattr(cli, "err", Console(file=said, width=80))
    monkeypatch.setattr(sys, "argv", ["alumina", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli._main()
    assert ended.value.code == 1
    assert said.getvalue().startswith(f"alumina: {published.root}") and name in said.getvalue()
    assert "move it away" in said.getvalue()


@pytest.mark.parametrize("name", ["metrics", "parameters", "calendar", "rules", "commodities/xx"])
def test_an_audit_names_the_catalogue_file_that_cannot_be_read(refused: Refused, published: Settings, tmp_path: Path, name: str) -> None:
    file = published.catalog_overlay / f"{name}.toml"
    file.parent.mkdir(parents=True)
    file.write_text("x = ", encoding="utf-8")
    code, sentence = refused(cli.audit, tmp_path / "claims.csv", publisher=None)
    assert (code, sentence[: len(f"catalogue file {name}.toml, line ")]) == (2, f"catalogue file {name}.toml, line ")


@pytest.mark.parametrize("name", ["parameters", "regions", "rules"])
@pytest.mark.parametrize("text", ["x = ", "x = 1", "[[parameter]]\n[[rule]]\n[regions]\nmars = 5"])
def test_a_note_names_the_catalogue_file_that_cannot_be_read(refused: Refused, published: Settings, name: str, text: str) -> None:
    published.catalog_overlay.mkdir()
    (published.catalog_overlay / f"{name}.toml").write_text(text, encoding="utf-8")
    code, sentence = refused(cli.note, None, commodity=None)
    assert (code, sentence[: len(f"catalogue file {name}.toml, line ")]) == (1, f"catalogue file {name}.toml, line ")


def test_going_back_where_nothing_is_published_is_refused(settings: Settings) -> None:
    with pytest.raises(ReleaseError, match=f"^nothing is published in {settings.root}, so there is no release to go back to$"):
        cli.rollback()
    assert kept(settings) == []


def test_a_home_that_is_being_rebuilt_is_not_rebuilt_a_second_time_meanwhile(refused: Refused, home: Home) -> None:
    home.take(delivery("kx20250716.dat", answer([quote()])))
    before = home.lake.manifest.read_bytes()
    with FileLock(home.settings.root / "rebuild.lock"):
        assert refused(cli.rebuild) == (1, f"the home {home.settings.root} is being rebuilt already; try again when that is done")
    assert home.lake.manifest.read_bytes() == before
    assert not home.settings.rebuilding.exists()


def test_the_version_is_the_one_a_release_says(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(cli, "out", Console(file=shown, width=80))
    assert CliRunner().invoke(cli.app, ["--version"]).exit_code == 0
    assert shown.getvalue() == f"alumina-warehouse {PACKAGE_VERSION}, code version {code_version()}\n"


def test_help_is_plain_text_and_offers_completion() -> None:
    shown = CliRunner().invoke(cli.app, ["--help"], env={"COLUMNS": "80"}).stdout
    assert shown.isascii()  # no boxes: it is read in logs and by grep, too
    assert max(map(len, shown.splitlines())) <= 80
    assert {"--version", "--install-completion", "--show-completion", "--help"} <= set(shown.split())


@pytest.mark.parametrize(
    ("typed", "offered"), [("alumina ro", {"rollback"}), ("alumina run --source l", {"live"}), ("alumina inbox ", {"check", "list", "map"})]
)
def test_a_shell_completes_commands_options_and_choices(typed: str, offered: set[str]) -> None:
    asked = {"_ALUMINA_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" "))}
    done = subprocess.run([Path(sys.executable).with_name("alumina")], env=os.environ | asked, capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == offered


def test_a_run_never_loads_pandas() -> None:
    # Both of these load it where it can be found: DuckDB for a bound parameter, pandera for its import.
    code = """
import sys
from contextlib import suppress
import orchestration.command.run
from orchestration.command import cli

def run_job(*_, **__):
    import duckdb
    from quality.raw import TABLES, validate
    table = TABLES["shfe__contracts"]
    with duckdb.connect() as con:
        assert con.execute("select ?", [[1, 2]]).fetchall() == [([1, 2],)]
        found = con.sql("select 1 as n").pl()
    empty_cells = found.select(*(found["n"].clear(1).cast(kind).alias(name) for name, kind in table.stored_schema.items()))
    print(validate(table, empty_cells).bad.height, "pandas" in sys.modules)
    raise SystemExit

orchestration.command.run.run_job = run_job
with suppress(SystemExit):
    cli._run({})
import serving.research.panel.evaluation  # needs it
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("1 False\n", "")
