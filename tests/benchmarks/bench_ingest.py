"""How fast exchange payloads become validated Parquet, beside AKShare's own parser on the same bytes in the same run.

    make bench
    python -m tests.benchmarks --part ingest

A year of daily quotes files with every product of the exchange (made from the sample's own file, one copy a product, sums
included) goes through the source's parser, through `ingest.flow` without touching the disk, and the whole way; then the same bytes
through `akshare.futures.futures_daily_bar.get_shfe_daily`, whose download alone is replaced, in an environment of its own. AKShare
neither validates nor writes, so the first line compares like with like, and each further line says what that part costs. And: what
a day costs in a lake of ten years against one of a month; and what making the whole sample costs. Imports lie outside, each figure is the best of a few.
Read the ratios; absolute times are the machine's, and on a busy one the ratio of processor time is the steadier.
"""

import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl
from rich.console import Console
from rich.table import Table

from ingest import sample
from ingest.archive import Archive
from ingest.catalog.calendar import CALENDAR_FILE, trading_days
from ingest.catalog.configuration import Configuration
from ingest.flow import ingest
from ingest.lake import Batch, Lake
from ingest.origins import Delivery
from ingest.parser import apart, end_parser
from ingest.sample.history import load_history
from ingest.source import DataOrigin, Source
from ingest.sources.shfe import Shfe
from tests.benchmarks.results import Result, at_least, at_most, shown

YEAR = (date(2024, 7, 22), date(2025, 7, 22))
AKSHARE = "akshare==1.19.5"
# The child times the parser only: imports and reading the files lie outside.
CHILD = """
import json, sys, time, pathlib
from akshare.futures import futures_daily_bar as bar
folder = pathlib.Path(sys.argv[1])
bodies = {path.name[2:10]: path.read_text(encoding="utf-8") for path in sorted(folder.glob("kx*.dat"))}
class Answer:
    def __init__(self, text): self.text = text
bar.requests_link = lambda url, **_: Answer(bodies[url.rsplit("kx", 1)[1][:8]])
wall, cpu = [], []
for _ in range(int(sys.argv[2])):
    started, worked = time.perf_counter(), time.process_time()
    rows = sum(len(bar.get_shfe_daily(day)) for day in bodies)
    wall.append(time.perf_counter() - started)
    cpu.append(time.process_time() - worked)
print(json.dumps([rows, min(wall), min(cpu)]))
"""
ATTEMPTS = 5
MOST_INCREMENT = 1.2


@dataclass
class Given:
    """Deliveries made beforehand."""

    items: Sequence[Delivery]
    data_origin: DataOrigin = DataOrigin.SAMPLE

    def deliveries(self, sources: Sequence[Source]) -> Iterator[Delivery]:
        """Give them all."""
        return iter(self.items)


def whole_exchange(first: date, last: date) -> list[Delivery]:
    """Daily quotes files with every product of the catalogue, in the exchange's form."""
    products = tomllib.loads((CALENDAR_FILE.parent / "exchanges.toml").read_text(encoding="utf-8"))["shfe"]["contracts"]
    found = []
    for request, response in sample.deliveries(first, last, ("shfe",)):
        if request.feed != "kx":
            continue
        document = json.loads(response.body)
        one = [row for row in document["o_curinstrument"] if row["PRODUCTID"].strip() == "ao_f"]
        total = [row for row in document["o_curinstrument"] if row["PRODUCTID"] == "总计"]
        document["o_curinstrument"] = [row | {"PRODUCTID": f"{code}_f", "PRODUCTGROUPID": code} for code in products for row in one] + total
        body = json.dumps(document, ensure_ascii=False).encode()
        found.append((request, type(response)(body, response.fetched_at, 200)))
    return found


class Hashed(Archive):
    """An archive that only hashes."""

    def put(self, body: bytes, *, durable: bool = True) -> str:
        """Give the sha256 and keep nothing."""
        return hashlib.sha256(body).hexdigest()


class Nowhere(Lake):
    """A lake that forgets what it is given."""

    def commit(self, payloads: Mapping[str, str], frames: Mapping[str, pl.DataFrame], *, durable: bool = True) -> Batch:
        """Take everything and write nothing."""
        return Batch("", payloads, ())


def parsed(items: Sequence[Delivery], root: Path) -> None:
    """Parse and nothing else, as AKShare does."""
    source = Shfe()
    for request, response in items:
        source.parse(request, response.body)


def in_limited_process(items: Sequence[Delivery]) -> tuple[float, float]:
    """Processor seconds of starting the process in which payloads from outside are parsed, and of parsing these there; both processes count."""
    configuration = Configuration()

    def spent(given: Sequence[Delivery]) -> float:
        (source,) = apart([Shfe(configuration=configuration)], configuration)
        begun, before = time.process_time(), resource.getrusage(resource.RUSAGE_CHILDREN)
        for request, response in given:
            source.parse(request, response.body)
        end_parser()
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return time.process_time() - begun + after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime

    start = min(spent(items[:1]) for _ in range(ATTEMPTS))
    return start, min(spent(items) for _ in range(ATTEMPTS)) - start


def validated(items: Sequence[Delivery], root: Path) -> None:
    """The project's own path without the disk."""
    ingest([Shfe()], Given(items), Hashed(root), Nowhere(root), "bench", record=False)


def written(items: Sequence[Delivery], root: Path) -> None:
    """The whole path: archive, parse, validate, lake, receipts."""
    ingest([Shfe()], Given(items), Archive(root / "archive"), Lake(root / "lake"), "bench")


def durable(items: Sequence[Delivery], root: Path) -> None:
    """The whole path as for payloads that cannot be made again: each is on the disk itself before it is read."""
    ingest([Shfe()], Given(items, DataOrigin.FILES), Archive(root / "archive"), Lake(root / "lake"), "bench")


def sample_made(_: Sequence[Delivery], root: Path) -> None:
    """Make every payload of the embedded sample."""
    load_history.cache_clear()
    for _request in sample.deliveries():
        pass


STAGES = (
    (parsed, "parsed", 5.0),
    (validated, "parsed and validated", 3.0),
    (written, "parsed, validated and written", 1.5),
    (durable, "the same with fsync", 0.0),
)
"""What is measured, and how many times AKShare's speed it ought to have; 0 where none is set."""


def best(work: Callable[[Sequence[Delivery], Path], None], items: Sequence[Delivery], root: Path) -> tuple[float, float]:
    """Seconds by the clock and of processor time, each of the best attempt; every attempt has a folder of its own."""
    wall, cpu = [], []
    for attempt in range(ATTEMPTS):
        started, worked = time.perf_counter(), time.process_time()
        work(items, root / f"{work.__name__}-{attempt}")
        wall.append(time.perf_counter() - started)
        cpu.append(time.process_time() - worked)
    return min(wall), min(cpu)


def akshares(items: Sequence[Delivery], root: Path) -> tuple[int, float, float] | None:
    """Contracts, seconds by the clock and of processor time of AKShare's parser; None where it cannot be installed."""
    folder, python = root / "payloads", root / "akshare" / "bin" / "python"
    folder.mkdir()
    for request, response in items:
        (folder / request.name).write_bytes(response.body)
    uv = str(Path(sys.executable).with_name("uv"))
    for command in ([uv, "venv", "-q", str(root / "akshare")], [uv, "pip", "install", "-q", "--compile-bytecode", "--python", str(python), AKSHARE]):
        if subprocess.run(command, check=False, env=os.environ | {"VIRTUAL_ENV": ""}).returncode:
            return None
    done = subprocess.run([str(python), "-W", "ignore", "-c", CHILD, str(folder), str(ATTEMPTS)], capture_output=True, text=True, check=True)
    rows, wall, cpu = json.loads(done.stdout.strip().splitlines()[-1])
    return rows, wall, cpu


def increments(histories: Sequence[Sequence[Delivery]], day: Sequence[Delivery], root: Path) -> list[float]:
    """Processor seconds of taking one day in on top of each history, by turns, so that a busy moment of the machine hurts all alike.

    The best of many: a lake is not rebuilt between attempts.
    """
    homes = [(Archive(root / f"archive-{n}"), Lake(root / f"lake-{n}")) for n in range(len(histories))]
    for history, home in zip(histories, homes, strict=True):
        ingest([Shfe()], Given(history), *home, "history")
    seconds = [float("inf")] * len(homes)
    for attempt in range(10 * ATTEMPTS):
        changed = [(request, type(response)(response.body + b" " * attempt, response.fetched_at, 200)) for request, response in day]
        for n, (archive, lake) in enumerate(homes):
            started = time.process_time()
            ingest([Shfe()], Given(changed), Archive(archive.root), Lake(lake.root), "day")
            seconds[n] = min(seconds[n], time.process_time() - started)
    return seconds


def ten_years() -> list[Delivery]:
    """Small payloads for 2,430 sessions: what counts is how many there are, not how large."""
    days = trading_days(date(2016, 1, 4), date(2025, 7, 21))
    request, response = next(item for item in sample.deliveries(date(2025, 7, 22), date(2025, 7, 22), ("shfe",)) if item[0].feed == "kx")
    items = []
    for day in days:
        stamp = f"{day:%Y%m%d}"
        body = response.body.replace(b"20250722", stamp.encode())
        items.append((type(request)(request.source, "kx", stamp, f"kx{stamp}.dat", day), type(response)(body, response.fetched_at, 200)))
    return items


def results() -> list[Result]:
    """Measure, print the table, and give the results."""
    table = Table()
    for name in ("what", "s", "cpu s", "contracts/s", "ratio", "cpu ratio"):
        table.add_column(name, justify="left" if name == "what" else "right")
    found: list[Result] = []
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        items = whole_exchange(*YEAR)
        warm = ingest([Shfe()], Given(items), Hashed(root), Nowhere(root), "warm", record=False)
        rows, other = warm.rows["shfe__daily_quotes"], akshares(items, root)
        for work, what, goal in STAGES:
            wall, cpu = best(work, items, root)
            ratios = (f"{other[1] / wall:.2f}", f"{other[2] / cpu:.2f}") if other else ()
            table.add_row(what, f"{wall:.2f}", f"{cpu:.2f}", f"{rows / wall:,.0f}", *ratios)
            if other and goal:
                how = f"{len(items)} files, {rows:,} contracts, {cpu / len(items) * 1e3:.2f} cpu ms a file; AKShare's parser on the same bytes alone"
                found.append(at_least(f"ingest: {what}, as fast as AKShare parses", other[2] / cpu, "x", goal, how))
        here = best(parsed, items, root)[1]
        start, there = in_limited_process(items)
        table.add_row("parsed in the limited process", "", f"{there:.2f}", "", "", f"{here / there:.2f} of here")
        how = f"{here / len(items) * 1e3:.2f} cpu ms a file here, {there / len(items) * 1e3:.2f} there, both processes counted, and {start:.2f} cpu s to start it once a run"
        found.append(shown("ingest: parsed in the limited process ÷ here", there / here, "x", how))
        if other:
            table.add_row("AKShare: parse", f"{other[1]:.2f}", f"{other[2]:.2f}", f"{other[0] / other[1]:,.0f}", "1.00", "1.00")
        table.title = f"ingestion of {len(items)} files, {rows:,} contracts"
        table.add_section()
        history = ten_years()
        day = whole_exchange(date(2025, 7, 22), date(2025, 7, 22))
        month, decade = increments((history[-21:], history), day, root)
        table.add_row("a day, lake of a month", "", f"{month:.3f}", "", "", "1.00")
        table.add_row("a day, lake of ten years", "", f"{decade:.3f}", "", "", f"{decade / month:.2f}")
        how = f"{month * 1e3:.0f} cpu ms with a month; by turns, the least of {10 * ATTEMPTS}"
        found.append(at_most("ingest: a day into a lake of ten years ÷ into one of a month", decade / month, "x", MOST_INCREMENT, how))
        table.add_section()
        wall, cpu = best(sample_made, (), root)
        table.add_row("the sample's payloads made", f"{wall:.2f}", f"{cpu:.2f}")
    Console().print(table)
    return found
