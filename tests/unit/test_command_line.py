"""What the command answers to mistakes, asked in this process: one sentence and a non-zero exit, never a traceback."""

import io
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest
import typer
from rich.console import Console

from ingest.settings import Settings
from orchestration import cli
from serving import release
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


@pytest.fixture
def published(settings: Settings) -> Settings:
    small_home(settings.root)
    with duckdb.connect(str(settings.warehouse)) as con:
        con.execute("update serving.outlook_v1 set decision_at = as_of_date + interval 18 hour, horizon = 'short'")
    publish(settings, 0)
    return settings


@pytest.mark.parametrize("target", [".", "..", "", "/"])
def test_an_export_to_a_folder_is_refused(refused: Refused, published: Settings, target: str) -> None:
    code, sentence = refused(cli.export, "outlook", to=Path(target))
    assert code == 1
    assert sentence == f"--to {Path(target)} is a folder; name the file to write"


def test_going_back_where_nothing_is_published_is_refused(refused: Refused, settings: Settings) -> None:
    assert refused(cli.rollback) == (1, f"nothing is published in {settings.root}, so there is no release to go back to")
    assert release._kept(settings) == []
