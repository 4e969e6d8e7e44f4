"""Schedules and sensors decide what an operator expects: skip with a reason, or one run with the right configuration."""

import json
import os
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
from filelock import FileLock

from ingest.archive import Archive, Attempt
from ingest.home import dedicate
from ingest.settings import Settings
from ingest.source import SHANGHAI, DataOrigin, Outcome
from orchestration.assets.freshness import judge
from orchestration.assets.publication import COMPLETE, release_asset
from orchestration.automation import sensors
from orchestration.automation.schedules import SCHEDULES
from orchestration.automation.sensors import died, freshness, inbox, late_data, run_failed, run_incomplete
from orchestration.definitions import defs
from orchestration.instance.alerts import alert, standing
from orchestration.instance.alive import alive
from orchestration.instance.attribution import job_of
from orchestration.instance.completeness import unmade
from orchestration.resources import Home, Intake
from serving.publish.release import CheckResult, PublishRefusedError
from serving.seal import seal

TICKS = {schedule.name: schedule for schedule in SCHEDULES}


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("ALUMINA_HOME", str(tmp_path / "home"))  # a run works in the home of its process
    return Settings(inbox_settle_seconds=0.2)


@pytest.fixture
def home(settings: Settings) -> Home:
    return Home(path=str(settings.root))


def _tick(name: str, home: Home, moment: datetime) -> Any:
    with dg.build_schedule_context(scheduled_execution_time=moment, resources={"home": home}) as context:
        return TICKS[name].evaluate_tick(context)


def test_a_tick_on_a_session_runs_once_and_on_a_holiday_says_why_not(home: Home) -> None:
    done = _tick("after_close", home, datetime(2025, 7, 22, 16, 35, tzinfo=SHANGHAI))
    assert [(request.run_key, request.run_config["resources"]["intake"]["config"]) for request in done.run_requests] == [
        ("after_close:2025-07-22", {"lookback_days": 1})
    ]
    assert _tick("after_close", home, datetime(2025, 10, 2, 16, 35, tzinfo=SHANGHAI)).skip_message == "the exchange is closed on 2025-10-02"
    with pytest.raises(dg.DagsterError) as failed:
        _tick("evening", home, datetime(2027, 1, 4, 19, 35, tzinfo=SHANGHAI))
    assert "outside the trading calendar" in str(failed.value.__cause__)


def test_a_later_tick_asks_for_the_day_until_what_it_waits_for_is_there(settings: Settings, home: Home) -> None:
    moment = datetime(2025, 7, 22, 17, 5, tzinfo=SHANGHAI)
    assert _tick("after_close", home, moment).skip_message == "only a home with live data can ask again"
    dedicate(settings, DataOrigin.LIVE)
    feeds = {("shfe", "kx"), ("shfe", "dailystock"), ("gfex", "day_quotes"), ("czce", "quotes")}
    _arrive(settings, feeds - {("shfe", "dailystock")}, moment)
    (request,) = _tick("after_close", home, moment).run_requests
    assert request.run_config["resources"]["intake"]["config"] == {"source": "live", "first": "2025-07-22", "last": "2025-07-22"}
    assert (request.run_key, request.tags["alumina/waits_for"]) == ("after_close:2025-07-22T17:05", "20250722dailystock.dat")
    _arrive(settings, feeds, moment)
    assert _tick("after_close", home, moment).skip_message == "everything that is due has arrived"
    # In the evening rankings and margins are waited for, too.
    (request,) = _tick("evening", home, moment.replace(hour=20)).run_requests
    assert "pm20250722.dat" in request.tags["alumina/waits_for"]
    assert "dailystock" not in request.tags["alumina/waits_for"]


def _arrive(settings: Settings, feeds: set[tuple[str, str]], moment: datetime) -> None:
    told = ("20250722", "file", Outcome.OK, "", "", 200, 1, "0" * 64, DataOrigin.LIVE)
    Archive(settings.archive).record([Attempt(moment.astimezone(UTC), "run", source, feed, *told) for source, feed in sorted(feeds)])


def test_a_run_is_marked_failed_once_two_looks_find_no_process_and_never_while_it_has_one(settings: Settings, home: Home) -> None:
    with dg.DagsterInstance.ephemeral() as instance:

        def look(cursor: str | None) -> str | None:
            with dg.build_sensor_context(instance=instance, cursor=cursor, resources={"home": home}) as context:
                result = died(context)
            return result.cursor if isinstance(result, dg.SensorResult) else cursor

        def status() -> dg.DagsterRunStatus:
            run = instance.get_run_by_id("one")
            assert run is not None
            return run.status

        instance.add_run(dg.DagsterRun(job_name="daily", run_id="one", status=dg.DagsterRunStatus.STARTED))
        with alive(settings, "one"):
            assert look(look(None)) is None
        # Its last events may yet be on their way.
        cursor = look(None)
        assert status() is dg.DagsterRunStatus.STARTED
        # A process that is there again at the second look was only late with its lock.
        with alive(settings, "one"):
            cursor = look(cursor)
            assert status() is dg.DagsterRunStatus.STARTED
        look(look(cursor))
        assert status() is dg.DagsterRunStatus.FAILURE
    (note,) = [json.loads(line) for line in (settings.root / "alerts.jsonl").read_text().splitlines()]
    assert (note["kind"], note["run_id"]) == ("run_failed", "one")


def test_a_run_of_picked_assets_is_named_by_them() -> None:
    """Else a good range of one source would end the alert of another's."""
    picked = frozenset(dg.AssetKey(["arrivals", name]) for name in ("shfe", "gfex", "czce", "fx"))
    assert job_of(dg.DagsterRun("__ASSET_JOB", asset_selection=picked)) == "arrivals/czce, arrivals/fx, arrivals/gfex and 1 more"
    assert job_of(dg.DagsterRun("daily", asset_selection=picked)) == "daily"


def test_every_run_has_the_resource_that_says_it_lives() -> None:
    for job in defs.resolve_all_job_defs():
        assert [node.name for node in job.nodes if "home" not in node.definition.required_resource_keys] == [], job.name


def test_everything_that_starts_runs_is_off_and_everything_that_tells_people_is_on() -> None:
    assert {schedule.default_status for schedule in SCHEDULES} == {dg.DefaultScheduleStatus.STOPPED}
    on = {sensor.name for sensor in sensors.SENSORS if sensor.default_status is dg.DefaultSensorStatus.RUNNING}
    assert on == {"run_failed", "died", "run_incomplete", "freshness"}


def _look(sensor: Any, home: Home, cursor: str | None = None) -> Any:
    with dg.DagsterInstance.ephemeral() as instance, dg.build_sensor_context(instance=instance, cursor=cursor, resources={"home": home}) as context:
        return sensor.evaluate_tick(context)


def test_the_inbox_starts_one_run_for_each_drop_of_settled_files(settings: Settings, home: Home) -> None:
    dedicate(settings, DataOrigin.LIVE)
    assert _look(inbox, home).skip_message == "the inbox holds no settled file"
    settings.inbox.mkdir()
    file = settings.inbox / "smm_spot_price_20250722.csv"
    file.write_text("a")
    os.environ["ALUMINA_INBOX_SETTLE_SECONDS"] = "5"
    try:
        assert _look(inbox, home).skip_message == "the inbox holds no settled file"  # still being written
        old = time.time() - 60
        os.utime(file, (old, old))
        first = _look(inbox, home)
        assert first.run_requests[0].run_config == {"resources": {"intake": {"config": {"source": "inbox"}}}}
        assert "handed over before" in _look(inbox, home, first.cursor).skip_message
        again = _look(inbox, home)
        assert again.run_requests[0].run_key == first.run_requests[0].run_key
        # Dropped again, be it the same bytes: the run that had them may have failed.
        os.utime(file, (old + 1, old + 1))
        assert _look(inbox, home).run_requests[0].run_key != first.run_requests[0].run_key
    finally:
        del os.environ["ALUMINA_INBOX_SETTLE_SECONDS"]


def test_a_home_of_the_sample_takes_no_dropped_files_and_asks_for_nothing_late(settings: Settings, home: Home) -> None:
    dedicate(settings, DataOrigin.SAMPLE)
    assert "holds the sample" in _look(inbox, home).skip_message
    assert "only a home with live data" in _look(late_data, home).skip_message


def _receipts(settings: Settings, outcome: Outcome) -> None:
    from orchestration.assets.partitions import DAY_SOURCES

    calendar, now = Home(path=str(settings.root)).calendar(), datetime.now(SHANGHAI)
    for day in calendar.between(now.date() - timedelta(days=14), now.date()):
        for source in DAY_SOURCES:
            for request in source.requests(day):
                receipt = Attempt(
                    datetime.now(UTC), "run", source.name, request.feed, request.key, request.name, outcome, "", "", 200, 1, "0" * 64, DataOrigin.LIVE
                )
                Archive(settings.archive).record([receipt])


def test_late_data_asks_again_for_just_the_days_that_lack(settings: Settings, home: Home) -> None:
    dedicate(settings, DataOrigin.LIVE)
    _receipts(settings, Outcome.NOT_PUBLISHED)
    asked = _look(late_data, home).run_requests[0].run_config["resources"]["intake"]["config"]
    now = datetime.now(SHANGHAI)
    assert asked["source"] == "live"
    assert (
        now.date() - timedelta(days=7) <= datetime.fromisoformat(asked["first"]).date() <= datetime.fromisoformat(asked["last"]).date() <= now.date()
    )
    _receipts(settings, Outcome.OK)
    assert _look(late_data, home).skip_message == "everything that is due has arrived"


def test_an_overdue_release_is_told_once_and_shown_as_a_failed_check(settings: Settings, home: Home) -> None:
    dedicate(settings, DataOrigin.LIVE)
    found = _look(freshness, home)
    told = {(event.asset_key.path[-1], event.check_name): event for event in found.asset_events}
    assert [event.passed for (_, check), event in told.items() if check == "published_in_time"] == [False]
    # Nobody ever asked: the last session's files of the exchanges are late, customs' are not due.
    assert {source for (source, check), event in told.items() if check == "arrived_in_time" and not event.passed} >= {"shfe", "gfex", "czce"}
    assert "shfe/kx is overdue since" in told["shfe", "arrived_in_time"].description
    assert "nothing is published yet" in _look(freshness, home, found.cursor).skip_message
    notes = [json.loads(line) for line in (settings.root / "alerts.jsonl").read_text().splitlines()]
    assert sorted(note["kind"] for note in notes) == ["feed_overdue", "release_overdue"]


def test_a_source_whose_payloads_came_turns_green_again(settings: Settings, home: Home) -> None:
    dedicate(settings, DataOrigin.LIVE)
    first = _look(freshness, home)
    _receipts(settings, Outcome.OK)
    changed = {event.asset_key.path[-1]: event.passed for event in _look(freshness, home, first.cursor).asset_events}
    assert (changed["shfe"], changed["gfex"], changed["czce"]) == (True, True, True)


def test_a_spot_price_of_a_day_does_not_stand_in_for_its_quotes(settings: Settings) -> None:
    """Each commodity with quotes has them of the day, or the release is not in time."""
    dedicate(settings, DataOrigin.LIVE)
    evening = datetime(2025, 7, 22, 23, 0, tzinfo=SHANGHAI)
    for quotes, passed in (("2025-07-22", True), ("2025-07-21", False)):
        folder = settings.releases / quotes
        folder.mkdir(parents=True)
        with duckdb.connect(str(folder / "alumina.duckdb")) as con:
            con.execute(
                "create schema if not exists serving; create or replace table serving.outlook_v2 (commodity_code text, as_of_date date, quotes_date date)"
            )
            con.execute("insert into serving.outlook_v2 values ('AL', '2025-07-22', '2025-07-22'), ('LC', '2025-07-22', null)")
            con.execute("insert into serving.outlook_v2 values ('AO', '2025-07-21', '2025-07-21'), ('AO', '2025-07-22', cast(? as date))", [quotes])
        seal(folder, quotes)
        settings.serving.unlink(missing_ok=True)
        settings.serving.symlink_to(Path("releases") / quotes)
        verdict = judge(settings, evening)
        assert (verdict.passed, f"published through {quotes}" in verdict.message) == (passed, True)


@dg.asset
def good() -> int:
    return 1


@dg.asset(deps=[good])
def bad(context: dg.AssetExecutionContext) -> None:
    raise dg.Failure("the exchange is on fire")


@dg.multi_asset(outs={"made": dg.AssetOut(is_required=False), "skipped": dg.AssetOut(is_required=False)})
def half() -> Iterator[Any]:
    yield dg.Output(1, "made")


def test_a_run_that_really_fails_is_alerted_with_its_cause(settings: Settings, home: Home) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize([good, bad], instance=instance, raise_on_error=False)
        with dg.build_run_status_sensor_context(
            "run_failed",
            instance.all_logs(result.run_id, of_type=dg.DagsterEventType.RUN_FAILURE)[0].dagster_event,
            instance,
            instance.get_run_by_id(result.run_id),
            resources={"home": home},
        ).for_run_failure() as context:
            run_failed(context)
    notes = [json.loads(line) for line in (settings.root / "alerts.jsonl").read_text().splitlines()]
    assert [(note["kind"], note["run_id"], note["message"]) for note in notes] == [("run_failed", result.run_id, "the exchange is on fire")]


def test_a_green_run_that_skipped_an_asset_is_found_out() -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize([half], instance=instance)
        assert result.success
        assert unmade(instance, result.run_id) == [dg.AssetKey("skipped")]
        assert unmade(instance, dg.materialize([good], instance=instance).run_id) == []


def test_a_failure_is_over_at_the_next_run_of_its_job_that_makes_all(settings: Settings, home: Home) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize([good], instance=instance)
        run = instance.get_run_by_id(result.run_id)
        assert run is not None
        for job in (run.job_name, "another"):
            alert(settings, "run_failed", "the disk is full", cause=f"run:{job}")
        (ended,) = [event.dagster_event for event in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.RUN_SUCCESS)]
        assert ended is not None
        asked = {"sensor_name": "run_incomplete", "dagster_run": run, "dagster_instance": instance, "dagster_event": ended}
        with dg.build_run_status_sensor_context(**asked, resources={"home": home}) as context:
            list(run_incomplete(context))  # type: ignore[call-overload]
    assert [note["cause"] for note in standing(settings)] == ["run:another"]


def test_a_release_of_half_a_run_is_refused_and_its_check_says_what_was_skipped(settings: Settings, home: Home) -> None:
    release = release_asset([dg.AssetKey("made")])
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize([half, release], instance=instance, resources={"home": home, "intake": Intake()}, raise_on_error=False)
    assert not result.success
    assert [(check.check_name, check.passed) for check in result.get_asset_check_evaluations()] == [(COMPLETE, False)]
    assert "this run did not make skipped" in str(result.failure_data_for_node("release__alumina").error)
    assert not settings.releases.exists()


def test_a_release_refused_before_it_is_begun_is_told_by_the_status(settings: Settings, home: Home) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize([release_asset([])], instance=instance, resources={"home": home, "intake": Intake()}, raise_on_error=False)
    assert not result.success
    status = json.loads(settings.status.read_text())
    assert (status["outcome"], status["run_id"], status["serving"]) == ("refused", result.run_id, None)
    assert "dbt has not built and tested the rows loaded" in status["reason"]


def test_a_refused_release_shows_each_gate_with_the_rows_that_broke_it(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = CheckResult("unique", "gx", "fail", "marts.fct_basis_daily", 2, "rows do not", ({"commodity_code": "X", "trade_date": "2025-07-22"},))
    fine = CheckResult("unique", "gx", "pass", "serving.outlook_v2", 0, "")

    def refuse(*arguments: Any) -> Any:
        raise PublishRefusedError("release refused", (broken, fine))

    monkeypatch.setattr("orchestration.assets.publication.publish", refuse)
    monkeypatch.setattr("orchestration.assets.publication.last_results", lambda settings: [])
    monkeypatch.setattr("orchestration.assets.publication.lineage.sources", lambda settings: {})
    with dg.DagsterInstance.ephemeral() as instance:
        result = dg.materialize([release_asset([])], instance=instance, resources={"home": home, "intake": Intake()}, raise_on_error=False)
    shown = {check.check_name: check for check in result.get_asset_check_evaluations()}
    assert {name: check.passed for name, check in shown.items()} == {
        COMPLETE: True,
        "gate_marts_fct_basis_daily": False,
        "gate_serving_outlook_v2": True,
    }
    assert "2025-07-22" in str(shown["gate_marts_fct_basis_daily"].metadata["failing_rows"].value)
    assert list((home.settings.root / "failures").glob("*.jsonl"))


def test_a_look_whether_a_run_lives_stops_no_run_that_is_just_beginning(settings: Settings) -> None:
    path = settings.root / "runs" / "one.lock"
    path.parent.mkdir(parents=True)
    look = FileLock(path, thread_local=False)  # as `is_free` holds it for a moment
    look.acquire()
    threading.Timer(0.2, look.release).start()
    with alive(settings, "one"):
        assert path.exists()
