"""Switching schedules and sensors on and off in the record the daemon reads, so that no browser is needed for it. Decides nothing of which.

The UI's switches write the same; what was switched here is switched there, and the other way round.
"""

from collections.abc import Iterable
from datetime import datetime

import dagster as dg
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus, ScheduleInstigatorData, SensorInstigatorData
from dagster._core.storage.schedules.schema import InstigatorsTable, JobTable
from dagster._core.storage.schedules.sqlite import SqliteScheduleStorage
from dagster._serdes import deserialize_value
from sqlalchemy import literal, select, union_all

from orchestration.instance.attribution import instigator_origin

Switch = dg.ScheduleDefinition | dg.SensorDefinition


def rotten(instance: dg.DagsterInstance) -> str:
    """Say which switch is not as it was written; empty where all are.

    SQLite sees no changed bit in a text. Dagster writes each state twice, and its name and status beside it: they tell on each other. They are
    read in one statement, so that no daemon writes between. PostgreSQL is left to itself.
    """
    storage = instance.schedule_storage
    if not isinstance(storage, SqliteScheduleStorage):
        return ""
    kept, copy = InstigatorsTable.c, JobTable.c
    of_both = union_all(
        select(literal("kept"), kept.selector_id, kept.status, kept.instigator_type, kept.instigator_body),
        select(literal("copy"), copy.job_origin_id, copy.status, copy.job_type, copy.job_body),
    )
    with storage.connect() as connection:
        (found,) = connection.exec_driver_sql("pragma integrity_check('instigators')").fetchone() or ("",)
        rows = [
            (where, by, (status, kind), body, deserialize_value(str(body), InstigatorState))
            for where, by, status, kind, body in connection.execute(of_both)
        ]
    if found != "ok":
        return f"the table of switches: {found}"
    copies = {by: body for where, by, _, body, _ in rows if where == "copy"}
    there = {by for where, by, *_ in rows if where == "kept"}
    for where, by, beside, body, state in rows:
        is_same = where == "copy" or (by == state.selector_id and copies.get(state.instigator_origin_id, body) == body)
        if not is_same or beside != (state.status.value, state.instigator_type.value) or state.selector_id not in there:
            return f"the switch of {state.instigator_name} is not as it was written"
    return ""


def switched_off(instance: dg.DagsterInstance) -> list[str]:
    """Name what somebody switched off, whatever the code declares; Dagster does not keep who."""
    return sorted(state.instigator_name for state in instance.all_instigator_state() if state.status is InstigatorStatus.STOPPED)


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
