"""Measure everything and write it down: `results.json` and the tables in docs/performance.md and docs/scale.md.

    make bench
    make spark
    python -m tests.benchmarks --part models --part run [--home HOME]

A part that is asked for alone takes the place of its own results and leaves the others. `--home` names a home with the whole sample, so
that none has to be made; it is only read. What needs Spark (`cluster`, `spark`) is measured where it is asked for by name.
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from tests.benchmarks import (
    bench_cluster,
    bench_delivery,
    bench_growth,
    bench_ingest,
    bench_mart,
    bench_models,
    bench_panel,
    bench_parts,
    bench_products,
    bench_run,
    bench_serving,
    bench_spark,
    bench_withstand,
)
from tests.benchmarks.results import Result, keep

PARTS: dict[str, Callable[[Path, Path], list[Result]]] = {
    "run": lambda folder, home: bench_run.results(folder),
    "withstand": lambda folder, home: bench_withstand.results(folder),
    "ingest": lambda folder, home: bench_ingest.results(),
    "models": bench_models.results,
    "delivery": bench_delivery.results,
    "products": bench_products.results,
    "panel": bench_panel.results,
    "mart": bench_mart.results,
    "serving": bench_serving.results,
    "growth": bench_growth.results,
    "parts": lambda folder, home: bench_parts.results(folder),
    "cluster": bench_cluster.results,
    "spark": bench_spark.results,
}
WITH_SPARK = ("cluster", "spark")


def main() -> None:
    """Measure the parts asked for, one after the other; what was measured before one fails is kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="Measure, and write the results down.")
    parser.add_argument("--part", action="append", choices=list(PARTS), help="only this one; may be given again")
    parser.add_argument("--home", type=Path, help="a home with the whole sample")
    given = parser.parse_args()
    console = Console()
    with tempfile.TemporaryDirectory() as scratch:
        home = given.home or bench_run.sample(Path(scratch) / "sample")
        for part in given.part or [part for part in PARTS if part not in WITH_SPARK]:
            with console.status(part), tempfile.TemporaryDirectory(dir=scratch) as folder:
                found = PARTS[part](Path(folder), home)
            keep(part, found, list(PARTS))
            for result in found:
                console.print(
                    f"{result.name}: {result.value:g} {result.unit} {result.goal} {'' if result.met is not False else 'NOT MET'}", highlight=False
                )


if __name__ == "__main__":
    main()
