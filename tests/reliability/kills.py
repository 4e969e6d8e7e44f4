"""SIGKILL: of the command in the middle of a stage, and of the work itself at any moment.

The command is killed in a real house or a small one; the work (`work`) in a process that is split from one which has loaded everything,
so that four hundred kills take minutes. Killed is only the process itself: a dbt left behind goes on writing until its parent is missed.
"""

import json
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random

from ingest.archive import Archive
from ingest.lake import Lake
from ingest.settings import REPOSITORY, Settings
from orchestration.home.doctor import Level, examine
from orchestration.warehouse.load import load_raw
from serving.seal import faults
from tests.pipeline.conftest import content, copied
from tests.pipeline.small import Small
from tests.reliability import readers, work
from tests.reliability.case import Bench, Step

SCHEMAS = ("raw", "marts", "serving")
STAGES = ("take in", "loading raw", "dbt build", "publishing")
MODELS_BUILT = 5
"""After so many models dbt is killed, where nobody says otherwise: some tables are new by then and some are not."""
WAIT = 2.0
"""Seconds at most between the beginning of a stage and the kill."""
TOGETHER = 20
"""Kills of the work in one home before it is held against an undisturbed one."""


def held_for(holder: Path) -> str:
    """What the lock is held for; empty when nobody holds it."""
    try:
        return str(json.loads(holder.read_text())["what"])
    except (OSError, ValueError):
        return ""


def kill(house: Small, stage: str, *arguments: str, models: int = MODELS_BUILT, wait: float = 0) -> bool:
    """Start a run and end it with SIGKILL in a stage, known by what the stage leaves behind while it is at work; tell whether it was in time."""
    home = house.home
    holder, receipts, log = home / "warehouse.holder.json", home / "archive" / "receipts", home / "dbt" / "dbt.log"
    holder.unlink(missing_ok=True)
    log.unlink(missing_ok=True)
    written = sum(path.stat().st_size for path in receipts.iterdir())
    at_work: dict[str, Callable[[], bool]] = {
        "take in": lambda: sum(path.stat().st_size for path in receipts.iterdir()) > written,
        "loading raw": lambda: held_for(holder).startswith("loading raw"),
        "dbt build": lambda: log.is_file() and log.read_text(encoding="utf-8").count("OK created") > models,
        "publishing": lambda: any((home / "releases").glob(".building-*/alumina.duckdb")),
    }
    with house.start("run", *arguments) as run:
        while run.poll() is None and not at_work[stage]():
            time.sleep(0.05)
        time.sleep(wait)
        run.send_signal(signal.SIGKILL)
    return run.returncode == -signal.SIGKILL


def damage(home: Path) -> list[str]:
    """Say what is not whole in a home whose run was killed: archive, lake and the release that is served."""
    settings = Settings(home=home)
    return [str(fault) for fault in (*Archive(settings.archive).faults(), *Lake(settings.lake).faults(), *faults(settings.serving.resolve()))]


def not_healed(house: Small, golden: dict[str, dict[str, tuple[int, int]]], *arguments: str) -> list[str]:
    """Run once more, undisturbed, and say what is then not as if nothing had been killed."""
    done = house.run("run", *arguments)
    if done.returncode:
        return [f"the run after the kills fails: {done.stderr.strip()[-500:]}"]
    now = {schema: content(house.home, schema) for schema in golden}
    found = [
        f"{schema}.{table} is not what it was" for schema in golden for table in golden[schema] if now[schema].get(table) != golden[schema][table]
    ]
    found += [f"{path.name} was left behind" for path in (house.home / "releases").glob(".building-*")]
    told = examine(Settings(home=house.home), deep=True)
    return found + [f"doctor: {finding.message}" for finding in told if finding.level is Level.ERROR and finding.subject in SUBJECTS]


SUBJECTS = ("home", "lock", "rebuild", "publication", "archive", "lake", "releases")
"""What the doctor says of a home; of calendar, sources and versions it speaks by today's date."""


def commands(bench: Bench, steps: range, house: Callable[[Bench], Small]) -> Iterator[Step]:
    """Kill runs in turn at each stage, each having to get over what the one before left; after every fourth an undisturbed one must heal all."""
    at = house(bench)
    golden = {schema: content(at.home, schema) for schema in SCHEMAS}
    for number in steps:
        chance, stage = Random(number), STAGES[number % len(STAGES)]
        in_time = kill(at, stage, *bench.days, models=chance.randrange(1, 60), wait=chance.uniform(0, WAIT))
        bad = damage(at.home)
        if stage == STAGES[-1] or number == steps[-1]:
            bad += not_healed(at, golden, *bench.days)
        yield Step(int(in_time), tuple(f"killed at {stage}: {what}" for what in bad))


def real_house(bench: Bench) -> Small:
    """Give the repository itself, with a copy of the home that was run once."""
    return Small(REPOSITORY, copied(bench.home(), bench.fresh("real") / "home"))


def small_house(bench: Bench) -> Small:
    """Give a small house of its own."""
    return bench.small("kills in a small house")


real = partial(commands, house=real_house)
small = partial(commands, house=small_house)

PARTS = ("taking in", "loading", "publishing")


def _work(home: Path, payloads: Path, number: int, told: Connection) -> None:
    settings = Settings(home=home)
    for part, do in zip(
        PARTS, (partial(work.commit, settings, payloads), partial(load_raw, settings), partial(readers.publish, settings, number)), strict=True
    ):
        told.send(part)
        do()
    told.send("")


def _cut_off(home: Path, payloads: Path, number: int, part: str, wait: float) -> tuple[bool, float]:
    """Let another process work and kill it so long after a part began; tell whether it was in time, and how long the part took where it was not."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.reliability.kills"])
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(home, payloads, number, there))
    process.start()
    there.close()
    while here.recv() != part:
        pass
    began = time.perf_counter()
    if not here.poll(wait):
        os.kill(process.pid or 0, signal.SIGKILL)
    else:
        here.recv()
    took = time.perf_counter() - began
    process.join()
    return process.exitcode == -signal.SIGKILL, took


def parts(bench: Bench, steps: range) -> Iterator[Step]:
    """Kill the work in turn while it takes in, loads and publishes, in a home of twenty kills; then hold it against an undisturbed one."""
    folder = bench.fresh("kills of the work")
    longest = dict.fromkeys(PARTS, 0.5)
    home = folder / "none"
    for number in steps:
        day = number % TOGETHER % len(work.DAYS)
        if day == 0 or not home.exists():
            home = folder / f"home-{number}"
            settings = work.new_home(home)
        payloads = work.write_payloads(folder / f"payloads-{number // TOGETHER}", work.DAYS[: day + 1])
        part, chance = PARTS[number % len(PARTS)], Random(number)
        killed, bad = False, list[str]()
        while not killed:
            killed, took = _cut_off(home, payloads, number, part, chance.uniform(0, longest[part]))
            if not killed:
                longest[part] = took
        bad += work.damage(settings)
        if day == TOGETHER - 1 or number == steps[-1]:
            bad += work.after_the_next(settings, payloads, work.golden_content(folder / f"alone-{number}", payloads), number)
        yield Step(1, tuple(f"killed while {part}: {what}" for what in bad))
