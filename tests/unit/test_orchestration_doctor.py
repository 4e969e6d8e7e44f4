"""The doctor finds what is wrong with a home and says what to do; every finding has a home that shows it."""

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from filelock import FileLock
from pydantic import SecretStr

from ingest.archive import Archive, Attempt
from ingest.home import dedicate
from ingest.inbox import Inbox
from ingest.notes import write_note
from ingest.settings import Settings
from ingest.source import SHANGHAI, DataOrigin, Outcome
from ingest.sources import SOURCES
from orchestration.home import doctor
from orchestration.home.doctor import Finding, Level, examine
from orchestration.instance.alerts import alert
from orchestration.warehouse.load import write_lock
from serving.read import FILE_NAME
from serving.seal import remove, seal

EVENING = datetime(2025, 7, 22, 22, 0, tzinfo=SHANGHAI)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


def _found(settings: Settings, subject: str, now: datetime = EVENING) -> Finding:
    return next(finding for finding in examine(settings, now) if finding.subject == subject)


def test_a_new_home_has_no_error_and_a_next_step(settings: Settings) -> None:
    findings = examine(settings, EVENING)
    assert [finding for finding in findings if finding.level is Level.ERROR] == []
    assert _found(settings, "publication").advice == "alumina run"
    assert not settings.root.exists()


def test_a_package_that_is_not_the_locked_one_is_an_error(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.importlib.metadata, "version", lambda name: "0.0.1")
    found = _found(settings, "versions")
    assert found.level is Level.ERROR
    assert re.search(r"\bduckdb 0\.0\.1, locked \d+\.\d+\.\d+;", found.message)


def test_of_a_package_locked_twice_the_one_for_this_python_counts(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pins = [f"{name}=={doctor.importlib.metadata.version(name)} \\\n    --hash=sha256:00" for name in doctor.CHECKED_PACKAGES]
    ours = f"duckdb=={doctor.importlib.metadata.version('duckdb')} \\"
    (tmp_path / "requirements.txt").write_text(
        "\n".join(pins).replace(ours, f"{ours[:-2]} ; python_full_version >= '3.0' \\")
        + "\nduckdb==0.0.1 ; python_full_version < '3.0' \\\n    --hash=sha256:00\n"
    )
    monkeypatch.setattr(doctor, "REPOSITORY", tmp_path)
    assert _found(settings, "versions").level is Level.OK


def test_the_calendar_is_watched(settings: Settings) -> None:
    assert _found(settings, "calendar").level is Level.OK
    near = _found(settings, "calendar", datetime(2026, 12, 1, 18, 0, tzinfo=SHANGHAI))
    assert near.level is Level.NOTE
    assert "in 30 days" in near.message
    assert _found(settings, "calendar", datetime(2026, 11, 2, 18, 0, tzinfo=SHANGHAI)).level is Level.NOTE, "60 days ahead"
    assert _found(settings, "calendar", datetime(2026, 10, 30, 18, 0, tzinfo=SHANGHAI)).level is Level.OK
    text = near.advice[near.advice.index('last_day = "2027-12-31"') :]
    settings.catalog_overlay.mkdir(parents=True)
    (settings.catalog_overlay / "calendar.toml").write_text(text)
    assert _found(settings, "calendar", datetime(2026, 12, 1, 18, 0, tzinfo=SHANGHAI)).message == "known until 2027-12-31"
    assert not [finding for finding in examine(settings) if finding.subject == "holidays"]
    (settings.catalog_overlay / "calendar.toml").write_text(text.replace('"2027-05-03/2027-05-05", ', ""))
    (lacking,) = [finding for finding in examine(settings) if finding.subject == "holidays"]
    assert lacking.level is Level.ERROR
    assert "劳动节" in lacking.message
    (settings.catalog_overlay / "calendar.toml").unlink()
    past = _found(settings, "calendar", datetime(2027, 1, 4, 18, 0, tzinfo=SHANGHAI))
    assert past.level is Level.ERROR
    assert "closures of 2027" in past.advice


def test_a_calendar_extended_without_closures_is_an_error(settings: Settings) -> None:
    settings.catalog_overlay.mkdir(parents=True)
    (settings.catalog_overlay / "calendar.toml").write_text('last_day = "2027-12-31"\n')
    found = _found(settings, "calendar")
    assert found.level is Level.ERROR
    assert "without the closures of 2027" in found.message


def test_a_full_disk_is_an_error(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 10_000_000})())
    assert _found(settings, "disk").level is Level.ERROR


@pytest.mark.parametrize(
    ("address", "level"), [(None, Level.NOTE), ("http://evil.example/s3cret", Level.ERROR), ("https://hooks.example/s3cret", Level.OK)]
)
def test_the_webhook_is_judged_and_never_named(tmp_path: Path, address: str | None, level: Level) -> None:
    found = _found(Settings(home=tmp_path, alert_webhook=SecretStr(address) if address else None), "alerts")
    assert found.level is level
    assert "s3cret" not in found.message + found.advice


def test_the_writer_is_named(settings: Settings) -> None:
    settings.root.mkdir(parents=True)
    (settings.root / "warehouse.holder.json").write_text(json.dumps({"what": "dbt build (run 7)", "pid": 4711, "since": "2025-07-22T09:40:00+00:00"}))
    with FileLock(settings.root / "warehouse.lock"):
        found = _found(settings, "writer")
    assert "dbt build (run 7)" in found.message
    assert "process 4711" in found.message
    assert _found(settings, "writer").message == "nobody is writing"


@pytest.mark.parametrize(
    ("outcome", "level"),
    [("published", Level.OK), ("rolled_back", Level.OK), ("running", Level.ERROR), ("refused", Level.ERROR), ("failed", Level.ERROR)],
)
def test_the_last_publication_is_judged(settings: Settings, outcome: str, level: Level) -> None:
    settings.root.mkdir(parents=True)
    write_note(settings.status, {"outcome": outcome, "at": "2025-07-22T09:40:00+00:00", "serving": None, "reason": "score must be between"})
    found = _found(settings, "publication")
    assert found.level is level
    assert (outcome != "refused") or "score must be between" in found.message


def test_a_run_that_failed_is_told_also_where_nothing_was_ever_published(settings: Settings) -> None:
    def told() -> tuple[Level, str]:
        (found,) = [finding for finding in examine(settings) if finding.subject == "publication"]
        return found.level, found.message

    assert told() == (Level.NOTE, "nothing was ever published here")
    alert(settings, "run_failed", "dbt build failed: a test", run_id="run-1")
    level, message = told()
    assert level is Level.ERROR
    assert "nothing was ever published here; the last run failed at " in message
    assert message.endswith(": dbt build failed: a test")


def _serve(settings: Settings, name: str) -> None:
    folder = settings.releases / name
    folder.mkdir(parents=True)
    (folder / FILE_NAME).touch()
    seal(folder, name)
    settings.serving.symlink_to(Path("releases") / name)


def test_a_home_without_any_release_people_read_does_not_count_as_published(settings: Settings) -> None:
    settings.root.mkdir(parents=True)
    write_note(settings.status, {"outcome": "published", "run_id": "b", "at": "2025-07-22T09:40:00+00:00", "serving": "r", "reason": ""})
    _serve(settings, "r")
    assert _found(settings, "publication").level is Level.OK
    remove(settings.releases / "r")
    settings.serving.unlink()
    found = _found(settings, "publication")
    assert (found.level, found.message) == (
        Level.ERROR, "no release is left, so people read none: alumina restore BACKUP puts r back, alumina run makes another",
    )  # fmt: skip


@pytest.mark.parametrize(("run_id", "at", "level"), [("a", "2025-07-22T09:39:00", Level.OK), ("a", "2025-07-22T09:41:00", Level.ERROR), ("b", "2025-07-22T09:41:00", Level.OK)])  # fmt: skip
def test_a_run_that_failed_before_it_came_to_publishing_is_told(settings: Settings, run_id: str, at: str, level: Level) -> None:
    settings.root.mkdir(parents=True)
    write_note(settings.status, {"outcome": "published", "run_id": "b", "at": "2025-07-22T09:40:00+00:00", "serving": "r", "reason": ""})
    _serve(settings, "r")
    note = {"at": f"{at}+00:00", "kind": "run_failed", "run_id": run_id, "message": "catalogue file rules.toml: rule O1"}
    (settings.root / "alerts.jsonl").write_text("\n".join(("no json", json.dumps(note), json.dumps(note | {"kind": "overdue"}), "")))
    found = _found(settings, "publication")
    assert found.level is level
    assert ("rules.toml: rule O1" in found.message) == (level is Level.ERROR)


def test_half_a_home_and_one_that_lost_its_note_are_no_older_formats(settings: Settings) -> None:
    dedicate(settings, DataOrigin.FILES)
    Archive(settings.archive).record([_receipt("20250722", Outcome.OK)])
    (settings.root / "home.json").unlink()
    first, *others = examine(settings, EVENING)
    assert (first.message, first.advice) == (f"{settings.root / 'home.json'} is lost", "the next alumina run makes it again from the fetch log")
    assert {"versions", "disk", "publication"} <= {finding.subject for finding in others}
    write_note(settings.restoring, {"from": "/copy"})
    (found,) = examine(settings, EVENING)
    assert (found.level, "finish it with `alumina restore /copy`" in found.message) == (Level.ERROR, True)


def test_lines_of_the_alerts_that_have_rotted_are_named(settings: Settings) -> None:
    for cause in "abc":
        alert(settings, "feed_failed", f"no answer of {cause}", cause=f"feed:{cause}")
    file = settings.root / "alerts.jsonl"
    file.write_bytes(file.read_bytes().replace(b"answer of b", b"anzwer of b"))
    found = [finding for finding in examine(settings, EVENING) if finding.subject == "alerts"]
    assert [finding.message for finding in found if "changed on disk" in finding.message] == [
        f"1 lines of {file} cannot be read or have changed on disk: 2"
    ]
    assert [finding.message.split(": ")[1] for finding in found if finding.message.startswith("not over")] == ["no answer of a", "no answer of c"]


def _receipt(day: str, outcome: Outcome, feed: str = "kx", source: str = "shfe") -> Attempt:
    return Attempt(
        datetime(2025, 7, 22, 9, tzinfo=UTC), "run", source, feed, day, f"{feed}{day}.dat", outcome, "", "", 200, 10, "0" * 64, DataOrigin.LIVE
    )


def _overdue(settings: Settings, now: datetime) -> dict[str, str]:
    return {finding.subject: finding.message for finding in examine(settings, now) if finding.message.startswith("overdue")}


def test_a_live_feed_that_stays_away_is_overdue(settings: Settings) -> None:
    dedicate(settings, DataOrigin.LIVE)
    archive = Archive(settings.archive)
    archive.record([_receipt("20250721", Outcome.OK), _receipt("20250722", Outcome.NOT_PUBLISHED)])
    found = _found(settings, "shfe/kx")
    assert found.level is Level.ERROR
    assert found.message == "overdue since 2025-07-22 16:30: last arrived for 20250721, expected 20250722"
    assert found.advice == "alumina run --source live --from 2025-07-22"
    archive.record([_receipt("20250722", Outcome.OK)])
    assert [finding for finding in examine(settings, EVENING) if finding.subject == "shfe/kx"] == []


@pytest.mark.parametrize(
    ("clock", "overdue"),
    [("16:29", set()), ("16:30", {"shfe/kx"}), ("18:00", {"shfe/kx"}), ("20:29", {"shfe/kx"}), ("20:30", {"shfe/kx", "shfe/pm"})],
)
def test_what_was_asked_for_is_overdue_from_the_minute_the_clock_gives_each_feed(settings: Settings, clock: str, overdue: set[str]) -> None:
    dedicate(settings, DataOrigin.LIVE)
    everything = [(source, request) for source in SOURCES for request in source.requests(date(2025, 7, 21))]
    Archive(settings.archive).record(_receipt(request.key, Outcome.OK, request.feed, source.name) for source, request in everything)
    Archive(settings.archive).record(_receipt("20250722", Outcome.NOT_PUBLISHED, feed) for feed in ("kx", "pm"))
    assert set(_overdue(settings, datetime.fromisoformat(f"2025-07-22T{clock}+08:00"))) == overdue


def test_a_hole_that_later_days_filled_up_around_is_still_overdue(settings: Settings) -> None:
    dedicate(settings, DataOrigin.LIVE)
    Archive(settings.archive).record(
        [_receipt("20250716", Outcome.NOT_PUBLISHED), _receipt("20250717", Outcome.BLOCKED), _receipt("20250718", Outcome.OK)]
    )
    found = _found(settings, "shfe/kx", datetime(2025, 7, 18, 22, tzinfo=SHANGHAI))
    assert found.message == "overdue since 2025-07-16 16:30: last arrived for 20250718, expected 20250716 and 1 after it"
    assert found.advice == "alumina run --source live --from 2025-07-16"


def test_what_nobody_asked_for_is_overdue_once_its_day_is_over(settings: Settings) -> None:
    dedicate(settings, DataOrigin.LIVE)
    Archive(settings.archive).record([_receipt("20250721", Outcome.OK)])
    assert "shfe/kx" not in _overdue(settings, EVENING)
    assert _overdue(settings, datetime(2025, 7, 23, 0, 1, tzinfo=SHANGHAI))["shfe/kx"].endswith("expected 20250722")


def test_a_fixing_of_a_day_without_a_session_is_expected_too(settings: Settings) -> None:
    dedicate(settings, DataOrigin.LIVE)  # on New Year's Eve of 2024 CFETS was open, the exchanges were not
    overdue = _overdue(settings, datetime(2024, 2, 12, 12, tzinfo=SHANGHAI))
    assert overdue["fx/history"].endswith("expected 20240209")
    assert overdue["shfe/kx"].endswith("expected 20240208")


def test_a_clock_that_cannot_be_read_is_an_error(settings: Settings) -> None:
    dedicate(settings, DataOrigin.LIVE)
    settings.catalog_overlay.mkdir(parents=True)
    (settings.catalog_overlay / "clock.toml").write_text('[[clock]]\ndataset = "shfe__daily_quotes"\n')
    found = _found(settings, "clock")
    assert found.level is Level.ERROR
    assert "clock.toml, line 1: clock shfe__daily_quotes: key day_offset is missing" in found.message


def test_nothing_is_overdue_before_the_evening_or_over_a_holiday(settings: Settings) -> None:
    dedicate(settings, DataOrigin.LIVE)
    Archive(settings.archive).record([_receipt("20250930", Outcome.OK)])
    for moment in (
        datetime(2025, 9, 30, 22, tzinfo=SHANGHAI),
        datetime(2025, 10, 7, 12, tzinfo=SHANGHAI),
        datetime(2025, 10, 9, 15, tzinfo=SHANGHAI),
    ):
        assert [finding for finding in examine(settings, moment) if finding.subject == "shfe/kx"] == []


def test_a_source_without_data_is_named_with_the_way_to_get_it(settings: Settings) -> None:
    dedicate(settings, DataOrigin.LIVE)
    assert "alumina run --source live" in _found(settings, "shfe").advice
    assert "inbox" in _found(settings, "spot").advice


def test_a_clock_that_is_behind_is_told_before_a_run_refuses(settings: Settings) -> None:
    dedicate(settings, DataOrigin.LIVE)
    Archive(settings.archive).record([_receipt("20250722", Outcome.OK)])
    newest = Archive(settings.archive).newest()
    assert newest is not None
    assert [found for found in examine(settings, newest.astimezone(SHANGHAI)) if found.subject == "clock"] == []
    (found,) = [found for found in examine(settings, (newest - timedelta(days=1)).astimezone(SHANGHAI)) if found.subject == "clock"]
    assert (found.level, "every run will refuse" in found.message) == (Level.ERROR, True)


def test_what_stands_in_the_way_of_the_inbox_and_too_many_files_are_told(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dedicate(settings, DataOrigin.FILES)
    settings.inbox.mkdir(parents=True)
    monkeypatch.setattr(doctor, "inbox_of", lambda _settings: Inbox(settings.inbox, most=1))
    assert [found for found in examine(settings, EVENING) if found.subject == "inbox"] == []
    (settings.inbox / "refused").symlink_to(tmp_path)
    for name in ("a.csv", "b.csv"):
        (settings.inbox / name).touch()
    told = {found.level: found.message for found in examine(settings, EVENING) if found.subject == "inbox"}
    assert "refused is a link; remove it" in told[Level.ERROR]
    assert "holds more than 1 files" in told[Level.NOTE]


def test_an_attempt_that_says_running_while_nobody_writes_was_cut_off(settings: Settings) -> None:
    settings.root.mkdir(parents=True)
    write_note(settings.status, {"outcome": "running", "run_id": "b", "at": "2025-07-22T09:40:00+00:00", "serving": "r", "reason": ""})
    _serve(settings, "r")
    found = _found(settings, "publication")
    assert (found.level, found.advice) == (Level.ERROR, "alumina run")
    assert "nobody is writing, so it was cut off" in found.message
    with write_lock(settings, "publishing"):
        assert _found(settings, "publication").level is Level.NOTE
        assert _found(settings, "writer").message.startswith("publishing (process ")


def test_a_lost_link_to_the_release_is_an_error_with_the_command_that_puts_it_back(settings: Settings) -> None:
    release = settings.releases / "20250722T094000000000Z-deadbeef"
    release.mkdir(parents=True)
    (release / FILE_NAME).write_bytes(b"")
    seal(release, release.name)
    write_note(settings.status, {"outcome": "published", "run_id": "b", "at": "2025-07-22T09:40:00+00:00", "serving": release.name, "reason": ""})
    found = _found(settings, "publication")
    assert found.level is Level.ERROR
    assert found.message.endswith(f"people read none: ln -sfn releases/{release.name} {settings.serving}")
    settings.serving.symlink_to(f"releases/{release.name}")
    assert _found(settings, "publication").level is Level.OK


SETPRIV = shutil.which("setpriv")
LOOK = """
import sys
from pathlib import Path
from ingest.settings import Settings
from orchestration.home.doctor import examine
for finding in examine(Settings(home=Path(sys.argv[1]))):
    print(finding.level, finding.subject, finding.message, sep="|")
"""


@pytest.mark.skipif(os.geteuid() == 0 and SETPRIV is None, reason="root minds no mode, and setpriv is not there to take that from it")
@pytest.mark.parametrize("hidden", [False, True])
def test_a_home_that_may_only_be_read_is_reported_on(settings: Settings, hidden: bool) -> None:
    """The analyst's view: what may not be written or read is one finding, and hides no other."""
    dedicate(settings, DataOrigin.LIVE)
    write_note(settings.status, {"outcome": "published", "run_id": "b", "at": "2025-07-22T09:40:00+00:00", "serving": None, "reason": ""})
    (settings.root / "warehouse.lock").touch()
    (settings.archive / "receipts").mkdir(parents=True)
    closed = [*settings.root.rglob("*"), settings.root]
    for path in closed:
        path.chmod(0o555 if path.is_dir() else 0o444)
    if hidden:
        settings.status.chmod(0)
    mortal = [str(SETPRIV), "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    try:
        done = subprocess.run([*mortal, sys.executable, "-c", LOOK, str(settings.root)], capture_output=True, text=True, check=False)
    finally:
        for path in reversed(closed):
            path.chmod(0o755)
    assert done.returncode == 0, done.stderr
    found = {subject: (level, message) for level, subject, message in (line.split("|") for line in done.stdout.splitlines())}
    assert found["writer"] == ("note", "this user may read the home and not write it, so whether somebody is writing cannot be told")
    assert {"versions", "calendar", "disk", "alerts", "shfe"} <= found.keys()
    if hidden:
        assert found["publication"] == ("error", f"cannot be looked at: {settings.status}: Permission denied")
    else:
        assert found["publication"][1].startswith("last attempt published")
