"""The panel's models run on generated quotes, as dbt compiled them: a catalogue, a calendar and nothing else of a home."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import polars as pl

from serving.research.panel.fitting import fit_all
from serving.research.panel.model_file import Term
from tests.panels import generated_limits, generated_receipts
from tests.pipeline.conftest import House, Model

STAGED = ("staging.stg_catalog__", "staging.stg_outlook__", "staging.stg_ingest__horizon")
MADE = ("intermediate.int_calendar__sessions", "intermediate.int_commodities__parameters", "intermediate.int_panel__")
SERVED = ("serving.outlook_track", "serving.event_studies", "serving.model_card")  # where the models given have them
AFTER_A_FIT = ("intermediate.int_panel__fits", "intermediate.int_panel__forecasts", "intermediate.int_panel__track", *SERVED)
# Windows of a small panel, so that a year and a half is enough for all of it.
SMALL = {
    "sigma_sessions": 20, "sigma_minimum_returns": 15, "momentum_sessions": 60, "momentum_minimum_returns": 50, "receipts_sessions": 60,
    "receipts_minimum_sessions": 20, "row_minimum_returns": 60, "warm_up_sessions": 80, "long_sigma_sessions": 60, "quantile_minimum_rows": 300,
    "minimum_products": 3, "minimum_sessions": 150, "refit_sessions": 40, "fit_minimum_rows": 40, "shrink_minimum_rows": 200, "ridge": 1,
    "resamples": 100, "event_minimum_dates": 5, "licence_blocks": 5, "licence_calls": 5, "licence_dates": 3,
}  # fmt: skip
Patches = Mapping[str, tuple[str, str]]


def catalogue(root: Path) -> Path:
    """Make the warehouse of a home that holds the catalogue alone, and give it."""
    house = House(root)
    house.take(NothingOrigin())
    return house.build([])


class NothingOrigin:
    """An origin that brings nothing."""

    from ingest.source import DataOrigin

    data_origin = DataOrigin.SAMPLE

    def deliveries(self, sources: object) -> list[object]:
        return []


@dataclass
class PanelHouse:
    """A warehouse in memory with the panel of some quotes; `patches` change the compiled SQL of a model, as a leak would."""

    base: Path
    models: list[Model]
    quotes: pl.DataFrame
    receipts: pl.DataFrame | None = None
    parameters: Mapping[str, float] = field(default_factory=dict)
    patches: Patches = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.con = con = duckdb.connect(config={"threads": 1})
        con.execute("set TimeZone = 'Asia/Shanghai'; attach ':memory:' as warehouse; use warehouse")
        con.execute(f"attach '{self.base}' as base (read_only)")
        for (name,) in con.execute("select table_name from duckdb_tables() where database_name = 'base' and schema_name = 'raw'").fetchall():
            con.execute(f'create schema if not exists raw; create table raw."{name}" as select * from base.raw."{name}"')
        con.execute("detach base; create schema staging; create schema intermediate; create schema serving")
        receipts = generated_receipts(1, self.quotes) if self.receipts is None else self.receipts
        for table, frame in (("quotes", self.quotes), ("receipts", receipts), ("limits", generated_limits(self.quotes))):
            con.register("given", frame)
            con.execute(f"create table intermediate.int_exchange__{table} as select * from given")
            con.unregister("given")
        con.execute(
            "create table intermediate.int_receipts__wholes (payload_sha256 varchar, trade_date date, product_id varchar, whole_reason varchar)"
        )
        self.make((*STAGED, *MADE, *SERVED))

    def make(self, names: tuple[str, ...]) -> None:
        """Run the models whose names begin so, in their order."""
        for name, kind, sql in self.models:
            if name.startswith(names):
                honest, leaking = self.patches.get(name, ("", ""))
                assert sql.count(honest) == 1 or not honest, f"{name} reads differently now: {honest!r} stands in it {sql.count(honest)} times"
                self.con.execute(f"create or replace {kind} {name} as {sql.replace(honest, leaking) if honest else sql}")
                if name == "intermediate.int_panel__parameters" and self.parameters:
                    moved = ", ".join(f"panel_{parameter} = {value}" for parameter, value in self.parameters.items())
                    self.con.execute(f"update {name} set {moved}")

    def fit(self) -> list[Term]:
        """Fit, take the fit in and apply it, as two runs of a home do."""
        found = fit_all(self.con)
        self.take(found)
        return found

    def take(self, found: list[Term]) -> None:
        """Apply a fit."""
        self.con.execute("delete from raw.outlook__model")
        if found:
            rows = pl.DataFrame([(row.refit_date, row.horizon, row.term, row.value) for row in found], schema=["d", "h", "t", "v"], orient="row")
            self.con.register("fitted", rows)
            self.con.execute(
                "insert into raw.outlook__model by name select d as refit_date, h as horizon, t as term, v as model_value, 'fit' as payload_sha256, "
                "'outlook' as source, now() as fetched_at, '1' as parser_version, 'sample' as data_origin from fitted"
            )
            self.con.unregister("fitted")
        self.make(AFTER_A_FIT)

    def coverage(self) -> dict[str, float]:
        """Give the share of outcomes inside the intervals said before, by horizon, as of the last day."""
        newest = "select horizon, interval_coverage from intermediate.int_panel__track where exchange = '*' "
        return dict(self.con.sql(f"{newest} and trade_date = (select max(trade_date) from intermediate.int_panel__chain)").fetchall())

    def pl(self, sql: str) -> pl.DataFrame:
        """Give the rows of a query."""
        return self.con.sql(sql).pl()
