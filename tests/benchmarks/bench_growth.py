"""How large a home grows in 500 runs, and whether its record is as quick to open then as after ten.

    python -m tests.benchmarks --part growth

A copy of the home runs twice more for real. Then the last of these runs is replayed: every row Dagster and the command wrote of it is written
again under another id, two runs a day up to now, and the home is tidied once a week, as the schedule `tidy` does. Bytes are those of the whole home.
"""

import shutil
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ingest.settings import Settings
from orchestration.home.tidy import tidy
from orchestration.instance.environment import opened
from tests.benchmarks.bench_run import alumina, asked
from tests.benchmarks.results import Result, at_most, shown

REAL, REPLAYED, A_DAY, FEW = 2, 500, 2, 10
MOST_MB, MOST_SLOWER = 1500.0, 2.0
# What the UI asks when its first pages are opened: the runs, the newest state of every asset, and the checks.
FIRST_PAGES = """
import time
import dagster as dg
from ingest.settings import Settings
from orchestration.instance.environment import opened
with opened(Settings()) as instance:
    began = time.process_time()
    runs = instance.get_run_records(limit=30)
    keys = instance.all_asset_keys()
    instance.get_latest_materialization_events(keys)
    instance.get_asset_records(keys)
    for record in runs[:3]:
        instance.get_run_stats(record.dagster_run.run_id)
    print(time.process_time() - began)
"""


def results(folder: Path, home: Path) -> list[Result]:
    """Measure all of it in a copy of a home of the sample."""
    settings = Settings(home=shutil.copytree(home, folder / "home", symlinks=True))
    before = megabytes(settings.root)
    for _ in range(REAL):
        alumina(settings.root, "run")
    real = megabytes(settings.root)
    with opened(settings) as instance:
        template = instance.get_run_records(limit=1)[0].dagster_run.run_id
    now, quick = datetime.now(UTC), 0.0
    for number in range(REPLAYED):
        at = now - timedelta(days=(REPLAYED - number) / A_DAY)
        replay(settings, template, at)
        if number == FEW:
            quick = asked(FIRST_PAGES, settings.root)
        if number % (7 * A_DAY) == 0 or number == REPLAYED - 1:
            with opened(settings) as instance:
                tidy(settings, instance, at)
    slow = asked(FIRST_PAGES, settings.root)
    how = f"{REAL} real runs after the first, then {REPLAYED} replayed at two a day, tidied weekly"
    return [
        shown("growth: home before", before, "MB", "the whole sample, with its releases"),
        shown("growth: more by a real run that finds nothing new", (real - before) / REAL, "MB", f"mean of {REAL}; a release of it is kept"),
        at_most(f"growth: home after {REPLAYED} runs", megabytes(settings.root), "MB", MOST_MB, how),
        at_most(
            f"growth: first pages after {REPLAYED} runs",
            slow / quick,
            "x",
            MOST_SLOWER,
            f"runs, assets and their newest state; over the same after {FEW}",
        ),
    ]


def replay(settings: Settings, template: str, at: datetime) -> str:
    """Write again what was written of a run, as one made at another time; gives its id."""
    run_id, history = str(uuid.uuid4()), settings.dagster / "history"
    shutil.copyfile(history / "runs" / f"{template}.db", history / "runs" / f"{run_id}.db")
    for kind, ending in (("logs", "log"), ("failures", "jsonl")):
        if (kept := settings.root / kind / f"{template}.{ending}").is_file():
            shutil.copyfile(kept, settings.root / kind / f"{run_id}.{ending}")
    names = {"old": template, "new": run_id, "at": f"{at:%Y-%m-%d %H:%M:%S.%f}"}
    with _writing(history / "runs" / f"{run_id}.db") as of_run:
        of_run.execute("update event_logs set run_id = :new, event = replace(event, :old, :new)", names)
    with _writing(history / "runs" / "index.db") as index:
        ((offset,),) = index.execute("select max(id) - (select min(id) from event_logs where run_id = :old) + 1 from event_logs", names).fetchall()
        names["offset"] = offset
        _again(index, "event_logs", {"id": "id + :offset", "run_id": ":new", "event": "replace(event, :old, :new)", "timestamp": ":at"}, names)
        tagged = "event_id in (select id from event_logs where run_id = :old)"
        _again(index, "asset_event_tags", {"id": "null", "event_id": "event_id + :offset"}, names, tagged)
        storage = {f"{kind}_storage_id": f"{kind}_storage_id + :offset" for kind in ("evaluation_event", "materialization_event")}
        _again(index, "asset_check_executions", {"id": "null", "run_id": ":new", **storage}, names)
    with _writing(history / "runs.db") as runs:
        _again(runs, "runs", {"id": "null", "run_id": ":new", "run_body": "replace(run_body, :old, :new)", "create_timestamp": ":at"}, names)
        _again(runs, "run_tags", {"id": "null", "run_id": ":new"}, names)
    return run_id


def _again(con: sqlite3.Connection, table: str, changed: dict[str, str], names: dict[str, str], which: str = "run_id = :old") -> None:
    columns = [row[1] for row in con.execute(f"pragma table_info({table})")]
    con.execute(f"insert into {table} select {', '.join(changed.get(name, name) for name in columns)} from {table} where {which}", names)


@contextmanager
def _writing(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path)) as con, con:
        yield con


def megabytes(folder: Path) -> float:
    """Bytes of all files below a folder, in millions of 2^20."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink()) / 2**20
