"""Runs by the clock: one schedule for each row of `ingest/catalog/schedule.toml`, on days that have something to do.

The first tick of a day runs; the later ones run where something that was waited for has still not come. They are off until an operator
switches them on (`alumina schedule on`): from then on the exchanges are asked regularly.
"""

from datetime import datetime

import dagster as dg

from ingest.home import origin_of
from ingest.source import SHANGHAI, DataOrigin
from orchestration.assets.partitions import outstanding
from orchestration.assets.timetable import Timetable, minute_of, timetables
from orchestration.automation.jobs import daily, fit_forecast, tidy_job
from orchestration.resources import Home

JOBS = {job.name: job for job in (daily, fit_forecast, tidy_job)}


def schedule_of(timetable: Timetable) -> dg.ScheduleDefinition:
    """Make the schedule of one row. Past the end of the calendar a tick fails, and says how to extend it."""
    waits = f"Waits for {', '.join(timetable.waits_for)}; asks {timetable.lookback_days} days back." if timetable.waits_for else ""

    @dg.schedule(
        name=timetable.name,
        job=JOBS[timetable.job],
        cron_schedule=timetable.cron,
        execution_timezone=str(SHANGHAI),
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description=f"{timetable.source}. {waits}".strip(),
    )
    def tick(context: dg.ScheduleEvaluationContext, home: Home) -> dg.RunRequest | dg.SkipReason:
        moment = context.scheduled_execution_time.astimezone(SHANGHAI)
        if reason := timetable.reason_to_skip(moment.date(), home.calendar()):
            return dg.SkipReason(reason)
        if minute_of(moment) > timetable.minute:
            return _again(timetable, moment, home)
        config = {"resources": {"intake": {"config": {"lookback_days": timetable.lookback_days}}}} if timetable.job == daily.name else {}
        return dg.RunRequest(run_key=f"{timetable.name}:{moment.date()}", run_config=config, tags={"alumina/cause": timetable.name})

    return tick


def _again(timetable: Timetable, moment: datetime, home: Home) -> dg.RunRequest | dg.SkipReason:
    """Ask again for the day where something that was waited for has not come; of files people bring nothing can be asked."""
    if origin_of(home.settings) is not DataOrigin.LIVE:
        return dg.SkipReason("only a home with live data can ask again")
    missing = outstanding(home.archive.fetch_log(), home.sources(), moment.date(), timetable.waits_for)
    if not missing:
        return dg.SkipReason("everything that is due has arrived")
    day = str(moment.date())
    config = {"resources": {"intake": {"config": {"source": "live", "first": day, "last": day}}}}
    tags = {"alumina/cause": timetable.name, "alumina/waits_for": ", ".join(request.name for request in missing)}
    return dg.RunRequest(run_key=f"{timetable.name}:{moment:%Y-%m-%dT%H:%M}", run_config=config, tags=tags)


SCHEDULES = [schedule_of(timetable) for timetable in timetables().values()]
