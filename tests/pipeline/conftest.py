"""One build of each kind per session, made by the command a user types; the tests only read what it left."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest

ALUMINA = Path(sys.executable).with_name("alumina")


def alumina(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the `alumina` command on a home."""
    environment = os.environ | {"ALUMINA_HOME": str(home), "COLUMNS": "200", "ALUMINA_LOCK_WAIT_SECONDS": "60"}
    return subprocess.run([str(ALUMINA), *arguments], env=environment, capture_output=True, text=True, check=False, timeout=600)


@dataclass(frozen=True)
class Built:
    """A home after a run, and how the run went."""

    home: Path
    run: subprocess.CompletedProcess[str]

    def published(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Query the published file as an analyst would."""
        return _query(self.home / "serving" / "alumina.duckdb", sql, parameters)

    def working(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Query the working warehouse, for what is not published: raw and staging."""
        return _query(self.home / "warehouse.duckdb", sql, parameters)


def _query(path: Path, sql: str, parameters: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(path.resolve()), read_only=True) as con:
        con.execute("set TimeZone = 'Asia/Shanghai'")
        return con.execute(sql, list(parameters)).fetchall()


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The whole embedded sample."""
    home = tmp_path_factory.mktemp("sample")
    run = alumina(home, "run", "--timings")
    assert run.returncode == 0, run.stdout + run.stderr
    return Built(home, run)


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
