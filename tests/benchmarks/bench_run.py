"""What one run costs beside dbt alone, in processor seconds of whole processes, and how much memory it takes.

    make bench
    python -m tests.benchmarks --part run

A home of the sample without its last session is made once. Then, twice by turns, each time in a fresh copy: `alumina run` of the last
session, and `dbt build` alone in the home it leaves. What takes nothing new in and what loading the definitions costs is measured in
processes of their own, imports aside.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from ingest.settings import Settings
from tests.benchmarks.processes import Spent, spent
from tests.benchmarks.results import Result, at_most, shown

LAST, BEFORE = "2025-07-23", "2025-07-22"
"""The last session of the sample, and the one before."""
ROUNDS = 2
BUILD_BEFORE_S = 42.0
"""Processor seconds of `dbt build` before its models were made linear: 26 now, and 23 of bare SQL where 7 are left."""
MOST_RUN, MOST_NOTHING_NEW_S, MOST_DEFINITIONS_S, MOST_MB = 0.2, 1.0, 2.0, 600.0
DEFINITIONS = """
import time
import dagster
began = time.process_time()
import orchestration.definitions
print(time.process_time() - began)
"""
NOTHING_NEW = """
import time
from datetime import date
from ingest.archive import Archive
from ingest.catalog.configuration import Configuration
from ingest.flow import ingest
from ingest.lake import Lake
from ingest.made_before import MadeBefore
from ingest.origins import CatalogOrigin, SampleOrigin
from ingest.settings import Settings
from ingest.sources import sources
settings = Settings()
def everything():
    began, archive, lake = time.process_time(), Archive(settings.archive), Lake(settings.lake)
    new = 0
    for source in sources(Configuration(settings.catalog_overlay)):
        sample = SampleOrigin(date.min, date.max, before=MadeBefore(settings.made_before, archive))
        origin = CatalogOrigin(settings.catalog_overlay) if source.name == "catalog" else sample
        new += len(ingest([source], origin, archive, lake, "bench").payloads)
    return time.process_time() - began, new
everything()
seconds, new = everything()
assert new == 0, f"{new} payloads were new"
print(seconds)
"""


def alumina(home: Path, *arguments: str) -> Spent:
    """Run the command on a home."""
    return spent([str(Path(sys.executable).with_name("alumina")), *arguments], {"ALUMINA_HOME": str(home)})


def asked(code: str, home: Path) -> float:
    """Give the number a piece of code prints in a process of its own."""
    environment = os.environ | {"ALUMINA_HOME": str(home)}
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], env=environment, capture_output=True, text=True, check=True)
    return float(done.stdout.split()[-1])


def best(code: str, home: Path) -> float:
    """The least of a few."""
    return min(asked(code, home) for _ in range(ROUNDS + 1))


def nodes(settings: Settings) -> str:
    """Say how many models and tests the last build had."""
    rows = json.loads((settings.workshop / "dbt" / "run_results.json").read_text(encoding="utf-8"))["results"]
    kinds = [row["unique_id"].split(".")[0] for row in rows]
    return f"{kinds.count('model')} models, {kinds.count('test')} tests"


def sample(home: Path) -> Path:
    """Make a home of the whole sample."""
    alumina(home, "run", "--source", "sample")
    return home


def results(folder: Path) -> list[Result]:
    """Measure, and give the results."""
    from orchestration.warehouse.dbt import PROJECT, build_command, environment

    base, home = folder / "before", folder / "home"
    alumina(base, "run", "--source", "sample", "--to", BEFORE)
    runs: list[Spent] = []
    builds: list[Spent] = []
    for _ in range(ROUNDS):
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(base, home, symlinks=True)
        runs.append(alumina(home, "run", "--source", "sample", "--from", LAST, "--to", LAST))
        settings = Settings(home=home)
        builds.append(spent(build_command(settings), environment(settings), PROJECT))
    return figures(runs, builds, best(NOTHING_NEW, home), best(DEFINITIONS, home), nodes(Settings(home=home)))


def figures(runs: Sequence[Spent], builds: Sequence[Spent], nothing_new: float, definitions: float, counted: str) -> list[Result]:
    """Make results of what was measured."""
    run, build = (statistics.median(one.cpu_s for one in ones) for ones in (runs, builds))
    how = f"one more session on the sample, {run:.1f} cpu s; `dbt build` alone, {build:.1f}; median of {ROUNDS} pairs by turns"
    return [
        at_most("run: what it adds to dbt ÷ dbt build", (run - build) / build, "x", MOST_RUN, how),
        at_most("run: what it adds to dbt ÷ dbt build of before", (run - build) / BUILD_BEFORE_S, "x", MOST_RUN, f"{BUILD_BEFORE_S:g} cpu s before"),
        shown("run: one more session", run, "cpu s", counted),
        at_most("run: ingest of nothing new", nothing_new, "cpu s", MOST_NOTHING_NEW_S, "all sources, in one process, imports aside"),
        at_most("run: definitions", definitions, "cpu s", MOST_DEFINITIONS_S, "`import orchestration.definitions` after `import dagster`"),
        at_most("run: memory of the largest process", max(one.largest_mb for one in runs), "MB", MOST_MB, "resident, as the system counts it"),
        at_most("run: memory of all processes", max(one.together_mb for one in runs), "MB", MOST_MB, "at one moment, shared pages once"),
    ]
