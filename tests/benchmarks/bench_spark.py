"""Ten million rows and more on a cluster of one worker and of two, and DuckDB on the same rows beside it.

    make spark SPARK=scale
    python -m tests.benchmarks --part spark [--home HOME]

The rows are not real: the sample's history made ten years long, every product a copy of aluminium's, as `bench_products` does it, and for every
contract of the catalogue's commodities bars of two minutes made of the day's prices. The models are those of all products and of bars, with
what they stand on. What Spark's workers did is read in its event log. The machine's processors are what both engines share; where other work
runs on them, seconds by the clock say little and processor seconds are what counts.
"""

import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from orchestration.spark import cluster, events
from orchestration.spark.engine import compiled as compiled_for_spark
from orchestration.spark.engine import relation, run
from orchestration.spark.identity import exported
from tests.benchmarks.bench_models import grown, prepared
from tests.benchmarks.bench_products import YEARS, spread
from tests.benchmarks.processes import Spent, spent
from tests.benchmarks.results import Result, shown
from tests.pipeline.conftest import Model, compiled, upstream

MODELS = (
    "int_exchange__quotes",
    "int_exchange__totals",
    "int_market__breadth",
    "int_members__ranking",
    "int_contracts__dominant",
    "int_contracts__bar_days",
)
MEMORY = "1g"
"""Of each worker; DuckDB gets as much as two of them."""
PARTITIONS = 8
"""Four for each of two workers: one that lags behind holds up no more than an eighth."""
MINUTES = 225
"""Of trading in a day without its night: 09:00 to 10:15, 10:30 to 11:30, 13:30 to 15:00; a bar ends at every second one."""
DUCKDB = """
import json, sys, time
import duckdb
file, memory, models = sys.argv[1], sys.argv[2], json.load(sys.stdin)
with duckdb.connect(file, config={"threads": 2, "memory_limit": memory}) as con:
    con.execute("set TimeZone = 'Asia/Shanghai'")
    for name, kind, sql in models:
        con.execute(f"create schema if not exists {name.split('.')[0]}")
        con.execute(f"create or replace {kind} {name} as {sql}")
"""


def bars(con: duckdb.DuckDBPyConnection) -> None:
    """Let the raw tables hold bars of two minutes for every quote of the catalogue's commodities."""
    con.execute(
        f"""insert into raw.bars__prices by name
        select 'SAMPLE' as provider, product_id, delivery_month_code, trade_date, '2min' as bar_length,
            timezone('Asia/Shanghai', trade_date + to_minutes(minute + case when minute <= 75 then 540 when minute <= 135 then 555 else 675 end)) as event_at,
            case when minute <= 75 then 'am1' when minute <= 135 then 'am2' else 'pm' end as session,
            close_price as open_price, close_price as high_price, close_price as low_price, close_price,
            volume_lots // {MINUTES // 2} as volume_lots, open_interest_lots, payload_sha256, 'bars' as source, fetched_at, parser_version, data_origin
        from raw.shfe__daily_quotes cross join (select unnest(range(3, {MINUTES} + 1, 2)) as minute)
        where product_id in (select product_id from raw.catalog__commodities) and close_price is not null and regexp_matches(delivery_month_code, '^[0-9]{{4}}$')"""
    )


def inflated(folder: Path, home: Path) -> Path:
    """Give a DuckDB file with raw tables of more than ten million rows, labelled by where it lies."""
    folder.mkdir(parents=True, exist_ok=True)
    file = grown(prepared(folder / "given", home).warehouse, folder / "inflated", YEARS, 1)
    with duckdb.connect(str(file)) as con:
        con.execute("set TimeZone = 'Asia/Shanghai'")
        spread(con)
        bars(con)
    return file


def on_duckdb(file: Path, models: Sequence[Model]) -> tuple[Spent, float]:
    """Build the models in a process of its own; gives what it cost and its seconds by the clock."""
    told = file.with_suffix(".json")
    told.write_text(json.dumps(models), encoding="utf-8")
    began = time.perf_counter()
    code = f"import sys; sys.stdin = open({str(told)!r})\n{DUCKDB}"
    return spent([sys.executable, "-c", code, str(file), f"{2 * int(MEMORY[:-1])}GB"], {}), time.perf_counter() - began


def on_spark(tables: Mapping[str, Any], models: Sequence[Mapping[str, Any]], folder: Path, workers: int) -> events.Cost:
    """Build the models on a cluster of so many workers; gives what the event log says of it. Raises RuntimeError that names the models that failed."""
    (folder / "events").mkdir(parents=True)
    made = [
        {"name": relation(node), "sql": f"create {'view' if node['schema'] == 'staging' else 'table'} {relation(node)} "
         f"{'' if node['schema'] == 'staging' else 'using parquet '}as {node['compiled_code']}"}
        for node in models
    ]  # fmt: skip
    with cluster.started(folder / "cluster", workers=workers, memory=MEMORY) as there:
        settings = events.SETTINGS | {
            "spark.master": there.master,
            "spark.eventLog.dir": str(folder / "events"),
            "spark.executor.memory": MEMORY,
            "spark.driver.memory": MEMORY,
            "spark.driver.extraJavaOptions": "",
            "spark.executor.extraJavaOptions": "",
            "spark.sql.adaptive.enabled": "true",
            "spark.sql.codegen.wholeStage": "true",
            "spark.sql.shuffle.partitions": str(PARTITIONS),
            "spark.sql.files.maxPartitionBytes": "32m",
        }
        schemas = sorted({"raw"} | {node["schema"] for node in models})
        errors = run({"settings": settings, "schemas": schemas, "tables": tables, "queries": made}, folder)
    if failed := [f"{name}: {error}" for name, error in errors.items() if error]:
        raise RuntimeError("; ".join(failed))
    return events.cost(folder / "events")


def alike(file: Path, folder: Path, names: Sequence[str]) -> int:
    """Count the rows of the tables; raises RuntimeError where those of Spark are others. Floats count by their sum, all else by its hash."""
    rows = 0
    with duckdb.connect(str(file), read_only=True) as con:
        con.execute("set TimeZone = 'UTC'")
        for name in names:
            columns = {column: kind for column, kind, *_ in con.execute(f"describe {name}").fetchall()}
            others = ", ".join(f'"{column}"' for column, kind in columns.items() if kind != "DOUBLE")
            sums = "".join(f', sum("{column}")' for column, kind in columns.items() if kind == "DOUBLE")
            asked = f"select count(*), sum(hash({others})::hugeint){sums} from"
            place = folder / "warehouse" / f"{name.replace('.', '.db/')}" / "*.parquet"
            (one, other) = (con.execute(f"{asked} {source}").fetchall()[0] for source in (name, f"read_parquet('{place}')"))
            if one[:2] != other[:2] or any(abs((a or 0) - (b or 0)) > 1e-9 * max(1, abs(a or 0)) for a, b in zip(one[2:], other[2:], strict=True)):
                raise RuntimeError(f"{name} of the inflated lake is not the same on Spark: {one}, {other}")
            rows += one[0]
    return rows


def results(folder: Path, home: Path) -> list[Result]:
    """Measure, and give the results."""
    file = inflated(folder, home)
    settings = prepared(folder / "compiled", home)
    duck = upstream(compiled(settings), *(f"intermediate.{name}" for name in MODELS))
    by_name = {relation(node): node for node in compiled_for_spark(folder / "dbt").values()}
    nodes = [by_name[name] for name, *_ in duck]
    sources = sorted({".".join(source.split(".")[-2:]) for node in nodes for source in node["depends_on"]["nodes"] if source.startswith("source.")})
    with duckdb.connect(str(file), read_only=True) as con:
        con.execute("set TimeZone = 'UTC'")
        tables = {name: exported(con, name, folder / "parquet") for name in sources}
        rows = sum(con.execute(f"select count(*) from {name}").fetchall()[0][0] for name in sources)
    duckdb_spent, duckdb_clock = on_duckdb(file, duck)
    costs = {}
    for workers in (1, 2):
        costs[workers] = on_spark(tables, nodes, folder / f"workers-{workers}", workers)
        made = alike(
            file,
            folder / f"workers-{workers}",
            [relation(node) for node in nodes if node["schema"] != "staging" and node["config"]["materialized"] == "table"],
        )
    return figures(rows, made, costs, duckdb_spent, duckdb_clock, len(nodes))


def told(cost: events.Cost, workers: int) -> str:
    """Say how long a run took and how busy its workers were; an executor that died was replaced by Spark, so there can be more of them."""
    shares = " and ".join(f"{share:.0%}" for share in cost.busy().values())
    died = len(cost.workers) - workers
    return f"{cost.span_s:.0f} s by the clock, with a task in {shares} of it" + (f"; {died} executor was killed and replaced" if died else "")


def figures(rows: int, made: int, costs: Mapping[int, events.Cost], beside: Spent, clock: float, models: int) -> list[Result]:
    """Make results of what was measured."""
    one, two = costs[1], costs[2]
    lake = f"an inflated lake, not real; {models} models and views make {made / 1e6:.1f}M rows, the same on both engines"
    spilled = f"with one worker {one.spilled_mb:.0f} MB; exchanged between stages {two.shuffled_mb:.0f} MB"
    return [
        shown("spark: rows read", rows / 1e6, "M", lake),
        shown("spark: one worker", one.cpu_s, "cpu s", f"of its tasks in {one.stages} stages; {told(one, 1)}"),
        shown("spark: two workers", two.cpu_s, "cpu s", f"of their tasks in {two.stages} stages; {told(two, 2)}"),
        shown("spark: clock of two workers ÷ one", two.span_s / one.span_s, "x", f"{os.cpu_count()} processors"),
        shown("spark: spilled to disk", two.spilled_mb, "MB", spilled),
        shown(
            "spark: memory of a worker",
            max(w.resident_mb for w in two.workers.values()),
            "MB",
            f"resident, heap {MEMORY}; one task at most {two.task_mb:.0f} MB",
        ),
        shown(
            "spark: DuckDB on the same rows", beside.cpu_s, "cpu s", f"two threads; {clock:.0f} s by the clock, {beside.largest_mb:.0f} MB resident"
        ),
        shown(
            "spark: two workers ÷ DuckDB",
            two.cpu_s / beside.cpu_s,
            "x",
            "processor seconds; of Spark those of the tasks alone, planning and start aside",
        ),
    ]
