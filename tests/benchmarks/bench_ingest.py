"""How fast exchange payloads become validated Parquet, beside AKShare's own parser on the same bytes in the same run.

    make bench

A year of daily quotes files with every product of the exchange (made from the sample's own file, one copy a product), parsed,
validated and written by `ingest.flow`; then the same bytes through `akshare.futures.futures_daily_bar.get_shfe_daily`, whose
download alone is replaced, in an environment of its own. And: what a day costs in a lake of ten years against one of a month.
Read the ratios; absolute times are the machine's.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.table import Table

from ingest import sample
from ingest.archive import Archive
from ingest.catalog.calendar import CALENDAR_FILE, trading_days
from ingest.flow import ingest
from ingest.lake import Lake
from ingest.origins import Delivery
from ingest.source import DataOrigin, Source
from ingest.sources.shfe import Shfe

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
started = time.perf_counter()
rows = sum(len(bar.get_shfe_daily(day)) for day in bodies)
print(json.dumps({"rows": rows, "seconds": time.perf_counter() - started}))
"""


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
        one = [row for row in document["o_curinstrument"] if row["PRODUCTID"].strip() == "ao_f" and row["DELIVERYMONTH"].isdigit()]
        document["o_curinstrument"] = [row | {"PRODUCTID": f"{code}_f", "PRODUCTGROUPID": code} for code in products for row in one]
        body = json.dumps(document, ensure_ascii=False).encode()
        found.append((request, type(response)(body, response.fetched_at, 200)))
    return found


def ours(items: Sequence[Delivery], root: Path) -> tuple[int, float]:
    """Rows and seconds of the project's own way: parse, validate, write."""
    started = time.perf_counter()
    report = ingest([Shfe()], Given(items), Archive(root / "archive"), Lake(root / "lake"), "bench", record=True)
    return report.rows["shfe__daily_quotes"], time.perf_counter() - started


def akshares(items: Sequence[Delivery], root: Path) -> tuple[int, float] | None:
    """Rows and seconds of AKShare's parser; None where it cannot be installed."""
    folder, python = root / "payloads", root / "akshare" / "bin" / "python"
    folder.mkdir()
    for request, response in items:
        (folder / request.name).write_bytes(response.body)
    uv = str(Path(sys.executable).with_name("uv"))
    for command in ([uv, "venv", "-q", str(root / "akshare")], [uv, "pip", "install", "-q", "--compile-bytecode", "--python", str(python), AKSHARE]):
        if subprocess.run(command, check=False, env=os.environ | {"VIRTUAL_ENV": ""}).returncode:
            return None
    done = subprocess.run([str(python), "-W", "ignore", "-c", CHILD, str(folder)], capture_output=True, text=True, check=True)
    result = json.loads(done.stdout.strip().splitlines()[-1])
    return result["rows"], result["seconds"]


def increment(history: Sequence[Delivery], day: Sequence[Delivery], root: Path) -> float:
    """Seconds of taking one day in on top of a history; the best of five, since a lake is not rebuilt between."""
    ingest([Shfe()], Given(history), Archive(root / "archive"), Lake(root / "lake"), "history")
    best = float("inf")
    for attempt in range(5):
        changed = [(request, type(response)(response.body + b" " * attempt, response.fetched_at, 200)) for request, response in day]
        started = time.perf_counter()
        ingest([Shfe()], Given(changed), Archive(root / "archive"), Lake(root / "lake"), "day")
        best = min(best, time.perf_counter() - started)
    return best


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


def main() -> None:
    """Measure and print."""
    console, table = Console(), Table(title="ingestion")
    for name in ("what", "rows", "s", "rows/s", "ratio"):
        table.add_column(name, justify="left" if name == "what" else "right")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        items = whole_exchange(*YEAR)
        rows, seconds = ours(items, root / "ours")
        table.add_row("ours: parse, validate, write", f"{rows:,}", f"{seconds:.2f}", f"{rows / seconds:,.0f}", "1.0")
        if other := akshares(items, root):
            table.add_row(
                "AKShare: parse", f"{other[0]:,}", f"{other[1]:.2f}", f"{other[0] / other[1]:,.0f}", f"{(other[0] / other[1]) / (rows / seconds):.2f}"
            )
        history = ten_years()
        day = whole_exchange(date(2025, 7, 22), date(2025, 7, 22))
        month = increment(history[-21:], day, root / "month")
        decade = increment(history, day, root / "decade")
        table.add_row("a day into a lake of one month", "", f"{month:.3f}", "", "1.00")
        table.add_row("a day into a lake of ten years", "", f"{decade:.3f}", "", f"{decade / month:.2f}")
    console.print(table)


if __name__ == "__main__":
    main()
