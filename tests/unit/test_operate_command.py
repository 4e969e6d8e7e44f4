"""The operator's commands say what they did in a line, and refuse what cannot be in one."""

import errno
import json
import os
import re
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import Result
from typer.main import get_command
from typer.testing import CliRunner

from ingest.journal import sealed
from ingest.settings import Settings
from orchestration.command import cli, operate_command
from orchestration.command.cli import app
from orchestration.command.terminal import _USERS
from orchestration.home import doctor
from orchestration.instance.environment import InstanceError, opened
from orchestration.ui import services
from orchestration.warehouse import load
from serving.read import FILE_NAME
from serving.seal import seal

Run = Callable[..., Result]


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command; its `output` is what it said."""
    for name in ("DAGSTER_HOME", "DAGSTER_DISABLE_TELEMETRY", "DAGSTER_EVENT_BATCH_SIZE", "DO_NOT_TRACK", "GX_ANALYTICS_ENABLED"):
        monkeypatch.setenv(name, "")  # put back afterwards

    def command(*arguments: str, **options: Any) -> Result:
        lines: list[str] = []
        monkeypatch.setattr(operate_command, "_say", lines.append)
        result = CliRunner().invoke(app, list(arguments), **options)
        result.stdout_bytes += "".join(f"{line}\n" for line in lines).encode()
        result.output_bytes = result.stdout_bytes
        return result

    return command


def test_every_command_stands_under_who_uses_it() -> None:
    commands = set(get_command(app).commands)  # type: ignore[attr-defined]
    named = [name for names in _USERS.values() for name in names]
    assert len(named) == len(set(named))
    assert commands == set(named)


def test_the_help_fits_eighty_columns_and_cuts_no_sentence_off(run: Run) -> None:
    said = run("--help", env={"COLUMNS": "80"}).output
    assert "For operators:" in said
    assert said.count("...") == 1  # of the usage
    assert [line for line in said.splitlines() if len(line) > 80] == []


def test_what_runs_by_itself_is_listed_switched_and_named_where_it_is_wrong_or_off(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "off  evening     trading days 19:35, looks again every 30 min to 20:35" in run("schedule", catch_exceptions=False).output
    assert run("schedule", "on").output.startswith("switched on: after_close, evening, ")
    assert run("schedule", "off", "refit").output == "switched off: refit\n"
    listed = run("schedule").output
    assert "off  refit" in listed
    assert "on   late_data" in listed
    assert "on   run_failed  by what happens" in listed  # it starts nothing, and is declared to run
    assert [line for line in listed.splitlines() if len(line) > 80] == []
    monkeypatch.setattr(services, "serve", lambda *_: None)
    monkeypatch.setattr(cli, "_plain", (told := list[str]()).append)
    run("ui", catch_exceptions=False)
    assert told[1:] == ["switched off by somebody (`alumina schedule on`, or Automation in the UI): refit"]
    assert str(run("schedule", "on", "evning").exception).startswith("nothing of the name evning starts runs; there are after_close")


def test_an_upgrade_names_the_format_and_a_newer_home_is_refused_before_anything_is_written(run: Run, settings: Settings) -> None:
    assert f"home {settings.root}: format 2\n" in run("upgrade", catch_exceptions=False).output
    newer = sealed(json.dumps({"format": 99}))
    (settings.root / "home.json").write_bytes(newer)
    refused = run("upgrade")
    assert refused.exit_code == 1
    assert "has format 99, and this version knows formats up to 2" in str(refused.exception)
    assert (settings.root / "home.json").read_bytes() == newer


def test_tidying_a_new_home_deletes_nothing(run: Run) -> None:
    said = run("tidy", catch_exceptions=False).output
    assert said == "0 runs, the events of 0 runs and 0 files were older than is kept; 0.0 MB freed\n"


def test_a_provider_the_home_does_not_hold_is_named(run: Run) -> None:
    assert "this home holds nothing of 'smm'; there are no vendor data" in str(run("purge", "smm").exception)


def test_what_is_advised_for_a_full_disk_works_on_one(run: Run, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    for number in range(5):
        (release := settings.releases / f"release-{number}").mkdir(parents=True)
        (release / FILE_NAME).write_bytes(b"figures")
        seal(release, release.name)
    settings.serving.symlink_to("releases/release-4")
    (settings.dagster / "history" / "runs.db").mkdir(parents=True)  # SQLite cannot open it, as on a full disk
    with pytest.raises(InstanceError) as refused, opened(settings):
        pass
    (settings.root / "warehouse.holder.json").write_text('{"what": "a run that was killed"}')
    told = [
        str(refused.value),
        cli._told(OSError(errno.ENOSPC, "full")),
        *(doctor.SENTENCES[key]["do"] for key in ("disk_short", "disk_short_for_releases")),
    ]
    (advised,) = {re.search(r"alumina (releases [\w -]+\d)", text)[1] for text in told}  # type: ignore[index]
    monkeypatch.setattr(load, "write_atomic", full)
    assert run(*advised.split(), catch_exceptions=False).exit_code == 0
    assert sorted(path.name for path in settings.releases.iterdir()) == ["release-2", "release-3", "release-4"]
    assert not (settings.root / "warehouse.holder.json").exists()
