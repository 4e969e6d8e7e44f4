"""One build of each kind per session, made by the command a user types; the tests only read what it left."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingest.archive import Archive
from ingest.flow import ingest
from ingest.lake import Lake
from ingest.origins import CatalogOrigin, Origin
from ingest.settings import REPOSITORY, Settings
from ingest.sources import SOURCES
from orchestration.dbt import PRODUCTION, PROJECT, build_command, environment
from orchestration.warehouse import load_raw

ALUMINA = Path(sys.executable).with_name("alumina")
GUARD = Path(__file__).with_name("guard")
SLICE = ("--from", "2025-05-06", "--to", "2025-07-23")
"""Sixty sessions of the sample."""


def alumina(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the `alumina` command on a home."""
    environment = os.environ | {"ALUMINA_HOME": str(home), "COLUMNS": "200", "ALUMINA_LOCK_WAIT_SECONDS": "60"}
    return subprocess.run([str(ALUMINA), *arguments], env=environment, capture_output=True, text=True, check=False, timeout=600)


def guarded(calls: Path, home: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command under the guard that notes in `calls` whatever tries to leave the machine."""
    path = os.pathsep.join([str(GUARD), str(REPOSITORY)])
    environment = os.environ | {"ALUMINA_HOME": str(home), "PYTHONPATH": path, "ALUMINA_TEST_CALLS": str(calls), "COLUMNS": "200"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=900)


@dataclass(frozen=True)
class Built:
    """A home after a run, and how the run went."""

    home: Path
    run: subprocess.CompletedProcess[str]

    def published(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Query the published file as an analyst would."""
        return query(self.home / "serving" / "alumina.duckdb", sql, *parameters)

    def working(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Query the working warehouse, for what is not published: raw and staging."""
        return query(self.home / "warehouse.duckdb", sql, *parameters)


def query(path: Path, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """Give the rows of a query on a file, moments in Shanghai's time."""
    with duckdb.connect(str(path.resolve()), read_only=True) as con:
        con.execute("set TimeZone = 'Asia/Shanghai'")
        return con.execute(sql, parameters).fetchall()


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The whole embedded sample."""
    home = tmp_path_factory.mktemp("sample")
    run = alumina(home, "run", "--timings")
    assert run.returncode == 0, run.stdout + run.stderr
    return Built(home, run)


@pytest.fixture(scope="session")
def calls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the guard notes what tried to leave the machine."""
    return tmp_path_factory.mktemp("calls") / "calls.txt"


@pytest.fixture(scope="session")
def sixty_sessions(tmp_path_factory: pytest.TempPathFactory, calls: Path) -> Path:
    """A home after a run of sixty sessions, watched by the guard; who changes it takes a copy."""
    home = tmp_path_factory.mktemp("sixty_sessions") / "home"
    done = guarded(calls, home, str(ALUMINA), "run", *SLICE)
    assert done.returncode == 0, done.stdout + done.stderr
    return home


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory, shared_data: Path) -> Built:
    """The real payloads and the complete hand-made day, from a folder."""
    home = tmp_path_factory.mktemp("files")
    run = alumina(home, "run", "--source", "files", "--payloads", str(shared_data / "payloads"))
    assert run.returncode == 0, run.stdout + run.stderr
    return Built(home, run)


@pytest.fixture(scope="session")
def damaged(tmp_path_factory: pytest.TempPathFactory, shared_data: Path, files: Built) -> Built:
    """The same home after a folder of bad input was thrown at it; depends on `files`, whose tests must not see it."""
    home = tmp_path_factory.mktemp("damaged") / "home"
    subprocess.run(["cp", "-a", str(files.home), str(home)], check=True)
    return Built(home, alumina(home, "run", "--source", "files", "--payloads", str(shared_data / "malformed")))


@pytest.fixture
def command() -> Callable[..., subprocess.CompletedProcess[str]]:
    """The `alumina` command."""
    return alumina


BACKTEST = "select calls, hit_ratio, hit_ratio_low, hit_ratio_high, brier from serving.outlook_backtest"


def told_in_readme(rows: list[tuple[Any, ...]]) -> list[str]:
    """Give the lines of the README's table of the backtest that it ought to have and does not."""
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    lines = [f"| {calls} | {hit:.2f} [{low:.2f}, {high:.2f}] | {brier:.3f} |" for calls, hit, low, high, brier in rows]
    assert lines
    return [line for line in lines if line not in readme]


Model = tuple[str, str, str]
"""Name with its schema, view or table, compiled SQL."""


class House:
    """One home, filled and built without Dagster: the models run as dbt compiled them, statement by statement, in seconds."""

    def __init__(self, root: Path) -> None:
        self.settings = Settings(home=root)
        self.run = 0

    def take(self, origin: Origin) -> None:
        archive, lake = Archive(self.settings.archive), Lake(self.settings.lake)
        catalog, others = [s for s in SOURCES if s.name == "catalog"], [s for s in SOURCES if s.name != "catalog"]
        self.run += 1
        ingest(catalog, CatalogOrigin(self.settings.catalog_overlay), archive, lake, f"run {self.run}")
        ingest(others, origin, archive, lake, f"run {self.run}")

    def build(self, models: list[Model], as_of: datetime | None = None) -> Path:
        settings = self.settings.model_copy(update={"as_of": as_of})
        settings.workshop.mkdir(parents=True, exist_ok=True)
        load_raw(settings)
        with duckdb.connect(str(settings.warehouse)) as con:
            con.execute("set TimeZone = 'Asia/Shanghai'")
            for schema in {name.split(".")[0] for name, _, _ in models}:
                con.execute(f"create schema if not exists {schema}")
            for name, kind, sql in models:
                con.execute(f"create or replace {kind} {name} as {sql}")
        return settings.warehouse


def compiled(settings: Settings) -> list[Model]:
    """Give every model in the order of their dependencies, compiled by dbt against the raw tables of a warehouse."""
    command = ["compile" if word == "build" else word for word in build_command(settings) if word not in PRODUCTION]
    done = subprocess.run(command, cwd=PROJECT, env=os.environ | environment(settings), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    manifest = json.loads((settings.root / "dbt" / "manifest.json").read_text())
    nodes = {key: node for key, node in manifest["nodes"].items() if node["resource_type"] == "model"}
    order = TopologicalSorter({key: [up for up in node["depends_on"]["nodes"] if up in nodes] for key, node in nodes.items()}).static_order()
    return [(f"{nodes[key]['schema']}.{nodes[key]['alias']}", nodes[key]["config"]["materialized"], nodes[key]["compiled_code"]) for key in order]


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Model]:
    """Every model, as `compiled` gives it."""
    settings = Settings(home=tmp_path_factory.mktemp("compiled"))
    load_raw(settings)
    return compiled(settings)
