"""Runs by the clock: one schedule for each row of `ingest/catalog/schedule.toml`, on days that have something to do.

They are off until an operator switches them on: from then on the exchanges are asked regularly.
"""

import dagster as dg

from ingest.source import SHANGHAI
from orchestration.assets.timetable import Timetable, timetables
from orchestration.automation.jobs import daily, fit_forecast
from orchestration.resources import Home

JOBS = {job.name: job for job in (daily, fit_forecast)}


def schedule_of(timetable: Timetable) -> dg.ScheduleDefinition:
    """Make the schedule of one row. Past the end of the calendar a tick fails, and says how to extend it."""

    @dg.schedule(
        name=timetable.name,
        job=JOBS[timetable.job],
        cron_schedule=timetable.cron,
        execution_timezone=str(SHANGHAI),
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description=f"{timetable.source}. Waits for {', '.join(timetable.waits_for)}; asks {timetable.lookback_days} days back.",
    )
    def tick(context: dg.ScheduleEvaluationContext, home: Home) -> dg.RunRequest | dg.SkipReason:
        day = context.scheduled_execution_time.astimezone(SHANGHAI).date()
        if reason := timetable.reason_to_skip(day, home.calendar()):
            return dg.SkipReason(reason)
        if timetable.job != daily.name:
            return dg.RunRequest(run_key=f"{timetable.name}:{day}", tags={"alumina/cause": timetable.name})
        config = {"resources": {"intake": {"config": {"lookback_days": timetable.lookback_days}}}}
        return dg.RunRequest(run_key=f"{timetable.name}:{day}", run_config=config, tags={"alumina/cause": timetable.name})

    return tick


SCHEDULES = [schedule_of(timetable) for timetable in timetables().values()]
