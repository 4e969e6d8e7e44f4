"""Guangzhou's answers: real ones against an independent reading, and hand-made ones for what a real one never shows."""

import copy
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from feeds import Home

from ingest.source import Outcome, Parsed, PayloadError, Request, Response
from ingest.sources.gfex import QUOTES, RECEIPTS, TOTALS, Gfex
from quality.raw import TABLES

DAY = date(2025, 7, 16)
Row = dict[str, Any]


def parse(name: str, body: bytes) -> Parsed:
    request = Gfex().recognise(name)
    assert request is not None
    return Gfex().parse(request, body)


def refusal(name: str, body: bytes) -> tuple[Outcome, str]:
    with pytest.raises(PayloadError) as caught:
        parse(name, body)
    assert len(caught.value.verdict.message.split()) >= 4
    return caught.value.verdict.outcome, caught.value.verdict.reason


def quote(month: str = "2509", **changes: Any) -> Row:
    row: Row = {
        "variety": "碳酸锂", "varietyEn": "Lithium Carbonate", "varietyOrder": "lc", "delivMonth": month, "open": 66000, "high": 67000, "low": 65000,
        "close": 66400, "lastClear": 66100, "clearPrice": 66320, "diff": 300, "diff1": 220, "diffI": -12, "volumn": 100, "openInterest": 500,
        "turnover": 663.25, "impliedVolatility": None, "delta": None, "matchQtySum": 0,
    }  # fmt: skip
    return row | changes


BLANK = dict.fromkeys(("open", "high", "low", "close", "lastClear", "clearPrice", "diff", "diff1"), None)
SUBTOTAL = quote("", variety="碳酸锂小计", **BLANK)
TOTAL = quote("", variety="总计", varietyOrder="", **BLANK)
NOTHING = TOTAL | {"diffI": 0, "volumn": 0, "openInterest": 0, "turnover": 0}


def quotes(*rows: Row, asked: str = "20250716", **envelope: Any) -> bytes:
    param = {"trade_date": [asked], "trade_type": ["0"], "variety": ["lc"]}
    return json.dumps({"code": "0", "msg": "接口访问成功！", "param": param, "data": list(rows), "time": 1} | envelope).encode()


def warrant(name: str = "甲库", qty: Any = 300, change: Any = -20, **changes: Any) -> Row:
    row: Row = {
        "varietyOrder": "lc", "groupCodeOrder": None, "whCodeOrder": "005", "whType": "2", "genDate": "20250716", "whAbbr": name, "trademarkName": "",
        "variety": "碳酸锂", "lastWbillQty": qty - change if isinstance(qty, int) else None, "wbillQty": qty, "diff": change,
    }  # fmt: skip
    return row | changes


UNDATED: Row = {
    "varietyOrder": "",
    "whCodeOrder": "",
    "variety": "总计",
    "genDate": "",
    "whAbbr": "",
    "lastWbillQty": None,
    "wbillQty": None,
    "diff": None,
}


def receipts(*rows: Row, asked: str | None = "20250716") -> bytes:
    param = {"param": {"gen_date": [asked], "variety": ["lc"]}} if asked else {}
    return json.dumps({"code": "0", "data": list(rows)} | param).encode()


# ---------------------------------------------------------------- which answers there are


def test_both_answers_of_a_day_are_asked_for_by_form_and_for_the_whole_exchange() -> None:
    quotes_request, receipts_request = Gfex().requests(DAY)
    assert quotes_request.url == "http://www.gfex.com.cn/u/interfacesWebTiDayQuotes/loadList"
    assert receipts_request.url == "http://www.gfex.com.cn/u/interfacesWebTdWbillWeeklyQuotes/loadList"
    assert dict(quotes_request.form or {}) == {"trade_date": "20250716", "trade_type": "0"}
    assert dict(receipts_request.form or {}) == {"gen_date": "20250716"}
    for request in (quotes_request, receipts_request):
        assert (request.method, request.key, request.day) == ("POST", "20250716", DAY)
        assert request.headers["Referer"].startswith("http://www.gfex.com.cn/")
        assert Gfex().recognise(request.name) is not None, "what was fetched is known again when it lies in a folder"


@pytest.mark.parametrize(
    ("path", "feed", "key", "day"),
    [
        ("gfex/day_quotes_lc_20261008.json", "day_quotes", "20261008", date(2026, 10, 8)),
        ("day_quotes_lc_20261002_holiday.json", "day_quotes", "20261002", date(2026, 10, 2)),
        ("day_quotes_20261008.json", "day_quotes", "20261008", date(2026, 10, 8)),
        ("a/b/wbill_lc_20260930.json", "wbill", "20260930", date(2026, 9, 30)),
        ("wbill_20260930.json", "wbill", "20260930", date(2026, 9, 30)),
        ("wbill_no_data_placeholder.json", "wbill", "wbill_no_data_placeholder", None),
    ],
)
def test_a_saved_answer_is_known_by_its_name(path: str, feed: str, key: str, day: date | None) -> None:
    request = Gfex().recognise(path)
    assert request is not None
    assert (request.source, request.feed, request.key, request.day) == ("gfex", feed, key, day)


@pytest.mark.parametrize(
    "path", ["day_quotes_lc_20261032.json", "day_quotes_lc_20261008.dat", "my_wbill_20260930.json", "kx20250716.dat", "wbill.csv"]
)
def test_a_file_of_another_name_is_not_the_exchanges(path: str) -> None:
    assert Gfex().recognise(path) is None


def test_a_get_is_answered_with_520_and_counts_as_blocked() -> None:
    request = Request("gfex", "wbill", "20250716", "wbill_20250716.json", DAY)
    at = datetime(2025, 7, 16, 12, tzinfo=UTC)
    assert Gfex().inspect(request, Response(b"<html></html>", at, 520)).outcome is Outcome.BLOCKED
    assert Gfex().inspect(request, Response(b"", at, 567)).outcome is Outcome.BLOCKED
    assert Gfex().inspect(request, Response(b"<html></html>", at, 200)).outcome is Outcome.NOT_DATA
    assert Gfex().inspect(request, Response(b"{}", at, 200)).outcome is Outcome.OK


# ---------------------------------------------------------------- real payloads, against an independent reading


def test_every_figure_of_a_real_quotes_answer_arrives_unchanged(shared_data: Path) -> None:
    body = (shared_data / "payloads" / "gfex" / "day_quotes_lc_20261008.json").read_bytes()
    parsed = parse("day_quotes_lc_20261008.json", body)
    assert parsed.rejects == ()
    assert parsed.published_at is None, "`time` is the server's clock, not a publication"
    columns = {
        "open": "open_price", "high": "high_price", "low": "low_price", "close": "close_price", "clearPrice": "settle_price",
        "lastClear": "pre_settle_price", "diff": "close_change", "diff1": "settle_change", "volumn": "volume_lots",
        "openInterest": "open_interest_lots", "diffI": "open_interest_change_lots", "turnover": "turnover_10k_cny",
    }  # fmt: skip
    printed = json.loads(body)["data"]
    contracts = [row for row in printed if row["delivMonth"]]
    held = {row["delivery_month_code"]: row for row in parsed.frames[QUOTES].iter_rows(named=True)}
    assert len(contracts) == len(held) == 12
    for row in contracts:
        found = held[row["delivMonth"]]
        assert (found["trade_date"], found["product_id"], found["product_name"]) == (date(2026, 10, 8), "lc", "碳酸锂")
        assert {key: found[column] for key, column in columns.items()} == {key: row[key] for key in columns}
    sums = {row["total_scope"]: row for row in parsed.frames[TOTALS].iter_rows(named=True)}
    assert {scope: (row["product_id"], row["volume_lots"], row["open_interest_lots"], row["turnover_10k_cny"]) for scope, row in sums.items()} == {
        "product": ("lc", 305938, 689312, 3713698.5),
        "exchange": ("", 305938, 689312, 3713698.5),
    }
    # The identities of the real answer: contracts add up, and the settlement is the weighted average on the tick of 20 CNY/t.
    assert sum(row["volumn"] for row in contracts) == 305938
    assert sum(row["turnover"] for row in contracts) == pytest.approx(3713698.5)
    for found in held.values():
        average = found["turnover_10k_cny"] * 1e4 / found["volume_lots"]
        assert found["settle_price"] == 20 * (round(average / 20, 6) // 1)


def test_every_figure_of_a_real_receipts_answer_arrives_unchanged_and_in_lots(shared_data: Path) -> None:
    body = (shared_data / "payloads" / "gfex" / "wbill_lc_20260930.json").read_bytes()
    parsed = parse("wbill_lc_20260930.json", body)
    assert parsed.rejects == ()
    printed = sorted((row["whAbbr"], row["wbillQty"], row["diff"], row["lastWbillQty"]) for row in json.loads(body)["data"])
    frame = parsed.frames[RECEIPTS]
    assert sorted(frame.select("warehouse", "receipts_qty", "receipts_change_qty", "previous_receipts_qty").iter_rows()) == printed
    assert set(frame["quantity_unit"]) == {"lot"}
    levels = {level: rows["receipts_qty"].sum() for (level,), rows in frame.group_by("row_level")}
    assert levels == {"detail": 31990, "product_total": 31990, "exchange_total": 31990}
    details = frame.filter(frame["row_level"] == "detail")
    assert details.height == 16
    assert set(details["warehouse_type_code"]) == {"2"}
    assert all(len(number) == 3 for number in details["warehouse_id"])


def test_a_real_holiday_is_no_session_and_the_same_answer_of_a_session_is_not_published(shared_data: Path) -> None:
    body = (shared_data / "payloads" / "gfex" / "day_quotes_lc_20261002_holiday.json").read_bytes()
    assert refusal("day_quotes_lc_20261002_holiday.json", body) == (Outcome.NO_SESSION, "calendar")
    assert refusal("day_quotes_lc_20261008.json", body.replace(b'"20261002"', b'"20261008"')) == (Outcome.NOT_PUBLISHED, "placeholder")


def test_a_placeholder_without_a_day_is_not_published(shared_data: Path) -> None:
    body = (shared_data / "payloads" / "gfex" / "wbill_no_data_placeholder.json").read_bytes()
    assert refusal("wbill_no_data_placeholder.json", body) == (Outcome.NOT_PUBLISHED, "placeholder")
    assert refusal("wbill_lc_20260930.json", body) == (Outcome.NOT_PUBLISHED, "placeholder")
    assert refusal("wbill_lc_20261002.json", body) == (Outcome.NO_SESSION, "calendar")
    assert refusal("wbill_lc_20270104.json", body) == (Outcome.NOT_PUBLISHED, "placeholder"), "past the calendar nothing is guessed"


# ---------------------------------------------------------------- the day


def test_the_day_stands_in_the_question_only_and_must_be_the_one_asked_for() -> None:
    assert refusal("day_quotes_lc_20250716.json", quotes(quote(), asked="20250715")) == (Outcome.NOT_DATA, "wrong_date")
    assert refusal("day_quotes_lc_20250716.json", quotes(quote(), param={})) == (Outcome.FORMAT_CHANGED, "no_date")
    assert refusal("day_quotes_lc_20250716.json", quotes(quote(), asked="Wednesday")) == (Outcome.FORMAT_CHANGED, "no_date")
    assert refusal("wbill_lc_20250716.json", receipts(warrant(), asked="20250715")) == (Outcome.NOT_DATA, "wrong_date")


def test_receipts_whose_rows_are_about_another_day_are_refused() -> None:
    assert refusal("wbill_lc_20250716.json", receipts(warrant(), warrant("乙库", genDate="20250715"))) == (Outcome.NOT_DATA, "wrong_date")
    assert parse("wbill_lc_20250716.json", receipts(warrant(), asked=None)).frames[RECEIPTS]["trade_date"].to_list() == [DAY]


def test_an_answer_without_a_day_in_its_name_is_about_the_day_it_states() -> None:
    assert parse("day_quotes_lc.json", quotes(quote())).frames[QUOTES]["trade_date"].to_list() == [DAY]
    assert parse("wbill_lc.json", receipts(warrant())).frames[RECEIPTS]["trade_date"].to_list() == [DAY]
    assert refusal("wbill_lc.json", receipts(warrant(), asked=None)) == (Outcome.FORMAT_CHANGED, "no_date")


def test_the_placeholder_of_another_day_is_still_the_wrong_day() -> None:
    assert refusal("day_quotes_lc_20250716.json", quotes(NOTHING, asked="20250715")) == (Outcome.NOT_DATA, "wrong_date")


# ---------------------------------------------------------------- what is refused as a whole


@pytest.mark.parametrize("column", ["open", "clearPrice", "volumn", "turnover", "delivMonth", "varietyOrder", "diffI"])
def test_quotes_without_a_column_have_another_format(column: str) -> None:
    rows = [{key: value for key, value in row.items() if key != column} for row in (quote(), SUBTOTAL, TOTAL)]
    assert refusal("day_quotes_20250716.json", quotes(*rows)) == (Outcome.FORMAT_CHANGED, "missing_column")


@pytest.mark.parametrize("column", ["wbillQty", "diff", "lastWbillQty", "whAbbr", "varietyOrder"])
def test_receipts_without_a_column_have_another_format(column: str) -> None:
    rows = [{key: value for key, value in row.items() if key != column} for row in (warrant(), warrant("乙库"))]
    assert refusal("wbill_20250716.json", receipts(*rows)) == (Outcome.FORMAT_CHANGED, "missing_column")


def test_a_refused_query_options_and_an_empty_list_are_no_data() -> None:
    assert refusal("day_quotes_20250716.json", quotes(quote(), code="500", msg="系统繁忙")) == (Outcome.NOT_DATA, "refused")
    options = {"trade_date": ["20250716"], "trade_type": ["1"]}
    assert refusal("day_quotes_20250716.json", quotes(quote(), param=options)) == (Outcome.NOT_DATA, "options")
    assert refusal("day_quotes_20250716.json", quotes()) == (Outcome.NOT_DATA, "no_rows")
    assert refusal("day_quotes_20250716.json", quotes(quote(), data={"rows": []})) == (Outcome.FORMAT_CHANGED, "no_rows_key")
    assert refusal("wbill_20250716.json", receipts(UNDATED | {"wbillQty": 0})) == (Outcome.NOT_DATA, "no_rows"), "a zero is no placeholder"
    assert refusal("day_quotes_20250716.json", b'{"code":"0","data":[{"var') == (Outcome.NOT_DATA, "unparsable")


def test_a_traded_contract_without_settlement_means_the_answer_is_not_final() -> None:
    assert refusal("day_quotes_20250716.json", quotes(quote(), quote("2510", clearPrice=None))) == (Outcome.NOT_PUBLISHED, "unsettled")
    assert parse("day_quotes_20250716.json", quotes(quote(), quote("2510", clearPrice=None, volumn=0))).frames[QUOTES].height == 2


# ---------------------------------------------------------------- rows


def test_an_unknown_column_is_kept_and_remarked() -> None:
    parsed = parse("day_quotes_20250716.json", quotes(quote(basisPrice=65_000), SUBTOTAL, TOTAL))
    assert parsed.remarks == ("unknown_column:basisPrice",)
    assert parsed.frames[QUOTES]["extra"].to_list() == ['{"basisPrice": 65000}']


def test_registrations_are_kept_but_the_change_is_the_printed_difference() -> None:
    parsed = parse("wbill_20250716.json", receipts(warrant(regWbillQty=50, logoutWbillQty=30)))
    row = parsed.frames[RECEIPTS].row(0, named=True)
    assert row["receipts_change_qty"] == -20
    assert json.loads(row["extra"]) == {"regWbillQty": 50, "logoutWbillQty": 30}
    assert parsed.remarks == ()


def test_a_dated_zero_is_a_real_zero() -> None:
    parsed = parse("wbill_20250716.json", receipts(warrant(qty=0, change=0)))
    assert parsed.frames[RECEIPTS]["receipts_qty"].to_list() == [0]


def test_a_price_of_zero_is_no_price_and_a_blank_is_no_number() -> None:
    row = parse("day_quotes_20250716.json", quotes(quote(open=0, high="", low="-", close=0, volumn=0))).frames[QUOTES].row(0, named=True)
    assert (row["open_price"], row["high_price"], row["low_price"], row["close_price"], row["volume_lots"]) == (None, None, None, None, 0)


def test_a_row_that_cannot_be_read_is_put_aside_and_the_others_stay() -> None:
    strange = [quote("2513x"), quote("2510", open="many"), {key: value for key, value in quote("2511").items() if key != "varietyOrder"}]
    parsed = parse("day_quotes_20250716.json", quotes(quote(), *strange))
    assert [reject.reason for reject in parsed.rejects] == ["unknown_row", "not_a_number", "unknown_row"]
    assert parsed.frames[QUOTES].height == 1
    lost = {key: value for key, value in warrant("丙库").items() if key != "diff"}
    parsed = parse("wbill_20250716.json", receipts(warrant(), warrant("乙库", qty="many"), lost, warrant("丁库", genDate="")))
    assert [reject.reason for reject in parsed.rejects] == ["not_a_number", "missing_cell", "unknown_row"]


def test_the_whole_exchange_is_read_not_one_product() -> None:
    silicon = {"variety": "工业硅", "varietyOrder": "si", "varietyEn": "Silicon"}
    parsed = parse(
        "day_quotes_20250716.json", quotes(quote(), quote(**silicon), SUBTOTAL, SUBTOTAL | {"variety": "工业硅小计", "varietyOrder": "si"}, TOTAL)
    )
    assert sorted(parsed.frames[QUOTES]["product_id"]) == ["lc", "si"]
    assert sorted(parsed.frames[TOTALS].select("total_scope", "product_id").iter_rows()) == [("exchange", ""), ("product", "lc"), ("product", "si")]


def test_every_frame_has_exactly_the_columns_of_its_table() -> None:
    frames = parse("day_quotes_20250716.json", quotes(quote(), TOTAL)).frames | parse("wbill_20250716.json", receipts(warrant())).frames
    assert {*frames} == {*Gfex.tables}
    assert {name: dict(frame.schema) for name, frame in frames.items()} == {name: TABLES[name].schema for name in frames}


def test_two_brands_in_one_warehouse_are_two_rows_of_the_lake(home: Home) -> None:
    rows = [warrant(), copy.deepcopy(warrant()) | {"trademarkName": "甲牌"}]
    request = Gfex().recognise("wbill_20250716.json")
    assert request is not None
    report = home.take((request, Response(receipts(*rows), datetime(2025, 7, 16, 12, tzinfo=UTC))), sources=[Gfex()])
    assert report.problems == []
    assert home.refused() == []
    assert home.rows(RECEIPTS)["receipts_qty"].to_list() == [300, 300]
