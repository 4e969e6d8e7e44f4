"""What delivery risk adds to the models: processor seconds of all of them, and of all but those that are there for it, by turns.

    python -m tests.benchmarks --part delivery [--home HOME]

Left out are `fct_delivery_risk_daily`, the words of `squeeze_answers`, what stands on them, and what else only they stand on: the weekly stock
and the rest of its own upstream. One DuckDB process and one thread, as in `bench_models`.
"""

from collections.abc import Sequence
from pathlib import Path
from statistics import median

import duckdb

from tests.benchmarks.bench_models import build, grown, prepared
from tests.benchmarks.results import Result, at_most, shown
from tests.pipeline.conftest import Model, compiled

OF_DELIVERY = ("marts.fct_delivery_risk_daily", "serving.squeeze_answers")
PAIRS, MOST_ADDED_PCT = 4, 10.0


def left_out(models: Sequence[Model], wanted: Sequence[str] = OF_DELIVERY) -> set[str]:
    """Name these models, those that read them, and those that nothing else reads."""
    reads = {name: {other for other, *_ in models if other != name and '"{}"."{}"'.format(*other.split(".")) in sql} for name, _, sql in models}
    gone = set(wanted)
    for name, *_ in models:  # in the order of their dependencies
        if reads[name] & gone:
            gone.add(name)
    for name, *_ in reversed(models):
        readers = {other for other, read in reads.items() if name in read}
        if readers and readers <= gone:
            gone.add(name)
    return gone


def results(folder: Path, home: Path) -> list[Result]:
    """Measure, and give the results; of the home only the raw tables count."""
    settings = prepared(folder, home)
    models = compiled(settings)
    gone = left_out(models)
    shapes = {"with": models, "without": [model for model in models if model[0] not in gone]}
    files = {name: grown(settings.warehouse, folder / name, None, 1) for name in shapes}
    took: dict[str, list[float]] = {name: [] for name in shapes}
    for _ in range(PAIRS):
        for name, wanted in shapes.items():
            with duckdb.connect(str(files[name])) as con:
                took[name].append(sum(build(con, wanted).values()))
    whole, rest = median(took["with"]), median(took["without"])
    tables = [name for name, kind, _ in models if name in gone and kind == "table"]
    return [
        at_most(
            "delivery: what it adds to the models",
            100 * (whole / rest - 1),
            "%",
            MOST_ADDED_PCT,
            f"{len(gone)} models of {len(models)}, {len(tables)} of them tables; {whole:.2f} cpu s with them, {rest:.2f} without, "
            f"bare, the sample; medians of {PAIRS} pairs by turns",
        ),
        shown("delivery: all models", whole, "cpu s", "the sample, one DuckDB process, one thread"),
    ]
