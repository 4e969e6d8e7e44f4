"""The battery: everything that is tried on the warehouse again and again, and how it went.

    python -m tests.reliability.battery [--short] [--case NAME] [--budget MINUTES] [--jobs N] [--resume] [--folder FOLDER]

What was done is kept after every step, so a battery that was killed goes on with `--resume`. The cases take turns, each as far through as
the others: with less time every case is shorter and none is missing. At the end the table in docs/reliability.md is written. What a case
does is in the module it comes from.
"""

import argparse
import json
import multiprocessing
import os
import platform
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb

from ingest.files import write_atomic
from ingest.settings import REPOSITORY
from tests.marks import write_between
from tests.pipeline.conftest import SLICE
from tests.reliability import commands, failing, flips, kills, markup, mutations, pages, readers, surroundings
from tests.reliability.case import Bench, Case, NotHereError, Step

DOCUMENT = REPOSITORY / "docs" / "reliability.md"
BEGIN, END = "<!-- battery: begin -->", "<!-- battery: end -->"
FOLDER = REPOSITORY / ".battery"
SHORT_DAYS = ("--from", "2025-07-14", "--to", "2025-07-18")
"""What a short battery runs over: five sessions, enough for a release."""
TOLD = 5
"""Sentences of a case the table quotes; the rest is in the results."""

CASES = (
    Case("kills-real", "SIGKILL of `alumina run` with the real models", kills.real, 40, 4, minutes=25),
    Case("kills-small", "SIGKILL of `alumina run` in the small house", kills.small, 60, 4, minutes=20),
    Case("kills-work", "SIGKILL while taking in, loading or publishing, without dbt", kills.parts, 400, 6, minutes=20),
    Case("calls", "one fsync, replace, write or open that fails while taking in or publishing", failing.calls, 100, 1, minutes=15),
    Case("full-disk", "a disk with so much room while taking in and publishing", failing.full_disk, len(failing.ROOM), 2, minutes=3),
    Case("backups", "a backup or restore that ends at a write", failing.backups, 100, 4, minutes=2),
    Case("payloads", "a damaged payload and its parser", mutations.payloads, 400, minutes=40),
    Case("readers", "a publication under eight readers of two DuckDB clients", readers.publications, 20, minutes=4),
    Case("markup", "markup in a text of the release, and the note's page", markup.injections, 200, 4, minutes=10),
    Case("pages", "the page of a past day, against what was known at its decision", pages.past, 20, minutes=4),
    Case("secrets", "a secret in the environment of a command, and all it leaves", surroundings.secrets, 5, 5, minutes=4),
    Case("network", "`alumina run` in an empty network namespace", surroundings.network, 1, minutes=1),
    Case("flips", "a flipped bit in archive, lake, release or note", flips.bits, 200, 2, minutes=1),
    Case("writers", "a round of five runs at once and an inbox drop", commands.writers, 10, minutes=4),
    Case("first-starts", "a round of fifteen first starts at once", commands.first_starts, 10, minutes=2),
    Case("orders", "a hundred orders of delivery", commands.orders, 1, minutes=4),
    Case("days", "history as of every third session, against the archive that ends there", commands.days, 1, minutes=4),
)


@dataclass
class Record:
    """How far a case is, and what came of it."""

    steps: int
    """Steps there are to do."""
    done: int = 0
    tried: int = 0
    bad: list[str] = field(default_factory=list)
    not_here: str = ""
    """Why this machine cannot try it; empty where it can."""
    seconds: float = 0
    day: str = ""
    short: bool = False

    @property
    def share(self) -> float:
        """How far through, from 0 to 1."""
        return 1 if self.not_here else self.done / self.steps


def fought(bench: Bench, cases: Sequence[Case], records: dict[str, Record], until: float) -> Iterator[tuple[str, Record]]:
    """Do one step after another of whichever case is least far through; yields after each, and ends with the last step or the time."""
    running: dict[str, Iterator[Step]] = {}
    while time.monotonic() < until:
        left = [case for case in cases if records[case.name].share < 1]
        if not left:
            return
        case = min(left, key=lambda one: records[one.name].share)
        record, began = records[case.name], time.monotonic()
        try:
            if case.name not in running:
                running[case.name] = case.run(bench, range(record.done, record.steps))
            step = next(running[case.name])
            record.tried += step.tried
            record.bad += step.bad
            record.done += 1
        except NotHereError as reason:
            record.not_here = str(reason)
        except Exception as error:
            running.pop(case.name)
            record.bad.append(f"step {record.done} broke off: {type(error).__name__}: {error}")
            record.tried += 1
            record.done += 1
        record.seconds += time.monotonic() - began
        record.day = date.today().isoformat()
        yield case.name, record


def dealt(cases: Sequence[Case], jobs: int) -> list[list[Case]]:
    """Deal the cases to so many jobs, the longest first and each to the job with least to do; none of them is empty."""
    dealt_to: list[list[Case]] = [[] for _ in range(min(jobs, len(cases)))]
    for case in sorted(cases, key=lambda one: -one.minutes):
        min(dealt_to, key=lambda job: sum(one.minutes for one in job)).append(case)
    return dealt_to


def fight(bench: Bench, cases: Sequence[Case], records: dict[str, Record], results: Path, until: float) -> None:
    """Fight the cases of one job; how far each is, is written after every step, and said."""
    for name, record in fought(bench, cases, records, until):
        write_atomic(results / f"{name}.json", json.dumps(asdict(record), ensure_ascii=False, indent=1).encode())
        said = record.not_here or f"{record.tried:,} tried, {len(record.bad)} bad"
        sys.stdout.write(f"{datetime.now(UTC):%H:%M:%S} {name} {record.done}/{record.steps}: {said}\n")
        sys.stdout.flush()


def machine(load: float) -> str:
    """Say what the battery ran on, without a path or a name."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return (
        f"{os.cpu_count()} processors ({load:.0f} processes wanted them when it began), {memory:.0f} GiB, {platform.system()}, "
        f"Python {platform.python_version()}, DuckDB {duckdb.__version__}"
    )


def table(cases: Sequence[Case], records: Mapping[str, Record], facts: str, folder: Path) -> str:
    """Write down what was tried, how often, and what was bad."""
    lines = [f"Machine: {facts}.", "", "| case | one trial is | tried | bad | steps | minutes | on |", "|---|---|---|---|---|---|---|"]
    told: list[str] = []
    for case in cases:
        if (record := records.get(case.name)) is None:
            lines.append(f"| `{case.name}` | {case.what} | not run | | 0 of {case.full} | | |")
            continue
        size = record.not_here or f"{record.done} of {case.full}" + (", a short round" if record.short else "")
        lines.append(f"| `{case.name}` | {case.what} | {record.tried:,} | {len(record.bad)} | {size} | {record.seconds / 60:.1f} | {record.day} |")
        told += [f"- `{case.name}`: {_plain(what, folder)}" for what in record.bad[:TOLD]]
        told += [f"- `{case.name}`: … and {len(record.bad) - TOLD} more"] if len(record.bad) > TOLD else []
    return "\n".join([*lines, "", "Nothing was bad." if not told else "What was bad:", *([""] if told else []), *told])


def _plain(text: str, folder: Path) -> str:
    """One line that names no path of this machine."""
    for path, name in ((folder, "FOLDER"), (REPOSITORY, "."), (Path.home(), "~")):
        text = text.replace(str(path), name)
    return " ".join(text.split())[:300]


def load(results: Path) -> dict[str, Record]:
    """Read how far the cases are, each from its file; empty where no battery was fought."""
    return {path.stem: Record(**json.loads(path.read_text(encoding="utf-8"))) for path in sorted(results.glob("*.json"))}


def main(arguments: Sequence[str] | None = None) -> int:
    """Fight the battery; 1 when anything was bad."""
    parser = argparse.ArgumentParser(description="Try everything again and again.")
    parser.add_argument("--case", action="append", choices=[case.name for case in CASES], help="only this one; may be given again")
    parser.add_argument("--short", action="store_true", help="a few steps of each")
    parser.add_argument("--budget", type=float, metavar="MINUTES", default=90, help="begin no step after so many minutes (90)")
    parser.add_argument("--jobs", type=int, metavar="N", default=os.cpu_count() or 1, help="so many cases at once (one a processor)")
    parser.add_argument("--resume", action="store_true", help="go on where the battery before was ended")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where it works and keeps its results")
    parser.add_argument("--document", type=Path, default=DOCUMENT, help="where the table goes")
    given = parser.parse_args(arguments)
    folder, load_now = given.folder.resolve() / ("short" if given.short else "full"), os.getloadavg()[0]
    chosen = [case for case in CASES if not given.case or case.name in given.case]
    bench = Bench(folder, SHORT_DAYS if given.short else SLICE)
    results = folder / "results"
    records = load(results)
    for case in chosen:
        if not given.resume or case.name not in records:
            records[case.name] = Record(case.short if given.short else case.full, short=given.short)
            (results / f"{case.name}.json").unlink(missing_ok=True)
    if not given.resume:
        bench.fresh("finished")
    until, jobs = time.monotonic() + 60 * given.budget, dealt(chosen, given.jobs)
    if len(jobs) > 1:
        bench.home()  # made once, before several ask for it
    # Forked, each with its own cases: some of them replace functions of the process they run in.
    context = multiprocessing.get_context("fork")
    beside = [context.Process(target=fight, args=(bench, cases, records, results, until)) for cases in jobs[1:]]
    for process in beside:
        process.start()
    fight(bench, jobs[0], records, results, until)
    for process in beside:
        process.join()
    records = load(results)
    if ended := [f"a job of the battery ended with {process.exitcode}" for process in beside if process.exitcode]:
        sys.stdout.write("\n".join([*ended, ""]))
    write_between(given.document, BEGIN, END, table(CASES, records, machine(load_now), folder))
    bad = [f"{name}: {what}" for name, record in records.items() for what in record.bad]
    sys.stdout.write("\n".join([*bad, f"{len(bad)} bad; the table is in {given.document}\n"]))
    return 1 if bad or ended else 0


if __name__ == "__main__":
    sys.exit(main())
