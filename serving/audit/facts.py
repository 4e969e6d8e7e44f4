"""The evidence: published figures by what they are about, day and column; what the audited note itself printed is left out.

A home of the sample has the ledger's cells and nothing else: a simulated figure is no evidence. A home of real data has every printed
figure. Both travel in `serving.claim_facts`, so that the audit of another note needs the published release only.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import duckdb
import polars as pl

from ingest.sample.ledger import TOLERANCE, Cell, load_elsewhere, load_ledger
from ingest.source import DataOrigin
from serving.audit.catalog import FUTURES, Fact
from serving.audit.interval import Interval

COLUMNS = (
    "dataset", "obs_date", "fact_key", "column_name", "value", "uncertainty", "value_text", "printed_by", "available_at", "data_origin",
    "payload_sha256",
)  # fmt: skip
_DATASETS = {
    "shfe__daily_quotes": "daily_quotes",
    "shfe__warehouse_receipts": "warehouse_receipts",
    "spot__quotes": "vendor_series",
    "spot__overseas": "vendor_series",
    "cost__series": "vendor_series",
    "capacity__series": "vendor_series",
    "customs__monthly_trade": "monthly_trade",
    "bars__prices": "bars",
    "fx__central_parity": "central_parity",
    "policy__events": "events",
}

# What keys a mart's rows, and which of them definitions may read: of the futures, contracts with a published figure.
_MARTS = {
    FUTURES: ("contract_code", "trade_date", "list_contains(?, contract_code)"),
    "fct_term_structure_daily": ("commodity_code", "trade_date", "true"),
    "fct_positioning_daily": ("commodity_code", "trade_date", "is_dominant and session = 'day'"),
    "fct_sentiment_daily": ("commodity_code", "as_of_date", "true"),
}


@dataclass(frozen=True)
class Observation:
    """A printed figure and who printed it."""

    day: date
    value: Interval
    printed_by: str


@dataclass(frozen=True)
class Event:
    """A dated event or document."""

    event_id: str
    day: date
    printed_by: str
    theme: str = ""
    authority: str = ""
    event_type: str = ""
    sectors: frozenset[str] = frozenset()
    followup_of: str = ""
    summary: str = ""
    n_industries: int | None = None


@dataclass
class Evidence:
    """What may be held against a note's claims."""

    observations: Mapping[tuple[str, str, str], Mapping[date, Sequence[Observation]]]
    events: Sequence[Event] = ()
    is_real: bool = False
    marts: Mapping[tuple[str, str, date], Mapping[str, Any]] = field(default_factory=dict)
    """Rows of the marts definitions read: by mart, contract or commodity, and day."""

    def on(self, fact: Fact, key: str, day: date) -> Observation | None:
        """Give the figure of a day."""
        found = self.observations.get((fact.dataset, key, fact.column), {}).get(day)
        if not found:
            return None
        one = found[0]
        return Observation(one.day, one.value * fact.factor, "; ".join(sorted({row.printed_by for row in found})))

    def days(self, fact: Fact, key: str, until: date) -> list[date]:
        """List the days with a figure, up to one."""
        days = sorted(self.observations.get((fact.dataset, key, fact.column), {}))
        return days[: bisect_right(days, until)]

    def suffixes(self, fact: Fact, prefix: str, day: date) -> list[str]:
        """List what follows `prefix` in the keys that have a figure on a day."""
        return sorted(
            key.removeprefix(prefix)
            for (dataset, key, column), days in self.observations.items()
            if dataset == fact.dataset and column == fact.column and key.startswith(prefix) and day in days
        )


def read_evidence(con: duckdb.DuckDBPyConnection, as_of: date, publisher: str | None) -> Evidence:
    """Read `serving.claim_facts` of the open database without what the note's publisher printed.

    Where the publisher is not stated, whatever calls itself a note of the note's own day is taken to be the audited one.
    """

    def is_own(printed_by: str) -> bool:
        text = printed_by.casefold()
        return publisher.casefold() in text if publisher else "note" in text and as_of.isoformat() in text

    rows = [row for row in con.execute(f"select {', '.join(COLUMNS)} from serving.claim_facts order by all").fetchall() if not is_own(row[7] or "")]
    observations: dict[tuple[str, str, str], dict[date, list[Observation]]] = defaultdict(lambda: defaultdict(list))
    texts: dict[str, dict[str, Any]] = defaultdict(dict)
    for dataset, day, key, column, value, uncertainty, text, printed_by, *_ in rows:
        if dataset == "events":
            texts[key] |= {column: text if value is None else int(value), "day": day, "printed_by": printed_by}
        elif value is not None:
            interval = Interval.of(Fraction(repr(value)), Fraction(repr(uncertainty or 0.0)))
            observations[dataset, key, column][day].append(Observation(day, interval, printed_by))
    contracts = sorted({key for dataset, key, _ in observations if dataset == "daily_quotes"})
    marts = {
        (mart, row[key], row[day]): row
        for mart, (key, day, rows) in _MARTS.items()
        for row in con.sql(f"select * from marts.{mart} where {rows}", params=[contracts] if "?" in rows else []).pl().iter_rows(named=True)
    }
    return Evidence(observations, [_event(key, row) for key, row in texts.items()], not any(row[9] == DataOrigin.SAMPLE for row in rows), marts)


def _event(key: str, row: Mapping[str, Any]) -> Event:
    sectors = frozenset(part.strip() for part in str(row.get("sectors", "")).split(";") if part.strip())
    return Event(event_id=key, **{**row, "sectors": sectors})


def write_facts(con: duckdb.DuckDBPyConnection, work: str) -> None:
    """Fill `serving.claim_facts` of the open release from the attached working warehouse `work`."""
    printed = f"{work}.intermediate.int_facts__printed"
    origin, through = con.execute(f"select max(data_origin), max(case when dataset = 'daily_quotes' then obs_date end) from {printed}").fetchall()[0]
    if origin != DataOrigin.SAMPLE:
        columns = ", ".join(COLUMNS)
        con.execute(f"insert into serving.claim_facts select {columns} from (select *, {_HALF_DIGIT} as uncertainty from {printed}) order by all")
        return
    con.register("ledger_cells", _ledger(through))
    # The ledger is in printed units, raw in ours: where both hold one figure, their ratio is the power of ten between the units.
    con.execute(
        f"""
        insert into serving.claim_facts
        with units as (
            select split_part(cells.table_name, '__', 1) as vendor, printed.unit, mode(round(log10(printed.value / cells.value))) as power
            from ledger_cells as cells
            inner join {printed} as printed using (dataset, obs_date, fact_key, column_name)
            where cells.dataset = 'vendor_series' and cells.value > 0 and printed.value > 0
            group by all
        ),
        series as (select fact_key, any_value(unit) as unit from {printed} where dataset = 'vendor_series' group by fact_key)
        select
            cells.dataset, cells.obs_date, cells.fact_key, cells.column_name,
            cells.value * 10 ** coalesce(units.power, 0), cells.uncertainty * 10 ** coalesce(units.power, 0),
            null, cells.printed_by, printed.available_at, '{DataOrigin.SAMPLE}', printed.payload_sha256
        from ledger_cells as cells
        left join series using (fact_key)
        left join units on split_part(cells.table_name, '__', 1) = units.vendor and series.unit = units.unit and cells.dataset = 'vendor_series'
        left join {printed} as printed
            on (cells.dataset, cells.obs_date, cells.fact_key, cells.column_name)
            = (printed.dataset, printed.obs_date, printed.fact_key, printed.column_name)
        union all
        select dataset, obs_date, fact_key, column_name, value, 0, value_text, printed_by, available_at, data_origin, payload_sha256
        from {printed} where dataset = 'events'
        order by all
        """
    )
    con.unregister("ledger_cells")


# Half a unit of the last digit a vendor can have printed; zeros at the end of tonnes, printed in units of up to 10,000, were not.
_HALF_DIGIT = """case when dataset = 'vendor_series' and value is not null then 0.5 * case
    when length(rtrim(split_part(printf('%.6f', value), '.', 2), '0')) > 0 then 10.0 ** -length(rtrim(split_part(printf('%.6f', value), '.', 2), '0'))
    when unit not in ('t', 't/a') or value = 0 then 1
    when value % 10000 = 0 then 10000 when value % 1000 = 0 then 1000 when value % 100 = 0 then 100 when value % 10 = 0 then 10 else 1
    end else 0.0 end"""


def _ledger(through: date | None) -> pl.DataFrame:
    cells: Iterable[Cell] = (*load_ledger(), *load_elsewhere())
    rows = []
    for cell in cells:
        day, _, key = cell.key.partition("|")
        dataset = _DATASETS[cell.table]
        width = TOLERANCE[cell.precision]
        if dataset == "vendor_series" and cell.column != "futures_leg_value":
            width = max(width, Decimal(1).scaleb(int(cell.value.as_tuple().exponent)) / 2)
        if through is None or date.fromisoformat(day) <= through:
            rows.append((cell.table, dataset, date.fromisoformat(day), key, cell.column, float(cell.value), float(width), cell.source))
    names = ("table_name", "dataset", "obs_date", "fact_key", "column_name", "value", "uncertainty", "printed_by")
    kinds = (pl.String, pl.String, pl.Date, pl.String, pl.String, pl.Float64, pl.Float64, pl.String)
    return pl.DataFrame(rows, schema=dict(zip(names, kinds, strict=True)), orient="row")
