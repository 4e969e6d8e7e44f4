"""What a release says of claims: the published figures they can be held against, and the audit of the note the sample is about.

A sample home has the ledger's cells and nothing else as evidence, a real one every printed figure. Only this module reads the sample's
ledger and claims; the audit of any other note (`audit.runner`) does not know the sample.
"""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl

from ingest.sample.ledger import CLAIMS_FILE, TOLERANCE, Cell, load_elsewhere, load_ledger
from ingest.source import DataOrigin
from serving.research.audit.claims import read_note
from serving.research.audit.facts import COLUMNS
from serving.research.audit.meanings import load_catalog, load_days
from serving.research.audit.runner import judge, table_of

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


def audit_release(con: duckdb.DuckDBPyConnection, work: str, overlay: Path | None) -> pl.DataFrame:
    """Fill `serving.claim_facts` of the open release; give the rows of its `serving.claim_audit`, none where it is not the sample's."""
    write_facts(con, work)
    catalog, calendar = load_catalog(overlay), load_days(overlay)
    note = read_note(CLAIMS_FILE, catalog, calendar)
    audit = judge(con, note, catalog, calendar)
    return table_of(audit).clear() if audit.is_real else table_of(audit)


def write_facts(con: duckdb.DuckDBPyConnection, work: str) -> None:
    """Fill `serving.claim_facts` of the open release from the attached working warehouse `work`."""
    every_version = f"{work}.intermediate.int_facts__printed"
    printed = f"(select * from {every_version} where superseded_at is null)"
    origin, through = con.execute(f"select max(data_origin), max(case when dataset = 'daily_quotes' then obs_date end) from {printed}").fetchall()[0]
    if origin != DataOrigin.SAMPLE:
        columns = ", ".join(COLUMNS)
        con.execute(
            f"insert into serving.claim_facts select {columns} from (select *, {HALF_DIGIT} as uncertainty from {every_version}) order by all"
        )
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
            null, cells.printed_by, printed.available_at, null, '{DataOrigin.SAMPLE}', printed.payload_sha256
        from ledger_cells as cells
        left join series using (fact_key)
        left join units on split_part(cells.table_name, '__', 1) = units.vendor and series.unit = units.unit and cells.dataset = 'vendor_series'
        left join {printed} as printed
            on (cells.dataset, cells.obs_date, cells.fact_key, cells.column_name)
            = (printed.dataset, printed.obs_date, printed.fact_key, printed.column_name)
        union all
        select dataset, obs_date, fact_key, column_name, value, 0, value_text, printed_by, available_at, superseded_at, data_origin, payload_sha256
        from {printed} where dataset = 'events'
        order by all
        """
    )
    con.unregister("ledger_cells")


# Half a unit of the last digit a vendor can have printed; zeros at the end of tonnes, printed in units of up to 10,000, were not.
HALF_DIGIT = """case when dataset = 'vendor_series' and value is not null then 0.5 * case
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
