"""Every declared rule refuses a row made to break it, and nothing else is refused."""

from datetime import UTC, date, datetime
from typing import Any

import polars as pl
import pytest

from ingest.sources import SOURCES
from quality.fields import FIELDS, PROVENANCE, Kind
from quality.raw import POLARS_TYPES, TABLES, RawTable, validate

SHA = "a" * 64
Row = dict[str, Any]

# What a row must hold so that the relations of its table are kept; everything else is filled in by type.
QUOTE: Row = {
    "delivery_month_code": "2509", "open_price": 3010.0, "high_price": 3060.0, "low_price": 2990.0, "close_price": 3020.0, "settle_price": 3025.0, "pre_settle_price": 3000.0,
}  # fmt: skip
FITTING: dict[str, Row] = {
    "shfe__daily_quotes": QUOTE,
    "gfex__daily_quotes": QUOTE,
    "czce__daily_quotes": QUOTE,
    "shfe__weekly_stock": {"deliverable_qty": 600.0, "previous_deliverable_qty": 700.0, "deliverable_change_qty": -100.0}
    | {"on_warrant_qty": 300.0, "previous_on_warrant_qty": 300.0, "on_warrant_change_qty": 0.0}
    | {"capacity_free_qty": 50.0, "previous_capacity_free_qty": 40.0, "capacity_free_change_qty": 10.0},
    "shfe__contracts": {"delivery_month_code": "2509"},
    "gfex__warehouse_receipts": {"receipts_qty": 600.0, "receipts_change_qty": 300.0},
    "shfe__warehouse_receipts": {"receipts_qty": 600.0, "receipts_change_qty": 300.0},
    "spot__quotes": {"low_value": 3080.0, "high_value": 3120.0, "value": 3100.0, "change_value": None, "series_name": "山东氧化铝"},
    "spot__overseas": {"low_value": 360.0, "high_value": 370.0, "value": 365.0, "change_value": None, "series_name": "西澳FOB氧化铝"},
    "cost__series": {"low_value": None, "high_value": None, "value": 2_850.0, "change_value": None, "series_name": "氧化铝完全成本"},
    "bars__prices": {
        "delivery_month_code": "2509", "session": "pm", "open_price": 3010.0, "high_price": 3060.0, "low_price": 2990.0, "close_price": 3020.0,
    },
    "capacity__series": {"low_value": None, "high_value": None, "value": 8_863.0, "change_value": None, "series_name": "运行产能"},
    "customs__monthly_trade": {"month": date(2025, 7, 1), "hs_code": "28182000", "hs_scope": "item", "currency": "USD", "value_usd": 1.0, "value_cny": None},
    "policy__events": {"followup_of": "y", "source_url": "https://example.org/x"},
    "policy__newsflash": {"source_url": "HTTP://example.org"},
}  # fmt: skip


def filled(name: str) -> Any:
    """A value of the column's type inside its bounds."""
    field = FIELDS[name]
    low = field.ge if field.ge is not None else 1
    return {
        Kind.TEXT: "x",
        Kind.DATE: date(2025, 7, 16),
        Kind.TIMESTAMP: datetime(2025, 7, 16, 12, tzinfo=UTC),
        Kind.INTEGER: int(low),
        Kind.NUMBER: float(low),
        Kind.FLAG: True,
    }[field.kind]


def row(table: RawTable, **changes: Any) -> Row:
    return {name: filled(name) for name in table.stored_schema} | FITTING.get(table.name, {}) | {"payload_sha256": SHA} | changes


def frame(table: RawTable, *rows: Row) -> pl.DataFrame:
    return pl.DataFrame([*rows], schema=table.stored_schema, orient="row")


def broken(table: RawTable, *rows: Row) -> list[tuple[str, tuple[int, ...]]]:
    """The rules that were broken with the rows that broke them; good and bad rows must be all rows."""
    checked = validate(table, frame(table, *rows))
    refused = {number for failure in checked.failures for number in failure.rows}
    assert sorted(checked.bad["_row"]) == sorted(refused)
    assert checked.good.rows() == [line for number, line in enumerate(frame(table, *rows).iter_rows()) if number not in refused]
    assert all(failure.message for failure in checked.failures)
    return [(failure.check, failure.rows) for failure in checked.failures]


@pytest.fixture(params=TABLES.values(), ids=TABLES)
def table(request: pytest.FixtureRequest) -> RawTable:
    return request.param  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "address", ["javascript:alert(1)", " https://a.b", "data:text/html,x", "ftp://a.b", "https://", "https://a.b/\n", "//a.b", 'https://a"b']
)
def test_only_a_web_address_is_one(address: str) -> None:
    for table in (TABLES["policy__events"], TABLES["policy__newsflash"]):
        assert broken(table, row(table, source_url=address)) == [("source_url_is_no_web_address", (0,))]


# ---------------------------------------------------------------- the tables themselves


def test_every_column_of_every_table_is_declared(table: RawTable) -> None:
    assert set(table.columns) | set(PROVENANCE) <= set(FIELDS)
    assert len(set(table.columns)) == len(table.columns)


def test_keys_required_columns_and_periods_are_columns_of_the_table(table: RawTable) -> None:
    assert {*table.key, *table.required} <= {*table.columns, *PROVENANCE}
    if table.period is not None:
        assert table.schema[table.period] == pl.Date()


def test_every_source_fills_tables_that_exist_and_every_table_is_filled_by_one() -> None:
    filled_by = [name for source in SOURCES for name in source.tables]
    assert len(set(filled_by)) == len(filled_by)
    assert set(filled_by) | {"ingest__horizon", "ingest__quarantine", "ingest__receipts", "outlook__model"} == set(TABLES)


def test_every_kind_of_column_has_a_type_in_polars() -> None:
    assert set(POLARS_TYPES) == set(Kind)


# ---------------------------------------------------------------- what holds for every table


def test_a_fitting_row_is_accepted(table: RawTable) -> None:
    assert broken(table, row(table)) == []


def test_a_lazy_frame_is_refused_because_its_values_would_not_be_looked_at(table: RawTable) -> None:
    with pytest.raises(TypeError, match="eager"):
        validate(table, frame(table, row(table)).lazy())  # type: ignore[arg-type]


def test_a_frame_of_other_columns_or_types_is_a_mistake_of_the_parser(table: RawTable) -> None:
    whole = frame(table, row(table))
    for wrong in (whole.drop(table.columns[-1]), whole.with_columns(pl.lit(1).alias("more")), whole.cast({"fetched_at": pl.Date})):
        with pytest.raises(ValueError, match=table.name):
            validate(table, wrong)


def apart(rows: list[Row]) -> list[Row]:
    """Rows of one payload each, so that one says nothing about another."""
    return [row if row["payload_sha256"] is None else row | {"payload_sha256": f"{number:064x}"} for number, row in enumerate(rows)]


def test_a_null_in_a_required_column_refuses_the_row_and_no_other(table: RawTable) -> None:
    # Provenance is required everywhere except the time of publication; the log of attempts has its own idea of its payload's.
    columns = sorted({*table.required, *PROVENANCE} - {"published_at"})
    failures = broken(table, *apart([row(table), *(row(table) | {column: None} for column in columns)]))
    nulls = {(check.split(":")[0], rows) for check, rows in failures}
    assert nulls == {(column, (number,)) for number, column in enumerate(columns, start=1)}


def test_a_null_elsewhere_is_accepted(table: RawTable) -> None:
    columns = [name for name in table.stored_schema if name not in {*table.required, *PROVENANCE} or name == "published_at"]
    assert broken(table, *apart([row(table), *(row(table) | {column: None} for column in columns if column not in table.required)])) == []


def test_a_value_outside_the_bounds_of_its_column_refuses_the_row(table: RawTable) -> None:
    rows, beyond = [row(table)], []
    for column in table.columns:
        kind = int if FIELDS[column].kind is Kind.INTEGER else float
        for bound, step in ((FIELDS[column].ge, -1), (FIELDS[column].le, 1)):
            if bound is not None:
                beyond.append((column, len(rows)))
                rows.append(row(table, **{column: kind(bound + step)}))
                if column not in FITTING.get(table.name, {}):  # at the bound itself, where no relation speaks of the column
                    rows.append(row(table, **{column: kind(bound)}))
    failures = broken(table, *apart(rows))
    refused = {(check.split(":")[0], number) for check, numbers in failures for number in numbers}
    assert set(beyond) <= refused
    # A price far outside its bounds is outside its day's range too; nothing else may be refused.
    assert {number for _, number in refused} == {number for _, number in beyond}


def test_two_rows_for_one_key_of_one_payload_are_both_refused(table: RawTable) -> None:
    others = [name for name in reversed(table.columns) if name not in table.key and FIELDS[name].kind in (Kind.TEXT, Kind.NUMBER, Kind.INTEGER)]
    second = row(table, **{name: "y" if FIELDS[name].kind is Kind.TEXT else filled(name) for name in others[:1]})
    failures = broken(table, row(table), second, row(table, payload_sha256="b" * 64))
    (refused,) = [rows for _, rows in failures]
    assert refused == (0, 1), "the same key in another payload is another vintage"


def test_a_repeated_key_is_reported_by_the_name_of_its_rule() -> None:
    table = TABLES["shfe__daily_totals"]
    checked = validate(table, frame(table, row(table), row(table, volume_lots=7)))
    assert [(failure.check, failure.rows) for failure in checked.failures] == [("duplicate_key", (0, 1))]
    assert "more than one row for the key" in checked.failures[0].message


@pytest.mark.parametrize(
    ("figures", "refused"),
    [
        ((683.9, 683.8, 6.81, 6.82), (2, 3)),
        ((3100.0, 3.1, 3.12), (1, 2)),
        ((3100.0, 310.0, 3090.0, 3080.0), (1,)),
        ((310.0, 3100.0, 3090.0, 3080.0), (0,)),
        ((3100.0, 3110.0, 0.0, 3120.0), (2,)),
        ((3100.0, 3_100_000.0, 31.0, 3100.0), (1, 2)),
        ((1000.0, 1800.0, 3200.0, 5600.0, 9000.0), ()),
    ],
)
def test_a_series_of_one_file_has_one_scale(figures: tuple[float, ...], refused: tuple[int, ...]) -> None:
    table = TABLES["spot__quotes"]
    plain = {"low_value": None, "high_value": None, "change_value": None}
    rows = [row(table, obs_date=date(2025, 7, 1 + n), value=value, **plain) for n, value in enumerate(figures)]
    checked = validate(table, frame(table, *rows))
    assert {number for failure in checked.failures for number in failure.rows} == set(refused)


# ---------------------------------------------------------------- every named rule

VENDOR_BREAKS: dict[str, tuple[list[Row], int]] = {
    "low_above_high": ([{"low_value": 3120.0, "high_value": 3080.0, "value": 3100.0}], 0),
    "average_outside_range": ([{"low_value": 3080.0, "high_value": 3120.0, "value": 3121.0}], 0),
    "change_is_not_the_difference": (
        [
            {"obs_date": date(2025, 7, 15), "value": 3100.0, "low_value": None, "high_value": None},
            {"obs_date": date(2025, 7, 16), "value": 3110.0, "low_value": None, "high_value": None, "change_value": 10.02},
        ],
        1,
    ),
    "jump_of_a_power_of_ten": (
        [
            {"obs_date": date(2025, 7, 15), "value": 3100.0, "low_value": None, "high_value": None},
            {"obs_date": date(2025, 7, 16), "value": 310.0, "low_value": None, "high_value": None},
        ],
        1,
    ),
}
QUOTED = ("shfe", "gfex", "czce")
# (table, rule) -> rows as changes to a fitting one, and the one that breaks exactly this rule.
BREAKS: dict[tuple[str, str], tuple[list[Row], int]] = {
    ("cost__series", "one_series_two_models"): (
        [
            {"obs_date": date(2025, 7, 15), "frequency": "daily", "basis_note": "日度模型"},
            {"obs_date": date(2025, 7, 16), "frequency": "monthly", "basis_note": "月度加权完全成本"},
        ],
        1,
    ),
    ("bars__prices", "open_outside_range"): ([{"open_price": 3061.0}], 0),
    ("bars__prices", "close_outside_range"): ([{"close_price": 2989.0}], 0),
    ("bars__prices", "zero_is_no_price"): ([{"low_price": 0.0}], 0),
    ("bars__prices", "delivery_month_is_not_yymm"): ([{"delivery_month_code": "2513"}], 0),
    ("bars__prices", "no_such_session"): ([{"session": "am3"}], 0),
    **{(f"{exchange}__daily_quotes", "open_outside_range"): ([{"open_price": 3061.0}], 0) for exchange in QUOTED},
    **{(f"{exchange}__daily_quotes", "close_outside_range"): ([{"close_price": 2989.0}], 0) for exchange in QUOTED},
    **{(f"{exchange}__daily_quotes", "settle_outside_range"): ([{"settle_price": 3060.5}], 0) for exchange in QUOTED},
    **{(f"{exchange}__daily_quotes", "delivery_month_is_not_yymm"): ([{"delivery_month_code": "2513"}], 0) for exchange in QUOTED},
    **{(f"{exchange}__daily_quotes", "delivery_month_out_of_reach"): ([{"delivery_month_code": "3009"}], 0) for exchange in QUOTED},
    **{(f"{exchange}__daily_quotes", "price_far_from_previous_settlement"): ([{"pre_settle_price": 1500.0}], 0) for exchange in QUOTED},
    **{
        (f"{exchange}__warehouse_receipts", "unit_differs_inside_the_product"): ([{}, {"warehouse": "乙库", "quantity_unit": "kg"}], 1)
        for exchange in ("shfe", "gfex")
    },
    **{(f"{exchange}__warehouse_receipts", "receipts_below_their_change"): ([{"receipts_qty": 299.0}], 0) for exchange in ("shfe", "gfex")},
    ("shfe__weekly_stock", "unit_differs_inside_the_product"): ([{}, {"warehouse": "乙库", "quantity_unit": "kg"}], 1),
    **{
        ("shfe__weekly_stock", f"{level}_change_is_not_the_difference"): ([{f"{level}_change_qty": 1.0}], 0)
        for level in ("deliverable", "on_warrant", "capacity_free")
    },
    ("shfe__contracts", "delivery_month_is_not_yymm"): ([{"delivery_month_code": "2513"}], 0),
    ("shfe__contracts", "expires_before_it_is_listed"): ([{"listing_date": date(2025, 7, 17)}], 0),
    ("shfe__contracts", "delivery_ends_before_it_starts"): ([{"delivery_start_date": date(2025, 7, 17)}], 0),
    ("shfe__contracts", "delivered_before_it_expires"): ([{"delivery_start_date": date(2025, 7, 15)}], 0),
    ("expiry__receipts", "unit_differs_inside_the_product"): ([{}, {"warehouse_type": "factory", "quantity_unit": "kg"}], 1),
    ("customs__monthly_trade", "month_is_not_its_first_day"): ([{"month": date(2025, 7, 2)}], 0),
    ("customs__monthly_trade", "scope_is_not_the_codes"): ([{"hs_code": "2818"}], 0),
    ("customs__monthly_trade", "value_in_another_currency"): ([{"value_cny": 7.0}], 0),
    ("fx__central_parity", "rate_is_not_positive"): ([{"rate": 0.0}], 0),
    ("policy__events", "month_is_not_its_first_day"): ([{"date_precision": "month"}], 0),
    ("policy__events", "follows_itself"): ([{"followup_of": "x"}], 0),
    ("policy__events", "source_url_is_no_web_address"): ([{"source_url": "javascript:alert(1)"}], 0),
    ("policy__newsflash", "source_url_is_no_web_address"): ([{"source_url": "data:text/html,x"}], 0),
    ("policy__newsflash", "day_is_not_the_times"): ([{"published_at": datetime(2025, 7, 16, 16, 0, tzinfo=UTC)}], 0),
    **{(name, rule): rows for name in ("spot__quotes", "spot__overseas", "cost__series", "capacity__series") for rule, rows in VENDOR_BREAKS.items()},
}


def test_no_rule_is_without_a_row_that_breaks_it() -> None:
    assert set(BREAKS) == {(table.name, rule.name) for table in TABLES.values() for rule in table.rules}


@pytest.mark.parametrize(("name", "rule"), BREAKS)
def test_a_row_made_to_break_a_rule_breaks_exactly_that_rule(name: str, rule: str) -> None:
    rows, culprit = BREAKS[name, rule]
    table = TABLES[name]
    traded = {"volume_lots": 1} if name.endswith("__daily_quotes") else {}
    own = next(name for name in ("product_id", "series_id", "partner_code", "currency_pair", "event_id", "flash_id") if name in table.columns)
    bystander = row(table, **traded) | {own: "zz"}
    assert broken(table, *(row(table, **traded) | changes for changes in rows), bystander) == [(rule, (culprit,))]
    message = next(declared.message for declared in table.rules if declared.name == rule)
    checked = validate(table, frame(table, *(row(table, **traded) | changes for changes in rows)))
    assert checked.failures[0].message == message


@pytest.mark.parametrize(
    "changes",
    [
        {"open_price": None, "high_price": None, "low_price": None, "close_price": None, "settle_price": None},
        {"open_price": 3060.0, "close_price": 2990.0},
        {"volume_lots": 0, "open_price": None, "high_price": None, "low_price": None, "close_price": 12_780.0, "settle_price": 12_780.0},
        {"volume_lots": 0, "close_price": 9_999.0},
        {"settle_price": None},
    ],
)
def test_quotes_at_the_edge_of_their_rules_are_accepted(changes: Row) -> None:
    # Among them the old file's untraded contract, whose close is filled with the settlement.
    table = TABLES["shfe__daily_quotes"]
    assert broken(table, row(table, volume_lots=1) | changes) == []


@pytest.mark.parametrize("code", ["2500", "25-9", "251", "25011", "abcd", "", "２５０９"])
def test_a_delivery_month_is_yymm_and_nothing_else(code: str) -> None:
    table = TABLES["shfe__daily_quotes"]
    assert broken(table, row(table, delivery_month_code=code)) == [("delivery_month_is_not_yymm", (0,))]


def vendor(day: int, value: float, change: float | None = None, **changes: Any) -> Row:
    table = TABLES["spot__quotes"]
    return row(table, obs_date=date(2025, 7, day), value=value, change_value=change, low_value=None, high_value=None, **changes)


@pytest.mark.parametrize(
    "rows",
    [
        [vendor(15, 3170.12), vendor(16, 3184.24, 14.12)],
        [vendor(15, 3170.12), vendor(16, 3184.24, 14.13)],  # rounding of both averages
        [vendor(16, 3184.24, 14.12), vendor(15, 3170.12)],  # newest first
        [vendor(16, 3184.24, 999.0)],  # nothing to compare the first change with
        [vendor(15, 3170.0, series_id="a"), vendor(16, 300.0, series_id="b")],
        [vendor(15, 3170.0, provider="SMM"), vendor(16, 300.0, provider="ALD")],
        [vendor(15, 3170.0), vendor(16, 300.0, payload_sha256="b" * 64)],  # the earlier value came in another file
        [vendor(15, -30.0, series_name="11:30价差"), vendor(16, 5.0, series_name="11:30价差")],
        [vendor(15, 1000.0), vendor(16, 3000.0)],
    ],
)
def test_series_at_the_edge_of_their_rules_are_accepted(rows: list[Row]) -> None:
    assert broken(TABLES["spot__quotes"], *rows) == []


@pytest.mark.parametrize("factor", [10, 100, 1_000, 10_000, 0.1, 0.01, 0.0001])
def test_every_power_of_ten_is_a_jump(factor: float) -> None:
    assert broken(TABLES["spot__quotes"], vendor(15, 3100.0), vendor(16, 3100.0 * factor)) == [("jump_of_a_power_of_ten", (1,))]


def test_a_good_value_after_a_slipped_one_is_not_refused_for_its_neighbour() -> None:
    # 3100, 310, 3105: only the middle one has lost a digit.
    assert [rows for _, rows in broken(TABLES["spot__quotes"], vendor(14, 3100.0), vendor(15, 310.0), vendor(16, 3105.0))] == [(1,)]
