"""The weekly stock report in both of its forms: real figures re-typed, and hand-made ones for what the real page does not show."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from feeds import NOON, Home

from ingest.catalog.configuration import Configuration
from ingest.source import Outcome, Parsed, PayloadError, Request, Response
from ingest.sources.shfe import Shfe
from ingest.sources.shfe.weekly import TABLE
from quality.raw import TABLES

FRIDAY = date(2025, 7, 18)
NAME = "20250718weeklystock.dat"
LEVELS = ("deliverable", "on_warrant", "capacity_free")
Row = dict[str, Any]


def place(name: str = "甲库", region: str = "山东", status: str = "0", on_warrant: int = 4500, **changes: Any) -> Row:
    """One row of the JSON form: of 50,000 t that are approved, all that is not on warrant is free."""
    row: Row = {
        "VARNAME": "氧化铝仓库$$Alumina", "VARID": "ao", "REGNAME": f"{region}$$X" if region else "", "WHABBRNAME": f"{name}$$X", "WHTYPE": "1",
        "WGHTUNIT": "2", "WHROWS": 2, "ROWSTATUS": status, "SPOTWGHTS": on_warrant + 3000, "PRESPOTWGHTS": 9000, "SPOTCHANGE": on_warrant - 6000,
        "WRTWGHTS": on_warrant, "PREWRTWGHTS": 6000, "WRTCHANGE": on_warrant - 6000, "WHSTOCKS": 50000 - on_warrant, "PREWHSTOCKS": 44000,
    }  # fmt: skip
    return row | changes


def report(*rows: Row, day: date = FRIDAY, **envelope: Any) -> bytes:
    stamp = f"{day:%Y%m%d}"
    head = {"o_code": "0000", "o_msg": "", "report_date": stamp, "update_date": f"{stamp} 15:40:00", "o_cursor": list(rows)}
    return json.dumps(head | envelope, ensure_ascii=False).encode()


def parse(body: bytes, name: str = NAME, overlay: Path | None = None) -> Parsed:
    source = Shfe(configuration=Configuration(overlay))
    request = source.recognise(name)
    assert request is not None
    return source.parse(request, body)


def refusal(body: bytes, name: str = NAME) -> tuple[Outcome, str]:
    with pytest.raises(PayloadError) as caught:
        parse(body, name)
    assert len(caught.value.verdict.message.split()) >= 5
    return caught.value.verdict.outcome, caught.value.verdict.reason


def held(parsed: Parsed) -> list[Row]:
    return parsed.frames[TABLE].to_dicts()


@pytest.fixture
def page(shared_data: Path) -> Parsed:
    return parse((shared_data / "payloads_more/shfe/weeklystock_20260918/ZH/all.html").read_bytes(), "weeklystock_20260918/ZH/all.html")


# ---------------------------------------------------------------- which reports there are


def test_the_report_is_asked_for_on_the_last_session_of_a_week_in_the_form_of_its_era() -> None:
    def asked(day: date) -> list[str | None]:
        return [request.url for request in Shfe().requests(day) if request.feed.startswith("weeklystock")]

    base = "https://www.shfe.com.cn/data/tradedata/future"
    assert asked(FRIDAY) == [f"{base}/weeklydata/20250718weeklystock.dat"]
    assert asked(date(2025, 10, 31)) == [f"{base}/stockdata/weeklystock_20251031/ZH/all.html"]
    assert asked(date(2025, 7, 17)) == asked(date(2025, 7, 19)) == asked(date(2014, 5, 16)) == []
    # 2025-10-01 to 10-08 are closed: the week ends on a Tuesday, and the week of the 6th on its Friday.
    assert len(asked(date(2025, 9, 30))) == 1
    assert len(asked(date(2025, 10, 10))) == 1
    # Past the calendar nobody knows the closures: a Friday is taken to end its week.
    assert len(asked(date(2027, 6, 4))) == 1 and asked(date(2027, 6, 3)) == []


@pytest.mark.parametrize(
    ("path", "feed", "key"),
    [
        ("20250718weeklystock.dat", "weeklystock", "20250718"),
        ("deep/20250718weeklystock_typed.dat", "weeklystock", "20250718"),
        ("weeklystock_20260918/ZH/all.html", "weeklystock_html", "20260918"),
        ("weeklystock_20260918.html", "weeklystock_html", "20260918"),
    ],
)
def test_a_file_is_known_by_the_exchanges_names(path: str, feed: str, key: str) -> None:
    request = Shfe().recognise(path)
    assert request is not None
    assert (request.feed, request.key) == (feed, key)


# ---------------------------------------------------------------- the real page


def test_the_real_page_gives_the_published_figures_of_alumina(page: Parsed) -> None:
    assert page.rejects == ()
    alumina = page.frames[TABLE].filter(pl.col("product_id") == "ao")
    (total,) = alumina.filter(row_level="product_total", warehouse_type="warehouse").to_dicts()
    assert (total["deliverable_qty"], total["on_warrant_qty"]) == (312_382, 218_679)
    assert total["deliverable_qty"] - total["on_warrant_qty"] == 93_703
    details = alumina.filter(row_level="detail")
    assert details["on_warrant_qty"].sum() == 218_679 + 8_100 == 226_779
    assert details.filter(warehouse_type="factory")["deliverable_qty"].null_count() == 6
    assert {row["region"]: row["on_warrant_qty"] for row in details.filter(warehouse="四邦实业").to_dicts()} == {"甘肃": 0, "新疆": 8100}


def test_every_row_of_the_real_page_keeps_the_weekly_identities(page: Parsed) -> None:
    frame = page.frames[TABLE]
    assert set(frame["product_id"]) == {"sn", "ao", "br"}
    for row in frame.to_dicts():
        for level in LEVELS:
            if row[f"{level}_qty"] is not None:
                assert row[f"{level}_qty"] - row[f"previous_{level}_qty"] == row[f"{level}_change_qty"], row
        assert row["capacity_free_change_qty"] == -row["on_warrant_change_qty"], row
    for row in frame.filter(pl.col("row_level") != "detail").to_dicts():
        own = frame.filter(row_level="detail", product_id=row["product_id"], warehouse_type=row["warehouse_type"])
        if row["row_level"] == "region_total":
            own = own.filter((pl.col("region") == row["region"]) | (pl.col("warehouse") == row["region"]))
        for level in LEVELS:
            if row[f"{level}_qty"] is not None:
                assert own[f"{level}_qty"].sum() == row[f"{level}_qty"], row


def test_the_warrants_of_the_real_page_are_those_of_the_days_receipts(page: Parsed, shared_data: Path) -> None:
    daily = parse((shared_data / "payloads_more/shfe/dailystock_20260918/ZH/all.html").read_bytes(), "dailystock_20260918/ZH/all.html")

    def places(frame: pl.DataFrame, column: str) -> dict[tuple[str, str, str], float]:
        rows = frame.filter(product_id="ao", row_level="detail").to_dicts()
        return {(row["warehouse_type"], row["region"], row["warehouse"]): row[column] for row in rows}

    weekly = places(page.frames[TABLE], "on_warrant_qty")
    assert len(weekly) == 17 + 6
    assert weekly == places(daily.frames["shfe__warehouse_receipts"], "receipts_qty")


def test_a_second_factory_has_a_sum_of_its_own(shared_data: Path) -> None:
    text = (shared_data / "payloads_more/shfe/dailystock_20260918/ZH/all.html").read_text(encoding="utf-8")
    cells = ['<td rowspan="3">第二厂</td><td>山东</td><td>130</td><td>0</td>', "<td>新疆</td><td>300</td><td>0</td>"]
    lines = [f'<tr class="el-table__row tdBorder">{line}</tr>' for line in cells] + [
        '<tr class="el-table__row isTotal tdBorder"><td>合计</td><td>430</td><td>0</td></tr>'
    ]
    end = text.rindex('<tr class="el-table__row isTotal tdBorder">')
    frame = parse((text[:end] + "".join(lines) + text[end:]).encode(), "dailystock_20260918/ZH/all.html").frames["shfe__warehouse_receipts"]
    sums = {row["region"]: row["receipts_qty"] for row in frame.filter(row_level="region_total", warehouse_type="factory").to_dicts()}
    assert sums == {"四邦实业": 8100, "第二厂": 430}
    own = frame.filter(row_level="detail", warehouse_type="factory")
    assert {name: own.filter(warehouse=name)["receipts_qty"].sum() for name in sums} == sums


# ---------------------------------------------------------------- the JSON form


def test_the_typed_json_is_read_with_its_blank_regions_and_its_factory() -> None:
    rows = held(
        parse(
            report(
                place(),
                place("乙库", region="", on_warrant=0),
                place("合计", region="", status="1"),
                place("丙库", region="新疆"),
                place("总计", region="", status="2", on_warrant=9000),
                place("山东", region="某厂", WHTYPE="2", VARNAME="氧化铝厂库$$X", SPOTWGHTS="", PRESPOTWGHTS="", SPOTCHANGE=""),
                place("新疆", region="", WHTYPE="2", VARNAME="氧化铝厂库$$X", SPOTWGHTS="", PRESPOTWGHTS="", SPOTCHANGE=""),
                place("合计", region="", status="1", WHTYPE="2", VARNAME="氧化铝厂库$$X", SPOTWGHTS="", PRESPOTWGHTS="", SPOTCHANGE=""),
            )
        )
    )
    assert [(row["warehouse_type"], row["region"], row["warehouse"], row["row_level"]) for row in rows] == [
        ("warehouse", "山东", "甲库", "detail"),
        ("warehouse", "山东", "乙库", "detail"),
        ("warehouse", "山东", "合计", "region_total"),
        ("warehouse", "新疆", "丙库", "detail"),
        ("warehouse", "", "总计", "product_total"),
        ("factory", "山东", "某厂", "detail"),
        ("factory", "新疆", "某厂", "detail"),
        ("factory", "某厂", "合计", "region_total"),
    ]
    assert [row["deliverable_qty"] for row in rows] == [7500, 3000, 7500, 7500, 12000, None, None, None]
    assert {row["capacity_free_change_qty"] for row in rows} == {None}, "the form prints no change of the capacity"
    assert dict(parse(report(place())).frames[TABLE].schema) == TABLES[TABLE].schema


def test_numbers_as_text_and_a_name_nobody_knows_are_kept() -> None:
    parsed = parse(report(place(SPOTWGHTS="7,500", WHSTOCKS="45500", NEWNAME=1)))
    (row,) = held(parsed)
    assert (row["deliverable_qty"], row["capacity_free_qty"], json.loads(row["extra"])) == (7500, 45500, {"NEWNAME": 1})
    assert parsed.remarks == ("unknown_column:NEWNAME",)


# ---------------------------------------------------------------- bad input


def test_a_week_without_a_report_is_no_failure() -> None:
    assert refusal(report()) == (Outcome.NO_SESSION, "no_report")


def test_a_closed_friday_repeats_the_file_of_another_day() -> None:
    assert refusal(report(place(), day=date(2025, 7, 17))) == (Outcome.NOT_DATA, "wrong_date")


def test_a_report_three_days_late_says_so() -> None:
    parsed = parse(report(place(), update_date="20250721 16:00:00"))
    assert f"{parsed.published_at:%Y-%m-%d %H:%M}" == "2025-07-21 16:00"


def test_a_product_under_a_new_title_is_told_and_read_once_the_home_names_it(tmp_path: Path) -> None:
    renamed = place(VARID="", VARNAME="氧化铝（新）仓库$$X")
    parsed = parse(report(renamed, place("丙库", VARNAME="铝$$X", VARID="al")))
    (reject,) = parsed.rejects
    assert (reject.reason, reject.row["product_id"]) == ("unknown_product", "ao"), "the total of alumina is not known without it"
    assert "exchanges.toml" in reject.message
    shipped = (Path(__file__).parents[2] / "ingest/catalog/exchanges.toml").read_text(encoding="utf-8")
    (tmp_path / "exchanges.toml").write_text(shipped.replace("[shfe.aliases]", '[shfe.aliases]\n"氧化铝（新）" = "ao"'), encoding="utf-8")
    assert [row["product_id"] for row in held(parse(report(renamed), overlay=tmp_path))] == ["ao"]


@pytest.mark.parametrize("column", ["SPOTWGHTS", "WRTWGHTS", "WHSTOCKS", "PREWHSTOCKS", "ROWSTATUS"])
def test_a_report_without_a_column_has_another_format(column: str) -> None:
    assert refusal(report({key: value for key, value in place().items() if key != column})) == (Outcome.FORMAT_CHANGED, "missing_column")


def test_a_change_that_is_not_the_difference_is_put_aside(home: Home) -> None:
    request = Shfe().recognise(NAME)
    assert isinstance(request, Request)
    home.take((request, Response(report(place(), place("乙库", WRTCHANGE=7)), NOON, 200)))
    assert home.rows(TABLE)["warehouse"].to_list() == ["甲库"]
    quarantine = home.rows("ingest__quarantine")
    assert quarantine["reason"].to_list() == ["on_warrant_change_is_not_the_difference"]
    assert json.loads(quarantine["row_json"][0])["product_id"] == "ao"


HEAD = '<table class="content_intro"><tr><td>2026-09-18 第(36)期</td></tr></table>'


def a_page(header: str) -> bytes:
    return f'<html><body>{HEAD}<table class="el-table_table">{header}</table></body></html>'.encode()


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("<tr><th>地区</th><th>仓库</th><th>上周期货</th><th>本周期货</th><th>增减</th></tr>", "missing_column"),
        ("<tr><th>地区</th><th>仓库</th><th colspan='2'>本周库存</th></tr><tr><th>小计</th><th>在途</th></tr>", "unknown_column"),
        ("<tr><th>地区</th><th>仓库</th><th colspan='2'>本周期货</th></tr>", "repeated_header"),
        ("<tr><th colspan='9999'>地区</th><th>仓库</th></tr>", "oversized"),
    ],
)
def test_a_header_that_is_not_the_reports_is_refused(header: str, reason: str) -> None:
    assert refusal(a_page(header), "weeklystock_20260918.html") == (Outcome.FORMAT_CHANGED, reason)
