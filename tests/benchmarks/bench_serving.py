"""How fast a release is published beside a bare copy of its file, and how fast analysts are answered beside a bare DuckDB query.

    make bench
    python -m tests.benchmarks.bench_serving HOME     with the warehouse of a home that is there already

Runs the sample into a home of its own, publishes it a few times, and asks the ten questions of docs/analysts.md in one process. The
bare copy is fsynced, as a release is; the bare query is a count of the table the first question reads, so its ratio says what the
questions themselves cost. Read the ratios, best of a few: absolute times are the machine's.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table

from ingest.settings import Settings
from serving import release
from tests.pipeline.test_analysts import QUESTIONS

ATTEMPTS, ASKED = 3, 20
BARE = "select count(*) from marts.fct_receipts_daily"


def seconds(work: Callable[[], object]) -> float:
    """Seconds one call takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def copied(path: Path, folder: Path) -> None:
    """Copy a file and make it durable."""
    target = folder / path.name
    shutil.copyfile(path, target)
    with target.open("rb") as handle:
        os.fsync(handle.fileno())


def asked(con: duckdb.DuckDBPyConnection, sql: str) -> list[float]:
    """Seconds of asking often, once warmed up."""
    con.execute(sql).fetchall()
    return [seconds(lambda: con.execute(sql).fetchall()) for _ in range(ASKED)]


def p95(times: list[float]) -> float:
    """The time 19 of 20 stay below."""
    return statistics.quantiles(times, n=20)[-1]


def prepared(folder: Path, home: Path | None) -> Settings:
    """Give a home to publish: a copy of one that is there, or the sample."""
    settings = Settings(home=folder / "home")
    if home is not None:
        shutil.copytree(home, settings.root, symlinks=True)
    else:
        command = [str(Path(sys.executable).with_name("alumina")), "run", "--source", "sample"]
        subprocess.run(command, env=os.environ | {"ALUMINA_HOME": str(settings.root)}, stdout=subprocess.DEVNULL, check=True)
    return settings


def main() -> None:
    """Measure and print."""
    console, table = Console(), Table()
    for name in ("what", "ms", "ratio"):
        table.add_column(name, justify="left" if name == "what" else "right")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        settings = prepared(folder, Path(sys.argv[1]) if sys.argv[1:] else None)
        releases = [release.publish(settings, "bench").seconds for _ in range(ATTEMPTS)]
        file = (settings.serving / release.FILE_NAME).resolve()
        copy = min(seconds(lambda: copied(file, folder)) for _ in range(ATTEMPTS))
        table.title = f"serving, {file.stat().st_size / 1e6:.0f} MB published"
        table.add_row("bare copy of the file, fsynced", f"{copy * 1e3:.0f}", "1.0")
        for part, what in (("publish", "publish, without its gate"), ("gate", "gate (Great Expectations)")):
            best = min(times[part] for times in releases)
            table.add_row(what, f"{best * 1e3:.0f}", f"{best / copy:.1f}")
        table.add_section()
        with duckdb.connect(str(file), read_only=True) as con:
            con.execute("set TimeZone = 'Asia/Shanghai'")
            bare = p95(asked(con, BARE))
            table.add_row("bare query, p95", f"{bare * 1e3:.1f}", "1.0")
            every = {question.title: asked(con, question.sql) for question in QUESTIONS}
        for title, times in every.items():
            table.add_row(title, f"{p95(times) * 1e3:.1f}", f"{p95(times) / bare:.1f}")
        together = p95([value for times in every.values() for value in times])
        table.add_row("the ten questions, p95", f"{together * 1e3:.1f}", f"{together / bare:.1f}")
    console.print(table)


if __name__ == "__main__":
    main()
