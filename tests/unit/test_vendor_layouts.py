"""Every feed in every layout: long quotes, long values and wide terminal exports, as CSV and as spreadsheet, give the printed figures."""

import csv
import io
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest
from feeds import NOON, QUOTE_HEADER, VALUE_HEADER, Home, csv_file, delivery, request_for

from ingest import values
from ingest.source import Outcome, Parsed, PayloadError, Response
from ingest.sources import SOURCES
from ingest.vendor import UNITS

TABLE_OF = {
    "spot_price": "spot__quotes", "overseas": "spot__overseas", "cost_profit": "cost__series", "inputs": "cost__series",
    "capacity": "capacity__series", "inventory": "capacity__series",
}  # fmt: skip
WIDE = """指标名称,氧化铝均价:山西,氧化铝均价:河南,氧化铝FOB:澳大利亚
频率,日,日,日
单位,元/吨,元/吨,美元/吨
指标ID,TST000001,TST000002,TST000003
来源,TEST,TEST,TEST
更新时间,2025-07-04,2025-07-04,2025-07-03
2025-07-04,3081,3101,
2025-07-03,3080,3100,361.5
2025-07-02,3082,"3,102",362
2025-07-01,3085,3105,--
数据来源：TEST,,,
"""


def parse(name: str, body: bytes) -> Parsed:
    request = request_for(name, SOURCES)
    source = next(source for source in SOURCES if source.name == request.source)
    verdict = source.inspect(request, Response(body, NOON))
    if verdict.outcome is not Outcome.OK:
        raise PayloadError(verdict.outcome, verdict.reason, verdict.message)
    return source.parse(request, body)


def only(parsed: Parsed) -> pl.DataFrame:
    assert [reject.message for reject in parsed.rejects] == []
    (frame,) = parsed.frames.values()
    return frame


def wide(text: str = WIDE, name: str = "test_spot_price_20250704.csv") -> Parsed:
    return parse(name, text.encode("utf-8-sig"))


def as_workbook(text: str) -> bytes:
    """The same cells as a terminal would write them: real dates and numbers where they look like it."""
    book = openpyxl.Workbook()
    for line in csv.reader(io.StringIO(text)):
        cells: list[Any] = []
        for cell in line:
            try:
                cells.append(datetime.combine(values.day(cell), datetime.min.time()))
                continue
            except ValueError:
                pass
            try:
                cells.append(float(cell))
            except ValueError:
                cells.append(cell or None)
        book.active.append(cells)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def by_series(frame: pl.DataFrame) -> dict[tuple[str, date], float]:
    return {(row["series_id"], row["obs_date"]): row["value"] for row in frame.iter_rows(named=True)}


FIGURES = {
    ("TST000001", date(2025, 7, 1)): 3085, ("TST000001", date(2025, 7, 2)): 3082, ("TST000001", date(2025, 7, 3)): 3080,
    ("TST000001", date(2025, 7, 4)): 3081, ("TST000002", date(2025, 7, 1)): 3105, ("TST000002", date(2025, 7, 2)): 3102,
    ("TST000002", date(2025, 7, 3)): 3100, ("TST000002", date(2025, 7, 4)): 3101, ("TST000003", date(2025, 7, 2)): 362,
    ("TST000003", date(2025, 7, 3)): 361.5,
}  # fmt: skip


# ---------------------------------------------------------------- the shared files


@pytest.mark.parametrize(
    ("name", "encoding"),
    [("smm_spot_price_20250703.csv", "gb18030"), ("smm_overseas_20250716.csv", "utf-8-sig"), ("smm_capacity_20250703.csv", "utf-8-sig")],
)
def test_every_figure_of_a_shared_drop_file_is_what_an_independent_reading_gives(shared_data: Path, name: str, encoding: str) -> None:
    body = (shared_data / "vendor" / name).read_bytes()
    printed = {}
    for line in csv.DictReader(io.StringIO(body.decode(encoding))):
        factor = {"万吨/年": 10_000, "%": 0.01}.get(line["单位"], 1)
        printed[line["指标ID"], date.fromisoformat(line["日期"])] = float(line.get("均价") or line["数值"]) * factor
    found = by_series(only(parse(name, body)))
    assert found.keys() == printed.keys()
    assert found == pytest.approx(printed, rel=1e-12)


def test_the_shared_spreadsheet_is_the_twin_of_the_shared_csv(shared_data: Path) -> None:
    folder = shared_data / "vendor"
    names = ("smm_spot_price_20250703.csv", "smm_spot_price_20250703.xlsx")
    frames = [only(parse(name, (folder / name).read_bytes())) for name in names]
    assert frames[0].equals(frames[1])


def test_the_shared_wide_export_is_unpivoted_cell_by_cell(shared_data: Path) -> None:
    name = "test_spot_price_20250704.xlsx"
    frame = only(parse(name, (shared_data / "vendor" / name).read_bytes()))
    assert by_series(frame) == FIGURES
    assert dict(frame.select("series_id", "unit").unique().iter_rows()) == {"TST000001": "CNY/t", "TST000002": "CNY/t", "TST000003": "USD/t"}
    assert frame.equals(only(wide()))


def test_overseas_holds_prices_abroad_and_freight_by_route(shared_data: Path, home: Home) -> None:
    name = "smm_overseas_20250716.csv"
    report = home.take(delivery(name, (shared_data / "vendor" / name).read_bytes()))
    rows = home.rows("spot__overseas")
    assert report.rows["spot__overseas"] == 38
    assert not report.quarantined
    assert set(rows["region"]) == {"西澳FOB", "澳洲-中国", "几内亚"}


# ---------------------------------------------------------------- layout C


def test_a_wide_export_is_the_same_in_csv_and_spreadsheet() -> None:
    frame = only(wide())
    assert by_series(frame) == FIGURES
    assert only(parse("test_spot_price_20250704.xlsx", as_workbook(WIDE))).equals(frame)
    assert frame["is_time_estimated"].all(), "when a series was last updated says nothing about its older values"
    assert set(frame["provider"]) == {"TEST"}


def test_labels_are_found_by_name_in_any_order_and_days_in_either() -> None:
    lines = WIDE.splitlines()
    moved = ["测试终端导出", *reversed(lines[:6]), *reversed(lines[6:10]), lines[10], "注：仅供测试"]
    parsed = wide("\n".join(moved))
    assert by_series(only(parsed)) == FIGURES
    assert parsed.remarks == ("unknown_line:测试终端导出",)
    between = [*lines[:5], *lines[6:10], lines[5], lines[10]]
    assert by_series(only(wide("\n".join(between)))) == FIGURES


def test_the_footer_names_the_provider_where_no_label_does() -> None:
    text = WIDE.replace("来源,TEST,TEST,TEST\n", "", 1)
    assert by_series(only(wide(text))) == FIGURES
    assert set(only(wide(text.replace("数据来源：TEST", "数据来源：上海有色网")))["provider"]) == {"SMM"}


def test_the_name_of_the_file_helps_where_nothing_in_it_says_whose_figures_they_are() -> None:
    text = WIDE.replace("来源,TEST,TEST,TEST\n", "", 1).replace("数据来源：TEST,,,\n", "")
    assert set(only(wide(text))["provider"]) == {"TEST"}
    # A label nobody knows may be the source under another name.
    with pytest.raises(PayloadError, match="数据来源; nobody knows 出处") as caught:
        wide("出处,SMM,SMM,SMM\n" + text)
    assert caught.value.verdict.reason == "missing_column"


def test_a_terminal_in_the_footer_does_not_outweigh_the_series_own_source() -> None:
    assert by_series(only(wide(WIDE.replace("数据来源：TEST", "数据来源：Wind")))) == FIGURES


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (WIDE.replace("单位,", "计量,", 1), "missing_column"),
        (WIDE.replace("指标ID,", "编号,", 1), "missing_column"),
        (WIDE.replace("来源,TEST,TEST,TEST", "来源,某网,某网,某网"), "unknown_provider"),
        (WIDE.replace("TST000002", "2.01106E+11"), "mangled_series_id"),
        (WIDE.replace("TST000002", ""), "mangled_series_id"),
        (WIDE.replace("美元/吨", "元/磅"), "unknown_unit"),
        (WIDE.replace("TST000002", "TST000001"), "two_values"),
        (WIDE.replace('"3,102"', "3,102"), "ragged"),
        (WIDE.replace("频率,日,日,日", "单位,日,日,日"), "repeated_header"),
        ("\n".join(WIDE.splitlines()[:6]), "no_rows"),
        (WIDE.replace("2025-07-03,3080,3100,361.5", "2025-07-04,3080,3100,361.5"), "two_values"),
    ],
)
def test_a_wide_export_that_cannot_be_trusted_is_refused(text: str, reason: str) -> None:
    with pytest.raises(PayloadError) as caught:
        wide(text)
    assert caught.value.verdict.reason == reason


def test_a_bad_cell_or_day_of_a_wide_export_is_put_aside_alone() -> None:
    parsed = wide(WIDE.replace("3080,3100", "abc,3100").replace("2025-07-01", "上周二"))
    assert [(reject.reason, reject.message.split(":")[0]) for reject in parsed.rejects] == [
        ("unreadable_value", "line 10"),
        ("unreadable_value", "line 8, column 2 (TST000001)"),
    ]
    (frame,) = parsed.frames.values()
    assert frame.height == 7


def test_a_label_nobody_knows_is_kept_with_its_series() -> None:
    parsed = wide(WIDE.replace("频率,", "国家,中国,中国,澳大利亚\n频率,"))
    assert parsed.remarks == ("unknown_column:国家",)
    assert sum('"国家": "澳大利亚"' in text for text in only(parsed)["extra"]) == 2


# ---------------------------------------------------------------- feeds, units, models


@pytest.mark.parametrize(("feed", "table"), TABLE_OF.items())
@pytest.mark.parametrize("header", [QUOTE_HEADER, VALUE_HEADER])
def test_every_feed_takes_both_long_layouts_into_its_table(feed: str, table: str, header: str) -> None:
    figures = "40,60,50,-2" if header == QUOTE_HEADER else "50"
    parsed = parse(f"smm_{feed}_20250716.csv", csv_file(f"2025-07-16,某指标,{figures},元/吨,ID,SMM,全国,日,", header=header))
    assert list(parsed.frames) == [table]
    assert parsed.frames[table].select("feed", "value", "unit").row(0) == (feed, 50, "CNY/t")


@pytest.mark.parametrize(("printed", "meant"), UNITS.items())
def test_every_unit_says_its_scale(printed: str, meant: tuple[str, float]) -> None:
    row = only(parse("smm_inputs_20250716.csv", csv_file(f"2025-07-16,某指标,50,{printed},ID,SMM,全国,周,"))).row(0, named=True)
    assert (row["unit"], row["value"]) == (meant[0], pytest.approx(50 * meant[1]))


def test_full_width_signs_in_a_unit_mean_the_same() -> None:
    row = only(parse("smm_capacity_20250716.csv", csv_file("2025-07-16,周度开工率,84.04,％,ID,SMM,全国,周,"))).row(0, named=True)
    assert (row["value"], row["unit"]) == (pytest.approx(0.8404), "ratio")


@pytest.mark.parametrize(
    ("unit", "basis", "kept"),
    [
        ("美元/干吨", "", "干吨"),
        ("元/湿吨", "不含税", "不含税;湿吨"),
        ("美元/干吨", "干吨", "干吨"),
        ("美元/吨", "", None),
        ("元/吨", "折百", "折百"),
    ],
)
def test_moisture_in_a_unit_becomes_part_of_the_basis(unit: str, basis: str, kept: str | None) -> None:
    line = f"2025-07-16,几内亚铝土矿CIF,73,{unit},ID,SMM,几内亚,日,,{basis}"
    assert only(parse("smm_inputs_20250716.csv", csv_file(line, header=VALUE_HEADER + ",口径")))["basis_note"].to_list() == [kept]


def test_a_basis_that_contradicts_its_unit_is_put_aside() -> None:
    parsed = parse("smm_inputs_20250716.csv", csv_file("2025-07-16,铝土矿,73,美元/干吨,ID,SMM,几内亚,日,,湿吨", header=VALUE_HEADER + ",口径"))
    assert [reject.reason for reject in parsed.rejects] == ["basis_contradicts_unit"]


@pytest.mark.parametrize(
    ("name", "unit", "is_taken"),
    [
        ("建成产能", "%", False), ("建成产能", "万吨/年", True), ("产能利用率", "%", True), ("开工率", "万吨", False), ("产能利用率", "万吨/年", False),
    ],
)  # fmt: skip
def test_a_capacity_is_no_share_and_a_rate_no_amount(name: str, unit: str, is_taken: bool) -> None:
    parsed = parse("ald_capacity_20250716.csv", csv_file(f"2025-07-16,{name},50,{unit},ID,ALD,全国,周,"))
    assert [reject.reason for reject in parsed.rejects] == ([] if is_taken else ["unit_of_another_kind"])


def test_the_daily_cost_model_and_the_monthly_full_cost_are_two_series(home: Home) -> None:
    header = VALUE_HEADER + ",口径"
    daily = "2025-07-16,氧化铝完全成本,2854.3,元/吨,COST-D,SMM,全国,日,,日度成本利润模型"
    loss = "2025-07-16,氧化铝利润,-12.5,元/吨,PROFIT-D,SMM,全国,日,,日度成本利润模型"
    monthly = "2025-06-30,氧化铝加权完全成本,2900,元/吨,COST-M,SMM,全国,月,,月度加权完全成本"
    home.take(delivery("smm_cost_profit_20250716.csv", csv_file(daily, loss, monthly, header=header)))
    rows = {row["series_id"]: (row["value"], row["frequency"], row["basis_note"]) for row in home.rows("cost__series").iter_rows(named=True)}
    assert rows == {
        "COST-D": (2854.3, "daily", "日度成本利润模型"), "PROFIT-D": (-12.5, "daily", "日度成本利润模型"),
        "COST-M": (2900, "monthly", "月度加权完全成本"),
    }  # fmt: skip
    assert not home.refused()
    mixed = monthly.replace("COST-M", "COST-D").replace("2025-06-30", "2025-07-31")
    home.take(delivery("smm_cost_profit_20250717.csv", csv_file(daily, mixed, header=header)))
    assert home.refused() == [("cost__series", "one_series_two_models")]


def test_line_numbers_count_the_lines_of_the_file() -> None:
    body = csv_file("", "2025-07-16,某,1,元/吨,ID,SMM,全国,日,", "", "2025-07-17,某,x,元/吨,ID,SMM,全国,日,")
    assert parse("smm_spot_price_20250716.csv", body).rejects[0].message.startswith("line 5: ")
