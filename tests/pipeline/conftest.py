"""One build of each kind per test run, made by the command a user types. Tests read the result or copy it."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import httpx
import pytest

from ingest.archive import Archive
from ingest.catalog.configuration import Configuration
from ingest.flow import ingest
from ingest.lake import Lake
from ingest.origins import CatalogOrigin, FilesOrigin, Origin
from ingest.settings import REPOSITORY, Settings
from ingest.sources import SOURCES, sources
from orchestration.warehouse.dbt import PRODUCTION, PROJECT, build_command, environment, recall_parse, write_staging
from orchestration.warehouse.load import load_raw
from serving.publish.release import publish
from tests.local import local

if TYPE_CHECKING:
    from tests.pipeline.small import Small

ALUMINA = Path(sys.executable).with_name("alumina")
GUARD = Path(__file__).with_name("guard")
SLICE = ("--from", "2025-05-06", "--to", "2025-07-23")
"""Sixty sessions of the sample."""
HANGS = 1800
"""Seconds after which a command is taken to hang: many times what the longest takes on a slow machine."""


def alumina(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the `alumina` command on a home."""
    environment = os.environ | {"ALUMINA_HOME": str(home), "COLUMNS": "200", "ALUMINA_LOCK_WAIT_SECONDS": "60"}
    return subprocess.run([str(ALUMINA), *arguments], env=environment, capture_output=True, text=True, check=False, timeout=HANGS)


def guarded(calls: Path, home: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command under the guard that notes in `calls` whatever tries to leave the machine."""
    path = os.pathsep.join([str(GUARD), str(REPOSITORY)])
    environment = os.environ | {"ALUMINA_HOME": str(home), "PYTHONPATH": path, "ALUMINA_TEST_CALLS": str(calls), "COLUMNS": "200"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=HANGS)


def apart() -> tuple[str, ...]:
    """What a command is started with so that it has no network, not even this machine's own; empty where that is not permitted."""
    alone = ("unshare", "--net", "--map-root-user")
    try:
        done = subprocess.run([*alone, "true"], capture_output=True, check=False)
    except OSError:
        return ()
    return () if done.returncode else alone


def until(what: str, ready: Callable[[], Any], seconds: float = HANGS, every: float = 0.1) -> Any:
    """Wait for something, and give it; the test fails where it does not come. A server is asked seldom (`ASKED`): answering takes its time, too."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := ready():
            return found
        time.sleep(every)
    return pytest.fail(f"{what} did not happen in {seconds} s")


ASKED = 0.5
"""Seconds between two questions to a server that a test waits for."""
LAUNCH = """mutation Launch($parameters: ExecutionParams!) { launchPipelineExecution(executionParams: $parameters) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on RunConfigValidationInvalid { errors { message } } ... on PythonError { message } } }"""
STATUS = "query Run($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"


def ask_ui(port: int, query: str, **variables: Any) -> dict[str, Any]:
    """Ask the API of a UI; empty where it does not answer."""
    try:
        answer = local().post(f"http://127.0.0.1:{port}/graphql", json={"query": query, "variables": variables})
    except httpx.HTTPError:
        return {}
    return dict(answer.json().get("data") or {}) if answer.is_success else {}


def _alive_in_group(group: int) -> list[str]:
    """Give the commands of a process group; one that has ended and waits to be collected by its parent is none."""
    told = subprocess.run(["ps", "-e", "-o", "pgid=,stat=,args="], capture_output=True, text=True, check=True).stdout
    lines = [line.split(maxsplit=2) for line in told.splitlines()]
    return [command for number, state, command in lines if int(number) == group and not state.startswith("Z")]


@contextmanager
def served_ui(home: Path, house: Path = REPOSITORY, environment: Mapping[str, str] = os.environ) -> Iterator[int]:
    """Start `alumina ui` on a home, in a house, and give its port; it ends with the block, and nothing of it stays."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    home.mkdir(exist_ok=True)
    with (home / "ui.log").open("wb") as log:
        command, told = [str(ALUMINA), "ui", "--port", str(port)], {**environment, "ALUMINA_HOME": str(home)}
        server = subprocess.Popen(command, cwd=house, env=told, stdout=log, stderr=log, start_new_session=True)
    try:
        until("the UI", lambda: ask_ui(port, "{ version }"), every=ASKED)
        yield port
    finally:
        server.terminate()
        try:
            server.wait(90)
        finally:
            if left := _alive_in_group(server.pid):
                os.killpg(server.pid, signal.SIGKILL)
                pytest.fail(f"alumina ui left processes behind: {left}")


@dataclass(frozen=True)
class Filled:
    """A home with a warehouse and a release."""

    home: Path

    def published(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Query the published file as an analyst would."""
        return _published(str((self.home / "serving" / "alumina.duckdb").resolve())).execute(sql, parameters).fetchall()

    def working(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Query the working warehouse, for what is not published: raw and staging."""
        return query(self.home / "warehouse.duckdb", sql, *parameters)


@dataclass(frozen=True)
class Built(Filled):
    """A home after a run, and how the run went."""

    run: subprocess.CompletedProcess[str]


def query(path: Path, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Give the rows of a query on a file, moments in Shanghai's time."""
    with duckdb.connect(str(path.resolve()), read_only=True) as con:
        con.execute("set TimeZone = 'Asia/Shanghai'")
        return con.execute(sql, parameters).fetchall()


@lru_cache(maxsize=2)
def _published(path: str) -> duckdb.DuckDBPyConnection:
    """Keep a release open for the next query: it never changes, and opening it takes 60 ms of processor time, a thousand times in a test run.

    It is attached: who opens a file itself decides how everybody else in the process may open it.
    """
    con = duckdb.connect()
    con.execute("set TimeZone = 'Asia/Shanghai'")
    con.execute(f"attach '{path}' as alumina (read_only); use alumina")
    return con


def content(home: Path, schema: str, *aside: str) -> dict[str, tuple[int, int]]:
    """Rows and an order-free hash of every table, without what names the run and the columns left aside."""
    path = home / ("warehouse.duckdb" if schema == "raw" else "serving/alumina.duckdb")
    skip = {"fetched_at", "attempted_at", "run_id", "release_id", "released_at", "last_attempt_at", "last_ok_at", *aside}
    with duckdb.connect(str(path.resolve()), read_only=True) as con:
        tables = [name for (name,) in con.execute("select table_name from duckdb_tables() where schema_name = ?", [schema]).fetchall()]
        logs = {"_lake_batches", "ingest__receipts", "source_status", "publication", "data_dictionary"}
        result = {}
        for table in sorted(set(tables) - logs):
            columns = [
                # A sum over many rows depends on their order in the last of its sixteen digits.
                f'round("{name}", 9)' if kind == "DOUBLE" else f'"{name}"'
                for name, kind in con.execute(
                    "select column_name, data_type from duckdb_columns() where schema_name = ? and table_name = ?", [schema, table]
                ).fetchall()
                if name not in skip
            ]
            row = ", ".join(columns)
            result[table] = con.execute(f'select count(*), coalesce(sum(hash({row}))::varchar::hugeint, 0) from {schema}."{table}"').fetchall()[0]
        return result


Once = Callable[[str, Callable[[Path], None]], Path]


def built(once: Once, name: str, run: Callable[[Path], subprocess.CompletedProcess[str]]) -> Built:
    """Make a home once by a run that must succeed, and keep what the run said beside it."""

    def make(folder: Path) -> None:
        done = run(folder / "home")
        assert done.returncode == 0, done.stdout + done.stderr
        (folder / "run.json").write_text(json.dumps([done.args, done.stdout, done.stderr]), encoding="utf-8")

    folder = once(name, make)
    arguments, out, err = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    return Built(folder / "home", subprocess.CompletedProcess(arguments, 0, out, err))


def copied(home: Path, target: Path) -> Path:
    """Copy a home for a test that changes it."""
    subprocess.run(["cp", "-a", str(home), str(target)], check=True)
    return target


@pytest.fixture(scope="session")
def sample(once: Once) -> Built:
    """The whole embedded sample."""
    return built(once, "sample", lambda home: alumina(home, "run", "--timings"))


@pytest.fixture(scope="session")
def sixty_sessions(once: Once) -> Built:
    """Sixty sessions of the sample, run without a network and under the guard, which notes in `calls.txt` what tried to leave the machine."""
    return built(once, "sixty_sessions", lambda home: guarded(home.with_name("calls.txt"), home, *apart(), str(ALUMINA), "run", *SLICE))


@pytest.fixture(scope="session")
def small_house(once: Once, sixty_sessions: Built) -> "Small":
    """A small house (`small.py`) in which a copy of that home was run once."""
    from tests.pipeline.small import Small, furnish

    def make(folder: Path) -> None:
        done = furnish(folder / "house", copied(sixty_sessions.home, folder / "home")).run("run", *SLICE)
        assert done.returncode == 0, done.stdout + done.stderr

    folder = once("small", make)
    return Small(folder / "house", folder / "home")


@pytest.fixture(scope="session")
def files(once: Once, shared_data: Path) -> Built:
    """The real payloads and the complete hand-made day, from a folder."""
    return built(once, "files", lambda home: alumina(home, "run", "--source", "files", "--payloads", str(shared_data / "payloads")))


@pytest.fixture
def command() -> Callable[..., subprocess.CompletedProcess[str]]:
    """The `alumina` command."""
    return alumina


RECORD = REPOSITORY / "docs" / "track-record.md"


@contextmanager
def at_work(warehouse: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a warehouse to build models in it.

    As many tests run at once as there are processors, so each works on one: DuckDB's threads would wait for each other and take twice the
    processor seconds. Written to the file is at the end, not after each model, and without FSST, as a release is: a tenth of a build less.
    """
    with duckdb.connect(str(warehouse), config={"threads": 1, "checkpoint_threshold": "4GB"}) as con:
        con.execute("set global disabled_compression_methods = 'fsst'; set TimeZone = 'Asia/Shanghai'")
        yield con


Model = tuple[str, str, str]
"""Name with its schema, view or table, compiled SQL."""


class House:
    """One home, filled and built without Dagster: the models run as dbt compiled them, statement by statement, in seconds."""

    def __init__(self, root: Path) -> None:
        self.settings = Settings(home=root)
        self.loaded = root / "loaded.duckdb"
        self.run = 0

    def take(self, origin: Origin) -> None:
        archive, lake = Archive(self.settings.archive), Lake(self.settings.lake)
        known = sources(Configuration(self.settings.catalog_overlay))
        catalog, others = [s for s in known if s.name == "catalog"], [s for s in known if s.name != "catalog"]
        self.run += 1
        ingest(catalog, CatalogOrigin(self.settings.catalog_overlay), archive, lake, f"run {self.run}")
        ingest(others, origin, archive, lake, f"run {self.run}")

    def build(self, models: list[Model], as_of: datetime | None = None) -> Path:
        """Build in a warehouse that holds nothing else; `raw` is what the last build loaded and what came since."""
        settings = self.settings.model_copy(update={"as_of": as_of})
        settings.workshop.mkdir(parents=True, exist_ok=True)
        if self.loaded.exists():
            shutil.copy(self.loaded, settings.warehouse)
        load_raw(settings)
        shutil.copy(settings.warehouse, self.loaded)
        with at_work(settings.warehouse) as con:
            for schema in {name.split(".")[0] for name, _, _ in models}:
                con.execute(f"create schema if not exists {schema}")
            for name, kind, sql in models:
                con.execute(f"create or replace {kind} {name} as {sql}")
        return settings.warehouse

    def publish(self, comments: Mapping[str, str]) -> Filled:
        """Publish what was built, with the gate and all that a release computes."""
        with duckdb.connect(str(self.settings.warehouse)) as con:
            for name, comment in comments.items():
                con.execute("comment on {} is '{}'".format(name, comment.replace("'", "''")))
        publish(self.settings, f"run {self.run}")
        return Filled(self.settings.root)

    def copied(self, root: Path) -> "House":
        """Give a house with the same archive, lake and `raw`, and nothing built."""
        shutil.copytree(self.settings.root, root, ignore=shutil.ignore_patterns("warehouse.duckdb*", "as_of"))
        return House(root)


@pytest.fixture(scope="session")
def compilation(once: Once) -> Path:
    """What dbt compiled, in a folder: `models.json`, and a home with its manifest."""
    return once("compiled", lambda folder: (folder / "models.json").write_text(json.dumps(compiled(empty(folder / "home"))), encoding="utf-8"))


@pytest.fixture(scope="session")
def models(compilation: Path) -> list[Model]:
    """Every model in the order of their dependencies."""
    return [(name, kind, sql) for name, kind, sql in json.loads((compilation / "models.json").read_text(encoding="utf-8"))]


@pytest.fixture(scope="session")
def comments(compilation: Path) -> dict[str, str]:
    """What dbt writes on the tables and views a release copies, by kind and name: without it none is published."""
    nodes = json.loads((compilation / "home" / "dbt" / "manifest.json").read_text(encoding="utf-8"))["nodes"].values()
    return {
        f"{node['config']['materialized']} {node['schema']}.{node['alias']}": node["description"]
        for node in nodes
        if node["resource_type"] == "model" and (node["config"].get("persist_docs") or {}).get("relation")
    }


@pytest.fixture(scope="session")
def damaged(once: Once, shared_data: Path, files: Built, models: list[Model], comments: dict[str, str]) -> Filled:
    """A copy of that home after a folder of bad input was thrown at it, published again."""

    def make(folder: Path) -> None:
        house = House(copied(files.home, folder / "home"))
        house.take(FilesOrigin(shared_data / "malformed", SOURCES))
        house.build(models)
        house.publish(comments)

    return Filled(once("damaged", make) / "home")


def upstream(models: list[Model], *wanted: str) -> list[Model]:
    """Give some models and those they stand on, in their order."""
    found, named = [], set(wanted)
    for name, kind, sql in reversed(models):
        if name in named:
            found.append((name, kind, sql))
            named |= {other for other, *_ in models if '"{}"."{}"'.format(*other.split(".")) in sql}
    return found[::-1]


def empty(home: Path) -> Settings:
    """Make a warehouse with every raw table and no row."""
    settings = Settings(home=home)
    home.mkdir()
    load_raw(settings)
    return settings


def compiled(settings: Settings) -> list[Model]:
    """Give every model in the order of their dependencies, compiled by dbt against the raw tables of a warehouse."""
    write_staging()
    recall_parse(settings.root / "dbt")
    command = ["compile" if word == "build" else word for word in build_command(settings) if word not in PRODUCTION]
    done = subprocess.run(command, cwd=PROJECT, env=os.environ | environment(settings), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    manifest = json.loads((settings.root / "dbt" / "manifest.json").read_text())
    nodes = {key: node for key, node in manifest["nodes"].items() if node["resource_type"] == "model"}
    order = TopologicalSorter({key: [up for up in node["depends_on"]["nodes"] if up in nodes] for key, node in nodes.items()}).static_order()
    return [(f"{nodes[key]['schema']}.{nodes[key]['alias']}", nodes[key]["config"]["materialized"], nodes[key]["compiled_code"]) for key in order]
