"""Two years of the sample taken in by 1, 2 and 4 Dagster runs at once, each a range of days in a process of its own, all into one lake.

    python -m tests.benchmarks --part parts

The lake takes one commit at a time and only the load takes the lock of the warehouse, so no run waits for another but at its commits. Whatever
the number of runs, the rows loaded afterwards are the same. Seconds by the clock are told as a ratio: they say what side by side gains on the
processors that are free, and no more.
"""

import itertools
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from ingest.lake import Lake
from ingest.settings import Settings
from orchestration.warehouse.load import load_raw
from tests.benchmarks.results import Result, shown
from tests.pipeline.conftest import content

FIRST, LAST = date(2023, 7, 24), date(2025, 7, 23)
"""The sample's last two years, of the two feeds that have all of them: the exchange's and the central parity's."""
AT_ONCE = (1, 2, 4)
RUN = """
import sys
from ingest.settings import Settings
from orchestration.instance.environment import opened
with opened(Settings()) as instance:
    from orchestration.assets.arrivals import arrivals_key
    from orchestration.definitions import defs
    from orchestration.instance.alerts import cause
    tags = dict(zip(("dagster/asset_partition_range_start", "dagster/asset_partition_range_end"), sys.argv[1:]))
    config = {"resources": {"intake": {"config": {"source": "sample"}}}, "loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
    done = defs.resolve_job_def("arrivals_by_day").execute_in_process(
        instance=instance, run_config=config, tags=tags, asset_selection=[arrivals_key(source) for source in ("shfe", "fx")], raise_on_error=False
    )
    print(*(cause(event) for event in done.all_events if event.event_type_value == "STEP_FAILURE"), file=sys.stderr)
sys.exit(not done.success)
"""


@dataclass(frozen=True)
class Taken:
    """What it took to take everything in, and what is in the lake then."""

    clock_s: float
    cpu_s: float
    commits: int
    rows: dict[str, tuple[int, int]]


def ranges(parts: int) -> list[tuple[date, date]]:
    """Cut the days into so many ranges that touch and do not overlap."""
    days = (LAST - FIRST).days + 1
    cuts = [FIRST + timedelta(days=days * place // parts) for place in range(parts + 1)]
    return [(first, after - timedelta(days=1)) for first, after in itertools.pairwise(cuts)]


def taken_in(home: Path, parts: int) -> Taken:
    """Take all days in by so many runs at once, then load; raises RuntimeError for a run that failed or a payload that is in the lake twice."""
    settings, began, before = Settings(home=home), time.perf_counter(), os.times()
    home.mkdir()
    environment = os.environ | {"ALUMINA_HOME": str(home)}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", RUN, str(first), str(last)], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        for first, last in ranges(parts)
    ]
    for process in started:
        _, words = process.communicate()
        if process.returncode:
            raise RuntimeError(f"one of {parts} runs at once failed: {words[-2000:]}")
    clock, after = time.perf_counter() - began, os.times()
    batches = list(Lake(settings.lake).batches())
    payloads = [sha for batch in batches for sha in batch.payloads]
    if len(payloads) != len(set(payloads)):
        raise RuntimeError(f"{parts} runs at once left a payload in the lake twice")
    load_raw(settings)
    # Some feeds answer a range by one payload, so its name depends on the range.
    rows = {name: rows for name, rows in content(home, "raw", "payload_sha256").items() if not name.startswith("ingest__")}
    cpu = after.children_user - before.children_user + after.children_system - before.children_system
    return Taken(clock, cpu, len(batches), rows)


def results(folder: Path) -> list[Result]:
    """Measure, and give the results; raises RuntimeError where the rows depend on how many runs there were."""
    found = {parts: taken_in(folder / str(parts), parts) for parts in AT_ONCE}
    if any(taken.rows != found[1].rows for taken in found.values()):
        raise RuntimeError("the rows in the lake depend on how many runs took them in")
    return figures(found)


def figures(found: dict[int, Taken]) -> list[Result]:
    """Make results of what was measured."""
    one, rows = found[1], sum(count for count, _ in found[1].rows.values())
    how = f"{rows:,} rows of {(LAST - FIRST).days + 1} days, {one.cpu_s:.0f} cpu s by one run; the same rows by any number of runs"
    told = [shown("parts: one run", one.cpu_s, "cpu s", f"{one.commits} commits")]
    for parts in AT_ONCE[1:]:
        taken = found[parts]
        told.append(shown(f"parts: work of {parts} runs at once ÷ one run", taken.cpu_s / one.cpu_s, "x", how))
        told.append(
            shown(
                f"parts: clock of {parts} runs at once ÷ one run",
                taken.clock_s / one.clock_s,
                "x",
                f"{os.cpu_count()} processors",
            )
        )
    return told
