"""Customs: every printed figure of a portal export and of UN Comtrade is kept, and what cannot be believed is refused with its reason."""

import csv
import io
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from feeds import NOON, Home, delivery, request_for

from ingest.catalog.configuration import SHIPPED_ONLY, Configuration
from ingest.catalog.documents import SHIPPED
from ingest.settings import Settings
from ingest.source import Outcome, Parsed, PayloadError, Request, Response
from ingest.sources.customs import BY_HAND, TABLE, Customs
from quality.raw import TABLES

HEADER = "数据年月,商品编码,商品名称,贸易伙伴编码,贸易伙伴名称,第一数量,第一计量单位,第二数量,第二计量单位,美元"
LINE = '"202505","28182000","氧化铝","997","测试伙伴","1,234,567","千克","0","-","2,345,678"'
ROW: dict[str, Any] = {
    "period": "202405", "reporterCode": 156, "flowCode": "M", "partnerCode": 0, "partner2Code": 0, "cmdCode": "2818", "customsCode": "C00",
    "mosCode": "0", "motCode": 0, "qtyUnitCode": 8, "qty": 1500.0, "isQtyEstimated": True, "netWgt": 1500.0, "isNetWgtEstimated": False,
    "primaryValue": 900.0,
}  # fmt: skip


def portal(*lines: str, header: str = HEADER, name: str = "gacc_import_202505.csv", encoding: str = "gb18030") -> Parsed:
    return Customs().parse(request_for(name), "\r\n".join([header, *lines, ""]).encode(encoding))


def comtrade(*rows: dict[str, Any], name: str = "156_0_2818_M_202405.json", **envelope: Any) -> Parsed:
    return Customs().parse(request_for(name), json.dumps({"data": list(rows)} | envelope).encode())


def only(parsed: Parsed) -> dict[str, Any]:
    assert not parsed.rejects
    return parsed.frames[TABLE].row(0, named=True)


# ---------------------------------------------------------------- the samples, read a second way


def test_every_figure_of_a_portal_export_is_kept(shared_data: Path, home: Home) -> None:
    body = (shared_data / "payloads/synthetic/gacc_import_202505.csv").read_bytes()
    printed = list(csv.DictReader(io.StringIO(body.decode("gb18030"))))
    report = home.take(delivery("gacc_import_202505.csv", body))
    kept = {row["partner_name"]: row for row in home.rows(TABLE).iter_rows(named=True)}
    assert set(kept) == {row["贸易伙伴名称"] for row in printed} and len(printed) == 5
    assert not report.quarantined
    for row in printed:
        found = kept[row["贸易伙伴名称"]]
        assert (found["hs_code"], found["commodity_name"], found["partner_code"]) == (row["商品编码"], row["商品名称"], row["贸易伙伴编码"])
        assert found["qty_t"] * 1000 == pytest.approx(int(row["第一数量"].replace(",", "")), rel=1e-15)
        assert found["value_usd"] == int(row["美元"].replace(",", ""))
        assert (found["value_cny"], found["flow"], found["hs_scope"], found["month"]) == (None, "import", "item", date(2025, 5, 1))


def test_every_figure_of_a_comtrade_answer_is_kept(shared_data: Path, home: Home) -> None:
    body = (shared_data / "payloads/comtrade/156_0_2818_M_202411.json").read_bytes()
    printed = json.loads(body)["data"][0]
    report = home.take(delivery("156_0_2818_M_202411.json", body))
    (row,) = home.rows(TABLE).iter_rows(named=True)
    assert row["qty_t"] == pytest.approx(printed["netWgt"] / 1000, rel=1e-15)
    assert row["value_usd"] == printed["primaryValue"]
    assert (row["is_qty_estimated"], row["is_net_weight_estimated"]) == (True, True)
    assert (row["month"], row["hs_scope"], row["partner_scheme"], row["partner_code"]) == (date(2024, 11, 1), "heading", "m49", "0")
    assert not report.quarantined


def test_the_published_history_of_one_scope_agrees_with_the_answer(shared_data: Path) -> None:
    rows = list(csv.DictReader((shared_data / "customs/china_alumina_imports_monthly.csv").read_text(encoding="utf-8-sig").splitlines()))
    (month,) = [row for row in rows if row["period"] == "202411" and row["hs_scope"] == "2818"]
    found = only(Customs().parse(request_for("156_0_2818_M_202411.json"), (shared_data / "payloads/comtrade/156_0_2818_M_202411.json").read_bytes()))
    assert found["qty_t"] == pytest.approx(float(month["metric_tonnes"]), abs=0.006)
    assert found["value_usd"] == float(month["value_usd"])


def test_a_month_not_reported_is_not_published(shared_data: Path, home: Home) -> None:
    name = "156_0_2818_M_202506_empty.json"
    home.take(delivery(name, (shared_data / "payloads/comtrade" / name).read_bytes()))
    assert [(receipt.outcome, receipt.reason) for receipt in home.fetch_log()] == [(Outcome.NOT_PUBLISHED, "not_reported")]
    assert not list(home.lake.batches())


# ---------------------------------------------------------------- names and requests


@pytest.mark.parametrize(
    ("name", "feed", "key"),
    [
        ("in/gacc_import_202505.csv", "gacc", "gacc_import_202505.csv"),
        ("gacc_export_202501-202505.csv", "gacc", "gacc_export_202501-202505.csv"),
        ("gacc_import_202505_cny.csv", "gacc", "gacc_import_202505_cny.csv"),
        ("156_0_2818_M_202411.json", "comtrade", "156_0_2818_M_202411"),
        ("156_0_260600_X_202411_again.json", "comtrade", "156_0_260600_X_202411"),
    ],
)
def test_files_are_known_by_their_names(name: str, feed: str, key: str) -> None:
    request = Customs().recognise(name)
    assert request is not None
    assert (request.feed, request.key, request.day) == (feed, key, None)


@pytest.mark.parametrize(
    "name",
    [
        "gacc_202505.csv", "gacc_import_202513.csv", "gacc_import_202506-202505.csv", "gacc_import_20250501.csv", "gacc_import_202505.xlsx",
        "156_0_2818_Q_202411.json", "156_0_2818_M_202400.json", "156_0_28182000_M_202411.json", "gacc_import_202505.csv\n",
    ],
)  # fmt: skip
def test_other_names_are_nobodys(name: str) -> None:
    assert Customs().recognise(name) is None


def test_the_portal_is_never_asked_and_comtrade_for_headings_and_months_it_may_hold() -> None:
    asked = [request for day in range(14, 19) for request in Customs().requests(date(2025, 7, day))]
    assert {request.feed for request in asked} == {"comtrade"}
    assert {request.key.split("_")[2] for request in asked} == {code for code in SHIPPED_ONLY.hs_codes if len(code) == 4} == {"2818", "2606"}
    assert {request.key.split("_")[3] for request in asked} == {"M", "X"}
    assert sorted({request.key.split("_")[4] for request in asked}) == ["202401", "202402", "202404", "202406", "202407"]
    assert (
        next(request.url for request in asked if request.key == "156_0_2818_M_202404")
        == "https://comtradeapi.un.org/public/v1/preview/C/M/HS?reporterCode=156&partnerCode=0&cmdCode=2818&flowCode=M&period=202404"
    )
    assert list(Customs().requests(date(2025, 7, 19))) == []
    for request in asked:  # what was asked for live and what lies in a folder are one request
        known = Customs().recognise(request.name)
        assert known is not None and (known.feed, known.key) == (request.feed, request.key)


def test_the_codes_asked_for_are_configuration(settings: Settings) -> None:
    folder = settings.catalog_overlay / "commodities"
    folder.mkdir(parents=True)
    (folder / "xx.toml").write_text((SHIPPED / "commodities" / "ao.toml").read_text().replace('"AO"', '"XX"').replace('"2818"', '"7601"'))
    assert "7601" in Configuration(settings.catalog_overlay).hs_codes
    (folder / "yy.toml").write_text("this is not TOML")
    assert "7601" in Configuration(settings.catalog_overlay).hs_codes
    assert "7601" not in SHIPPED_ONLY.hs_codes
    asked = [request for day in range(14, 19) for request in Customs(Configuration(settings.catalog_overlay)).requests(date(2025, 7, day))]
    assert "7601" in {request.key.split("_")[2] for request in asked}


# ---------------------------------------------------------------- portal files


@pytest.mark.parametrize("encoding", ["gb18030", "utf-8", "utf-8-sig"])
def test_the_encoding_says_nothing_about_the_rows(encoding: str) -> None:
    assert only(portal(LINE, encoding=encoding))["partner_name"] == "测试伙伴"


def test_yuan_go_to_their_own_column() -> None:
    row = only(portal(LINE, header=HEADER.replace("美元", "人民币")))
    assert (row["currency"], row["value_usd"], row["value_cny"]) == ("CNY", None, 2_345_678)


def test_full_width_digits_and_known_units_are_read() -> None:
    assert only(portal(LINE.replace("1,234,567", "１，２３４，５６７").replace("202505", "２０２５０５")))["qty_t"] == pytest.approx(1234.567)
    assert only(portal(LINE.replace("千克", "吨").replace("1,234,567", "12.5")))["qty_t"] == 12.5


def test_look_alike_partners_stay_three_countries() -> None:
    names = ["几内亚", "几内亚比绍", "巴布亚新几内亚", "赤道几内亚"]
    frame = portal(*(LINE.replace("测试伙伴", name).replace("997", f"{n}") for n, name in enumerate(names))).frames[TABLE]
    assert frame["partner_name"].to_list() == names


def test_a_file_of_several_months_needs_a_name_that_says_so() -> None:
    earlier = LINE.replace("202505", "202504")
    parsed = portal(LINE, earlier)
    assert [(reject.reason, "line 3" in reject.message) for reject in parsed.rejects] == [("wrong_month", True)]
    assert portal(LINE, earlier, name="gacc_import_202501-202505.csv").frames[TABLE].height == 2


@pytest.mark.parametrize(
    ("header", "line", "outcome", "reason"),
    [
        (HEADER.replace("数据年月,", ""), LINE.replace('"202505",', ""), Outcome.FORMAT_CHANGED, "missing_column"),
        (HEADER.replace("美元", "欧元"), LINE, Outcome.FORMAT_CHANGED, "no_currency"),
        (HEADER + ",人民币", LINE + ',"1"', Outcome.FORMAT_CHANGED, "no_currency"),
        (HEADER + ",贸易方式名称", LINE + ',"一般贸易"', Outcome.FORMAT_CHANGED, "unknown_column"),
        (HEADER + ",美元", LINE + ',"1"', Outcome.FORMAT_CHANGED, "repeated_header"),
        (HEADER, LINE.replace("202505", "202405"), Outcome.NOT_DATA, "wrong_month"),
        (HEADER, LINE.replace('"氧化铝"', "氧化铝,但人造刚玉除外"), Outcome.NOT_DATA, "ragged"),
        (HEADER, '"' + LINE, Outcome.NOT_DATA, "unparsable"),
        (HEADER, "", Outcome.NOT_DATA, "no_rows"),
    ],
)
def test_an_export_that_cannot_be_trusted_is_refused(header: str, line: str, outcome: Outcome, reason: str) -> None:
    with pytest.raises(PayloadError) as caught:
        portal(line, header=header)
    assert (caught.value.verdict.outcome, caught.value.verdict.reason) == (outcome, reason)


def test_a_refusal_says_that_a_person_must_export_again() -> None:
    with pytest.raises(PayloadError, match="数据年月.*" + BY_HAND):
        portal(LINE.replace('"202505",', ""), header=HEADER.replace("数据年月,", ""))


def test_bytes_of_no_encoding_and_empty_files_are_refused() -> None:
    for body, reason in ((b"a,b\n\xff\xff\xff,\x81\n", "undecodable"), (b",,\r\n", "empty")):
        with pytest.raises(PayloadError) as caught:
            Customs().parse(request_for("gacc_import_202505.csv"), body)
        assert caught.value.verdict.reason == reason


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (LINE.replace("千克", "台"), "unknown_unit"),
        (LINE.replace('"0","-"', '"7","-"'), "unknown_unit"),
        (LINE.replace("1,234,567", "1.2.3"), "unreadable_value"),
        (LINE.replace("1,234,567", "NaN"), "unreadable_value"),
        (LINE.replace("2,345,678", "1e999"), "unreadable_value"),
        (LINE.replace("202505", ""), "unreadable_value"),
        (LINE.replace("202505", "2025"), "unreadable_value"),
        (LINE.replace("202505", "202513"), "unreadable_value"),
        (LINE.replace("测试伙伴", ""), "no_partner"),
        (LINE.replace("28182000", "28182"), "unknown_code"),
        (LINE.replace("1,234,567", "-").replace("2,345,678", "--"), "no_value"),
    ],
)
def test_a_row_that_cannot_be_believed_is_put_aside_and_the_others_stay(line: str, reason: str) -> None:
    parsed = portal(LINE.replace("997", "111"), line)
    assert [reject.reason for reject in parsed.rejects] == [reason]
    assert parsed.rejects[0].message.startswith("line 3: ")
    assert parsed.frames[TABLE]["partner_code"].to_list() == ["111"]


def test_negative_figures_and_two_rows_of_one_key_go_to_quarantine(home: Home) -> None:
    lines = [LINE, LINE.replace("997", "1").replace("1,234", "-1,234"), LINE.replace("997", "2"), LINE.replace("997", "2").replace("678", "679")]
    home.take(delivery("gacc_import_202505.csv", "\r\n".join([HEADER, *lines]).encode("gb18030")))
    assert home.rows(TABLE)["partner_code"].to_list() == ["997"]
    assert home.refused() == [(TABLE, "duplicate_key"), (TABLE, "duplicate_key"), (TABLE, "qty_t:greater_than_or_equal_to(0)")]


# ---------------------------------------------------------------- UN Comtrade


def test_a_weight_never_reported_is_null_and_not_zero() -> None:
    assert only(comtrade(ROW | {"netWgt": 0.0, "qty": 0.0}))["qty_t"] is None
    assert only(comtrade(ROW | {"netWgt": None}))["qty_t"] == 1.5
    assert only(comtrade(ROW | {"netWgt": None, "qtyUnitCode": 5}))["qty_t"] is None


def test_parts_of_the_whole_are_left_out_and_remarked() -> None:
    parsed = comtrade(ROW, ROW | {"motCode": 2100}, ROW | {"partner2Code": 36}, ROW | {"customsCode": "C01"})
    assert parsed.frames[TABLE].height == 1
    assert parsed.remarks == ("parts: 3 rows by second partner, procedure or transport are parts of others and left out",)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"period": "202406"}, "wrong_month"),
        ({"cmdCode": "2606"}, "wrong_query"),
        ({"flowCode": "X"}, "wrong_query"),
        ({"partnerCode": 36}, "wrong_query"),
    ],
)
def test_an_answer_to_another_question_is_refused(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(PayloadError) as caught:
        comtrade(ROW, ROW | change)
    assert (caught.value.verdict.outcome, caught.value.verdict.reason) == (Outcome.NOT_DATA, reason)


@pytest.mark.parametrize(
    ("body", "outcome", "reason"),
    [
        (b'{"data": [{"period": "2024', Outcome.NOT_DATA, "unparsable"),
        (b"[]", Outcome.FORMAT_CHANGED, "no_envelope"),
        (b'{"count": 0}', Outcome.FORMAT_CHANGED, "no_rows_key"),
        (b'{"data": null}', Outcome.FORMAT_CHANGED, "no_rows_key"),
        (b'{"data": [{"period": "202405"}]}', Outcome.FORMAT_CHANGED, "missing_column"),
        (b'{"data": [], "error": "quota"}', Outcome.NOT_DATA, "refused"),
        (b'{"data": []}', Outcome.NOT_PUBLISHED, "not_reported"),
        (b"[" * 100_000, Outcome.NOT_DATA, "unparsable"),
    ],
)
def test_an_answer_that_is_none_is_refused(body: bytes, outcome: Outcome, reason: str) -> None:
    with pytest.raises(PayloadError) as caught:
        Customs().parse(request_for("156_0_2818_M_202405.json"), body)
    assert (caught.value.verdict.outcome, caught.value.verdict.reason) == (outcome, reason)


@pytest.mark.parametrize("change", [{"netWgt": float("nan")}, {"primaryValue": "many"}, {"isQtyEstimated": "yes"}, {"primaryValue": True}])
def test_a_figure_that_is_none_puts_its_row_aside(change: dict[str, Any]) -> None:
    parsed = comtrade(ROW | change)
    assert [reject.reason for reject in parsed.rejects] == ["unreadable_value"]
    assert parsed.frames[TABLE].is_empty()


def test_a_page_is_not_a_payload() -> None:
    page = Response(b"<html>" + b"x" * 7000, NOON)
    for name, reason in (("gacc_import_202505.csv", "html_instead_of_text"), ("156_0_2818_M_202405.json", "html_instead_of_json")):
        assert Customs().inspect(request_for(name), page).reason == reason
    assert BY_HAND in Customs().inspect(request_for("gacc_import_202505.csv"), page).message
    assert BY_HAND not in Customs().inspect(request_for("156_0_2818_M_202405.json"), page).message
    assert Customs().inspect(request_for("gacc_import_202505.csv"), Response(b"a,b", NOON)).outcome is Outcome.OK


def test_the_frame_is_the_tables() -> None:
    assert dict(portal(LINE).frames[TABLE].schema) == TABLES[TABLE].schema == dict(comtrade(ROW).frames[TABLE].schema)
    with pytest.raises(ValueError, match="not a customs file"):
        Customs().parse(Request("customs", "gacc", "x", "x"), b"")


def test_many_lines_of_one_partner_and_many_sums_are_held_against_each_other_in_one_pass() -> None:
    """Each line was looked for among all before it, and each sum added up all of them: 1.2 MB took more than a minute."""
    lines = [LINE.replace("1,234,567", f"{1000 * number}") for number in range(1, 12_001)]
    sums = [LINE.replace("测试伙伴", "合计").replace("1,234,567", f"{number}") for number in range(8_000)]
    parsed = portal(*lines, *sums)
    assert parsed.frames[TABLE]["qty_t"].to_list() == [sum(range(1, 12_001))]
    assert {reject.reason for reject in parsed.rejects} == {"sum_broken"}
    assert len(parsed.rejects) == 8_000
