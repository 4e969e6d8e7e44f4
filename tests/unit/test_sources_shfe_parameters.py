"""What Shanghai sets for each contract: real files against an independent reading, units, and what is refused."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from feeds import answer

from ingest.catalog.calendar import load_calendar
from ingest.source import Outcome, Parsed, PayloadError, Request
from ingest.sources.shfe import Shfe
from quality.raw import TABLES

JS, FEES, LIMITS, TODAY = "shfe__settlement_parameters", "shfe__margins_fees", "shfe__price_limits", "shfe__trading_day"
Row = dict[str, Any]


def parse(name: str, body: bytes) -> Parsed:
    request = Shfe().recognise(name)
    assert request is not None
    return Shfe().parse(request, body)


def refusal(name: str, body: bytes) -> tuple[Outcome, str]:
    with pytest.raises(PayloadError) as caught:
        parse(name, body)
    return caught.value.verdict.outcome, caught.value.verdict.reason


def js(**changes: Any) -> Row:
    row: Row = {
        "INSTRUMENTID": "ao2509", "PRODUCTID": "ao_f", "PRODUCTNAME": "氧化铝", "SETTLEMENTPRICE": 3139, "SPECLONGMARGINRATIO": 0.1,
        "SPECSHORTMARGINRATIO": 0.11, "HEDGLONGMARGINRATIO": 0.09, "HEDGSHORTMARGINRATIO": 0.08, "TRADEFEERATIO": 0.1, "TRADEFEEUNIT": 0,
        "TTRADEFEERATIO": 0.05, "TTRADEFEEUNIT": 0, "COMMODITYDELIVFEERATIO": 0, "COMMODITYDELIVFEEUNIT": 1, "UNIDIRECT": "0", "ISUNITODAY": 0,
    }  # fmt: skip
    return row | changes


def settlement(**changes: Any) -> Row:
    row: Row = {
        "INSTRUMENTID": "ao2509", "TRADINGDAY": "20250716", "SETTLEMENTPRICE": "3139", "SPEC_LONGMARGINRATIO": "0.1", "SPEC_SHORTMARGINRATIO": "0.11",
        "LONGMARGINRATIO": "0.09", "SHORTMARGINRATIO": "0.08", "TRADEFEERATION": "0.0001", "TRADEFEEUNIT": "0", "HTRADEFEERATIO": "0.00005",
        "HTRADEFEEUNIT": "0", "COMMODITYDELIVERYFEERATION": "0", "COMMODITYDELIVERYFEEUNIT": "1", "DISCOUNTRATE": "1",
    }  # fmt: skip
    return row | changes


def limits(**changes: Any) -> Row:
    row: Row = {
        "INSTRUMENTID": "ao2509", "TRADINGDAY": "20250716", "UPPER_VALUE": "0.09", "LOWER_VALUE": "0.08", "SPEC_LONGMARGINRATIO": "0.1",
        "SPEC_SHORTMARGINRATIO": "0.11", "HDEGE_LONGMARGINRATIO": "0.09", "HDEGE_SHORTMARGINRATIO": "0.07", "PRICE_LIMITS": "",
    }  # fmt: skip
    return row | changes


FILES = {
    "js20250716.dat": ("o_cursor", JS, js),
    "Settlement20250716.dat": ("Settlement", FEES, settlement),
    "ContractDailyTradeArgument20250716.dat": ("ContractDailyTradeArgument", LIMITS, limits),
}
every_file = pytest.mark.parametrize(("name", "key", "table", "row"), [(name, *rest) for name, rest in FILES.items()], ids=list(FILES))


# ---------------------------------------------------------------- which files there are


@pytest.mark.parametrize(
    ("path", "feed"),
    [
        ("js20250716.dat", "js"),
        ("a/b/Settlement20250716.dat", "settlement"),
        ("ContractDailyTradeArgument20250716.dat", "limits"),
    ],
)
def test_a_file_is_known_by_the_exchanges_own_name(path: str, feed: str) -> None:
    request = Shfe().recognise(path)
    assert request is not None
    assert (request.feed, request.key, request.day) == (feed, "20250716", date(2025, 7, 16))


def test_the_exchanges_calendar_is_asked_for_today_only() -> None:
    source = Shfe(today=lambda: date(2025, 7, 17))
    assert [request.url for request in source.requests(date(2025, 7, 17)) if request.feed == "trading_day"] == [
        "https://www.shfe.com.cn/data/config/currentTradingday.dat"
    ]
    assert [request.key for request in source.requests(date(2025, 7, 17)) if request.feed == "trading_day"] == ["20250717"]
    for other in (date(2025, 7, 16), date(2025, 7, 18)):
        assert [request for request in source.requests(other) if request.feed == "trading_day"] == []


def test_margins_and_limits_are_not_asked_for_before_they_exist() -> None:
    assert {request.feed for request in Shfe().requests(date(2015, 12, 30))} == {"kx", "js", "pm", "dailystock"}
    assert {"settlement", "limits"} < {request.feed for request in Shfe().requests(date(2016, 1, 4))}


# ---------------------------------------------------------------- the list of contracts


def listed(code: str = "ao2509", **changes: Any) -> Row:
    row: Row = {
        "INSTRUMENTID": code, "OPENDATE": "20240919", "EXPIREDATE": "20250915", "STARTDELIVDATE": "20250916", "ENDDELIVDATE": "20250918",
        "BASISPRICE": "3600", "TRADINGDAY": "20250716",
    }  # fmt: skip
    return row | changes


def contracts(*rows: Row, **envelope: Any) -> bytes:
    return json.dumps({"ContractBaseInfo": list(rows), "update_date": "20250716 16:30:00", "report_date": "20250716"} | envelope).encode()


def test_the_list_of_contracts_gives_listing_last_trading_day_and_delivery(shared_data: Path) -> None:
    parsed = parse("ContractBaseInfo20250716_typed.dat", (shared_data / "payloads_more/shfe/ContractBaseInfo20250716_typed.dat").read_bytes())
    frame = parsed.frames["shfe__contracts"]
    assert dict(frame.schema) == TABLES["shfe__contracts"].schema
    assert frame.filter(instrument="ao2607").drop("trade_date", "extra").rows() == [
        ("ao2607", "ao", "2607", date(2025, 7, 16), date(2026, 7, 15), date(2026, 7, 16), date(2026, 7, 20), 3100.0)
    ]


def test_a_list_that_states_no_day_has_that_of_its_rows_and_one_of_two_days_is_of_none() -> None:
    blank = {"report_date": ""}
    assert parse("ContractBaseInfo20250716.dat", contracts(listed(), **blank)).frames["shfe__contracts"].height == 1
    two = contracts(listed(), listed("ao2510", TRADINGDAY="20250715"), **blank)
    assert refusal("ContractBaseInfo20250716.dat", two) == (Outcome.NOT_DATA, "wrong_date")
    assert refusal("ContractBaseInfo20250717.dat", contracts(listed())) == (Outcome.NOT_DATA, "wrong_date")


def test_a_contract_without_its_dates_is_put_aside_and_a_blank_delivery_is_null() -> None:
    parsed = parse("ContractBaseInfo20250716.dat", contracts(listed(STARTDELIVDATE="", BASISPRICE=""), listed("ao2510", EXPIREDATE="soon")))
    assert [reject.reason for reject in parsed.rejects] == ["not_a_number"]
    (row,) = parsed.frames["shfe__contracts"].to_dicts()
    assert (row["delivery_start_date"], row["base_price"]) == (None, None)


def test_the_list_of_options_under_the_same_name_is_refused_by_name_with_what_is_wanted(shared_data: Path) -> None:
    body = (shared_data / "payloads_more/shfe/OptionContractBaseInfo20260930.dat").read_bytes()
    with pytest.raises(PayloadError) as caught:
        parse("ContractBaseInfo20260930.dat", body)
    assert (caught.value.verdict.outcome, caught.value.verdict.reason) == (Outcome.NOT_DATA, "options")
    assert "https://www.shfe.com.cn/data/busiparamdata/future/ContractBaseInfo20260930.dat" in caught.value.verdict.message


# ---------------------------------------------------------------- real payloads, against an independent reading


def test_every_figure_of_a_real_margins_file_arrives_unchanged(shared_data: Path) -> None:
    body = (shared_data / "payloads" / "shfe" / "Settlement20260918.dat").read_bytes()
    parsed = parse("Settlement20260918.dat", body)
    assert (parsed.rejects, parsed.remarks) == ((), ())
    assert f"{parsed.published_at:%Y%m%d %H:%M:%S}" == "20260918 16:20:00"
    columns = {
        "SETTLEMENTPRICE": "settle_price", "SPEC_LONGMARGINRATIO": "spec_long_margin_ratio", "SPEC_SHORTMARGINRATIO": "spec_short_margin_ratio",
        "LONGMARGINRATIO": "hedge_long_margin_ratio", "SHORTMARGINRATIO": "hedge_short_margin_ratio", "TRADEFEERATION": "trade_fee_ratio",
        "TRADEFEEUNIT": "trade_fee_cny_lot", "HTRADEFEERATIO": "hedge_trade_fee_ratio", "HTRADEFEEUNIT": "hedge_trade_fee_cny_lot",
        "COMMODITYDELIVERYFEERATION": "delivery_fee_ratio", "COMMODITYDELIVERYFEEUNIT": "delivery_fee_cny", "DISCOUNTRATE": "close_today_fee_multiple",
    }  # fmt: skip
    printed = {row["INSTRUMENTID"]: row for row in json.loads(body)["Settlement"]}
    held = {row["instrument"]: row for row in parsed.frames[FEES].iter_rows(named=True)}
    assert set(held) == set(printed)
    assert len(printed) == 10
    for instrument, row in printed.items():
        assert set(row) == {"INSTRUMENTID", "TRADINGDAY", *columns}
        assert {key: held[instrument][column] for key, column in columns.items()} == {key: float(row[key]) for key in columns}
        assert (held[instrument]["product_id"], held[instrument]["delivery_month_code"]) == (instrument[:-4], instrument[-4:])


def test_every_figure_of_a_real_limits_file_arrives_unchanged(shared_data: Path) -> None:
    body = (shared_data / "payloads" / "shfe" / "ContractDailyTradeArgument20260918.dat").read_bytes()
    parsed = parse("ContractDailyTradeArgument20260918.dat", body)
    assert (parsed.rejects, parsed.remarks) == ((), ())
    columns = {
        "UPPER_VALUE": "upper_limit_ratio", "LOWER_VALUE": "lower_limit_ratio", "SPEC_LONGMARGINRATIO": "spec_long_margin_ratio",
        "SPEC_SHORTMARGINRATIO": "spec_short_margin_ratio", "HDEGE_LONGMARGINRATIO": "hedge_long_margin_ratio", "HDEGE_SHORTMARGINRATIO": "hedge_short_margin_ratio",
    }  # fmt: skip
    printed = {row["INSTRUMENTID"]: row for row in json.loads(body)["ContractDailyTradeArgument"]}
    held = {row["instrument"]: row for row in parsed.frames[LIMITS].iter_rows(named=True)}
    assert set(held) == set(printed)
    for instrument, row in printed.items():
        assert {key: held[instrument][column] for key, column in columns.items()} == {key: float(row[key]) for key in columns}
        assert held[instrument]["extra"] is None, "PRICE_LIMITS is blank"


def test_hedging_margins_of_both_real_files_are_the_same_columns(shared_data: Path) -> None:
    folder = shared_data / "payloads" / "shfe"
    margins, limits_of = (
        {row["instrument"]: row for row in parse(name, (folder / name).read_bytes()).frames[table].iter_rows(named=True)}
        for name, table in (("Settlement20260918.dat", FEES), ("ContractDailyTradeArgument20260918.dat", LIMITS))
    )
    both = set(margins) & set(limits_of)
    assert len(both) >= 5
    for column in ("hedge_long_margin_ratio", "hedge_short_margin_ratio"):
        assert [margins[name][column] for name in sorted(both)] == [limits_of[name][column] for name in sorted(both)]


def test_every_figure_of_a_whole_js_file_arrives_unchanged_and_agrees_with_the_quotes(shared_data: Path) -> None:
    folder = shared_data / "payloads" / "synthetic"
    parsed = parse("js20250716.dat", (folder / "js20250716.dat").read_bytes())
    columns = {
        "SETTLEMENTPRICE": "settle_price", "SPECLONGMARGINRATIO": "spec_long_margin_ratio", "SPECSHORTMARGINRATIO": "spec_short_margin_ratio",
        "HEDGLONGMARGINRATIO": "hedge_long_margin_ratio", "HEDGSHORTMARGINRATIO": "hedge_short_margin_ratio", "TRADEFEERATIO": "trade_fee_permille",
        "TRADEFEEUNIT": "trade_fee_cny_lot", "TTRADEFEERATIO": "hedge_trade_fee_permille", "TTRADEFEEUNIT": "hedge_trade_fee_cny_lot",
        "COMMODITYDELIVFEERATIO": "delivery_fee_permille", "COMMODITYDELIVFEEUNIT": "delivery_fee_cny",
    }  # fmt: skip
    printed = {row["INSTRUMENTID"]: row for row in json.loads((folder / "js20250716.dat").read_bytes())["o_cursor"]}
    held = {row["instrument"]: row for row in parsed.frames[JS].iter_rows(named=True)}
    assert set(held) == set(printed)
    for instrument, row in printed.items():
        assert {key: held[instrument][column] for key, column in columns.items()} == {key: row[key] for key in columns}
        assert (held[instrument]["unidirect_code"], held[instrument]["unit_today_code"]) == ("0", "0")
    settles = {row["DELIVERYMONTH"]: row["SETTLEMENTPRICE"] for row in json.loads((folder / "kx20250716.dat").read_bytes())["o_curinstrument"]}
    assert {row["delivery_month_code"]: row["settle_price"] for row in held.values()} == {
        month: price for month, price in settles.items() if month.isdigit()
    }


def test_the_exchanges_calendar_agrees_with_ours(shared_data: Path) -> None:
    parsed = parse("currentTradingday.dat", (shared_data / "payloads" / "synthetic" / "currentTradingday.dat").read_bytes())
    (row,) = parsed.frames[TODAY].iter_rows(named=True)
    assert (row["trade_date"], row["previous_trade_date"], row["extra"]) == (date(2025, 7, 17), date(2025, 7, 16), None)
    assert load_calendar().between(row["previous_trade_date"], row["trade_date"]) == [row["previous_trade_date"], row["trade_date"]]


# ---------------------------------------------------------------- units and strings


def test_fees_keep_the_unit_of_their_file() -> None:
    """The same fee, 0.01 % of value: 0.1 per mille in one file, a fraction of 0.0001 in the other. No column takes both."""
    per_mille = parse("js20250716.dat", answer([js()], "o_cursor")).frames[JS].row(0, named=True)
    fraction = parse("Settlement20250716.dat", answer([settlement()], "Settlement")).frames[FEES].row(0, named=True)
    assert per_mille["trade_fee_permille"] / 1000 == pytest.approx(fraction["trade_fee_ratio"])
    assert per_mille["hedge_trade_fee_permille"] / 1000 == pytest.approx(fraction["hedge_trade_fee_ratio"])
    assert not {name for name in TABLES[JS].columns if "fee_ratio" in name}
    assert not {name for name in TABLES[FEES].columns if "permille" in name}
    assert per_mille["spec_long_margin_ratio"] == fraction["spec_long_margin_ratio"] == 0.1


def test_a_number_may_be_a_string_without_its_zero() -> None:
    row = settlement(SPEC_LONGMARGINRATIO=".15000000", TRADEFEERATION=".00010000", SETTLEMENTPRICE="36,460.00000000", DISCOUNTRATE="")
    held = parse("Settlement20250716.dat", answer([row], "Settlement")).frames[FEES].row(0, named=True)
    assert (held["spec_long_margin_ratio"], held["trade_fee_ratio"], held["settle_price"]) == (0.15, 0.0001, 36460)
    assert held["close_today_fee_multiple"] is None, "blank is not free"


def test_hedging_fees_are_required_since_they_are_printed() -> None:
    old = {key: value for key, value in settlement(TRADINGDAY="20230901").items() if not key.startswith("HTRADE")}
    held = parse("Settlement20230901.dat", answer([old], "Settlement", date(2023, 9, 1))).frames[FEES].row(0, named=True)
    assert (held["hedge_trade_fee_ratio"], held["trade_fee_ratio"]) == (None, 0.0001)
    new = old | {"TRADINGDAY": "20230904"}
    assert refusal("Settlement20230904.dat", answer([new], "Settlement", date(2023, 9, 4))) == (Outcome.FORMAT_CHANGED, "missing_column")


# ---------------------------------------------------------------- what is refused, put aside, kept


@every_file
def test_the_day_inside_must_be_the_day_asked_for(name: str, key: str, table: str, row: Any) -> None:
    assert refusal(name, answer([row()], key, date(2025, 7, 15))) == (Outcome.NOT_DATA, "wrong_date")
    assert refusal(name, json.dumps({key: [row()]}).encode()) == (Outcome.NOT_DATA, "wrong_date")


@every_file
def test_a_missing_column_or_list_means_another_format(name: str, key: str, table: str, row: Any) -> None:
    for column in set(row()) - {"PRODUCTID", "PRODUCTNAME", "TRADINGDAY", "PRICE_LIMITS", "UNIDIRECT", "ISUNITODAY"}:
        body = answer([{name: value for name, value in row().items() if name != column}], key)
        assert refusal(name, body) == (Outcome.FORMAT_CHANGED, "missing_column"), column
    assert refusal(name, answer([row()], "something_else")) == (Outcome.FORMAT_CHANGED, "no_rows_key")
    assert refusal(name, answer([], key)) == (Outcome.NOT_DATA, "no_rows")


@every_file
def test_an_unknown_column_is_kept_and_remarked(name: str, key: str, table: str, row: Any) -> None:
    parsed = parse(name, answer([row(NEW="x")], key))
    assert parsed.remarks == ("unknown_column:NEW",)
    assert parsed.frames[table]["extra"].to_list() == ['{"NEW": "x"}']


@every_file
def test_a_bad_row_is_put_aside_and_the_others_stay(name: str, key: str, table: str, row: Any) -> None:
    figure = next(column for column in row() if "MARGIN" in column)
    lost = {column: value for column, value in row(INSTRUMENTID="ao2512").items() if column != figure}
    bad = [row(INSTRUMENTID="aoall"), row(INSTRUMENTID="ao2510", **{figure: "a lot"}), row(INSTRUMENTID="ao2511", TRADINGDAY="20250715"), lost]
    parsed = parse(name, answer([row(), *bad], key))
    assert [reject.reason for reject in parsed.rejects] == ["not_a_contract", "not_a_number", "wrong_date", "missing_cell"]
    assert parsed.frames[table]["instrument"].to_list() == ["ao2509"]


@every_file
def test_every_frame_has_exactly_the_columns_of_its_table(name: str, key: str, table: str, row: Any) -> None:
    parsed = parse(name, answer([row()], key))
    assert {name: dict(frame.schema) for name, frame in parsed.frames.items()} == {table: TABLES[table].schema}


def test_what_a_usually_blank_column_says_is_kept() -> None:
    parsed = parse("ContractDailyTradeArgument20250716.dat", answer([limits(PRICE_LIMITS="单边市")], "ContractDailyTradeArgument"))
    assert parsed.frames[LIMITS]["extra"].to_list() == ['{"PRICE_LIMITS": "单边市"}']
    assert parsed.remarks == ()


def test_parameters_without_any_settlement_price_are_not_final() -> None:
    assert refusal("js20250716.dat", answer([js(SETTLEMENTPRICE="")], "o_cursor")) == (Outcome.NOT_PUBLISHED, "unsettled")
    parsed = parse("js20250716.dat", answer([js(SETTLEMENTPRICE=0), js(INSTRUMENTID="ao2510")], "o_cursor"))
    assert parsed.frames[JS]["settle_price"].to_list() == [None, 3139], "0 is never a price"


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        (b'{"currentTradingday": "20250717"}', (Outcome.FORMAT_CHANGED, "missing_column")),
        (b'{"currentTradingday": "soon", "lastTradingday": "20250716"}', (Outcome.FORMAT_CHANGED, "no_date")),
        (b'{"currentTradingday": "20250716", "lastTradingday": "20250716"}', (Outcome.NOT_DATA, "wrong_order")),
        (b'{"currentTradingday": "2025', (Outcome.NOT_DATA, "unparsable")),
    ],
)
def test_a_calendar_that_names_no_two_days_in_order_is_refused(body: bytes, outcome: tuple[Outcome, str]) -> None:
    assert refusal("currentTradingday.dat", body) == outcome


def test_the_exchanges_calendar_has_no_day_of_its_own_so_a_dated_request_reads_it_too() -> None:
    body = b'{"currentTradingday": "20250717", "lastTradingday": "20250716", "nightTradingday": "20250718"}'
    request = Request("shfe", "trading_day", "20250717", "currentTradingday.dat", date(2025, 7, 17))
    parsed = Shfe().parse(request, body)
    assert parsed.frames[TODAY]["extra"].to_list() == ['{"nightTradingday": "20250718"}']
    assert parsed.remarks == ("unknown_column:nightTradingday",)
    assert dict(parsed.frames[TODAY].schema) == TABLES[TODAY].schema
