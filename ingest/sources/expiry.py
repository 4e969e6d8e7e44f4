"""Warrants by the month in which they expire (标准仓单到期), as a terminal's table that a person exports and drops.

The exchange's own address and rhythm of this table were not found, so nothing is fetched. A row speaks of one product, its warehouses or
its factories, on one day: what expires in the month of that day, in the month after, and in the one after that. The three need not add up
to the stock of the day.
"""

import json
import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from ingest import values
from ingest.answer import frame_of
from ingest.catalog.configuration import SHIPPED_ONLY, Configuration
from ingest.inspect import inspect
from ingest.labels import UnknownSumError, sum_label
from ingest.source import Cadence, Outcome, Parsed, PayloadError, Reject, Request, Response, Verdict
from ingest.sources.shfe.stock import PRINTED_UNITS, product_of, table_kind
from ingest.table import RowError, csv_table, part_of, rejected
from ingest.vendor import NAME, drop_file

TABLE = "expiry__receipts"
FEED = "fut_rcpt_mat"
_FIGURES = {"expiring_0m_qty": "cur_month", "expiring_1m_qty": "next_month", "expiring_2m_qty": "next_two_month"}
_COLUMNS = ("trade_date", "exchange", "ts_code", "fut_name", "unit", *_FIGURES.values())
# One code for the product, documented as fut_code and printed as ts_code.
_SAME = {"fut_code": "ts_code"}


class Expiry:
    """Feed `fut_rcpt_mat` into `expiry__receipts`."""

    name = "expiry"
    parser_version = "1"
    tables: tuple[str, ...] = (TABLE,)
    cadence = Cadence.ANY_DAY

    def __init__(self, configuration: Configuration = SHIPPED_ONLY) -> None:
        self.configuration = configuration

    def requests(self, day: date) -> list[Request]:
        """Nothing is fetched: the table is exported by people."""
        return []

    def recognise(self, path: str) -> Request | None:
        """Know a file by the drop files' name: `tushare_fut_rcpt_mat_20260904.csv`."""
        return drop_file(self.name, path, (FEED,), forms=("csv",))

    def inspect(self, request: Request, response: Response) -> Verdict:
        """Expect text."""
        return inspect(response, "text")

    def parse(self, request: Request, body: bytes) -> Parsed:
        """Read one table; a row of a day after the export, of an unknown product or without a figure is put aside."""
        match = NAME.search(request.name)
        if match is None:
            raise ValueError(f"{request.name} is not a drop file")
        header, rows = csv_table(body, {*_COLUMNS, *_SAME})
        header = [_SAME.get(name, name) for name in header]
        if missing := [name for name in _COLUMNS if name not in header]:
            raise PayloadError(
                Outcome.FORMAT_CHANGED,
                "missing_column",
                f"{request.name} has no column {', '.join(missing)}; export the table of expiring receipts with all of its columns",
            )
        try:
            exported = values.day(match["day"])
        except ValueError as error:
            message = f"the name of {request.name} does not state the day of the export: {error}; name the file like tushare_{FEED}_20260904.csv"
            raise PayloadError(Outcome.NOT_DATA, "wrong_name", message) from None
        kept: list[dict[str, Any]] = []
        rejects: list[Reject] = []
        for line, printed in rows:
            row = {_SAME.get(name, name): text for name, text in printed.items()}
            part = part_of(row, product_id=row["ts_code"].lower(), trade_date=row["trade_date"])
            try:
                kept.append(self._row(row, exported) | {"provider": match["provider"].upper()})
            except ValueError as error:
                rejects.append(rejected(TABLE, error, f"line {line}", part))
        if not kept and not rejects:
            raise PayloadError(Outcome.NOT_DATA, "no_rows", f"{request.name} holds no row")
        return Parsed({TABLE: frame_of(TABLE, kept)}, tuple(rejects))

    def _row(self, row: Mapping[str, str], exported: date) -> dict[str, Any]:
        name, code = row["fut_name"], row["ts_code"]
        day = values.written_day(row["trade_date"])
        if day > exported:
            raise RowError("after_export", f"the row is about {day}, after the day {exported} the name of the file states")
        try:
            is_sum = sum_label(name) is not None
        except UnknownSumError:
            is_sum = True
        if is_sum:
            raise RowError("sum_row", f"{name!r} is the label of a sum, and the table has none")
        if not re.fullmatch(r"[A-Za-z]{1,3}", code):
            raise RowError("unknown_product", f"{code!r} is not the code of a product")
        if (known := product_of(name, self.configuration.shfe_products)) is not None and known != code.lower():
            raise RowError("unknown_product", f"the row says {code} and {name}, which is {known.upper()}")
        unit = PRINTED_UNITS.get(row["unit"])
        if unit is None:
            raise RowError("unknown_unit", f"the unit {row['unit']!r} is not one of {', '.join(PRINTED_UNITS)}")
        figures = {column: values.number(row[key]) for column, key in _FIGURES.items()}
        if missing := [key for column, key in _FIGURES.items() if figures[column] is None]:
            raise RowError("no_value", f"the row has no {', '.join(missing)}")
        unknown = {key: text for key, text in row.items() if key not in _COLUMNS and text}
        return {
            "trade_date": day,
            "exchange": row["exchange"].upper(),
            "product_id": code.lower(),
            "product_name": name,
            "warehouse_type": table_kind(name),
            "quantity_unit": unit,
            **figures,
            "extra": json.dumps(unknown, ensure_ascii=False, sort_keys=True) if unknown else None,
        }
