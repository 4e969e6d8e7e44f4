"""A sum is what the source marks as one, or names as one; whatever the spelling, the place, the source."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest
from feeds import NOON, answer, quote, request_for, warrant
from hypothesis import given
from hypothesis import strategies as st

from ingest.catalog.configuration import Configuration
from ingest.labels import LONGEST, Extent, UnknownSumError, sum_label
from ingest.source import Outcome, Parsed, PayloadError, Request, Response
from ingest.sources.customs import TABLE as CUSTOMS
from ingest.sources.customs import Customs
from ingest.sources.gfex import RECEIPTS as GFEX_RECEIPTS
from ingest.sources.gfex import Gfex
from ingest.sources.shfe import Shfe
from ingest.sources.shfe.receipts import TABLE

PAGE = """<html><body><table class="content_intro"><tr><td>2025-07-16 第130期</td></tr></table>
<table class="el-table_table">
<tr><th>地区</th><th>仓库</th><th>期货</th><th>增减</th></tr>
<tr class="el-table__row special_row_type"><td colspan="3">{product}(仓库)</td><td>单位：吨</td></tr>
<tr class="el-table__row"><td>广西</td><td>测试甲库</td><td>1200</td><td>0</td></tr>
<tr class="el-table__row"><td rowspan="3">新疆</td><td>测试乙库</td><td>18000</td><td>2111</td></tr>
<tr class="el-table__row"><td>测试丙库</td><td>6300</td><td>0</td></tr>
<tr class="el-table__row {mark}"><td>{part}</td><td>24300</td><td>2111</td></tr>
<tr class="el-table__row {mark}"><td colspan="2">{whole}</td><td>25500</td><td>2111</td></tr>
</table>
<table class="el-table_table">
<tr><th>厂库</th><th>地区</th><th>期货</th><th>增减</th></tr>
<tr class="el-table__row special_row_type"><td colspan="3">铜(仓库)</td><td>单位：吨</td></tr>
<tr class="el-table__row"><td>铜库</td><td>上海</td><td>900</td><td>300</td></tr>
</table></body></html>"""


def page(part: str = "合计", whole: str = "总计", *, mark: str = "isTotal tdBorder", product: str = "氧化铝") -> bytes:
    return PAGE.format(part=part, whole=whole, mark=mark, product=product).encode()


def read(body: bytes, source: Shfe | None = None) -> Parsed:
    source = source or Shfe()
    request = source.recognise("dailystock_20250716.html")
    assert request is not None
    return source.parse(request, body)


def details(parsed: Parsed, product: str = "ao") -> list[tuple[str, float]]:
    rows = parsed.frames[TABLE].filter(pl.col("row_level") == "detail", pl.col("product_id") == product)
    return rows.select("warehouse", "receipts_qty").rows()


ALUMINA = [("测试甲库", 1200.0), ("测试乙库", 18000.0), ("测试丙库", 6300.0)]
PARTS, WHOLES = ("小计", "合计", "分计", "subtotal"), ("总计", "共计", "合共", "总合计", "total", "grand total")
TAILS = ("", "：", ":", "（吨）", "(t)", "吨", "/吨", " （单位：吨）", "——", "。", " *")
BLANKS = ("", " ", "　", "\u200b", "\xa0", "\t")


@st.composite
def spelled(draw: st.DrawFn, words: tuple[str, ...]) -> str:
    """A word as somebody may print it: white space inside, full-width forms, capitals, a unit or mark behind."""
    word = draw(st.sampled_from(words))
    text = "".join(character + draw(st.sampled_from(BLANKS)) for character in word)
    if draw(st.booleans()):
        text = text.upper()
    if draw(st.booleans()):
        text = "".join(chr(ord(character) + 0xFEE0) if "!" <= character <= "~" else character for character in text)
    return draw(st.sampled_from(BLANKS)) + text + draw(st.sampled_from(TAILS))


@given(label=spelled(PARTS), kind=st.sampled_from(["", "铜", "保税商品"]))
def test_every_spelling_of_a_part_is_known(label: str, kind: str) -> None:
    found = sum_label(kind + label)
    assert found is not None
    assert (found.extent, found.kind, found.text) == (Extent.PART, kind, f"{kind}合计")


@given(label=spelled(WHOLES), kind=st.sampled_from(["", "保税商品"]))
def test_every_spelling_of_a_whole_is_known(label: str, kind: str) -> None:
    found = sum_label(kind + label)
    assert found is not None
    assert (found.extent, found.kind, found.text) == (Extent.WHOLE, kind, f"{kind}总计")


@pytest.mark.parametrize("label", ["累计", "总和", "总数", "汇总", "本页计", "新疆合计数", "Totals", "SUM", "总计与结转"])
def test_what_looks_like_a_sum_and_is_not_known_is_said(label: str) -> None:
    with pytest.raises(UnknownSumError, match=label):
        sum_label(label)


def test_no_name_of_any_real_file_is_taken_for_a_sum(shared_data: Path) -> None:
    names: set[str] = set()
    for path in sorted((shared_data / "payloads").rglob("*")):
        for source in (Shfe(), Gfex()):
            if not path.is_file() or not (request := source.recognise(path.name if path.suffix != ".html" else path.as_posix())):
                continue
            try:
                frames = source.parse(request, path.read_bytes()).frames
            except PayloadError:
                continue
            for frame in (frames[table] for table in (TABLE, GFEX_RECEIPTS) if table in frames):
                names.update(frame.filter(pl.col("row_level") == "detail")["warehouse"])
    assert len(names) > 30
    assert not [name for name in names if sum_label(name)]


# ---------------------------------------------------------------- receipts


@given(part=spelled(PARTS), whole=spelled(WHOLES), mark=st.sampled_from(["isTotal tdBorder", "isTotal", "tdBorder", ""]))
def test_a_sum_row_is_no_warehouse_however_it_is_worded(part: str, whole: str, mark: str) -> None:
    parsed = read(page(part, whole, mark=mark))
    assert details(parsed) == ALUMINA
    sums = parsed.frames[TABLE].filter(pl.col("row_level") != "detail", pl.col("product_id") == "ao")
    assert sums.select("row_level", "region", "warehouse", "receipts_qty").rows() == [
        ("region_total", "新疆", "合计", 24300.0),
        ("product_total", "", "总计", 25500.0),
    ]
    assert not parsed.rejects


@pytest.mark.parametrize(("folder", "labels"), [("r02_xiaoji", 2), ("r03_space_in_sum", 2), ("r04_sum_suffix", 2)])
def test_the_cases_of_other_wording_are_read(shared_data: Path, folder: str, labels: int) -> None:
    parsed = read((shared_data / "cases/sum-wording" / folder / "dailystock_20250716.html").read_bytes())
    assert sum(quantity for _, quantity in details(parsed)) == 26_400.0
    assert len(details(parsed)) == 5
    assert not {name for name, _ in details(parsed) if "计" in name}


def test_a_factory_with_goods_in_two_regions_has_a_sum_of_its_own(shared_data: Path) -> None:
    request = Shfe().recognise("dailystock_20260918/ZH/all.html")
    assert request is not None
    frame = Shfe().parse(request, (shared_data / "payloads_more/shfe/dailystock_20260918/ZH/all.html").read_bytes()).frames[TABLE]
    sums = frame.filter(pl.col("warehouse_type") == "factory", pl.col("row_level") != "detail")
    assert sums.select("row_level", "region", "warehouse", "receipts_qty").rows() == [
        ("region_total", "四邦实业", "合计", 8100.0),
        ("product_total", "", "总计", 8100.0),
    ]


def test_a_marked_sum_of_a_region_needs_no_known_word() -> None:
    assert details(read(page("累计"))) == ALUMINA


@pytest.mark.parametrize(("part", "mark", "named"), [("累计", "", "累计"), ("本页计", "tdBorder", "本页计")])
def test_a_label_that_only_looks_like_a_sum_costs_the_table_that_is_named(part: str, mark: str, named: str) -> None:
    parsed = read(page(part, mark=mark))
    assert not details(parsed)
    assert details(parsed, "cu") == [("铜库", 900.0)]
    assert {reject.reason for reject in parsed.rejects} == {"unknown_sum"}
    assert all("氧化铝(仓库)" in reject.message and named in reject.message for reject in parsed.rejects)
    assert {reject.row["product_id"] for reject in parsed.rejects} == {"ao"}


def test_a_marked_whole_without_a_known_word_costs_the_table() -> None:
    parsed = read(page(whole="本所仓单"))
    assert not details(parsed)
    assert {reject.reason for reject in parsed.rejects} == {"unknown_sum"}


@pytest.mark.parametrize("label", ["合计", "小 计", "累计", "Total"])
def test_a_json_row_that_says_detail_and_is_named_like_a_sum_costs_the_table(label: str) -> None:
    rows = [warrant(), warrant("乙库"), warrant(label, "0", 600), warrant("铜库", VARID="cu", VARNAME="铜$$Copper")]
    parsed = Shfe().parse(request_for("20250716dailystock.dat"), answer(rows, "o_cursor"))
    assert not details(parsed)
    assert details(parsed, "cu") == [("铜库", 300.0)]
    assert {reject.reason for reject in parsed.rejects} == {"unknown_sum"}
    with pytest.raises(PayloadError) as caught:
        Shfe().parse(request_for("20250716dailystock.dat"), answer(rows[:3], "o_cursor"))
    assert (caught.value.verdict.outcome, caught.value.verdict.reason) == (Outcome.FORMAT_CHANGED, "unknown_sum")


@given(label=spelled(PARTS + WHOLES), level=st.sampled_from(["1", "2"]))
def test_a_json_row_that_says_sum_is_one_whatever_it_is_called(label: str, level: str) -> None:
    parsed = Shfe().parse(request_for("20250716dailystock.dat"), answer([warrant(), warrant(label, level, 300)], "o_cursor"))
    assert details(parsed) == [("甲库", 300.0)]
    assert not parsed.rejects


def test_a_renamed_product_is_read_by_the_name_the_home_gives_it(shared_data: Path, tmp_path: Path) -> None:
    case = shared_data / "cases/renamed-product"
    body = (case / "dailystock_20250716.html").read_bytes()
    with pytest.raises(PayloadError, match="holds no row of any product"):
        read(body)
    (tmp_path / "exchanges.toml").write_bytes((case / "exchanges.toml").read_bytes())
    parsed = read(body, Shfe(configuration=Configuration(tmp_path)))
    assert sum(quantity for _, quantity in details(parsed)) == 26_400.0


# ---------------------------------------------------------------- the other sources


@given(label=spelled(WHOLES), part=spelled(PARTS))
def test_sums_of_the_other_exchange_are_known_in_any_spelling(label: str, part: str) -> None:
    row = {"variety": "碳酸锂", "varietyOrder": "lc", "whCodeOrder": "1", "whAbbr": "库", "genDate": "20250716"} | dict.fromkeys(
        ("wbillQty", "diff", "lastWbillQty"), 5
    )
    sums = [
        row | {"variety": f"碳酸锂{part}", "genDate": None, "whAbbr": ""},
        row | {"variety": label, "varietyOrder": "", "genDate": None, "whAbbr": ""},
    ]
    body = answer([row, *sums], "data").replace(b'"o_code": "0000", ', b"")
    frame = Gfex().parse(Request("gfex", "wbill", "20250716", "wbill_lc_20250716.json", date(2025, 7, 16)), body).frames[GFEX_RECEIPTS]
    assert frame["row_level"].to_list() == ["detail", "product_total", "exchange_total"]


@pytest.mark.parametrize("changes", [{"variety": "碳酸锂合计"}, {"whAbbr": "累计"}, {"variety": "碳酸锂 小计"}])
def test_a_dated_row_named_like_a_sum_refuses_the_answer(changes: dict[str, str]) -> None:
    row = {
        "variety": "碳酸锂",
        "varietyOrder": "lc",
        "whCodeOrder": "1",
        "whAbbr": "库",
        "genDate": "20250716",
        "wbillQty": 5,
        "diff": 0,
        "lastWbillQty": 5,
    }
    with pytest.raises(PayloadError) as caught:
        Gfex().parse(Request("gfex", "wbill", "20250716", "wbill_lc_20250716.json", date(2025, 7, 16)), answer([row, row | changes], "data"))
    assert caught.value.verdict.reason == "unknown_sum"


HEADER = "数据年月,商品编码,商品名称,贸易伙伴编码,贸易伙伴名称,第一数量,第一计量单位,第二数量,第二计量单位,美元"
PARTNERS = ("202505,28182000,氧化铝,601,澳大利亚,1000000,千克,,,400000", "202505,28182000,氧化铝,111,印度,500000,千克,,,200000")


def portal(*lines: str) -> Parsed:
    return Customs().parse(request_for("gacc_import_202505.csv"), "\r\n".join([HEADER, *lines, ""]).encode())


@given(label=spelled(PARTS + WHOLES), first=st.booleans())
def test_a_sum_somebody_added_to_the_export_is_no_partner(label: str, first: bool) -> None:
    total = f'202505,28182000,氧化铝,,"{label.strip()}",1500000,千克,,,600000'
    parsed = portal(total, *PARTNERS) if first else portal(*PARTNERS, total)
    assert parsed.frames[CUSTOMS]["partner_name"].to_list() == ["澳大利亚", "印度"]
    assert not parsed.rejects


def test_a_sum_that_is_not_that_of_its_partners_is_put_aside_and_said() -> None:
    parsed = portal(*PARTNERS, "202505,28182000,氧化铝,,合计,1600000,千克,,,600000")
    (reject,) = parsed.rejects
    assert (reject.reason, reject.row["month"], reject.row["hs_code"], reject.row["flow"]) == ("sum_broken", "2025-05-01", "28182000", "import")
    assert "1,600" in reject.message


def test_a_partner_that_only_looks_like_a_sum_refuses_the_file() -> None:
    with pytest.raises(PayloadError, match="line 4: '累计' looks like the label of a sum") as caught:
        portal(*PARTNERS, "202505,28182000,氧化铝,999,累计,1500000,千克,,,600000")
    assert caught.value.verdict.reason == "unknown_sum"


def test_a_partner_in_two_rows_is_added_up(shared_data: Path) -> None:
    body = (shared_data / "cases/lost-row-counts-as-zero/gacc_import_202505.csv").read_bytes()
    parsed = Customs().parse(request_for("gacc_import_202505.csv"), body)
    assert parsed.frames[CUSTOMS].select("partner_name", "qty_t", "value_usd").rows() == [("澳大利亚", 1500.0, 600000.0)]
    assert parsed.remarks == ("added_up: 2 lines of 澳大利亚 in 2025-05",)


# ---------------------------------------------------------------- options under the futures quotes' name


@pytest.mark.parametrize("name", ["cases/options-kx-same-name/kx20260930.dat", "payloads_more/shfe/option_kx20260930.dat"])
def test_option_quotes_are_refused_as_such_and_the_message_says_what_is_wanted(shared_data: Path, name: str) -> None:
    request = Shfe().recognise("kx20260930.dat")
    assert request is not None
    body = (shared_data / name).read_bytes()
    assert Shfe().inspect(request, Response(body, NOON)).outcome is Outcome.OK
    with pytest.raises(PayloadError, match=r"futures quotes of 2026-09-30 are wanted.*kx20260930\.dat") as caught:
        Shfe().parse(request, body)
    assert (caught.value.verdict.outcome, caught.value.verdict.reason) == (Outcome.NOT_DATA, "options")


def test_one_row_of_an_option_among_futures_is_enough() -> None:
    request = Shfe().recognise("kx20250716.dat")
    assert request is not None
    with pytest.raises(PayloadError, match="options"):
        Shfe().parse(request, answer([quote(), quote(month="2510", PRODUCTID="ao_o", STRIKEPRICE=3000)]))


def test_a_label_without_end_is_told_at_once() -> None:
    """Taking one apart takes the square of its length: 40,000 brackets in one cell took a minute."""
    assert sum_label("(" * 1_000_000 + "x") is None
    assert sum_label(" 合计" + " " * 1_000_000) is not None
    for text in ("x" * 1_000_000 + "合计", "ＴＯＴＡＬ" + "(" * 1_000_000):
        with pytest.raises(UnknownSumError, match="looks like the label of a sum"):
            sum_label(text)


@pytest.mark.parametrize("pair", ["()", "[]", "【】", "(,)", "()[]", "( )", "/t", "计t"])
def test_a_label_of_brackets_is_taken_apart_in_one_way_only(pair: str) -> None:
    """A bracket was taken whole and sign by sign: 48 characters took some seconds, and each further pair twice as many."""
    for end in ("y", "合计y"):
        text = ("x" + pair * 50)[: LONGEST - len(end)] + end
        try:
            assert sum_label(text) is None
        except UnknownSumError:
            assert "计" in text
    assert pair == "计t" or sum_label(f"总计{pair * 20}") is not None
