"""Runs by what happens: a file dropped, data that came late, a run that failed, a release that is overdue.

What only tells people is on from the start; what starts runs is off until an operator switches it on.
"""

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime

import dagster as dg

from ingest.dropped import inbox_of
from ingest.home import origin_of
from ingest.source import SHANGHAI, DataOrigin
from orchestration.assets.freshness import ARRIVED, CHECK, judge, judge_sources
from orchestration.assets.intake import lake_key
from orchestration.assets.partitions import lacking
from orchestration.assets.publication import KEY
from orchestration.assets.timetable import minute_of, timetables
from orchestration.automation.jobs import daily
from orchestration.home.conditions import settle_overdue
from orchestration.instance.alerts import alert, cause, over
from orchestration.instance.alive import DIED, report_died, without_a_process
from orchestration.instance.attribution import give_reason, job_of
from orchestration.instance.completeness import unmade
from orchestration.resources import Home

ON, OFF = dg.DefaultSensorStatus.RUNNING, dg.DefaultSensorStatus.STOPPED


@dg.sensor(
    job=daily, minimum_interval_seconds=30, default_status=OFF, description="Runs `daily` for settled files in the inbox; off until switched on."
)
def inbox(context: dg.SensorEvaluationContext, home: Home) -> dg.SensorResult | dg.SkipReason:
    """One run for what lies in the inbox and is no longer written to; the same files never start a second one."""
    if origin_of(home.settings) is DataOrigin.SAMPLE:
        return dg.SkipReason("this home holds the sample, which takes no dropped files")
    box = inbox_of(home.settings)
    entries = [entry for entry in box.entries() if box.now() - entry.changed_at >= box.settle_seconds]
    if not entries:
        return dg.SkipReason("the inbox holds no settled file")
    seen = hashlib.sha256(repr([(entry.name, entry.seen) for entry in entries]).encode()).hexdigest()
    if seen == context.cursor:
        return dg.SkipReason(f"{len(entries)} files were handed over before; if a run left them there, see its log and inbox/refused")
    request = dg.RunRequest(
        run_key=f"inbox:{seen}",
        run_config={"resources": {"intake": {"config": {"source": "inbox"}}}},
        tags={"alumina/cause": "inbox"},
    )
    return dg.SensorResult(run_requests=[request], cursor=seen)


@dg.sensor(
    job=daily,
    minimum_interval_seconds=1800,
    default_status=OFF,
    description="Asks again for days that are due and did not come; off until switched on.",
)
def late_data(context: dg.SensorEvaluationContext, home: Home) -> dg.RunRequest | dg.SkipReason:
    """Ask again, at most once an hour, for the days that are due by the clock and have not come; today is the schedules' until their last look."""
    if origin_of(home.settings) is not DataOrigin.LIVE:
        return dg.SkipReason("only a home with live data can ask again")
    now = datetime.now(SHANGHAI)
    evening = timetables()["evening"]
    missing = lacking(home.archive.fetch_log(), home.calendar(), now, evening.lookback_days)
    if minute_of(now) <= evening.ticks[-1]:
        missing = {source: left for source, found in missing.items() if (left := [day for day in found if day != now.date()])}
    days = sorted({day for found in missing.values() for day in found})
    if not days:
        return dg.SkipReason("everything that is due has arrived")
    told = ", ".join(f"{source} {day}" for source, found in missing.items() for day in found)
    context.log.info(f"not here yet: {told}")
    return dg.RunRequest(
        run_key=f"late:{hashlib.sha256(told.encode()).hexdigest()[:16]}:{now:%Y-%m-%dT%H}",
        run_config={"resources": {"intake": {"config": {"source": "live", "first": str(days[0]), "last": str(days[-1])}}}},
        tags={"alumina/cause": "late_data"},
    )


# Those of the code location for ranges, too: it has no sensor of its own.
@dg.run_failure_sensor(
    default_status=ON,
    minimum_interval_seconds=15,
    monitor_all_code_locations=True,
    description="Tells people of a run that failed, and why.",
)
def run_failed(context: dg.RunFailureSensorContext, home: Home) -> None:
    """Tell people of a run that failed, with the sentence that says why."""
    causes = [cause(event) for event in context.get_step_failure_events()]
    run, sentence = context.dagster_run, "; ".join(dict.fromkeys(causes)) or cause(context.failure_event)
    give_reason(context.instance, run.run_id, sentence)
    alert(home.settings, "run_failed", sentence, run_id=run.run_id, job=job_of(run), cause=f"run:{job_of(run)}")


@dg.sensor(minimum_interval_seconds=30, default_status=ON, description="Marks runs failed whose process died, so that the next can start.")
def died(context: dg.SensorEvaluationContext, home: Home) -> dg.SensorResult | dg.SkipReason:
    """Mark a run failed whose lock is free now and was free at the look before. At its beginning and end a run's lock is free only for a moment."""
    dead = without_a_process(context.instance, home.settings)
    before = set(json.loads(context.cursor or "[]"))
    suspects = [run.run_id for run in dead if run.run_id not in before]
    for run in dead:
        if run.run_id in before:
            told = report_died(context.instance, home.settings, run)
            context.log.warning(f"run {run.run_id} ({run.job_name}): {told}")
            if told != DIED:  # at the next look again
                suspects.append(run.run_id)
    if not dead and not before:
        return dg.SkipReason("every run at work has its process")
    return dg.SensorResult(cursor=json.dumps(suspects), skip_reason=dg.SkipReason(f"{len(dead)} runs at work without a process"))


@dg.run_status_sensor(
    run_status=dg.DagsterRunStatus.SUCCESS,
    default_status=ON,
    minimum_interval_seconds=15,
    monitor_all_code_locations=True,
    description="Tells people of a green run that skipped assets.",
)
def run_incomplete(context: dg.RunStatusSensorContext, home: Home) -> Iterator[dg.SkipReason]:
    """Tell people of a run that ended green but did not make everything it planned."""
    run = context.dagster_run
    if missing := unmade(context.instance, run.run_id):
        named = ", ".join(key.to_user_string() for key in missing[:5])
        alert(
            home.settings,
            "run_incomplete",
            f"{len(missing)} assets were skipped: {named}",
            run_id=run.run_id,
            job=job_of(run),
            cause=f"run:{job_of(run)}",
        )
    else:
        over(home.settings, f"run:{job_of(run)}")
        yield dg.SkipReason("everything that was planned was made")


@dg.sensor(
    minimum_interval_seconds=900,
    default_status=ON,
    description="Tells people when the published file lacks a session that is due, or a source a payload; shows both as checks.",
)
def freshness(context: dg.SensorEvaluationContext, home: Home) -> dg.SensorResult | dg.SkipReason:
    """Hold the published file and every source against clock and calendar; a verdict is told when it changes."""
    now = datetime.now(SHANGHAI)
    if origin_of(home.settings) is DataOrigin.LIVE:
        settle_overdue(home.settings, now)
    verdict = judge(home.settings, now)
    sources = judge_sources(home.settings, now)
    before = json.loads(context.cursor) if context.cursor and context.cursor.startswith("{") else {}
    state = {CHECK: f"{verdict.passed}:{verdict.message}"} | {name: f"{one.passed}:{one.message}" for name, one in sources.items()}
    if state == before:
        return dg.SkipReason(verdict.message)
    if state[CHECK] != before.get(CHECK):
        if verdict.passed:
            over(home.settings, "release")
        else:
            alert(home.settings, "release_overdue", verdict.message, cause="release")
    changed = [(lake_key(name), ARRIVED, one) for name, one in sources.items() if state[name] != before.get(name)]
    told = [(KEY, CHECK, verdict), *changed] if state[CHECK] != before.get(CHECK) else changed
    return dg.SensorResult(asset_events=[one.evaluation(key, check) for key, check, one in told], cursor=json.dumps(state, ensure_ascii=False))


SENSORS = [inbox, late_data, run_failed, died, run_incomplete, freshness]
STARTING = [inbox, late_data]
"""What starts runs; the others only tell."""
