"""Each run holds a file lock while its process lives, so that a dead run can be told from a working one.

Dagster's launcher does not see whether a local process is alive. A dead run would count as started for ever, and with one
run at a time, nothing would be launched after it. The lock ends with the process, however that ends.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from filelock import FileLock
from sqlalchemy.exc import DatabaseError

from ingest.files import is_free
from ingest.settings import Settings
from orchestration.instance.alerts import alert, over
from orchestration.instance.attribution import attribute, give_reason, job_of

DIED = "the process of this run ended without a word (killed, out of memory, or the machine went down); nothing needs cleaning up: run again"
UNWRITABLE = (
    "the process of this run ended without a word, but its record cannot be written ({why}), so the run counts as at work and no other is started; "
    "make {path}, and the -wal and -shm beside it, writable for you: the owner runs `alumina schedule` in this home, or chmod g+w"
)
LOOK_SECONDS = 10
"""How long a run waits for its lock: who looks whether the run lives holds it for a moment. Assumed, far longer than a look."""
_AT_WORK = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]


@contextmanager
def alive(settings: Settings, run_id: str) -> Iterator[None]:
    """Hold a run's lock."""
    path = _lock(settings, run_id)
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path, timeout=LOOK_SECONDS):
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def without_a_process(instance: dg.DagsterInstance, settings: Settings) -> list[dg.DagsterRun]:
    """Give the runs that are started by the log but whose lock is free. A run that is just beginning or ending may be among them for a moment."""
    return [run for run in instance.get_runs(dg.RunsFilter(statuses=_AT_WORK)) if is_free(_lock(settings, run.run_id))]


def report_died(instance: dg.DagsterInstance, settings: Settings, run: dg.DagsterRun) -> str:
    """Mark a run failed, tell people, and forget its lock; gives what was told. A run whose record cannot be written stays as it is, and people are told that."""
    record = f"record:{run.run_id}"
    try:
        instance.report_run_failed(run, DIED)
    except DatabaseError as error:
        path = settings.dagster / "history" / "runs" / f"{run.run_id}.db"
        told = UNWRITABLE.format(why=error.orig, path=path)
        alert(settings, "run_failed", told, run_id=run.run_id, job=job_of(run), cause=record)
        return told
    over(settings, record)
    if run.remote_job_origin is None:  # the command line sets the origin only at the end, and failure sensors ignore a run without one
        attribute(instance, run.run_id, run.job_name)
    give_reason(instance, run.run_id, DIED)
    alert(settings, "run_failed", DIED, run_id=run.run_id, job=job_of(run), cause=f"run:{job_of(run)}")
    _lock(settings, run.run_id).unlink(missing_ok=True)
    return DIED


def _lock(settings: Settings, run_id: str) -> Path:
    return settings.root / "runs" / f"{run_id}.lock"
