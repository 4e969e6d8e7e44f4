"""Zhengzhou's text files: real rows re-typed, and hand-made ones for the eras and for what a real file never shows."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from ingest.source import Outcome, Parsed, PayloadError
from ingest.sources.czce import QUOTES, RANKING, TOTALS, Czce, month_code
from quality.raw import TABLES

DAY = date(2025, 7, 16)
HEADER = "合约代码|昨结算    |今开盘    |最高价    |最低价    |今收盘    |今结算    |涨跌1    |涨跌2    |成交量(手)|持仓量    |增减量    |成交额(万元)|交割结算价"
OLD_HEADER = (
    "品种月份|昨结算    |今开盘    |最高价    |最低价    |今收盘    |今结算    |涨跌1    |涨跌2    |成交量(手)|空盘量    |增减量    |成交额(万元)"
)
SH509 = "SH509 |2,450.00  |2,455.00  |2,480.00  |2,440.00  |2,470.00  |2,460.00  |20.00    |10.00    |1,000     |2,000     |-35       |7,380.00    |"
SUM = "小计    |          |          |          |          |          |          |         |         |1,000     |2,000     |-35       |7,380.00    |"
ZERO = "小计    |          |          |          |          |          |          |         |         |0         |0         |0         |0.00        |"
TOTAL = SUM.replace("小计", "总计")
BLOCK = "合约：SH509              日期：2025-07-16"
PLACES = "名次  |会员简称        |交易量（手）|增减量    |会员简称        |持买仓量  |增减量    |会员简称        |持卖仓量  |增减量"
FIRST = "1     |甲期货（代客）    |130,474     |-1,895    |乙期货（代客）    |92,677     |-6,605    |-           |-    |-      "
END = "合计  |            |130,474     |-1,895    |            |92,677     |-6,605    |            |-    |-   "


def quotes(*lines: str, day: str = "2025-07-16", header: str = HEADER, total: str = TOTAL) -> bytes:
    return "\r\n".join([f"\t\t\t\t\t郑州商品交易所期货每日行情表({day})", header, *lines, *([total] if total else []), ""]).encode()


def holding(*lines: str, day: str = "2025-07-16") -> bytes:
    return "\r\n".join([f"\t\t\t\t\t郑州商品交易所期货持仓排名表({day})", "", *lines, ""]).encode()


def parse(body: bytes, name: str = "FutureDataDaily_20250716.txt") -> Parsed:
    request = Czce().recognise(name)
    assert request is not None
    return Czce().parse(request, body)


def refusal(body: bytes, name: str = "FutureDataDaily_20250716.txt") -> tuple[Outcome, str]:
    with pytest.raises(PayloadError) as caught:
        parse(body, name)
    assert len(caught.value.verdict.message.split()) >= 4
    return caught.value.verdict.outcome, caught.value.verdict.reason


# ---------------------------------------------------------------- which files there are


def test_two_open_files_are_asked_for_since_they_are_there() -> None:
    base = "https://www.czce.com.cn/cn/DFSStaticFiles/Future"
    assert [request.url for request in Czce().requests(DAY)] == [
        f"{base}/2025/20250716/FutureDataDaily.txt",
        f"{base}/2025/20250716/FutureDataHolding.txt",
    ]
    assert list(Czce().requests(date(2015, 12, 31))) == []


@pytest.mark.parametrize(
    ("path", "feed", "day"),
    [
        ("FutureDataDaily_20250716.txt", "quotes", DAY),
        ("2025/20250716/FutureDataDaily.txt", "quotes", DAY),
        ("FutureDataHolding_20250716_again.txt", "ranking", DAY),
        ("FutureDataDaily_SH_typed.txt", "quotes", None),
    ],
)
def test_a_file_is_known_by_the_exchanges_name(path: str, feed: str, day: date | None) -> None:
    request = Czce().recognise(path)
    assert request is not None
    assert (request.feed, request.day) == (feed, day)


@pytest.mark.parametrize("path", ["FutureDataClearParams_20250716.txt", "FutureDataDaily_20250716.htm", "FutureDataDaily_20251316.txt"])
def test_any_other_file_is_not(path: str) -> None:
    assert Czce().recognise(path) is None


# ---------------------------------------------------------------- contracts


@pytest.mark.parametrize(
    ("day", "code", "expected"),
    [
        (DAY, "509", "2509"),
        (DAY, "601", "2601"),
        (DAY, "412", "2412"),
        (DAY, "301", "3301"),
        (date(2019, 12, 31), "001", "2001"),
        (date(2019, 12, 31), "912", "1912"),
        (date(2029, 1, 4), "901", "2901"),
        (date(2029, 1, 4), "001", "3001"),
    ],
)
def test_the_decade_of_a_contract_follows_from_the_day(day: date, code: str, expected: str) -> None:
    assert month_code(day, code[0], code[1:]) == expected


# ---------------------------------------------------------------- real and typed files


def test_the_real_rows_settle_at_the_average_on_the_nearest_tick(shared_data: Path) -> None:
    parsed = parse((shared_data / "payloads_more/czce/FutureDataDaily_20260911.txt").read_bytes(), "FutureDataDaily_20260911.txt")
    frame = parsed.frames[QUOTES]
    assert parsed.rejects == () and frame["delivery_month_code"].to_list() == ["2610", "2704", "2609", "2701"]
    assert frame["delivery_settle_price"].to_list() == [None, None, 16405.0, None]
    for row, (lot, tick) in zip(frame.to_dicts(), [(10, 1), (10, 1), (5, 5), (5, 5)], strict=True):
        average = row["turnover_10k_cny"] * 1e4 / (row["volume_lots"] * lot)
        assert abs(row["settle_price"] - average) <= tick / 2 + 50 / (row["volume_lots"] * lot)
    # A bare sum of zeros is a product without contracts.
    assert parsed.frames[TOTALS]["product_id"].to_list() == ["ap", "cf", ""]


def test_the_typed_caustic_soda_gives_nulls_where_nothing_traded_and_sums_that_fit(shared_data: Path) -> None:
    parsed = parse((shared_data / "payloads_more/czce/FutureDataDaily_SH_typed.txt").read_bytes(), "FutureDataDaily_SH_typed.txt")
    frame = parsed.frames[QUOTES]
    untraded = frame.filter(volume_lots=0).row(0, named=True)
    assert [untraded[name] for name in ("open_price", "high_price", "low_price", "close_price")] == [None] * 4
    assert (untraded["settle_price"], untraded["open_interest_lots"]) == (2405.0, 120)
    for measure in ("volume_lots", "open_interest_lots", "open_interest_change_lots", "turnover_10k_cny"):
        assert parsed.frames[TOTALS][measure].to_list() == pytest.approx([frame[measure].sum()] * 2)
    for table, read in parsed.frames.items():
        assert dict(read.schema) == TABLES[table].schema


def test_the_real_ranking_has_blocks_of_products_and_contracts(shared_data: Path) -> None:
    parsed = parse((shared_data / "payloads_more/czce/FutureDataHolding_20260911.txt").read_bytes(), "FutureDataHolding_20260911.txt")
    frame = parsed.frames[RANKING]
    assert parsed.rejects == ()
    assert set(frame["instrument"]) == {"cfall", "cf2609"} and set(frame.filter(instrument="cfall")["delivery_month_code"]) == {None}
    eighth = frame.filter(instrument="cf2609", rank=8)
    assert eighth["board"].to_list() == ["volume", "short"], "a place nobody holds is no row"
    sums = {row["board"]: row["position_lots"] for row in frame.filter(instrument="cf2609", row_kind="top20_sum").to_dicts()}
    assert sums == {"volume": 2 * 568, "long": 28_963, "short": 28_963}
    assert frame.filter(row_kind="member")["participant"].null_count() == 0


# ---------------------------------------------------------------- eras


def test_old_files_are_read_in_their_own_encoding_and_names_stray_bytes_and_all() -> None:
    old = (
        quotes(SH509.removesuffix("|"), SUM.removesuffix("|"), day="2016-01-04", header=OLD_HEADER, total=TOTAL.removesuffix("|"))
        .decode()
        .encode("gb18030")
    )
    parsed = parse(b"\xff\x81" + old, "FutureDataDaily_20160104.txt")
    assert parsed.frames[QUOTES].select("product_id", "delivery_month_code", "open_interest_lots").rows() == [("sh", "1509", 2000)]
    assert parsed.frames[QUOTES]["delivery_settle_price"].null_count() == 1


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (quotes(SH509, SUM, day="2025-07-15"), (Outcome.NOT_DATA, "wrong_date")),
        (quotes(SH509, SUM).replace(b"(2025-07-16)", b""), (Outcome.FORMAT_CHANGED, "no_date")),
        (quotes(SH509, SUM, day="2025-17-16"), (Outcome.FORMAT_CHANGED, "no_date")),
        ("当日无数据".encode(), (Outcome.NOT_PUBLISHED, "no_data")),
        (quotes(ZERO), (Outcome.NOT_DATA, "no_rows")),
        (quotes(SH509, SUM, total=""), (Outcome.NOT_DATA, "truncated")),
        (quotes(SH509, SUM).rstrip(), (Outcome.NOT_DATA, "truncated")),
        (quotes(SH509.rsplit("|", 3)[0], SUM), (Outcome.NOT_DATA, "truncated")),
        (quotes(SH509.replace("2,460.00", "        "), SUM), (Outcome.NOT_PUBLISHED, "unsettled")),
        (quotes(SH509, header=HEADER.replace("今结算", "结算价")), (Outcome.FORMAT_CHANGED, "missing_column")),
        (quotes(SH509, header=HEADER.replace("今开盘    ", "最高价    ")), (Outcome.FORMAT_CHANGED, "repeated_header")),
    ],
)
def test_a_file_that_is_not_the_days_quotes_has_its_outcome(body: bytes, expected: tuple[Outcome, str]) -> None:
    assert refusal(body) == expected


def test_rows_nobody_can_place_are_put_aside_and_cost_no_other() -> None:
    parsed = parse(
        quotes(
            SH509, SUM, SH509.replace("SH509", "SH5091"), SH509.replace("SH509", "SA601").replace("1,000", "many"), SUM, SUM.replace("小计", "累计")
        )
    )
    assert [reject.reason for reject in parsed.rejects] == ["unknown_row", "not_a_number", "unknown_row"]
    assert parsed.frames[QUOTES]["product_id"].to_list() == ["sh"]
    assert parsed.frames[TOTALS]["product_id"].to_list() == ["sh", "sa", ""]


def test_a_sum_that_closes_nothing_and_is_not_zero_is_no_products() -> None:
    parsed = parse(quotes(SH509, SUM, SUM))
    assert [(reject.table, reject.reason) for reject in parsed.rejects] == [(TOTALS, "unknown_row")]


def test_a_traded_contract_may_have_no_prices() -> None:
    physical = "SH511 |2,450.00  |0.00  |0.00  |0.00  |0.00  |2,460.00  |10.00    |10.00    |5     |2,000     |-5       |36.90    |"
    (row,) = parse(quotes(physical, ZERO)).frames[QUOTES].to_dicts()
    assert (row["volume_lots"], row["high_price"], row["settle_price"]) == (5, None, 2460.0)


def test_a_ranking_row_that_cannot_be_read_says_of_which_board_it_is_a_part() -> None:
    name = "FutureDataHolding_20250716.txt"
    parsed = parse(holding(BLOCK, PLACES, FIRST, FIRST.replace("92,677", "viele").replace("1     |", "2     |"), END), name)
    (reject,) = parsed.rejects
    assert (reject.reason, reject.row["instrument"], reject.row["row_kind"]) == ("not_a_ranking_row", "sh2509", "member")
    assert parsed.frames[RANKING].filter(pl.col("row_kind") == "member")["board"].to_list() == ["volume", "long"]
    assert refusal(holding(BLOCK.replace("07-16", "07-15"), PLACES, FIRST), name) == (Outcome.NOT_DATA, "wrong_date")
    assert refusal(holding(PLACES, FIRST), name) == (Outcome.NOT_DATA, "no_rows")
    unknown = parse(holding(BLOCK, PLACES, FIRST, "品种：烧碱              日期：2025-07-16", PLACES, FIRST), name)
    assert [reject.reason for reject in unknown.rejects] == ["unknown_row"]
    assert set(unknown.frames[RANKING]["instrument"]) == {"sh2509"}, "a block nobody can place is not counted into the one above"


def test_rows_under_a_heading_that_cannot_be_read_are_not_given_to_the_block_before() -> None:
    padded = "合约：SH601" + " " * 300 + "日期：2025-07-16"
    assert refusal(holding(BLOCK, PLACES, FIRST, padded, PLACES, FIRST), "FutureDataHolding_20250716.txt") == (Outcome.NOT_DATA, "oversized")
