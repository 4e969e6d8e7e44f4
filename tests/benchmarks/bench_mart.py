"""The heaviest mart in DuckDB, and the best forms of it that polars and pandas have, side by side: same input, same rows, checked equal.

    make bench
    python -m tests.benchmarks --part mart [--home HOME]

`fct_sentiment_daily` draws the weights of every day's score a thousand times over. Each form reads the same Parquet copies of the tables
the mart is made of and gives its rows in memory, one thread each where it can be told so, in a process of its own; imports lie outside.
None of the three is handicapped: polars keeps the draws as columns of a cross join, pandas leaves them to NumPy as one product of matrices.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
from polars.testing import assert_frame_equal

from ingest.settings import Settings
from tests.benchmarks.results import Result, shown
from tests.pipeline.conftest import compiled

MART = "marts.fct_sentiment_daily"
INPUTS = {
    "scores": "intermediate.int_sentiment__scores",
    "components": "intermediate.int_sentiment__components",
    "draws": "staging.stg_catalog__weight_draws",
    "decisions": "intermediate.int_calendar__decisions",
    "signals": "intermediate.int_outlook__signals",
    "market": "intermediate.int_market__known",
}
KEY = ["commodity_code", "as_of_date"]
LOW, HIGH, MOST = 0.05, 0.95, 100.0
POLICY = "policy_intensity"
ATTEMPTS = 5


def in_duckdb(folder: Path) -> Callable[[], pl.DataFrame]:
    """The model as dbt compiled it."""
    con = duckdb.connect(config={"threads": 1})
    con.execute("set TimeZone = 'Asia/Shanghai'")
    for name, table in INPUTS.items():
        con.execute(f"create schema if not exists {table.split('.')[0]}")
        con.execute(f"create view {table} as select * from read_parquet('{folder / name}.parquet')")
    sql = (folder / "mart.sql").read_text(encoding="utf-8")
    return lambda: con.sql(sql).pl()


def in_polars(folder: Path) -> Callable[[], pl.DataFrame]:
    """Lazy, draws and components as columns."""

    def form() -> pl.DataFrame:
        tables = {name: pl.scan_parquet(folder / f"{name}.parquet") for name in INPUTS}
        scores, draws = tables["scores"], tables["draws"].collect()
        names = sorted(draws["component"].unique())
        factors = draws.pivot("component", index="draw", values="factor").lazy()
        score = pl.when(pl.col("component_score").is_not_null())
        weighed = tables["components"].select(
            *KEY,
            "component",
            term=score.then(pl.col("component_score") * pl.col("weight")).otherwise(0.0),
            weight=score.then("weight").otherwise(0.0),
        )
        wide = weighed.collect().pivot("component", index=KEY, values=["term", "weight"]).lazy()
        scored = scores.filter(pl.col("score").is_not_null()).select(KEY).join(wide, on=KEY, how="left")

        def total(what: str) -> pl.Expr:
            return pl.sum_horizontal(pl.col(f"{what}_{name}").fill_null(0.0) * pl.col(name) for name in names)

        bands = (
            scored.join(factors, how="cross")
            .select(*KEY, draw_score=(total("term") / total("weight")).clip(-MOST, MOST))
            .group_by(KEY)
            .agg(
                score_band_low=pl.col("draw_score").quantile(LOW, "linear"),
                score_band_high=pl.col("draw_score").quantile(HIGH, "linear"),
            )
        )
        policy = tables["signals"].filter(pl.col("signal") == POLICY)
        policy = policy.select(*KEY, pl.col("signal_value").alias(POLICY), pl.col("signal_change").alias(f"{POLICY}_change"))
        market = tables["market"].select(*KEY, "breadth_5d", "sector_breadth", told="null_reason")
        decisions = tables["decisions"].select(*KEY, "decision_at", "data_origin")
        joined = scores.join(decisions, on=KEY)
        for other in (bands, policy, market):
            joined = joined.join(other, on=KEY, how="left")
        why = pl.concat_str(
            "told",
            pl.when(pl.col(POLICY).is_null()).then(pl.lit(f"{POLICY}:no_policy_known")),
            pl.when(pl.col(f"{POLICY}_change").is_null()).then(pl.lit(f"{POLICY}_change:no_policy_known_before")),
            separator=";",
            ignore_nulls=True,
        )
        return joined.with_columns(null_reason=pl.when(why != "").then(why)).collect()

    return form


def in_pandas(folder: Path) -> Callable[[], pl.DataFrame]:
    """Frames for the joins, NumPy for the draws."""
    import numpy as np
    import pandas as pd

    def form() -> Any:
        tables = {name: pd.read_parquet(folder / f"{name}.parquet") for name in INPUTS}
        scores, components = tables["scores"], tables["components"]
        factors = tables["draws"].pivot(index="component", columns="draw", values="factor").sort_index()
        known = components["component_score"].notna()
        components = components.assign(
            term=(components["component_score"] * components["weight"]).fillna(0.0), weight=components["weight"].where(known, 0.0)
        )
        wide = components.pivot(index=KEY, columns="component", values=["term", "weight"])
        scored = pd.MultiIndex.from_frame(scores.loc[scores["score"].notna(), KEY])
        terms, weights = (
            wide[what].reindex(index=scored, columns=factors.index).fillna(0.0).to_numpy() @ factors.to_numpy() for what in ("term", "weight")
        )
        low, high = np.quantile(np.clip(terms / weights, -MOST, MOST), [LOW, HIGH], axis=1)
        bands = scored.to_frame(index=False).assign(score_band_low=low, score_band_high=high)
        signals = tables["signals"]
        policy = signals.loc[signals["signal"] == POLICY, [*KEY, "signal_value", "signal_change"]]
        policy = policy.rename(columns={"signal_value": POLICY, "signal_change": f"{POLICY}_change"})
        market = tables["market"][[*KEY, "breadth_5d", "sector_breadth", "null_reason"]].rename(columns={"null_reason": "told"})
        joined = scores.merge(tables["decisions"][[*KEY, "decision_at", "data_origin"]], on=KEY)
        for other in (bands, policy, market):
            joined = joined.merge(other, on=KEY, how="left")
        parts = pd.concat(
            [
                joined["told"],
                joined[POLICY].isna().map({True: f"{POLICY}:no_policy_known"}),
                joined[f"{POLICY}_change"].isna().map({True: f"{POLICY}_change:no_policy_known_before"}),
            ],
            axis=1,
        )
        joined["null_reason"] = [";".join(part for part in row if isinstance(part, str)) or None for row in parts.itertuples(index=False)]
        return joined

    return form


FORMS: dict[str, Callable[[Path], Callable[[], Any]]] = {"DuckDB": in_duckdb, "polars": in_polars, "pandas": in_pandas}


def exported(folder: Path, home: Path) -> None:
    """Write the tables the mart is made of, the mart itself as the home has it, and its SQL."""
    with duckdb.connect(str(home / Settings().warehouse.name), read_only=True) as con:
        con.execute("set TimeZone = 'Asia/Shanghai'")
        for name, table in {**INPUTS, "mart": MART}.items():
            con.execute(f"copy (select * from {table}) to '{folder / name}.parquet' (format parquet)")
    own = Settings(home=folder / "home")
    own.root.mkdir()
    own.warehouse.write_bytes((home / own.warehouse.name).read_bytes())
    sql = next(sql for name, _, sql in compiled(own) if name == MART)
    (folder / "mart.sql").write_text(sql.replace(f'"{own.warehouse.stem}".', ""), encoding="utf-8")


def measured(form: str, folder: Path) -> float:
    """Processor seconds of a form, the least of a few; its rows go to a file. Runs in a process of its own."""
    work, best = FORMS[form](folder), float("inf")
    for _ in range(ATTEMPTS):
        worked = time.process_time()
        found = work()
        best = min(best, time.process_time() - worked)
    frame = found if isinstance(found, pl.DataFrame) else pl.from_pandas(found)
    frame.write_parquet(folder / f"{form}.parquet")
    return best


def results(folder: Path, home: Path) -> list[Result]:
    """Measure each form, and hold its rows against the mart's; raises AssertionError where they differ."""
    exported(folder, home)
    mart = pl.read_parquet(folder / "mart.parquet")
    seconds: dict[str, float] = {}
    code = "import sys; from pathlib import Path; from tests.benchmarks.bench_mart import measured; print(measured(sys.argv[1], Path(sys.argv[2])))"
    one_thread = dict.fromkeys(("POLARS_MAX_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ARROW_NUM_THREADS"), "1")
    for form in FORMS:
        done = subprocess.run(
            [sys.executable, "-c", code, form, str(folder)], env=os.environ | one_thread, capture_output=True, text=True, check=True
        )
        seconds[form] = json.loads(done.stdout)
        found = pl.read_parquet(folder / f"{form}.parquet").select(pl.col(name).cast(kind) for name, kind in mart.schema.items())
        assert_frame_equal(found.sort(KEY), mart.sort(KEY), rel_tol=0, abs_tol=1e-9)
    own = seconds.pop("DuckDB")
    how = f"{mart.height} rows of {mart.width} columns out of 1,000 draws a day; {own:.2f} cpu s in DuckDB, its rows equal to 1e-9"
    return [shown(f"mart: fct_sentiment_daily, {form} ÷ DuckDB", took / own, "x", how) for form, took in seconds.items()]
