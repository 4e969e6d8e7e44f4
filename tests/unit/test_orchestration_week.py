"""A week by Dagster's own scheduler, a holiday in it: what comes late is asked for again until it is there or overdue, and no closed day is asked for.

The scheduler evaluates the real schedules of the code location at the minutes of the week; what a run would have brought by then is written into
the fetch log.
"""

import logging
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import dagster as dg
import dagster._daemon
import pytest
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster._scheduler.scheduler import launch_scheduled_runs

from ingest.archive import Archive, Attempt
from ingest.catalog.calendar import load_calendar
from ingest.home import dedicate
from ingest.settings import Settings
from ingest.source import SHANGHAI, DataOrigin, Outcome
from orchestration.assets.partitions import DAY_SOURCES
from orchestration.assets.timetable import timetables
from orchestration.automation.schedules import SCHEDULES
from orchestration.automation.sensors import STARTING
from orchestration.home.conditions import settle_overdue
from orchestration.instance.alerts import standing
from orchestration.instance.attribution import LOCATION, MODULE
from orchestration.instance.environment import opened
from orchestration.instance.switches import states, switch

MONDAY, TUESDAY, WEDNESDAY, HOLIDAY, SUNDAY = (date(2025, 4, 28) + timedelta(days=n) for n in (0, 1, 2, 3, 6))
# When a feed is served that is not there at 16:30; None where it stays away.
SERVED = {
    (MONDAY, "pm"): time(17, 20),
    (TUESDAY, "dailystock"): time(17, 20),
    (TUESDAY, "pm"): time(20, 10),
    (WEDNESDAY, "kx"): None,
}
FAR = time(16, 30)


@pytest.fixture
def instance(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    for name in ("DAGSTER_HOME", "DAGSTER_DISABLE_TELEMETRY", "DAGSTER_EVENT_BATCH_SIZE", "DO_NOT_TRACK", "GX_ANALYTICS_ENABLED"):
        monkeypatch.setenv(name, "")  # put back afterwards
    dedicate(settings, DataOrigin.LIVE)
    with opened(settings) as found:
        yield found


def _bring(settings: Settings, run: dg.DagsterRun, moment: datetime) -> None:
    """Write into the fetch log what a run at that moment would have found."""
    intake = run.run_config["resources"]["intake"]["config"]
    last = moment.date()
    first = date.fromisoformat(intake["first"]) if "first" in intake else load_calendar().back(last, intake["lookback_days"])
    attempts = []
    for day in load_calendar().between(first, last):
        for request in (request for source in DAY_SOURCES for request in source.requests(day) if request.day == day):
            served = SERVED.get((day, request.feed), FAR)
            is_here = served is not None and datetime.combine(day, served, SHANGHAI) <= moment
            outcome, sha = (Outcome.OK, "0" * 64) if is_here else (Outcome.NOT_PUBLISHED, None)
            told = (request.source, request.feed, request.key, request.name, outcome, "", "", 200, 1)
            attempts.append(Attempt(moment.astimezone(UTC), run.run_id, *told, sha, DataOrigin.LIVE))
    Archive(settings.archive).record(attempts)


def _week(instance: dg.DagsterInstance, settings: Settings) -> list[tuple[datetime, str, Any]]:
    """Let the scheduler look at every minute at which something may happen; gives moment, schedule and intake of each run it asked for."""
    target = LoadableTargetOrigin(module_name=MODULE)
    workspace = InProcessWorkspaceLoadTarget(InProcessCodeLocationOrigin(target, location_name=LOCATION))
    asked: list[tuple[datetime, str, Any]] = []
    begun = datetime.combine(MONDAY, time(0), SHANGHAI)
    assert len(switch(instance, [*SCHEDULES, *STARTING], begun, on=True)) == len(SCHEDULES) + len(STARTING)
    with WorkspaceProcessContext(instance, workspace) as context:
        times: dict[str, Any] = {}
        minutes = sorted({minute for timetable in timetables().values() for minute in timetable.ticks})
        for moment in (begun + timedelta(days=day, minutes=minute, seconds=1) for day in range(7) for minute in minutes):
            known = {run.run_id for run in instance.get_runs()}
            list(launch_scheduled_runs(context, logging.getLogger("week"), moment.astimezone(UTC), times))
            for run in (run for run in instance.get_runs() if run.run_id not in known):
                asked.append((moment, run.tags["alumina/cause"], run.run_config.get("resources", {}).get("intake", {}).get("config")))
                if asked[-1][2] is not None:
                    _bring(settings, run, moment)
    return asked


# Each run that is asked for is planned and recorded, most of a processor second apiece. Dagster asks itself for what it calls deprecated.
@pytest.mark.full
@pytest.mark.filterwarnings("ignore:Property `ScheduleDefinition.environment_vars` is deprecated:DeprecationWarning")
def test_a_week_with_a_holiday(instance: dg.DagsterInstance, settings: Settings) -> None:
    asked = _week(instance, settings)
    told = [(f"{moment:%a %H:%M}", name) for moment, name, _ in asked]
    again = {"source": "live", "first": str(TUESDAY), "last": str(TUESDAY)}
    assert told == [
        ("Mon 16:35", "after_close"),
        ("Mon 19:35", "evening"),
        # Receipts come at 17:20, the ranking at 20:10.
        ("Tue 16:35", "after_close"),
        ("Tue 17:05", "after_close"),
        ("Tue 17:35", "after_close"),
        ("Tue 19:35", "evening"),
        ("Tue 20:05", "evening"),
        ("Tue 20:35", "evening"),
        # Quotes never come; after they are overdue nobody asks any more, and people hear of it.
        *(("Wed " + hour, "after_close") for hour in ("16:35", "17:05", "17:35", "18:05", "18:35", "19:05")),
        *(("Wed " + hour, "evening") for hour in ("19:35", "20:05", "20:35")),
        ("Sun 06:00", "tidy"),
    ]
    assert [intake for moment, _, intake in asked if moment.date() == TUESDAY and intake.get("first")] == [again] * 4
    settle_overdue(settings, datetime.combine(WEDNESDAY, time(20, 45), SHANGHAI))
    (note,) = standing(settings)
    assert "shfe/kx is overdue since 2025-04-30 16:30" in note["message"]


def test_off_is_off_and_what_tells_people_is_not_touched(instance: dg.DagsterInstance) -> None:
    known, now = [*SCHEDULES, *STARTING], datetime.now(UTC)
    assert set(states(instance, known).values()) == {False}
    assert switch(instance, known, now, on=True) == [one.name for one in known]
    assert switch(instance, known, now, on=True) == []
    assert switch(instance, known[:1], now, on=False) == [known[0].name]
    assert [name for name, on in states(instance, known).items() if not on] == [known[0].name]
    assert {state.instigator_name for state in instance.all_instigator_state()} == {one.name for one in known}
