"""What a day costs with ten years of every product of SHFE and GFEX, beside a day with one month of them: the models, bare, one thread.

    make bench
    python -m tests.benchmarks --part products [--home HOME]

The lake is generated: the sample's history as `bench_models` lengthens it, and every product the exchanges list as a copy of aluminium's
rows, quotes, totals, parameters and rankings alike, which makes about nine million of them in ten years. The month is the last of that.
A run costs its tools as well, which know nothing of the length of a history; `bench_run` measures them.
"""

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

import duckdb
from rich.console import Console
from rich.table import Table

from ingest.catalog.calendar import CALENDAR_FILE
from tests.benchmarks.bench_models import DAYS, LAST_DAY, build, columns, grown, prepared
from tests.benchmarks.results import Result, at_most, load, shown
from tests.pipeline.conftest import Model, compiled

YEARS, MOST, SHOWN = 10, 1.3, 20
COPIED = "al"
"""The product whose rows are copied; the other exchange gets them from the tables of the same name."""
TABLES = ("daily_quotes", "daily_totals", "settlement_parameters", "price_limits", "member_ranking")
WIDE = (
    "int_exchange__quotes",
    "int_exchange__totals",
    "int_members__ranking",
    "int_market__breadth",
    "int_contracts__dominant",
    "int_quality__identities",
)
"""The models of all products, and the dominant contract, which follow from quotes and rankings alone."""


def listed() -> dict[str, list[str]]:
    """Name the products of each exchange."""
    catalogue = tomllib.loads((CALENDAR_FILE.parent / "exchanges.toml").read_text(encoding="utf-8"))
    return {"shfe": list(catalogue["shfe"]["contracts"]), "gfex": ["lc", "pd", "ps", "pt", "si"]}


def spread(con: duckdb.DuckDBPyConnection) -> None:
    """Let the raw tables hold every product."""
    known = columns(con)
    for exchange, products in listed().items():
        for table in (f"{exchange}__{name}" for name in TABLES if f"{exchange}__{name}" in known):
            source = f"raw.shfe__{table.split('__')[1]}"
            held = {product for (product,) in con.execute(f"select distinct product_id from raw.{table}").fetchall()}
            for product in sorted(set(products) - held):
                named = {"product_id": f"'{product}'", "instrument": f"'{product}' || right(instrument, 4)"}
                if "turnover_10k_cny" in known[table]:
                    named["turnover_10k_cny"] = "null"  # another product has another contract size, and a wrong settlement would be a finding
                if exchange == "gfex":
                    named |= {"source": "'gfex'", "payload_sha256": "sha256(payload_sha256)"}
                values = ", ".join(f"{named.get(column, column)} as {column}" for column in known[table])
                con.execute(f"insert into raw.{table} by name select {values} from {source} where product_id = '{COPIED}'")


def last_month(con: duckdb.DuckDBPyConnection) -> None:
    """Let the raw tables hold the last month of what is delivered day by day."""
    for table, kinds in columns(con).items():
        day = next((column for column in DAYS if column in kinds), None)
        if day and not table.startswith("catalog__"):
            con.execute(f"delete from raw.{table} where {day} <= date '{LAST_DAY}' - to_months({2 if day == 'month' else 1})")


def rows(file: Path) -> int:
    """Count the quotes and rankings of a warehouse."""
    with duckdb.connect(str(file), read_only=True) as con:
        tables = ("shfe__daily_quotes", "gfex__daily_quotes", "shfe__member_ranking")
        return sum(con.execute(f"select count(*) from raw.{table}").fetchall()[0][0] for table in tables)


def measured(raw: Path, models: Iterable[Model], folder: Path) -> tuple[Mapping[str, Mapping[str, float]], Mapping[str, int]]:
    """Processor seconds of each model, and how many quotes and rankings there are, with a month and with ten years."""
    seconds, counted, models = {}, {}, list(models)
    for name, years in (("a month", None), (f"{YEARS} years", YEARS)):
        file = grown(raw, folder / name.replace(" ", "-"), years, 1)
        with duckdb.connect(str(file)) as con:
            con.execute("set TimeZone = 'Asia/Shanghai'")
            if years is None:
                last_month(con)
            spread(con)
        counted[name] = rows(file)
        with duckdb.connect(str(file)) as con:
            seconds[name] = build(con, models)
    return seconds, counted


def results(folder: Path, home: Path) -> list[Result]:
    """Measure, print the table, and give the results; the tools' part of a run is what `bench_run` and `bench_models` found."""
    settings = prepared(folder, home)
    seconds, counted = measured(settings.warehouse, compiled(settings), folder)
    month, years = seconds.values()
    table = Table(title="processor seconds of the models, all products")
    for name in ("model", *(f"{name}, {count / 1e6:.1f}M quotes and rankings" for name, count in counted.items())):
        table.add_column(name, justify="left" if name == "model" else "right")
    table.add_row("all", f"{sum(month.values()):.2f}", f"{sum(years.values()):.2f}")
    for model in sorted(years, key=lambda model: -years[model])[:SHOWN]:
        table.add_row(model, f"{month[model]:.2f}", f"{years[model]:.2f}")
    Console().print(table)
    known = {result.name: result.value for found in load().values() for result in found}
    return figures(month, years, known["run: one more session"] - known["models: the sample, bare"], list(counted.values())[-1])


def figures(month: Mapping[str, float], years: Mapping[str, float], tools: float, rows: int) -> list[Result]:
    """Make results of what was measured."""
    short, long = sum(month.values()), sum(years.values())
    wide = {model.split(".")[-1]: (month[model], years[model]) for model in years if model.split(".")[-1] in WIDE}
    free = sum(ten for _, ten in wide.values())
    how = f"{rows / 1e6:.1f}M quotes and rankings, generated; {tools:.0f} cpu s of tools, models {short:.1f} with a month and {long:.1f} with {YEARS} years"
    return [
        at_most(f"products: a day with {YEARS} years ÷ with a month", (tools + long) / (tools + short), "x", MOST, how),
        shown(
            "products: the same, were the product-wide models free", (tools + long - free) / (tools + short), "x", "what is left is refreshed in full"
        ),
        *(shown(f"products: {name}", ten, "cpu s", f"with {YEARS} years; {one:.2f} with a month") for name, (one, ten) in wide.items()),
    ]
