"""A home of its own for every test: nothing here may read or write the developer's."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

import pytest
from feeds import Home

from ingest.settings import Settings
from orchestration.instance.environment import opened

if TYPE_CHECKING:
    import dagster as dg


@pytest.fixture(scope="session", autouse=True)
def _no_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Where tests that need no home would find one: nowhere."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALUMINA_HOME", str(tmp_path_factory.getbasetemp() / "no-home"))
        yield


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    monkeypatch.setenv("ALUMINA_HOME", str(tmp_path / "home"))
    return Settings(lock_wait_seconds=0)


@pytest.fixture
def home(settings: Settings) -> Home:
    return Home(settings)


@pytest.fixture(scope="session")
def _record_of_runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Dagster's databases as a new home has them: to make them takes longer than most tests that need them."""
    settings = Settings(home=tmp_path_factory.mktemp("record") / "home")
    with mock.patch.dict(os.environ), opened(settings):
        return settings.dagster


@pytest.fixture
def instance(settings: Settings, _record_of_runs: Path) -> "Iterator[dg.DagsterInstance]":
    """The instance of a home, as every run has it."""
    shutil.copytree(_record_of_runs, settings.dagster)
    with mock.patch.dict(os.environ), opened(settings) as found:
        yield found
