"""dbt's tests as Dagster sees them, from the manifest alone: what is missing here would run and be seen by nobody."""

import copy
import errno
import gc
import json
import os
import re
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from ingest.garbage import SELDOM
from ingest.settings import Settings
from orchestration.assets.models import DBT_PROJECT, Translator, dbt_models, failed
from orchestration.definitions import defs
from orchestration.instance.alerts import cause
from orchestration.resources import Home
from orchestration.warehouse import dbt, executable
from orchestration.warehouse.dagster_dbt import dbt_assets
from orchestration.warehouse.dbt import begin_build, forget_results, forget_stale_parse, last_results, record_results
from orchestration.warehouse.executable import at_home
from serving.publish.release import PublishRefusedError
from tests.reliability.flips import flip


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    return dict(json.loads(DBT_PROJECT.manifest_path.read_text()))


def dbt_tests(manifest: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {key: node for key, node in manifest["nodes"].items() if node["resource_type"] == "test"}


def unseen(manifest: Mapping[str, Any], assets: dg.AssetsDefinition) -> set[str]:
    """Tests that are no check of any asset."""
    return {node["name"] for node in dbt_tests(manifest).values()} - {spec.name for spec in assets.check_specs}


def test_every_dbt_test_is_an_asset_check(manifest: dict[str, Any]) -> None:
    written = {path.stem for path in (DBT_PROJECT.project_dir / "tests").glob("*.sql")}
    assert written == {node["name"] for node in dbt_tests(manifest).values() if not node.get("test_metadata")}
    keyed = {node["attached_node"] for node in dbt_tests(manifest).values() if (node.get("test_metadata") or {}).get("name") == "unique_key"}
    of_a_release = {key for key, node in manifest["nodes"].items() if node["resource_type"] == "model" and node["schema"] in ("marts", "serving")}
    assert len(written) > 20
    assert {key.rpartition(".")[2] for key in of_a_release - keyed} == {"quality_results"}  # findings, which have no key
    assert unseen(manifest, dbt_models) == set(), 'say whose check it is: {{ config(meta={"dagster": {"ref": {"name": "MODEL"}}}) }}'


def test_a_test_of_several_models_that_names_none_of_them_would_be_missed(manifest: dict[str, Any]) -> None:
    forgetful = copy.deepcopy(manifest)
    test = next(node for node in dbt_tests(forgetful).values() if "dagster" in node["config"]["meta"])
    test["meta"] = test["config"]["meta"] = {}

    @dbt_assets(manifest=forgetful, dagster_dbt_translator=Translator())
    def assets():
        yield

    assert unseen(forgetful, assets) == {test["name"]}


def test_a_check_hangs_on_a_model_that_its_test_reads(manifest: dict[str, Any]) -> None:
    """Else it would not run when the model does."""
    wrong = [
        node["name"]
        for node in dbt_tests(manifest).values()
        if (ref := node["config"]["meta"].get("dagster", {}).get("ref")) and f"model.alumina.{ref['name']}" not in node["depends_on"]["nodes"]
    ]
    assert wrong == []


def test_a_check_stops_what_comes_after_it_and_says_what_it_holds() -> None:
    specs = {spec.name: spec for spec in dbt_models.check_specs}
    assert [name for name, spec in specs.items() if not spec.blocking] == []
    assert [name for name, spec in specs.items() if not re.search(r"\w: \w|\.$", spec.description or "")] == []
    assert specs["assert_market_news_is_no_policy"].description == "A price report, however loud, has no intensity and is no document."
    assert specs["unique_key_dim_trading_day_trade_date"].description == "unique key: trade_date"


def test_groups_are_layers_and_nothing_is_without_owner_kind_or_description() -> None:
    repository = defs.get_repository_def()
    nodes = repository.asset_graph.asset_nodes
    for node in nodes:
        assert node.group_name == node.tags["layer"] == node.key.path[0], node.key
        assert node.owners == ["team:data-engineering"], node.key
        assert node.kinds and node.description, node.key
    assert len({node.group_name for node in nodes}) == 11
    ticking = [*repository.schedule_defs, *repository.sensor_defs, *(job for job in repository.get_all_jobs() if not job.name.startswith("__"))]
    assert [one.name for one in ticking if not one.description] == []


def built(**ended: str) -> dict[str, Any]:
    return {"results": [{"unique_id": f"model.alumina.{name}", "status": status} for name, status in ended.items()]}


def test_rows_that_dbt_has_not_seen_are_not_published_and_their_run_is_named(settings: Settings) -> None:
    settings.root.mkdir(parents=True)
    with pytest.raises(PublishRefusedError, match="alumina run"):
        last_results(settings)
    record_results(settings, built(a="success", b="success"))
    assert [result.check_id for result in last_results(settings)] == ["a", "b"]
    forget_results(settings, "5e1f")
    with pytest.raises(PublishRefusedError, match="the rows loaded by run 5e1f"):
        last_results(settings)


def test_a_build_of_some_models_keeps_what_is_known_of_the_others_and_does_not_stand_for_them(settings: Settings) -> None:
    settings.root.mkdir(parents=True)
    record_results(settings, built(a="success", b="success"))
    record_results(settings, built(b="error"), begin_build(settings, "part"))
    assert [(result.check_id, result.result) for result in last_results(settings)] == [("a", "pass"), ("b", "fail")]
    forget_results(settings, "5e1f")
    record_results(settings, built(b="success"), begin_build(settings, "part"))
    with pytest.raises(PublishRefusedError, match="5e1f"):
        last_results(settings)


def test_a_build_that_died_leaves_nothing_to_publish(settings: Settings) -> None:
    settings.root.mkdir(parents=True)
    record_results(settings, built(a="success"))
    begin_build(settings, "died")
    with pytest.raises(PublishRefusedError, match="died"):
        last_results(settings)


def test_each_result_names_its_table(settings: Settings, manifest: dict[str, Any]) -> None:
    (settings.workshop / "dbt").mkdir(parents=True)
    (settings.workshop / "dbt" / "manifest.json").write_text(json.dumps(manifest))
    names = [key for key, node in manifest["nodes"].items() if node["resource_type"] in ("model", "test")]
    found = {row.check_id: row.table_name for row in record_results(settings, {"results": [{"unique_id": name, "status": "pass"} for name in names]})}
    assert [name for name, table in found.items() if not re.fullmatch(r"(raw|staging|intermediate|marts|serving|desk)\.\w+", table)] == []
    assert found["assert_no_fact_is_used_before_it_was_available"] == "serving.outlook_v2"
    assert found["unique_key_dim_trading_day_trade_date"] == "marts.dim_trading_day"


def test_a_failed_build_is_told_by_what_failed_and_not_by_what_was_skipped() -> None:
    ended = [("model.alumina.a", "success", "OK"), ("test.alumina.t.1f", "fail", "Got 3 results"), ("model.alumina.b", "skipped", None)]
    rows = [{"unique_id": name, "status": status, "message": message} for name, status, message in ended]
    rows += [{"unique_id": f"model.alumina.m{n}", "status": "error", "message": "Runtime Error\n  no such column"} for n in range(6)]
    said = failed({"results": rows})
    assert said.startswith("t: Got 3 results; m0: Runtime Error no such column; ")
    assert said.endswith("; and 2 more")
    assert failed({"results": rows[:1]}) == ""


# As dagster-dbt 0.29 puts it, shortened; the whole text had 330 lines.
ENDED = """The dbt CLI process with command

`alumina-dbt build --exclude-resource-type unit_test`

failed with exit code `2`. Check the stdout in the Dagster compute logs for the full information about the error.

Errors parsed from dbt logs:

"""
INVALIDATED = """Unhandled error while executing marts/fct_contract_rolls.sql
FATAL Error: Failed: database has been invalidated because of a previous fatal error. The database must be restarted prior to being used again.
Original error: "Failed to create checkpoint because of error: Could not write file "/srv/alumina/warehouse.duckdb": File too large"

9 of 86 ERROR creating sql table model marts.fct_contract_rolls ................ [ERROR in 0.02s]

"""
TRACEBACK = """Encountered an error:
[Errno 27] File too large
Traceback (most recent call last):
  File "dbt/cli/requires.py", line 187, in wrapper
    result, success = func(*args, **kwargs)
OSError: [Errno 27] File too large
"""


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            ENDED + INVALIDATED * 40 + TRACEBACK,
            'Failed to create checkpoint because of error: Could not write file "/srv/alumina/warehouse.duckdb": File too large',
        ),
        (ENDED + TRACEBACK, "OSError: [Errno 27] File too large"),
        (ENDED + "Compilation Error in model a (models/a.sql)\n  'b' is undefined\n", "Compilation Error in model a (models/a.sql) 'b' is undefined"),
        ("see its log", "see its log"),
    ],
)
def test_a_dbt_that_ends_without_results_is_told_in_one_line(said: str, told: str) -> None:
    assert dbt.why(said) == told


def test_people_are_told_in_one_line_of_a_dbt_that_could_not_write(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, told in {"ALUMINA_HOME": str(settings.root), **dbt.environment(settings)}.items():
        monkeypatch.setenv(name, told)  # put back afterwards
    settings.root.mkdir(parents=True)
    ended = SimpleNamespace(stream=lambda: iter(()), process=SimpleNamespace(returncode=2), get_error=lambda: ENDED + INVALIDATED + TRACEBACK)
    resources = {"home": Home(path=str(settings.root)), "dbt": dg.ResourceDefinition.hardcoded_resource(SimpleNamespace(cli=lambda *_, **__: ended))}
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize([dbt_models], resources=resources, instance=instance, raise_on_error=False)
    (failure,) = [event for event in result.all_events if event.event_type_value == "STEP_FAILURE"]
    assert cause(failure) == f"the published release stays, dbt did not get through: {dbt.first_cause(INVALIDATED)}"


def test_what_dbt_kept_of_an_older_project_is_forgotten(tmp_path: Path) -> None:
    kept = tmp_path / "partial_parse.msgpack"
    for age, stays in ((0, True), (10 * 365 * 86_400, False)):
        kept.touch()
        os.utime(kept, (time.time() - age,) * 2)
        forget_stale_parse(tmp_path)
        assert kept.is_file() == stays
    forget_stale_parse(tmp_path)  # nothing kept is nothing to forget


def test_a_new_home_begins_with_what_was_read_of_this_very_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dbt, "PROJECT", tmp_path / "project")
    read, home = dbt.PROJECT / "target" / "parse" / dbt.PARSED, tmp_path / "home"
    dbt.recall_parse(home)  # nothing was read
    read.parent.mkdir(parents=True)
    (dbt.PROJECT / "dbt_project.yml").touch()
    for age, taken in ((10 * 365 * 86_400, False), (-60, True)):
        read.write_text("read")
        os.utime(read, (time.time() - age,) * 2)
        dbt.remember_parse(read.parent)
        dbt.recall_parse(home)
        assert (home / dbt.PARSED).is_file() == taken
    (home / dbt.PARSED).write_text("its own")
    os.utime(home / dbt.PARSED, (time.time() + 60,) * 2)
    dbt.remember_parse(home)
    dbt.recall_parse(home)
    assert (home / dbt.PARSED).read_text() == "its own"


def test_what_dbt_kept_of_the_project_is_not_believed_once_it_has_rotted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dbt, "PROJECT", tmp_path / "project")
    read, home = dbt.PROJECT / "target" / "parse" / dbt.PARSED, tmp_path / "home"
    for folder in (read.parent, home):
        folder.mkdir(parents=True)
        (folder / dbt.PARSED).write_bytes(b"select 1.17 as quay_to_works")
        dbt.remember_parse(folder)
    (dbt.PROJECT / "dbt_project.yml").touch()
    for folder in (read.parent, home):
        os.utime(folder / dbt.PARSED, (time.time() + 60,) * 2)
    flip(home / dbt.PARSED, 9)
    dbt.recall_parse(home)
    assert (home / dbt.PARSED).read_bytes() == b"select 1.17 as quay_to_works", "the project's own is whole"
    flip(read, 9)
    flip(home / dbt.PARSED, 9)
    os.utime(read, (time.time() + 60,) * 2)
    dbt.recall_parse(home)
    assert not (home / dbt.PARSED).exists(), "dbt reads the project anew"


def test_what_was_read_of_the_project_has_the_rights_of_the_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dbt, "PROJECT", tmp_path / "project")
    read, home = dbt.PROJECT / "target" / "parse" / dbt.PARSED, tmp_path / "home"
    read.parent.mkdir(parents=True)
    (dbt.PROJECT / "dbt_project.yml").touch()
    read.write_text("read")
    read.chmod(0o644)
    dbt.remember_parse(read.parent)
    os.utime(read, (time.time() + 60,) * 2)
    before = os.umask(0o007)
    try:
        dbt.recall_parse(home)
    finally:
        os.umask(before)
    assert (home / dbt.PARSED).stat().st_mode & 0o777 == 0o660


def test_dbt_is_started_where_the_warehouse_is_so_that_every_home_has_it_at_the_same_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    home = tmp_path / "home"
    told = {"ALUMINA_WAREHOUSE": str(home / "warehouse.duckdb"), "OTHER": "x"}
    assert at_home(told) == told  # there is no such home
    home.mkdir()
    assert at_home(told) == told | {"ALUMINA_WAREHOUSE": "warehouse.duckdb"}
    assert Path.cwd() == home
    assert at_home({}) == {}


def test_what_stands_in_for_dbt_becomes_it_in_the_folder_of_the_warehouse_and_looks_for_garbage_seldom(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: dict[str, Any] = {}

    def cli() -> int:
        told.update(argv=sys.argv, folder=Path.cwd(), warehouse=os.environ[executable.WAREHOUSE], garbage=gc.get_threshold())
        return 3

    for name in ("dbt", "dbt.cli", "dbt.cli.main"):
        monkeypatch.setitem(sys.modules, name, SimpleNamespace(cli=cli))
    monkeypatch.setattr(executable, "end_with_parent", lambda: None)  # it would last longer than the test
    monkeypatch.setattr(sys, "argv", ["alumina-dbt", "build"])
    monkeypatch.setenv(executable.WAREHOUSE, str(tmp_path / "warehouse.duckdb"))
    monkeypatch.chdir("/")
    before = gc.get_threshold()
    try:
        with pytest.raises(SystemExit) as ended:
            executable.main()
    finally:
        gc.set_threshold(*before)
    assert ended.value.code == 3
    assert told == {"argv": ["dbt", "build"], "folder": tmp_path, "warehouse": "warehouse.duckdb", "garbage": SELDOM}


def test_a_project_that_another_user_read_is_taken_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "manifest.lock")

    monkeypatch.setattr(dbt, "PROJECT", tmp_path / "project")
    monkeypatch.setattr(dbt, "FileLock", refused)
    monkeypatch.setattr(dbt, "DbtProject", lambda **_: "the project")
    read = dbt.PROJECT / "target" / "parse" / dbt.PARSED
    read.parent.mkdir(parents=True)
    (dbt.PROJECT / "dbt_project.yml").touch()
    with pytest.raises(PermissionError):  # it was not read yet
        dbt.project()
    read.write_text("read")
    dbt.remember_parse(read.parent)
    manifest = dbt.PROJECT / "target" / "manifest.json"
    manifest.touch()
    os.utime(manifest, (time.time() + 60,) * 2)
    assert dbt.project() == "the project"
