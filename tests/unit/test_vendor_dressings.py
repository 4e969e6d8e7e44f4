"""What people and terminals put around a table changes none of its figures: every feed, every layout, any of it at once."""

import csv
import io
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import openpyxl
import polars as pl
import pytest
from feeds import request_for
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from ingest import values
from ingest.source import SHANGHAI, Outcome, Parsed, PayloadError, Request
from ingest.sources import SOURCES

Grid = list[list[str]]
FEEDS = ("spot_price", "overseas", "cost_profit", "inputs", "capacity", "inventory")
DAYS = ("2025-07-14", "2025-07-15", "2025-07-16")
LONG = [
    ["日期", "名称", "均价", "单位", "指标ID", "数据来源", "地区", "频率", "发布时间"],
    *([day, name, value, "元/吨", number, "SMM", "山东", "日", ""] for name, number, value in (("甲", "T-1", "3,100.5"), ("乙", "T-2", "72")) for day in DAYS),
]  # fmt: skip
QUOTES = [
    ["日期", "名称", "最低价", "最高价", "均价", "涨跌", "单位", "指标ID", "数据来源", "地区", "频率", "发布时间"],
    *([day, "甲", "3100", "3140", "3120", "", "元/吨", "T-1", "SMM", "山东", "日", f"{day} 11:40"] for day in DAYS),
]
WIDE = [
    ["指标名称", "甲", "乙"],
    ["频率", "日", "日"],
    ["单位", "元/吨", "美元/吨"],
    ["指标ID", "T-1", "T-2"],
    ["来源", "SMM", "ALD"],
    *([day, "3100.5", "--"] for day in DAYS),
    ["2025-07-17", "3101", "402"],
]
ACROSS = [
    ["指标名称", "单位", "指标ID", "数据来源", "频率", *DAYS],
    ["甲", "元/吨", "T-1", "SMM", "日", "3100.5", "3101", ""],
    ["乙", "元/吨", "T-2", "SMM", "日", "72", "--", "73"],
]
LAYOUTS = {"long": LONG, "quotes": QUOTES, "wide": WIDE, "across": ACROSS}
WIDTHS = str.maketrans({"(": "（", ")": "）", "I": "Ｉ", "D": "Ｄ", "%": "％"})


def full_width(grid: Grid) -> Grid:
    heads = {cell for row in (*LONG[:1], *QUOTES[:1], *(row[:1] for row in WIDE[:5]), ACROSS[0][:5]) for cell in row}
    return [[f"\ufeff {cell.translate(WIDTHS)}\u200b" if cell in heads else cell for cell in row] for row in grid]


def wider(grid: Grid) -> int:
    return max(map(len, grid))


DRESSINGS: dict[str, Callable[[Grid], Grid]] = {
    "title": lambda grid: [["现货价格", *[""] * (wider(grid) - 1)], *grid],
    "titles": lambda grid: [["氧化铝（数据导出）"], ["导出时间：2025-07-22"], [], *grid],
    "columns left": lambda grid: [["", "", *row] for row in grid],
    "columns right": lambda grid: [[*row, *[""] * (wider(grid) - len(row)), "", ""] for row in grid],
    "note": lambda grid: [*grid, ["注：仅供参考"]],
    "notes": lambda grid: [*grid, [], ["备注: 含税", *[""] * (wider(grid) - 1)], ["数据来源：SMM"]],
    "full width": full_width,
    "dates": lambda grid: [
        [f"{cell[:4]}年{int(cell[5:7])}月{int(cell[8:])}日" if cell in (*DAYS, "2025-07-17") else cell for cell in row] for row in grid
    ],
    "dots": lambda grid: [[cell.replace("-", ".") if cell in (*DAYS, "2025-07-17") else cell for cell in row] for row in grid],
    "serials": lambda grid: [
        [str((date.fromisoformat(cell) - date(1899, 12, 30)).days) if cell in (*DAYS, "2025-07-17") and row is not grid[0] else cell for cell in row]
        for row in grid
    ],
    "american": lambda grid: [[f"{int(cell[5:7])}/{cell[8:]}/{cell[:4]}" if cell in (*DAYS, "2025-07-17") else cell for cell in row] for row in grid],
    "blank rows": lambda grid: [[], *grid, [], []],
}
# One way to write days at a time.
FORMS = ("dates", "dots", "serials", "american")


def as_text(grid: Grid, separator: str = ",", encoding: str = "utf-8", line: str = "\r\n", head: str = "") -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=separator, lineterminator=line).writerows(grid)
    return (head + buffer.getvalue()).encode(encoding)


def as_workbook(grid: Grid, *, hidden: bool = False, more: bool = False) -> bytes:
    """The cells as a program writes them: days as days, figures as numbers."""
    book = openpyxl.Workbook()
    sheet = book.active
    if hidden:
        sheet.title, sheet.sheet_state = "旧", "hidden"
        sheet.append(LONG[0])
        sheet.append(["2025-07-14", "甲", 9999, "元/吨", "T-1", "SMM", "山东", "日", ""])
        sheet = book.create_sheet("数据")
        book.active = 1
    for row in grid:
        cells: list[Any] = []
        for cell in row:
            try:
                cells.append(datetime.fromisoformat(cell) if len(cell) == 10 else float(cell))
            except ValueError:
                cells.append(cell or None)
        sheet.append(cells)
    if more:
        book.create_sheet("说明").append(["本表由系统导出"])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def parse(name: str, body: bytes) -> Parsed:
    request = request_for(name, SOURCES)
    return next(source for source in SOURCES if source.name == request.source).parse(request, body)


def rows(name: str, body: bytes) -> pl.DataFrame:
    parsed = parse(name, body)
    assert [reject.message for reject in parsed.rejects] == []
    (frame,) = parsed.frames.values()
    return frame.sort("provider", "series_id", "obs_date")


PLAIN = {(layout, feed): rows(f"smm_{feed}_20250722.csv", as_text(grid)) for layout, grid in LAYOUTS.items() for feed in FEEDS}
TEXTS = {
    "gb18030": {"encoding": "gb18030"}, "utf-8-sig": {"encoding": "utf-8-sig"}, "utf-16": {"encoding": "utf-16"}, "utf-16-le": {"encoding": "utf-16-le"},
    "utf-16-be": {"encoding": "utf-16-be"}, "tabs": {"separator": "\t"}, "unicode text": {"separator": "\t", "encoding": "utf-16"},
    "semicolons": {"separator": ";"}, "sep line": {"separator": ";", "head": "sep=;\r\n"}, "sep line with a mark": {"head": "\ufeffsep=,\r\n"}, "lines": {"line": "\n"},
}  # fmt: skip


def test_the_plain_files_hold_what_is_printed() -> None:
    assert {(layout, PLAIN[layout, feed].height) for layout in LAYOUTS for feed in FEEDS} == {("long", 6), ("quotes", 3), ("wide", 5), ("across", 4)}
    assert PLAIN["wide", "inputs"].select("provider", "series_id", "value").rows()[0] == ("ALD", "T-2", 402.0)


@effort(max_examples=150, deadline=None)
@given(
    layout=st.sampled_from(sorted(LAYOUTS)),
    feed=st.sampled_from(FEEDS),
    worn=st.lists(st.sampled_from([name for name in DRESSINGS if name not in FORMS]), unique=True),
    form=st.sampled_from(("", *FORMS)),
    text=st.sampled_from(sorted(TEXTS)),
)
def test_what_is_put_around_a_table_changes_none_of_its_rows(layout: str, feed: str, worn: list[str], form: str, text: str) -> None:
    grid = LAYOUTS[layout]
    if form:
        grid = DRESSINGS[form](grid)
    for name in worn:
        grid = DRESSINGS[name](grid)
    if any(name in worn for name in ("columns left", "columns right")):
        grid = [[*row, *[""] * (wider(grid) - len(row))] for row in grid]
    assert rows(f"smm_{feed}_20250722.csv", as_text(grid, **TEXTS[text])).equals(PLAIN[layout, feed])


@effort(max_examples=15, deadline=None)
@given(
    layout=st.sampled_from(sorted(LAYOUTS)),
    worn=st.lists(st.sampled_from(["title", "titles", "columns left", "columns right", "note", "notes", "full width", "blank rows"]), unique=True),
    hidden=st.booleans(),
    more=st.booleans(),
)
def test_a_workbook_gives_the_rows_of_its_csv(layout: str, worn: list[str], hidden: bool, more: bool) -> None:
    grid = LAYOUTS[layout]
    for name in worn:
        grid = DRESSINGS[name](grid)
    found = rows("smm_spot_price_20250722.xlsx", as_workbook(grid, hidden=hidden, more=more))
    assert found.equals(PLAIN[layout, "spot_price"])


# ---------------------------------------------------------------- several tables


def below(*grids: Grid) -> Grid:
    return [row for grid in grids for row in (*grid, [])]


def test_two_tables_under_each_other_are_two_tables() -> None:
    other = [[cell.replace("T-", "U-") for cell in row] for row in LONG]
    both = rows("smm_spot_price_20250722.csv", as_text(below(LONG, [["山东", ""]], other)))
    assert both.height == 2 * PLAIN["long", "spot_price"].height
    wide = rows("smm_spot_price_20250722.csv", as_text(below(WIDE, [[cell.replace("T-", "U-") for cell in row] for row in WIDE])))
    assert set(wide["series_id"]) == {"T-1", "T-2", "U-1", "U-2"}


def test_a_table_of_rows_and_one_of_columns_are_two_tables() -> None:
    wide = [[cell.replace("T-", "U-") for cell in row] for row in WIDE]
    for order in ((LONG, wide), (wide, LONG)):
        found = rows("smm_spot_price_20250722.csv", as_text(below(*order)))
        assert found.group_by("series_id").len().sort("series_id").rows() == [("T-1", 3), ("T-2", 3), ("U-1", 4), ("U-2", 1)]


def test_two_tables_beside_each_other_are_two_tables() -> None:
    other = [[cell.replace("T-", "U-") for cell in row] for row in WIDE]
    beside = [[*left, "", *right] for left, right in zip(WIDE, other, strict=True)]
    assert set(rows("smm_spot_price_20250722.csv", as_text(beside))["series_id"]) == {"T-1", "T-2", "U-1", "U-2"}


def test_each_visible_sheet_with_a_table_is_read_and_the_others_are_named() -> None:
    book = openpyxl.Workbook()
    for row in LONG:
        book.active.append(row)
    second = book.create_sheet("二")
    for row in WIDE:
        second.append([cell.replace("T-", "U-") for cell in row])
    book.create_sheet("图").append(["仅供参考"])
    buffer = io.BytesIO()
    book.save(buffer)
    parsed = parse("smm_spot_price_20250722.xlsx", buffer.getvalue())
    (frame,) = parsed.frames.values()
    assert set(frame["series_id"]) == {"T-1", "T-2", "U-1", "U-2"}
    assert "no_table: sheet 图 holds no table of the contract and was not read" in parsed.remarks


def test_a_sheet_in_which_something_is_wrong_is_named() -> None:
    book = openpyxl.Workbook()
    for row in LONG:
        book.active.append(row)
    second = book.create_sheet("二")
    for row in LONG:
        second.append([cell.replace("元/吨", "元/磅") for cell in row])
    buffer = io.BytesIO()
    book.save(buffer)
    with pytest.raises(PayloadError, match="sheet 二, line 2: unit '元/磅'"):
        parse("smm_spot_price_20250722.xlsx", buffer.getvalue())


def test_a_workbook_of_hidden_sheets_is_refused_and_they_are_named() -> None:
    book = openpyxl.Workbook()
    book.active.title = "空"
    hidden = book.create_sheet("旧")
    hidden.sheet_state = "veryHidden"
    for row in LONG:
        hidden.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    with pytest.raises(PayloadError, match=r"旧.*unhide") as caught:
        parse("smm_spot_price_20250722.xlsx", buffer.getvalue())
    assert (caught.value.verdict.outcome, caught.value.verdict.reason) == (Outcome.NOT_DATA, "hidden_sheets")


# ---------------------------------------------------------------- what is said once for all figures


def one(*lines: str, name: str = "smm_spot_price_20250722.csv") -> list[tuple[Any, ...]]:
    frame = rows(name, "\n".join(lines).encode())
    return frame.select("provider", "series_id", "series_name", "obs_date", "value", "unit", "frequency").rows()


DAY = date(2025, 7, 22)


@pytest.mark.parametrize(
    "lines",
    [
        ["日期,名称,均价(元/吨),指标ID,数据来源", "2025-07-22,甲,3100,T-1,SMM"],
        ["日期,名称,均价（元／吨）,指标ID,数据来源", "2025-07-22,甲,3100,T-1,SMM"],
        ["日期,名称,均价[元/吨],涨跌(%),指标ID,数据来源", "2025-07-22,甲,3100,0.5,T-1,SMM"],
        ["单位：元/吨", "日期,名称,均价,指标ID,数据来源", "2025-07-22,甲,3100,T-1,SMM"],
        ["日期,名称,均价,单位,指标ID,", "2025-07-22,甲,3100,元/吨,T-1,", "数据来源：上海有色网"],
        ["日期,名称,均价,涨跌,单位,指标ID,数据来源", "2025-07-22,甲,3100,+0.45%,元/吨,T-1,SMM"],
        ["指标名称,甲(元/吨)", "指标编号,T-1", "来源,上海有色", "2025-07-22,3100"],
        ["日期,名称,均价,指标ID,数据来源", ",,元/吨,,", "2025-07-22,甲,3100,T-1,SMM"],
        ["日期(交易日),产品名称（中文）,价格,,,单位,指标ID,数据来源", ",,最低,最高,均价,,,", "2025-07-22,甲,3080,3120,3100,元/吨,T-1,SMM"],
        ["Date,指标名称,Value,单位,指标id,来源", "22-Jul-2025,甲,3100,元/吨,T-1,smm"],
    ],
)
def test_what_stands_in_header_title_or_note_holds_for_all_figures(lines: list[str]) -> None:
    assert one(*lines) == [("SMM", "T-1", "甲", DAY, 3100.0, "CNY/t", "daily")]


def test_a_title_beside_ids_names_no_series() -> None:
    with pytest.raises(PayloadError, match="名称"):
        one("氧化铝", "日期,均价,单位,产品ID", "2025-07-22,3100,元/吨,T-1")


@pytest.mark.parametrize(
    ("lines", "ids"),
    [
        (["日期,山东(元/吨),山西(元/吨)", "2025-07-22,3100,3200"], {"山东", "山西"}),
        (["单位：元/吨", "日期,山东,山西", "2025-07-22,3100,3200"], {"山东", "山西"}),
        (["指标名称,氧化铝:山东", "单位,元/吨", "2025-07-22,3100"], {"氧化铝:山东"}),
        (["日期,品名,规格,最低价,最高价,均价,涨跌,单位", "2025-07-22,山东氧化铝,一级,3080,3120,3100,10,元/吨"], {"山东氧化铝"}),
        (["山东氧化铝", "日期,最低价,最高价,均价,单位", "2025-07-22,3080,3120,3100,元/吨"], {"山东氧化铝"}),
    ],
)
def test_without_ids_each_series_is_known_by_its_name_and_the_provider_by_the_files(lines: list[str], ids: set[str]) -> None:
    parsed = parse("smm_spot_price_20250722.csv", "\n".join(lines).encode())
    (frame,) = parsed.frames.values()
    assert (set(frame["series_id"]), set(frame["provider"])) == (ids, {"SMM"})
    assert any(remark.startswith("no_ids") for remark in parsed.remarks)


def test_months_across_end_their_months() -> None:
    found = one("指标名称,单位,指标ID,2025年5月,2025年6月", "产量,万吨,T-1,702.5,708", name="ald_capacity_20250722.csv")
    assert [row[3:] for row in found] == [(date(2025, 5, 31), 7_025_000.0, "t", "monthly"), (date(2025, 6, 30), 7_080_000.0, "t", "monthly")]


def test_first_days_across_are_their_months_where_the_series_is_monthly() -> None:
    lines = ("指标名称,单位,指标ID,频率,2025-05-01,2025-06-01", "产量,吨,T-1,月,7025,7080")
    assert [row[3] for row in one(*lines, name="ald_capacity_20250722.csv")] == [date(2025, 5, 31), date(2025, 6, 30)]
    with pytest.raises(PayloadError, match=r"column 5: '2025\.1' may be January or October"):
        one("指标名称,单位,指标ID,2025.9,2025.1,2025.11", "产量,吨,T-1,1,2,3", name="ald_capacity_20250722.csv")


@pytest.mark.parametrize(
    ("printed", "hour"),
    [
        ("2025/7/16 11:40", (11, 40)), ("2025.7.16 1:05 PM", (13, 5)), ("2025年7月16日 下午3:05", (15, 5)), ("7/16/2025 12:10 AM", (0, 10)), ("2025-07-16 下午13:40", (13, 40)),
    ],
)  # fmt: skip
def test_a_time_of_publication_is_read_as_people_write_it(printed: str, hour: tuple[int, int]) -> None:
    stamp = datetime(2025, 7, 16, *hour, tzinfo=SHANGHAI)
    assert values.written_moment(printed) == stamp
    with pytest.raises(ValueError, match="write it as 2025-07-16 11:40"):
        values.written_moment(printed.partition(" ")[0])


def test_a_sum_across_is_no_series_and_words_below_are_no_row() -> None:
    parsed = parse(
        "ald_capacity_20250722.csv", "名称,单位,指标ID,频率,2025年5月,2025年6月\n产量,吨,T-1,月,7,8\n合计,,,,7,8\n版权所有,SMM信息\n".encode()
    )
    assert parsed.frames["capacity__series"].height == 2
    assert [(reject.reason, "line 3: '合计' has neither a unit nor an id" in reject.message) for reject in parsed.rejects] == [("no_series", True)]


def test_what_keeps_an_id_text_is_not_of_it_and_what_stands_for_no_figure_is_none() -> None:
    lines = ("日期,名称,均价,单位,指标ID,数据来源", '2025-07-22,甲,3100,元/吨,="00201",SMM', "2025-07-22,乙,3200,元/吨,'00202,SMM")
    assert [row[1] for row in one(*lines)] == ["00201", "00202"]
    assert [row[4] for row in one("指标名称,甲(元/吨)", "指标ID,T-1", "2025-07-22,3100", "2025-07-21,#N/A", "2025-07-18,N/A")] == [3100.0]


def test_a_label_that_is_blank_for_one_series_leaves_what_is_said_of_all() -> None:
    found = one("指标名称,甲(元/吨),乙", "单位,,元/吨", "指标ID,T-1,T-2", "来源,ALD,", "2025-07-22,3100,3200", "数据来源：SMM")
    assert [(row[0], row[1], row[5]) for row in found] == [("ALD", "T-1", "CNY/t"), ("SMM", "T-2", "CNY/t")]


def test_each_series_of_a_file_goes_to_its_own_provider() -> None:
    found = one(
        "日期,名称,均价,单位,指标ID,数据来源",
        "2025-07-22,甲,3100,元/吨,T-1,SMM",
        "2025-07-22,甲,3110,元/吨,T-1,阿拉丁",
        "2025-07-22,乙,3120,元/吨,T-2,钢联数据",
    )
    assert [(row[0], row[4]) for row in found] == [("ALD", 3110.0), ("MYSTEEL", 3120.0), ("SMM", 3100.0)]


@pytest.mark.parametrize(
    ("lines", "reason", "words"),
    [
        (["日期,名称,均价,单位,指标ID,数据来源", "7/8/2025,甲,3100,元/吨,T-1,SMM"], "row", "may be 2025-07-08 or 2025-08-07"),
        (["日期,名称,均价,单位,指标ID,数据来源,频率", "2025年7月,甲,3100,元/吨,T-1,SMM,日"], "row", "is a month"),
        (["日期,名称,均价,单位,指标ID,数据来源", "合计,,3100,,,"], "row", "is not a date; write it as 2025-07-22"),
        (["日期,名称,均价,单位,指标ID,数据来源", "2025-07-22,甲,81.23%,元/吨,T-1,SMM"], "row", "is a percentage"),
        (["2025-07-21,甲,1,元/吨,T-1,SMM", "日期,名称,均价,单位,指标ID,数据来源", "2025-07-22,甲,3100,元/吨,T-1,SMM"], "rows_above_header", "line 1"),
        (["日期,名称,均价(元/吨),最低价(美元/吨),指标ID,数据来源", "2025-07-22,甲,3100,1,T-1,SMM"], "two_units", "元/吨 and 美元/吨"),
        (
            ["日期,名称,均价(元/吨),单位,指标ID,数据来源", "2025-07-22,甲,3100,美元/吨,T-1,SMM"],
            "two_units",
            "line 2: the unit is 美元/吨 and the header says 元/吨",
        ),
        (["指标名称,甲(美元/吨)", "单位,元/吨", "2025-07-22,3100"], "two_units", "the unit is 元/吨 and the header says 美元/吨"),
        (["甲,乙", "丙,丁"], "no_header", "line 1 says '甲 乙'"),
        (["日期,名称,均价,指标ID,数据来源", "2025-07-22,甲,3100,T-1,SMM"], "missing_column", "单位"),
        (
            ["日期,名称,均价,单位,指标ID,数据来源", "2025-07-22,甲,3100,元/吨,2.01102E+17,SMM"],
            "mangled_series_id",
            "format the column of ids as text",
        ),
    ],
)
def test_what_cannot_be_told_is_said_in_a_sentence_one_can_act_on(lines: list[str], reason: str, words: str) -> None:
    body = "\n".join(lines).encode()
    if reason == "row":
        (reject,) = parse("smm_spot_price_20250722.csv", body).rejects
        assert words in reject.message
        assert "line 2" in reject.message
        return
    with pytest.raises(PayloadError) as caught:
        parse("smm_spot_price_20250722.csv", body)
    assert caught.value.verdict.reason == reason
    assert words in caught.value.verdict.message


def test_bars_are_found_among_titles_notes_and_separators() -> None:
    plain = "contract,event_ts,open,high,low,close,volume,oi\nao2509,2025-07-18 21:01,3300,3305,3298,3302,120,5000\n"
    dressed = "分钟行情\n\n" + plain.replace(",", ";") + "注：未复权\n"
    names = ("acme_bars_20250722.csv",)
    frames = [parse(name, body).frames["bars__prices"] for name in names for body in (plain.encode(), dressed.encode("utf-16"))]
    assert frames[0].height == 1
    assert frames[0].equals(frames[1])


def test_a_customs_export_is_found_among_titles_notes_and_separators() -> None:
    header = "数据年月,商品编码,商品名称,贸易伙伴编码,贸易伙伴名称,第一数量,第一计量单位,第二数量,第二计量单位,美元"
    plain = f'{header}\n202505,28182000,氧化铝,601,澳大利亚,"67,000,000",千克,,,"25,000,000"\n'
    name = "gacc_import_202505.csv"
    source = next(source for source in SOURCES if source.name == "customs")
    request = Request("customs", "gacc", name, name)
    frames = [
        source.parse(request, body).frames["customs__monthly_trade"]
        for body in (plain.encode("gb18030"), ("进口统计\n" + plain + "数据来源：海关总署\n").encode("utf-16"))
    ]
    assert frames[0].height == 1
    assert frames[0].equals(frames[1])
