"""Switching schedules and sensors on and off in the record the daemon reads, so that no browser is needed for it. Decides nothing of which.

The UI's switches write the same; what was switched here is switched there, and the other way round.
"""

from collections.abc import Iterable
from datetime import datetime

import dagster as dg
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus, ScheduleInstigatorData, SensorInstigatorData

from orchestration.instance.attribution import instigator_origin

Switch = dg.ScheduleDefinition | dg.SensorDefinition


def states(instance: dg.DagsterInstance, known: Iterable[Switch]) -> dict[str, bool]:
    """Say by name which are on: as they were switched last, else as the code declares them."""
    told = {state.instigator_name: state for state in instance.all_instigator_state()}
    found = {}
    for one in known:
        state = told.get(one.name)
        is_on = None if state is None or state.status is InstigatorStatus.DECLARED_IN_CODE else state.status is InstigatorStatus.RUNNING
        found[one.name] = one.default_status.value == "RUNNING" if is_on is None else is_on
    return found


def switch(instance: dg.DagsterInstance, wanted: Iterable[Switch], at: datetime, *, on: bool) -> list[str]:
    """Switch on, or off; gives the names of those that were not so before. What is switched on begins at that time and makes up for nothing."""
    wanted = list(wanted)
    before = states(instance, wanted)
    changed = [one for one in wanted if before[one.name] != on]
    told = {state.instigator_name: state for state in instance.all_instigator_state()}
    now = at.timestamp()
    for one in changed:
        old = told.get(one.name)
        if isinstance(one, dg.ScheduleDefinition):
            kind = InstigatorType.SCHEDULE
            cron = one.cron_schedule if isinstance(one.cron_schedule, str) else list(one.cron_schedule)
            data: ScheduleInstigatorData | SensorInstigatorData = ScheduleInstigatorData(cron, now if on else None)
        else:
            kind = InstigatorType.SENSOR
            before_it = old.instigator_data if old is not None else None
            # The cursor stays: what was handed over before is not handed over again.
            cursor = before_it.cursor if isinstance(before_it, SensorInstigatorData) else None
            data = SensorInstigatorData(
                min_interval=one.minimum_interval_seconds,
                cursor=cursor,
                last_sensor_start_timestamp=now if on else None,
                sensor_type=one.sensor_type,
            )
        status = InstigatorStatus.RUNNING if on else InstigatorStatus.STOPPED
        state = InstigatorState(old.origin if old is not None else instigator_origin(one.name), kind, status, data)
        (instance.add_instigator_state if old is None else instance.update_instigator_state)(state)
    return [one.name for one in changed]
