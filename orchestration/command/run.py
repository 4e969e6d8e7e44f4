"""Run a job in this process and record it in the instance, so that the UI shows it. Knows nothing of a terminal."""

import contextlib
import logging
import os
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ingest.settings import Settings
from orchestration.instance.alerts import alert, cause, over
from orchestration.instance.attribution import TAGS, attribute, give_reason
from orchestration.instance.environment import InstanceError, opened
from orchestration.instance.progress import heard_by

logger = logging.getLogger(__name__)
TIMED = {"preflight": "ingest", "lake": "ingest", "raw": "raw load", "dbt": "dbt", "release": "publish", "check": "publish"}
PHASES = tuple(TIMED)


@dataclass
class Outcome:
    """How a run ended: success, the message of what failed, seconds by phase."""

    success: bool
    run_id: str
    log: Path
    """What dbt and other tools printed."""
    message: str = ""
    seconds: dict[str, float] = field(default_factory=dict)


def run_job(
    settings: Settings,
    intake: dict[str, Any],
    *,
    job: str = "daily",
    on_step: Callable[[str, str], None] = lambda step, state: None,
    on_progress: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> Outcome:
    """Execute a job with the given intake; failures of steps come back as an outcome, never as an exception.

    Raises InstanceError where the record of runs cannot be used; people are told of that, too.
    """
    try:
        return _run(settings, intake, job, on_step, on_progress)
    except InstanceError as error:
        alert(settings, "run_failed", str(error), job=job, cause=f"run:{job}")
        raise


def _run(
    settings: Settings, intake: dict[str, Any], job: str, on_step: Callable[[str, str], None], on_progress: Callable[[str, int, int], None]
) -> Outcome:
    started = time.perf_counter()
    if payloads := intake.get("payloads"):
        os.environ["ALUMINA_PAYLOAD_ROOT"] = payloads  # a command may read any folder; a run started in the UI may not
    with opened(settings) as instance:
        imported = time.perf_counter()
        from orchestration.definitions import defs

        loaded = time.perf_counter()
        seconds = {"imports": imported - started, "definitions": loaded - imported}
        run_config = {
            "resources": {"intake": {"config": {key: value for key, value in intake.items() if value}}},
            "loggers": {"console": {"config": {"log_level": "CRITICAL"}}},
        }
        run_id = str(uuid.uuid4())
        log = settings.root / "logs" / f"{run_id}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        watcher = _Watcher(instance, run_id, on_step)
        watcher.start()
        try:
            with log.open("w", encoding="utf-8") as printed, contextlib.redirect_stdout(printed), heard_by(on_progress):
                result = defs.resolve_job_def(job).execute_in_process(
                    instance=instance, run_config=run_config, raise_on_error=False, run_id=run_id, tags=TAGS
                )
        finally:
            watcher.stop()
        attribute(instance, run_id, job)
        failures = [event for event in result.all_events if event.event_type_value in ("STEP_FAILURE", "RUN_FAILURE")]
        materialized = {key for event in result.get_asset_materialization_events() if (key := event.asset_key)}
        expected = set(defs.resolve_job_def(job).asset_layer.executable_asset_keys)
        seconds |= _phases(result)
        of_steps = [event for event in failures if event.event_type_value == "STEP_FAILURE"]
        message = "; ".join(dict.fromkeys(cause(event) for event in of_steps or failures))
        if result.success and (skipped := sorted(key.to_user_string() for key in expected - materialized)):
            message = f"the run ended without an error but did not make {', '.join(skipped[:5])}"
        if message:
            give_reason(instance, run_id, message)
    if message:
        alert(settings, "run_failed" if not result.success else "run_incomplete", message, run_id=run_id, job=job, cause=f"run:{job}")
    else:
        over(settings, f"run:{job}")
    return Outcome(result.success and not message, run_id, log, message, seconds)


def _phases(result: Any) -> dict[str, float]:
    """Give seconds by phase; the release reports the seconds of its own parts."""
    seconds: dict[str, float] = {}
    for event in result.all_events:
        if event.event_type_value == "STEP_SUCCESS" and event.step_key:
            phase = TIMED[phase_of(event.step_key)]
            seconds[phase] = seconds.get(phase, 0.0) + event.event_specific_data.duration_ms / 1000
    for event in result.get_asset_materialization_events():
        parts = {name: said for name, said in event.materialization.metadata.items() if name.endswith("_seconds")}
        if parts:
            seconds.pop("publish", None)  # the whole step
            seconds |= {name.removesuffix("_seconds"): float(said.value) for name, said in parts.items()}
    return seconds


def phase_of(step_key: str) -> str:
    """Name the phase a step belongs to: lake, raw, dbt, release or check."""
    if step_key.endswith("_in_time"):
        return "check"
    return next((phase for phase in PHASES if step_key.startswith(phase)), step_key)


class _Watcher(threading.Thread):
    """Report steps to a listener as they start and end, by reading the instance's log."""

    def __init__(self, instance: Any, run_id: str, on_step: Callable[[str, str], None]) -> None:
        super().__init__(daemon=True)
        self._instance, self._run_id, self._on_step = instance, run_id, on_step
        self._done = threading.Event()
        self._cursor: str | None = None

    def run(self) -> None:
        while not self._done.wait(0.3):
            self._look()

    def stop(self) -> None:
        self._done.set()
        self.join()
        self._look()

    def _look(self) -> None:
        from dagster import DagsterEventType

        wanted = {DagsterEventType.STEP_START, DagsterEventType.STEP_SUCCESS, DagsterEventType.STEP_FAILURE}
        new = self._instance.get_records_for_run(self._run_id, self._cursor, of_type=wanted)
        self._cursor = new.cursor
        for record in new.records:
            event = record.event_log_entry.dagster_event
            try:
                self._on_step(event.step_key, event.event_type_value.removeprefix("STEP_").lower())
            except Exception:  # an error of the listener must neither fail the run nor lose its alert
                logger.exception("the listener to the steps of run %s failed", self._run_id)
