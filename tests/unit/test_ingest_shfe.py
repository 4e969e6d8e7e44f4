"""The exchange's files: every figure printed is the figure kept, and nothing else is."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from feeds import DAY, NOON, Row, answer, extract, quote, rank, warrant

from ingest.source import Outcome, Parsed, PayloadError, Request, Response
from ingest.sources.shfe import Shfe, product_of
from quality.raw import TABLES

QUOTES, TOTALS, WARRANTS, RANKING = "shfe__daily_quotes", "shfe__daily_totals", "shfe__warehouse_receipts", "shfe__member_ranking"


def parse(name: str, body: bytes) -> Parsed:
    source = Shfe()
    request = source.recognise(name)
    assert request is not None, name
    verdict = source.inspect(request, Response(body, NOON))
    assert verdict.outcome is Outcome.OK, verdict
    return source.parse(request, body)


def parse_shared(shared_data: Path, name: str) -> tuple[Parsed, bytes]:
    body = (shared_data / "payloads" / name).read_bytes()
    return parse(name, body), body


def kx(*rows: Row, day: date = DAY, **envelope: Any) -> Parsed:
    return parse(f"kx{day:%Y%m%d}.dat", answer(rows, day=day, **envelope))


def dailystock(*rows: Row) -> Parsed:
    return parse("20250716dailystock.dat", answer(rows, "o_cursor"))


def pm(*rows: Row) -> Parsed:
    return parse("pm20250716.dat", answer(rows, "o_cursor"))


def refusal(name: str, body: bytes) -> tuple[Outcome, str]:
    with pytest.raises(PayloadError) as caught:
        parse(name, body)
    verdict = caught.value.verdict
    assert str(caught.value) == verdict.message
    assert verdict.message
    return verdict.outcome, verdict.reason


def only(frame: pl.DataFrame) -> dict[str, Any]:
    assert frame.height == 1, frame
    return frame.row(0, named=True)


# ---------------------------------------------------------------- which files there are


def test_one_day_has_quotes_ranking_and_the_warrants_of_its_era() -> None:
    before = {request.feed: request for request in Shfe().requests(date(2025, 11, 12))}
    after = {request.feed: request for request in Shfe().requests(date(2025, 11, 13))}
    site = "https://www.shfe.com.cn/data"
    base = f"{site}/tradedata/future"
    assert {feed: request.url for feed, request in before.items()} == {
        "kx": f"{base}/dailydata/kx20251112.dat",
        "js": f"{base}/dailydata/js20251112.dat",
        "pm": f"{base}/dailydata/pm20251112.dat",
        "dailystock": f"{base}/dailydata/20251112dailystock.dat",
        "settlement": f"{site}/busiparamdata/future/Settlement20251112.dat",
        "limits": f"{site}/busiparamdata/future/ContractDailyTradeArgument20251112.dat",
        "contracts": f"{site}/busiparamdata/future/ContractBaseInfo20251112.dat",
    }
    assert after["dailystock_html"].url == f"{base}/stockdata/dailystock_20251113/ZH/all.html"
    assert set(after) == {"kx", "js", "pm", "dailystock_html", "settlement", "limits", "contracts"}
    assert {request.day for request in after.values()} == {date(2025, 11, 13)}
    assert {request.key for request in after.values()} == {"20251113"}


@pytest.mark.parametrize(
    ("path", "feed", "day"),
    [
        ("kx20250716.dat", "kx", "20250716"),
        ("2025/07/kx20250716.dat", "kx", "20250716"),
        ("kx20260907_ao_rows.json", "kx", "20260907"),
        ("pm20160104.dat", "pm", "20160104"),
        ("20250603dailystock.dat", "dailystock", "20250603"),
        ("dailystock_20260915/ZH/all.html", "dailystock_html", "20260915"),
        ("some/dailystock_20260915/ZH/shfe/all.html", "dailystock_html", "20260915"),
        ("dailystock_20250716_ao_tables.html", "dailystock_html", "20250716"),
    ],
)
def test_a_file_is_known_by_the_exchanges_own_name_in_any_folder(path: str, feed: str, day: str) -> None:
    request = Shfe().recognise(path)
    assert request is not None
    assert (request.feed, request.key, f"{request.day:%Y%m%d}") == (feed, day, day)


@pytest.mark.parametrize(
    "path",
    [
        "kx20250230.dat",
        "kx2025071.dat",
        "kx20250716.dat.bak",
        "ajs20250716.dat",
        "akx20250716.dat",
        "kx20250716.xlsx",
        "all.html",
        "smm_kx_20250716.csv",
    ],
)
def test_a_file_of_another_name_is_not_the_exchanges(path: str) -> None:
    assert Shfe().recognise(path) is None


# ---------------------------------------------------------------- real payloads, against an independent reading


def text_or_null(value: Any) -> Any:
    return None if value in ("", None) else value


@pytest.mark.parametrize("name", ["shfe/kx20160104.dat", "shfe/kx20260915.dat", "synthetic/kx20250716.dat"])
def test_every_contract_figure_of_a_quotes_file_is_kept_unchanged(name: str, shared_data: Path) -> None:
    parsed, body = parse_shared(shared_data, name)
    document = json.loads(body)
    printed = {
        (row["PRODUCTID"].strip()[:-2], row["DELIVERYMONTH"]): row
        for row in document["o_curinstrument"]
        if row["PRODUCTID"].strip().endswith("_f") and row["DELIVERYMONTH"].isdigit()
    }
    frame = parsed.frames[QUOTES]
    kept = {(row["product_id"], row["delivery_month_code"]): row for row in frame.iter_rows(named=True)}
    assert kept.keys() == printed.keys()
    assert len(kept) == frame.height
    assert len(kept) >= 3
    for contract, row in printed.items():
        for column, key in {
            "settle_price": "SETTLEMENTPRICE", "pre_settle_price": "PRESETTLEMENTPRICE", "open_price": "OPENPRICE", "high_price": "HIGHESTPRICE",
            "low_price": "LOWESTPRICE", "close_price": "CLOSEPRICE", "volume_lots": "VOLUME", "open_interest_lots": "OPENINTEREST",
            "open_interest_change_lots": "OPENINTERESTCHG", "turnover_10k_cny": "TURNOVER", "close_change": "ZD1_CHG", "settle_change": "ZD2_CHG",
        }.items():  # fmt: skip
            assert kept[contract][column] == text_or_null(row.get(key)), (contract, column)
        assert kept[contract]["product_name"] == row["PRODUCTNAME"].strip()
        assert f"{kept[contract]['trade_date']:%Y%m%d}" == document["report_date"]
    assert not parsed.rejects
    assert not parsed.remarks


@pytest.mark.parametrize("name", ["shfe/kx20160104.dat", "shfe/kx20260915.dat", "synthetic/kx20250716.dat"])
def test_sums_are_kept_apart_and_tas_and_efp_rows_are_neither(name: str, shared_data: Path) -> None:
    parsed, body = parse_shared(shared_data, name)
    printed = {}
    for row in json.loads(body)["o_curinstrument"]:
        if row["DELIVERYMONTH"] == "小计":
            printed["product", row["PRODUCTID"].strip()[:-2]] = row
        elif row["PRODUCTID"] == "总计":
            printed["exchange", ""] = row
    kept = {(row["total_scope"], row["product_id"]): row for row in parsed.frames[TOTALS].iter_rows(named=True)}
    assert kept.keys() == printed.keys()
    assert ("exchange", "") in kept
    for key, row in printed.items():
        for column, name_there in {
            "volume_lots": "VOLUME",
            "open_interest_lots": "OPENINTEREST",
            "open_interest_change_lots": "OPENINTERESTCHG",
        }.items():
            assert kept[key][column] == row[name_there]
        assert kept[key]["turnover_10k_cny"] == row.get("TURNOVER")
    assert not [code for code in parsed.frames[QUOTES]["product_id"] if "tas" in code or "efp" in code]


def test_the_time_of_publication_is_the_one_the_file_states(shared_data: Path) -> None:
    parsed, _ = parse_shared(shared_data, "shfe/kx20260915.dat")
    assert parsed.published_at is not None
    assert parsed.published_at.astimezone(UTC) == datetime(2026, 9, 15, 7, 28, 56, tzinfo=UTC)


def test_an_extract_keeps_every_printed_settlement_and_leaves_absent_columns_null(shared_data: Path) -> None:
    parsed, body = parse_shared(shared_data, "shfe/kx20260907_ao_rows.json")
    printed = {row["DELIVERYMONTH"]: row for row in json.loads(body)["o_curinstrument"] if row["DELIVERYMONTH"].isdigit()}
    frame = parsed.frames[QUOTES]
    kept = {row["delivery_month_code"]: row for row in frame.iter_rows(named=True)}
    assert frame.height == 12
    assert {month: (row["settle_price"], row["pre_settle_price"]) for month, row in kept.items()} == {
        month: (row["SETTLEMENTPRICE"], row["PRESETTLEMENTPRICE"]) for month, row in printed.items()
    }
    absent = ["open_price", "high_price", "low_price", "close_price", "close_change", "settle_change", "volume_lots", "open_interest_lots"]
    for column in [*absent, "open_interest_change_lots", "turnover_10k_cny", "product_name"]:
        assert frame[column].null_count() == 12, f"{column} must be null where it was not printed, never 0"
    assert only(parsed.frames[TOTALS])["volume_lots"] is None
    (remark,) = parsed.remarks
    assert remark.startswith("extract: without ")
    assert "VOLUME" in remark


@pytest.mark.parametrize("name", ["shfe/pm20160104.dat", "shfe/pm20260915.dat"])
def test_every_ranking_figure_is_kept_unchanged(name: str, shared_data: Path) -> None:
    parsed, body = parse_shared(shared_data, name)
    printed = set()
    for row in json.loads(body)["o_cursor"]:
        instrument = row["INSTRUMENTID"].strip()
        for board, n in {"volume": 1, "long": 2, "short": 3}.items():
            if row[f"CJ{n}"] != "":
                is_member = 1 <= row["RANK"] <= 20
                printed.add(
                    (
                        instrument, board, row["RANK"] if is_member else None, row[f"CJ{n}"], row[f"CJ{n}_CHG"],
                        row[f"PARTICIPANTABBR{n}"].strip() or None, (row.get(f"PARTICIPANTID{n}") or None) if is_member else None,
                        {-1: "futures_companies", 0: "non_futures_companies", 999: "top20_sum"}.get(row["RANK"], "member"),
                    )
                )  # fmt: skip
    frame = parsed.frames[RANKING]
    columns = ["instrument", "board", "rank", "position_lots", "position_change_lots", "participant", "participant_id", "row_kind"]
    assert set(frame.select(columns).iter_rows()) == printed
    assert frame.height == len(printed)
    assert set(frame["product_id"]) == {"cu"}
    assert not parsed.rejects


@pytest.mark.parametrize("name", ["shfe/20160104dailystock.dat", "shfe/20250603dailystock.dat", "synthetic/20250716dailystock.dat"])
def test_every_warrant_figure_of_a_json_file_is_kept_unchanged(name: str, shared_data: Path) -> None:
    parsed, body = parse_shared(shared_data, name)
    codes = {"铜": "cu", "沥青": "bu", "黄金": "au"}  # what the names of the old file mean, written down here independently
    printed = sorted(
        (
            row.get("VARID") or codes[row["VARNAME"].split("$$")[0].removesuffix("厂库")],
            row["VARNAME"].split("$$")[0],
            "factory" if "厂库" in row["VARNAME"] else "warehouse",
            row["REGNAME"].split("$$")[0],
            row["WHABBRNAME"].split("$$")[0],
            ["detail", "region_total", "product_total"][int(row["ROWSTATUS"])],
            float(row["WRTWGHTS"]),
            float(row["WRTCHANGE"]),
            {"1": "kg", "2": "t", "3": "bbl"}[row["WGHTUNIT"]],
        )
        for row in json.loads(body)["o_cursor"]
    )
    columns = [
        "product_id",
        "product_name",
        "warehouse_type",
        "region",
        "warehouse",
        "row_level",
        "receipts_qty",
        "receipts_change_qty",
        "quantity_unit",
    ]
    assert sorted(parsed.frames[WARRANTS].select(columns).iter_rows()) == printed
    assert not parsed.rejects


class Cells(HTMLParser):
    """The texts of every cell, row by row and table by table: a reading that knows nothing of columns or spans."""

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.feed(body.decode())

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("td", "th"):
            self.tables[-1][-1].append("")

    def handle_data(self, data: str) -> None:
        if self.tables and self.tables[-1] and self.tables[-1][-1]:
            self.tables[-1][-1][-1] += data.strip()


@pytest.mark.parametrize("name", ["shfe/dailystock_20260915/ZH/all.html", "synthetic/dailystock_20250716_ao_tables.html"])
def test_every_warrant_figure_of_an_html_page_is_kept_unchanged(name: str, shared_data: Path) -> None:
    parsed, body = parse_shared(shared_data, name)
    codes = {"铜": "cu", "螺纹钢": "rb", "中质含硫原油": "sc", "氧化铝": "ao"}
    units = {"单位：吨": "t", "单位：桶": "bbl"}
    printed = []
    for heads, (title, unit), *rows in Cells(body).tables[1:]:
        for row in rows:
            *labels, qty, change = row
            total = next((label for label in labels if label.endswith(("合计", "总计"))), None)
            # With the factory's column first, its name is the first of two labels; otherwise names end the labels.
            warehouse = total or (labels[0] if heads[0] == "厂库" else labels[-1])
            level = "detail" if total is None else "region_total" if total == "合计" else "product_total"
            kind = "factory" if "厂库" in title else "warehouse"
            printed.append((codes[title.split("(")[0]], title, kind, warehouse, level, float(qty), float(change), units[unit]))
    columns = ["product_id", "product_name", "warehouse_type", "warehouse", "row_level", "receipts_qty", "receipts_change_qty", "quantity_unit"]
    assert sorted(parsed.frames[WARRANTS].select(columns).iter_rows()) == sorted(printed)
    assert len(printed) >= 8
    assert not parsed.rejects


def test_a_region_printed_once_belongs_to_every_row_it_spans(shared_data: Path) -> None:
    parsed, _ = parse_shared(shared_data, "shfe/dailystock_20260915/ZH/all.html")
    regions = {(row["product_id"], row["warehouse"]): row["region"] for row in parsed.frames[WARRANTS].iter_rows(named=True)}
    assert [regions["cu", name] for name in ("国储天威", "中储吴淞", "裕强闵行", "合计")] == ["上海"] * 4
    assert regions["cu", "江西国储"] == "江西", "the span above has ended"
    assert regions["rb", "镔钢集团"] == "厂库提货地"
    assert regions["cu", "总计"] == ""


def test_the_json_and_the_html_of_one_day_give_the_same_details_and_26400_tonnes(shared_data: Path) -> None:
    columns = ["trade_date", "product_id", "warehouse_type", "region", "warehouse", "receipts_qty", "receipts_change_qty", "quantity_unit"]
    twins = []
    for name in ("synthetic/20250716dailystock.dat", "synthetic/dailystock_20250716_ao_tables.html"):
        parsed, _ = parse_shared(shared_data, name)
        detail = parsed.frames[WARRANTS].filter(row_level="detail")
        assert detail["receipts_qty"].sum() == 26_400
        twins.append(sorted(detail.select(columns).iter_rows()))
    assert twins[0] == twins[1]
    assert len(twins[0]) == 5


def test_a_control_character_inside_a_string_is_accepted_with_a_remark(shared_data: Path) -> None:
    (file,) = (shared_data / "malformed" / "control_char").iterdir()
    parsed = parse(file.name, file.read_bytes())
    clean, _ = parse_shared(shared_data, "synthetic/20250716dailystock.dat")
    assert parsed.remarks == ("control_char",)
    assert parsed.frames[WARRANTS].height == 8
    # The characters stood in the English halves, so the rows are those of the clean twin.
    assert parsed.frames[WARRANTS].equals(clean.frames[WARRANTS])


@pytest.mark.parametrize(
    ("case", "outcome", "words"),
    [
        ("unsettled", Outcome.NOT_PUBLISHED, ["kx20250716.dat", "not final", "4 of 4 traded contracts", "no settlement price"]),
        ("partly_settled", Outcome.NOT_PUBLISHED, ["kx20250716.dat", "1 of 4 traded contracts", "no settlement price"]),
        ("wrong_inner_date", Outcome.NOT_DATA, ["kx20250716.dat", "20250715", "20250716"]),
        ("truncated", Outcome.NOT_DATA, ["cut short"]),
    ],
)
def test_an_unusable_quotes_file_says_why(case: str, outcome: Outcome, words: list[str], shared_data: Path) -> None:
    (file,) = (shared_data / "malformed" / case).iterdir()
    with pytest.raises(PayloadError) as caught:
        parse(file.name, file.read_bytes())
    assert caught.value.verdict.outcome is outcome
    for word in words:
        assert word in caught.value.verdict.message


# ---------------------------------------------------------------- quotes


def test_a_settlement_printed_as_zero_is_a_hole_and_not_a_price() -> None:
    row = only(kx(quote(SETTLEMENTPRICE=0, CLOSEPRICE="0", OPENPRICE=0.0)).frames[QUOTES])
    assert (row["settle_price"], row["close_price"], row["open_price"]) == (None, None, None)
    assert row["high_price"] == 3060


def test_a_zero_that_is_not_a_price_stays_zero() -> None:
    row = only(kx(quote(VOLUME=0, OPENINTERESTCHG=0, ZD1_CHG=0, TURNOVER=0)).frames[QUOTES])
    assert (row["volume_lots"], row["open_interest_change_lots"], row["close_change"], row["turnover_10k_cny"]) == (0, 0, 0.0, 0.0)


def test_an_untraded_contract_without_settlement_does_not_make_the_file_unsettled() -> None:
    parsed = kx(quote(), quote(month="2510", VOLUME=0, SETTLEMENTPRICE=""), quote(month="2511", VOLUME="", SETTLEMENTPRICE=None))
    assert parsed.frames[QUOTES]["settle_price"].to_list() == [3025, None, None]


@pytest.mark.parametrize("blank", ["", None, "---", "-", " "])
def test_one_traded_contract_without_settlement_makes_the_file_unsettled(blank: Any) -> None:
    body = answer([quote(), quote(month="2510", SETTLEMENTPRICE=blank, VOLUME="1,000")])
    assert refusal("kx20250716.dat", body) == (Outcome.NOT_PUBLISHED, "unsettled")


def test_the_old_padded_form_gives_the_same_row_as_the_current_one() -> None:
    padded = quote(PRODUCTID="ao_f    ", PRODUCTNAME="测试" + " " * 18)
    assert kx(padded).frames[QUOTES].equals(kx(quote()).frames[QUOTES])


def test_numbers_printed_as_text_are_the_same_numbers() -> None:
    printed = {key: f"{value:,}" if key in ("VOLUME", "TURNOVER", "SETTLEMENTPRICE", "OPENINTERESTCHG") else value for key, value in quote().items()}
    assert printed["VOLUME"] == "1,000"
    assert kx(printed).frames[QUOTES].equals(kx(quote()).frames[QUOTES])


def test_the_order_of_keys_says_nothing() -> None:
    assert kx(dict(reversed(quote().items()))).frames[QUOTES].equals(kx(quote()).frames[QUOTES])


def test_tas_efp_and_sums_are_not_contracts() -> None:
    blank = {key: "" for key in quote() if key.endswith(("PRICE", "_CHG"))}
    parsed = kx(
        quote(),
        quote(DELIVERYMONTH="小计", **blank),
        quote(PRODUCTID="总计", PRODUCTNAME="总计", DELIVERYMONTH="", **blank),
        quote(PRODUCTID="ao_tas", PRODUCTCLASS="6", CLOSEPRICE=0),
        quote(PRODUCTID="ao_tas", DELIVERYMONTH="小计", **blank),
        quote(PRODUCTID="aoefp   ", PRODUCTCLASS="5", DELIVERYMONTH="efp", VOLUME=12),
    )
    assert parsed.frames[QUOTES]["delivery_month_code"].to_list() == ["2509"]
    assert parsed.frames[TOTALS].select("total_scope", "product_id").rows() == [("product", "ao"), ("exchange", "")]
    assert not parsed.rejects


def test_a_row_that_is_neither_contract_nor_sum_is_put_aside_with_its_content() -> None:
    parsed = kx(quote(), quote(DELIVERYMONTH="合计"))
    (reject,) = parsed.rejects
    assert (reject.reason, reject.row["DELIVERYMONTH"]) == ("unknown_row", "合计")
    assert parsed.frames[QUOTES].height == 1


@pytest.mark.parametrize("value", ["停牌", True, "1,23", float("nan")])
def test_a_row_with_text_in_a_number_is_put_aside_and_the_others_stay(value: Any) -> None:
    parsed = kx(quote(), quote(month="2510", OPENPRICE=value))
    assert [reject.reason for reject in parsed.rejects] == ["not_a_number"]
    assert parsed.frames[QUOTES]["delivery_month_code"].to_list() == ["2509"]


@pytest.mark.parametrize("column", ["PRODUCTID", "DELIVERYMONTH", "SETTLEMENTPRICE", "VOLUME", "OPENINTEREST", "OPENPRICE", "TURNOVER", "ZD1_CHG"])
def test_a_full_answer_without_a_column_has_another_format(column: str) -> None:
    body = answer([{key: value for key, value in quote().items() if key != column}])
    with pytest.raises(PayloadError, match=column) as caught:
        parse("kx20250716.dat", body)
    assert (caught.value.verdict.outcome, caught.value.verdict.reason) == (Outcome.FORMAT_CHANGED, "missing_column")


@pytest.mark.parametrize("column", ["PRODUCTID", "DELIVERYMONTH", "SETTLEMENTPRICE"])
def test_even_an_extract_must_say_which_contract_and_which_settlement(column: str) -> None:
    body = extract([{key: value for key, value in quote().items() if key != column}])
    assert refusal("kx20250716.dat", body) == (Outcome.FORMAT_CHANGED, "missing_column")


@pytest.mark.parametrize("name", ["kx20160104.dat", "kx20210727.dat"])
def test_turnover_per_contract_is_not_expected_before_it_was_printed(name: str) -> None:
    day = date(int(name[2:6]), int(name[6:8]), int(name[8:10]))
    row = {key: value for key, value in quote().items() if key not in ("TURNOVER", "PRODUCTCLASS", "PRODUCTGROUPID")}
    assert only(parse(name, answer([row], day=day)).frames[QUOTES])["turnover_10k_cny"] is None


def test_turnover_is_expected_from_its_first_day() -> None:
    row = {key: value for key, value in quote().items() if key != "TURNOVER"}
    assert refusal("kx20210728.dat", answer([row], day=date(2021, 7, 28))) == (Outcome.FORMAT_CHANGED, "missing_column")


def test_an_unknown_column_is_remarked_and_kept_as_text() -> None:
    parsed = kx(quote(NEWFIELD=7), quote(month="2510"))
    assert parsed.remarks == ("unknown_column:NEWFIELD",)
    assert [json.loads(text) if text else None for text in parsed.frames[QUOTES]["extra"]] == [{"NEWFIELD": 7}, None]


def test_the_parts_of_the_envelope_nobody_reads_may_be_anything() -> None:
    parsed = kx(quote(), o_curproduct=[{"a": 1}], o_curmetalindex=None, o_year="2025")
    assert parsed.frames[QUOTES].height == 1
    assert not parsed.remarks


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"[1, 2]", (Outcome.FORMAT_CHANGED, "no_envelope")),
        (b'{"report_date": "20250716"}', (Outcome.FORMAT_CHANGED, "no_rows_key")),
        (b'{"report_date": "20250716", "o_curinstrument": {"a": 1}}', (Outcome.FORMAT_CHANGED, "no_rows_key")),
        (b'{"report_date": "20250716", "o_curinstrument": [1]}', (Outcome.FORMAT_CHANGED, "no_rows_key")),
        (b'{"report_date": "20250716", "o_curinstrument": []}', (Outcome.NOT_DATA, "no_rows")),
        (b'{"o_curinstrument": []}', (Outcome.NOT_DATA, "wrong_date")),
        (b'{"report_date": "20250716", "o_curinstrument": [}', (Outcome.NOT_DATA, "unparsable")),
        (b'{"report_date": "2025\xff"}', (Outcome.NOT_DATA, "unparsable")),
        (b"[" * 200_000, (Outcome.NOT_DATA, "unparsable")),
        (answer([quote(DELIVERYMONTH="小计", SETTLEMENTPRICE="")]), (Outcome.NOT_DATA, "no_rows")),
    ],
)
def test_a_payload_that_is_not_the_exchanges_envelope_is_refused(body: bytes, expected: tuple[Outcome, str]) -> None:
    assert refusal("kx20250716.dat", body) == expected


def test_a_byte_order_mark_changes_nothing() -> None:
    body = answer([quote()])
    assert parse("kx20250716.dat", b"\xef\xbb\xbf" + body).frames[QUOTES].equals(parse("kx20250716.dat", body).frames[QUOTES])


def test_an_unreadable_time_of_publication_is_left_to_the_clock() -> None:
    assert kx(quote(), update_date="下午").published_at is None


# ---------------------------------------------------------------- rows that lack a key: bad rows must never stop a run


@pytest.mark.parametrize(
    ("name", "body"),
    [
        *[(f"kx20250716.dat:{key}", answer([quote(), {k: v for k, v in quote(month="2510").items() if k != key}])) for key in ("PRODUCTID", "DELIVERYMONTH", "SETTLEMENTPRICE")],
        *[
            (f"20250716dailystock.dat:{key}", answer([warrant(), {k: v for k, v in warrant("乙库").items() if k != key}], "o_cursor"))
            for key in ("VARNAME", "REGNAME", "WHABBRNAME", "WGHTUNIT", "WRTWGHTS", "WRTCHANGE", "ROWSTATUS")
        ],
        *[
            (f"pm20250716.dat:{key}", answer([rank(), {k: v for k, v in rank(place=2).items() if k != key}], "o_cursor"))
            for key in ("INSTRUMENTID", "RANK", "CJ1", "CJ2_CHG", "PARTICIPANTABBR3")
        ],
    ],
)  # fmt: skip
def test_a_row_without_a_required_key_is_a_bad_row_or_a_bad_payload_and_no_crash(name: str, body: bytes) -> None:
    # `parse` may put the row aside or refuse the payload; a KeyError would end the whole ingestion.
    try:
        parsed = parse(name.partition(":")[0], body)
    except PayloadError:
        return
    assert parsed.rejects or next(iter(parsed.frames.values())).height > 1
    assert next(iter(parsed.frames.values())).height >= 1, "the good row stays"


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("kx20250716.dat", answer([quote(), quote(month="2510", VOLUME=10**25)])),
        ("kx20250716.dat", answer([quote(), quote(month="2510", OPENPRICE=10**400)])),
        ("20250716dailystock.dat", answer([warrant(), warrant("乙库", qty=10**400)], "o_cursor")),
        ("pm20250716.dat", answer([rank(), rank(place=2, lots=(10**25, 1, 1))], "o_cursor")),
    ],
)
def test_a_number_no_column_can_hold_is_a_bad_row_and_no_crash(name: str, body: bytes) -> None:
    parsed = parse(name, body)
    assert len(parsed.rejects) == 1


# ---------------------------------------------------------------- warrants


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("氧化铝", "ao"), ("氧化铝仓库", "ao"), ("氧化铝厂库", "ao"), ("氧化铝(仓库)", "ao"), ("氧化铝（厂库）", "ao"),
        ("铝", "al"), ("铝仓库", "al"), ("铸造铝合金", "ad"), ("铸造铝合金(厂库)", "ad"), ("铜", "cu"), ("铜(BC)", "bc"),
        ("沥青厂库", "bu"), ("石油沥青", "bu"), ("中质含硫原油", "sc"),
    ],
)  # fmt: skip
def test_a_product_is_found_by_its_whole_chinese_name(name: str, code: str) -> None:
    assert product_of(name) == code


@pytest.mark.parametrize("name", ["", "仓库", "氧化", "再生氧化铝", "氧化铝粉", "Aluminium Oxide", "铝(保税)", "保税铜"])
def test_a_name_that_is_not_whole_is_not_guessed(name: str) -> None:
    assert product_of(name) is None


def test_the_product_code_goes_before_the_name_and_the_name_serves_where_there_is_none() -> None:
    rows = dailystock(
        warrant("甲"),
        warrant("乙", VARID="AO "),
        {key: value for key, value in warrant("丙").items() if key not in ("VARID", "WHTYPE")},
        {key: value for key, value in warrant("丁", VARNAME="铝$$ALUMINIUM").items() if key not in ("VARID", "WHTYPE")},
    ).frames[WARRANTS]
    assert dict(zip(rows["warehouse"], rows["product_id"], strict=True)) == {"甲": "ao", "乙": "ao", "丙": "ao", "丁": "al"}


def test_a_factory_is_told_by_its_type_or_where_there_is_none_by_its_name() -> None:
    nameless = {key: value for key, value in warrant("丙", VARNAME="氧化铝厂库").items() if key != "WHTYPE"}
    rows = dailystock(warrant("甲"), warrant("乙", WHTYPE="2"), nameless).frames[WARRANTS]
    assert dict(zip(rows["warehouse"], rows["warehouse_type"], strict=True)) == {"甲": "warehouse", "乙": "factory", "丙": "factory"}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"VARID": "", "VARNAME": "新品种$$New"}, "unknown_product"),
        ({"ROWSTATUS": "3"}, "unknown_row_status"),
        ({"WGHTUNIT": "9"}, "unknown_unit"),
        ({"WRTWGHTS": "三百"}, "not_a_number"),
        ({"WRTCHANGE": "n/a"}, "not_a_number"),
    ],
)
def test_a_warrant_row_that_cannot_be_understood_is_put_aside_with_its_content(changes: Mapping[str, Any], reason: str) -> None:
    parsed = dailystock(warrant("甲"), warrant("乙", **changes))
    (reject,) = parsed.rejects
    assert (reject.reason, reject.row["WHABBRNAME"]) == (reason, "乙$$X")
    assert parsed.frames[WARRANTS]["warehouse"].to_list() == ["甲"]


@pytest.mark.parametrize("column", ["VARNAME", "REGNAME", "WHABBRNAME", "WGHTUNIT", "WRTWGHTS", "WRTCHANGE", "ROWSTATUS"])
def test_warrants_without_a_column_have_another_format(column: str) -> None:
    body = answer([{key: value for key, value in warrant().items() if key != column}], "o_cursor")
    assert refusal("20250716dailystock.dat", body) == (Outcome.FORMAT_CHANGED, "missing_column")


def test_quantities_printed_as_text_and_blank_changes_are_read() -> None:
    row = only(dailystock(warrant(qty="1,200", change="")).frames[WARRANTS])
    assert (row["receipts_qty"], row["receipts_change_qty"]) == (1200, None)


HEADS = "<tr><th>地区</th><th>仓库</th><th>期货</th><th>增减</th></tr>"
TITLE = '<tr class="special_row_type"><td colspan="3">{}</td><td>单位：吨</td></tr>'


def page(*tables: str, day: str = "2026-09-15") -> bytes:
    shown = "".join(f'<table class="el-table_table">{table}</table>' for table in tables)
    return f'<html><body><table class="content_intro"><tr><td>{day} 2026年 第1期</td></tr></table>{shown}</body></html>'.encode()


def html(*tables: str) -> Parsed:
    return parse("dailystock_20260915.html", page(*tables))


def test_alumina_and_aluminium_stand_in_one_page_without_mixing() -> None:
    row = "<tr><td>新疆</td><td>甲库</td><td>{}</td><td>0</td></tr>"
    parsed = html(
        HEADS + TITLE.format("铝") + row.format(100),
        HEADS + TITLE.format("氧化铝(仓库)") + row.format(200),
        HEADS.replace("仓库", "厂库") + TITLE.format("氧化铝(厂库)") + row.format(300),
        HEADS + TITLE.format("铸造铝合金") + row.format(400),
    )
    columns = ["product_id", "warehouse_type", "receipts_qty"]
    assert parsed.frames[WARRANTS].select(columns).rows() == [
        ("al", "warehouse", 100), ("ao", "warehouse", 200), ("ao", "factory", 300), ("ad", "warehouse", 400),
    ]  # fmt: skip


def test_several_products_may_follow_each_other_in_one_table() -> None:
    row = "<tr><td>上海</td><td>甲库</td><td>{}</td><td>0</td></tr>"
    parsed = html(HEADS + TITLE.format("铜") + row.format(1) + TITLE.format("铝") + row.format(2))
    assert parsed.frames[WARRANTS].select("product_id", "receipts_qty").rows() == [("cu", 1), ("al", 2)]


def test_a_product_name_nobody_knows_goes_to_quarantine_and_is_not_guessed() -> None:
    row = "<tr><td>新疆</td><td>甲库</td><td>5</td><td>0</td></tr>"
    parsed = html(HEADS + TITLE.format("再生氧化铝") + row, HEADS + TITLE.format("铜") + row)
    assert [reject.reason for reject in parsed.rejects] == ["unknown_product"]
    assert "再生氧化铝" in parsed.rejects[0].message
    assert parsed.frames[WARRANTS]["product_id"].to_list() == ["cu"]


def test_a_unit_nobody_knows_goes_to_quarantine() -> None:
    parsed = html(
        HEADS + TITLE.format("铜").replace("吨", "捆") + "<tr><td>上海</td><td>甲库</td><td>5</td><td>0</td></tr>",
        HEADS + TITLE.format("铝") + "<tr><td>上海</td><td>甲库</td><td>5</td><td>0</td></tr>",
    )
    assert [reject.reason for reject in parsed.rejects] == ["unknown_unit"]


@pytest.mark.parametrize("heading", ["昨日数量", "库容", ""])
def test_a_heading_nobody_knows_changes_the_format(heading: str) -> None:
    body = page(HEADS.replace("期货", heading) + TITLE.format("铜") + "<tr><td>上海</td><td>甲库</td><td>5</td><td>0</td></tr>")
    assert refusal("dailystock_20260915.html", body) == (Outcome.FORMAT_CHANGED, "unknown_column")


@pytest.mark.parametrize("missing", ["地区", "仓库", "期货", "增减"])
def test_a_table_without_one_of_its_columns_is_refused_and_no_crash(missing: str) -> None:
    heads = HEADS.replace(f"<th>{missing}</th>", "")
    body = page(heads + TITLE.format("铜") + "<tr><td>上海</td><td>5</td><td>0</td></tr>")
    assert refusal("dailystock_20260915.html", body)[0] is Outcome.FORMAT_CHANGED


def test_columns_follow_their_headings_and_not_their_places() -> None:
    heads = "<tr><th>增减</th><th>期货</th><th>厂库</th><th>地区</th></tr>"
    row = only(html(heads + TITLE.format("氧化铝(厂库)") + "<tr><td>-300</td><td>600</td><td>丁厂</td><td>山西</td></tr>").frames[WARRANTS])
    assert (row["region"], row["warehouse"], row["receipts_qty"], row["receipts_change_qty"]) == ("山西", "丁厂", 600, -300)


def test_rows_are_classed_by_their_text_and_not_by_their_width() -> None:
    # Gold's only detail row spans two columns like a sum does.
    parsed = html(
        HEADS + TITLE.format("黄金").replace("吨", "千克") + '<tr><td colspan="2">上期所交割库</td><td>1026</td><td>0</td></tr>',
        HEADS + TITLE.format("铜") + '<tr><td>上海</td><td>甲库</td><td>1</td><td>0</td></tr><tr><td colspan="2">总计</td><td>1</td><td>0</td></tr>',
    )
    columns = ["product_id", "warehouse", "row_level", "receipts_qty", "quantity_unit"]
    assert parsed.frames[WARRANTS].select(columns).rows() == [
        ("au", "上期所交割库", "detail", 1026, "kg"), ("cu", "甲库", "detail", 1, "t"), ("cu", "总计", "product_total", 1, "t"),
    ]  # fmt: skip


def test_two_spans_that_follow_each_other_keep_to_their_own_rows() -> None:
    rows = (
        '<tr><td rowspan="2">上海</td><td>甲</td><td>1</td><td>0</td></tr><tr><td>乙</td><td>2</td><td>0</td></tr>'
        '<tr><td rowspan="2">江苏</td><td>丙</td><td>3</td><td>0</td></tr><tr><td>合计</td><td>3</td><td>0</td></tr>'
        '<tr><td colspan="2">总计</td><td>6</td><td>0</td></tr>'
    )
    frame = html(HEADS + TITLE.format("铜") + rows).frames[WARRANTS]
    assert frame.select("region", "warehouse").rows() == [("上海", "甲"), ("上海", "乙"), ("江苏", "丙"), ("江苏", "合计"), ("", "总计")]


def test_a_span_that_never_ends_does_not_reach_into_the_next_product() -> None:
    rows = (
        '<tr><td rowspan="9">上海</td><td>甲</td><td>1</td><td>0</td></tr>'
        + TITLE.format("铝")
        + "<tr><td>江苏</td><td>乙</td><td>2</td><td>0</td></tr>"
    )
    frame = html(HEADS + TITLE.format("铜") + rows).frames[WARRANTS]
    assert frame.select("product_id", "region", "warehouse", "receipts_qty").rows() == [("cu", "上海", "甲", 1), ("al", "江苏", "乙", 2)]


@pytest.mark.parametrize(
    "row",
    [
        '<tr><td rowspan="two">上海</td><td>甲</td><td>1</td><td>0</td></tr>',
        '<tr><td colspan="x">上海</td><td>1</td><td>0</td></tr>',
        '<tr class="special_row_type"></tr>',
        '<tr><td colspan="0">上海</td><td>甲</td><td>1</td><td>0</td></tr>',
        '<tr><td colspan="-3">上海</td><td>甲</td><td>1</td><td>0</td></tr>',
    ],
)
def test_nonsense_in_the_markup_is_refused_or_put_aside_and_no_crash(row: str) -> None:
    try:
        parsed = html(HEADS + TITLE.format("铜") + row + "<tr><td>江苏</td><td>乙</td><td>2</td><td>0</td></tr>")
    except PayloadError:
        return
    assert ("江苏", "乙", 2) in parsed.frames[WARRANTS].select("region", "warehouse", "receipts_qty").rows()


def test_a_page_about_another_day_is_not_the_one_asked_for() -> None:
    body = page(HEADS, day="2026-09-14")
    with pytest.raises(PayloadError, match="2026-09-14") as caught:
        parse("dailystock_20260915.html", body)
    assert (caught.value.verdict.outcome, caught.value.verdict.reason) == (Outcome.NOT_DATA, "wrong_date")


def test_a_page_without_a_date_or_without_tables_has_another_format() -> None:
    assert refusal("dailystock_20260915.html", page(HEADS, day="")) == (Outcome.FORMAT_CHANGED, "no_date")
    assert refusal("dailystock_20260915.html", page()) == (Outcome.FORMAT_CHANGED, "no_rows")
    assert refusal("dailystock_20260915.html", page().replace(b"2026", b"\xff\xff")) == (Outcome.NOT_DATA, "undecodable")


# ---------------------------------------------------------------- ranking


def test_the_blank_tail_of_a_short_board_is_not_a_zero() -> None:
    frame = pm(rank(place=20, lots=(60, "", None))).frames[RANKING]
    assert frame.select("board", "position_lots").rows() == [("volume", 60)]


def test_member_numbers_keep_their_leading_zeros() -> None:
    assert set(pm(rank()).frames[RANKING]["participant_id"]) == {"0001", "0002", "0003"}


def test_boards_of_a_contract_and_of_the_whole_product_are_told_apart() -> None:
    frame = pm(rank(), rank("aoall", -1), rank("aoactv      ", 0), rank("ao2509", 999)).frames[RANKING].filter(board="long")
    assert frame.select("instrument", "product_id", "delivery_month_code", "row_kind", "rank").rows() == [
        ("ao2509", "ao", "2509", "member", 1),
        ("aoall", "ao", None, "futures_companies", None),
        ("aoactv", "ao", None, "non_futures_companies", None),
        ("ao2509", "ao", "2509", "top20_sum", None),
    ]


@pytest.mark.parametrize("changes", [{"RANK": 21}, {"RANK": ""}, {"RANK": "first"}, {"INSTRUMENTID": "2509"}, {"INSTRUMENTID": ""}, {"CJ2": "many"}])
def test_a_row_that_is_no_row_of_a_ranking_is_put_aside(changes: dict[str, Any]) -> None:
    parsed = pm(rank(), rank(place=2, **changes))
    assert [reject.reason for reject in parsed.rejects] == ["not_a_ranking_row"]
    assert {row["rank"] for row in parsed.frames[RANKING].iter_rows(named=True)} == {1}, "no board of a refused row may stay"


@pytest.mark.parametrize("column", ["RANK", "CJ1", "CJ3_CHG", "PARTICIPANTABBR2"])
def test_a_ranking_without_a_column_has_another_format(column: str) -> None:
    body = answer([{key: value for key, value in rank().items() if key != column}], "o_cursor")
    assert refusal("pm20250716.dat", body) == (Outcome.FORMAT_CHANGED, "missing_column")


# ---------------------------------------------------------------- all feeds


def test_every_frame_has_exactly_the_columns_of_its_table() -> None:
    frames = kx(quote()).frames | dailystock(warrant()).frames | pm(rank()).frames
    parameters = {"shfe__settlement_parameters", "shfe__margins_fees", "shfe__price_limits", "shfe__trading_day", "shfe__contracts"}
    # Those are held in test_sources_shfe_parameters, the weekly report in test_sources_shfe_weekly.
    assert set(frames) == set(Shfe.tables) - parameters - {"shfe__weekly_stock"}
    for name, frame in frames.items():
        assert dict(frame.schema) == TABLES[name].schema


def test_a_file_of_the_exchange_without_a_day_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="by day"):
        Shfe().parse(Request("shfe", "kx", "x", "x"), answer([quote()]))
