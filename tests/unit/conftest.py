"""A home of its own for every test: nothing here may read or write the developer's."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from feeds import Home

from ingest.settings import Settings


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
