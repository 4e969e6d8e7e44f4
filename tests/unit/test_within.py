"""Every payload is held to the limits of its feed before anything is made of it, and what is within them is read in time that grows with its size.

Nothing here looks at a clock: each of these took minutes or gigabytes once, so a relapse shows as a test that does not end.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from feeds import DAY, FEEDS, QUOTE_HEADER, Home, answer, csv_file, delivery, feeds_apart, quote, request_for

from ingest.answer import read_json
from ingest.catalog.configuration import SHIPPED_ONLY, Configuration
from ingest.catalog.documents import SHIPPED
from ingest.catalog.limits import FeedBounds
from ingest.source import ConfigurationError, Outcome, PayloadError, Request
from ingest.sources.shfe.receipts import parse_receipts_html
from ingest.within import is_within_depth, require_within

MEBIBYTE = 2**20
APART = feeds_apart()
ACCENTS = "\u0301\u0316" * 60_000
SPOT, KX, HTML = "smm_spot_price_20250716.csv", "kx20250716.dat", "dailystock_20250716.html"
RANKING = "FutureDataHolding_20250716.txt"
DATED = '<table class="content_intro"><tr><td>2025-07-16</td></tr></table>'


def holding(line: str) -> bytes:
    return f"郑州商品交易所期货持仓排名表(2025-07-16)\n合约：SH509  日期：2025-07-16\n{line}\n".encode()


def page(inside: str) -> bytes:
    return f"<html><body>{DATED}{inside}</body></html>".encode()


def header(columns: int) -> bytes:
    return ",".join(f"c{n}" for n in range(columns)).encode() + b"\n1\n"


def wide(series: int, days: int, labels: int = 0) -> bytes:
    rows = [
        ["指标名称", *["氧化铝"] * series],
        ["单位", *["元/吨"] * series],
        ["指标ID", *(f"S{n}" for n in range(series))],
        ["来源", *["SMM"] * series],
    ]
    rows += [[f"label{n}", *["x"] * series] for n in range(labels)]
    rows += [[f"2025-{1 + n // 28 % 12:02d}-{1 + n % 28:02d}", *["1"] * series] for n in range(days)]
    return "\n".join(",".join(row) for row in rows).encode()


HOSTILE: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "a header of 77 kB": (SPOT, lambda: header(12_000), "oversized"),
    "a header of 8 MB": (SPOT, lambda: header(1_000_000), "oversized"),
    "a header of 8 MB in an events file": ("policy_events.csv", lambda: header(1_000_000), "oversized"),
    "a wide header behind a cell of two lines": ("policy_events.csv", lambda: b'"a\nb",' + header(350_000).replace(b"c1", b"c2"), "repeated_header"),
    "60 MB of commas": (SPOT, lambda: b"," * (60 * MEBIBYTE), "oversized"),
    "a header of 130,000 bytes above 5,000 rows": (
        SPOT,
        lambda: ("日期,名称,均价,单位,指标ID,数据来源," + "x" * 130_000 + "\n" + "".join(f"2025-07-16,a,1,元/吨,x{n},SMM,1\n" for n in range(5_000))).encode(),
        "oversized",
    ),
    "2,600 columns apart under 8,000 lines": (SPOT, lambda: b"x\n" * 8_000 + b"q" + b",,q" * 2_600, "no_header"),
    "rows that repeat long names when they are refused": (
        "policy_events.csv",
        lambda: (",".join(["event_id,event_date,date_precision,published_at,lang,theme,authority,summary,source,source_url", *(f"{n}{'x' * 400}" for n in range(80))])
                 + "\n" + ("E,2025-07-18" + "," * 88 + "\n") * 800).encode(),
        "too_many_refused",
    ),
    "8 MB of blank lines": (SPOT, lambda: csv_file(header=QUOTE_HEADER) + b"\n" * (8 * MEBIBYTE - 999), "oversized"),
    "8 MB of lines": (SPOT, lambda: b"a\n" * (4 * MEBIBYTE - 1), "oversized"),
    "many labels above many series": (SPOT, lambda: wide(480, 400, 400), "oversized"),
    "many figures of a wide export": (SPOT, lambda: wide(400, 80), "oversized"),
    "a unit of accents": (SPOT, lambda: csv_file(f"2025-07-16,x,1,1,1,,元{ACCENTS},S,SMM,,日,", header=QUOTE_HEADER), "unknown_unit"),
    "a heading of 6 MB in a ranking": (RANKING, lambda: holding("合约：" * 700_000), "oversized"),
    "lines that end where only Python ends one": (RANKING, lambda: holding("x\x0b" * (4 * MEBIBYTE - 99)), "oversized"),
    "8 MB of bars": (RANKING, lambda: holding("|" * (8 * MEBIBYTE - 999)), "oversized"),
    "a warehouse of 40,000 brackets": (KX, lambda: answer([quote() | {"PRODUCTNAME": "(" * 40_000, "DELIVERYMONTH": "(" * 40_000 + "x"}]), "no_rows"),
    "60 MB of objects": (KX, lambda: b'{"o_curinstrument":[' + b"{}," * (20 * MEBIBYTE) + b"{}]}", "oversized"),
    "7 MB of objects": (KX, lambda: b'{"o_curinstrument":[' + b"{}," * (2 * MEBIBYTE) + b"{}]}", "oversized"),
    "lists in lists": (KX, lambda: b'{"a":' + b"[" * (4 * MEBIBYTE - 99) + b"]" * (4 * MEBIBYTE - 99) + b"}", "oversized"),
    "lists 900 deep": (KX, lambda: b'{"a":' + b"[" * 900 + b"]" * 900 + b"}", "too_deep"),
    "a row of 390,000 names": (KX, lambda: answer([quote() | {f"k{n}": 1 for n in range(390_000)}]), "oversized"),
    "a query of many pairs": (
        "cfets_CcprHisNew_x.json",
        lambda: json.dumps({"head": {"rep_code": "200"}, "data": {"searchlist": [f"AAA/{n}" for n in range(200_000)], "currency": "X," * 100_000}}).encode(),
        "oversized",
    ),
    "a long newsflash": ("shmet_newsflash_x.json", lambda: json.dumps({"code": 200, "data": {"dataList": [{"contentText": "减产" * 300_000}]}}).encode(), "oversized"),
    "40 MB of tags": (HTML, lambda: page("<p>x</p>" * (5 * MEBIBYTE)), "oversized"),
    "a tag of 100,000 attributes": (HTML, lambda: page(f"<p {' '.join(f'a{n}=1' for n in range(100_000))}>x</p>"), "oversized"),
    "a page nested without end": (HTML, lambda: page('<table class="el-table_table"><tr><td>' * 12_000), "no_rows"),
    "a table of 3,000 columns": (HTML, lambda: page(f'<table class="el-table_table"><tr>{"<th>期货</th><th>地区</th><th>仓库</th><th>增减</th>" * 750}</tr>{"<tr><td>1" * 20_000}</table>'), "repeated_header"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_payload_made_to_hurt_is_refused_in_one_sentence_and_hurts_no_other(name: str, home: Home) -> None:
    file, make, reason = HOSTILE[name]
    report = home.take(delivery(file, make()), delivery("kx20250717.dat", answer([quote()], day=DAY.replace(day=17))), sources=APART)
    hostile, good = report.fetch_log
    assert (hostile.outcome in (Outcome.NOT_DATA, Outcome.FORMAT_CHANGED), hostile.reason, good.outcome) == (True, reason, Outcome.OK), (
        hostile.message
    )
    assert 0 < len(hostile.message) < 2_100
    assert "\n" not in hostile.message


def test_rows_of_an_answer_that_are_parts_of_others_are_left_out_in_one_pass() -> None:
    row = {"period": "202411", "reporterCode": 156, "partnerCode": 0, "flowCode": "M", "cmdCode": "2818", "netWgt": 1000, "primaryValue": 1}
    row |= {"isNetWgtEstimated": False, "isQtyEstimated": False}
    rows = [row, *(row | {"partner2Code": n + 1} for n in range(20_000))]
    request = request_for("156_0_2818_M_202411.json")
    source = next(source for source in FEEDS if source.name == "customs")
    parsed = source.parse(request, json.dumps({"data": rows}).encode())
    assert parsed.frames["customs__monthly_trade"].height == 1
    assert parsed.remarks == ("parts: 20000 rows by second partner, procedure or transport are parts of others and left out",)


@pytest.mark.parametrize(
    ("text", "depth"),
    [
        ("[]", 1),
        ('{"a": 1}', 1),
        ('{"a": [{"b": 1}, {"b": 2}], "c": 2}', 3),
        ('{"a": [{"b": "[{"}, {}]}', 3),
        ('{"a": [1, {"b": []}], "c": 2}', 4),
        ('{"a": [1, 2, [[[]]]]}', 5),
        ('{"a": {"b": {"c": {}}}}', 4),
    ],
)
def test_depth_is_that_of_the_deepest_place(text: str, depth: int) -> None:
    assert is_within_depth(json.loads(text), text.encode(), depth)
    assert not is_within_depth(json.loads(text), text.encode(), depth - 1) or depth <= 3  # an envelope around rows is looked at no further


def test_an_answer_nested_too_deep_is_refused_whatever_holds_it() -> None:
    deepest = SHIPPED_ONLY.limits.shape.depth
    for opening, closing in (("[", "]"), ('{"a":', "}")):
        inside = opening * (deepest - 1) + "1" + closing * (deepest - 1)
        assert read_json(f'{{"a": {inside}}}'.encode())
        with pytest.raises(PayloadError, match="deep"):
            read_json(f'{{"a": {opening}{inside}{closing}}}'.encode())


def test_each_limit_holds_at_its_number() -> None:
    limits = FeedBounds(bytes=100, rows=3, cells=6, columns=3, refused_rows=1)
    for kept, refused in (
        (b"a,b\n" * 3, b"a,b\n" * 4),
        (b"a,b,c\n", b"a,b,c,d\n"),
        (b"x" * 100, b"x" * 101),
        (b'{"a": [{}, {}]}', b'{"a": [{}, {}, {}]}'),
        (b"[1,1,1,1,1,1]", b"[1,1,1,1,1,1,1]"),
        (b"<p><p><p></p>", b"<p><p><p><p></p></p></p>"),
    ):
        require_within("x", kept, limits)
        with pytest.raises(PayloadError, match=r"more .* than the"):
            require_within("x", refused, limits)


def test_a_tag_is_no_longer_than_any_page_has() -> None:
    most = SHIPPED_ONLY.limits.shape.tag_bytes
    limits = SHIPPED_ONLY.limits.of("shfe", "dailystock_html")
    require_within("x", page("<p " + "a" * (most - 3) + ">"), limits)
    with pytest.raises(PayloadError, match="tag"):
        require_within("x", page("<p " + "a" * most + ">"), limits)


def test_a_receipts_table_with_a_heading_twice_is_refused() -> None:
    table = '<table class="el-table_table"><tr><th>地区</th><th>仓库</th><th>期货</th><th>增减</th><th>增减</th></tr></table>'
    with pytest.raises(PayloadError) as caught:
        parse_receipts_html(Request("shfe", "dailystock_html", "k", HTML), DAY, page(table))
    assert caught.value.verdict.reason == "repeated_header"


# ---------------------------------------------------------------- the configuration


def test_the_limits_of_a_feed_are_its_own_then_its_sources_then_those_of_all(tmp_path: Path) -> None:
    entry = '[[limit]]\nof = "{}"\nrows = {}\nlabel = "assumed"\nsource = "x"\n'
    text = (SHIPPED / "limits.toml").read_text(encoding="utf-8") + entry.format("spot/*", 7) + entry.format("spot/overseas", 8)
    (tmp_path / "limits.toml").write_text(text, encoding="utf-8")
    shipped, own = SHIPPED_ONLY.limits, Configuration(tmp_path).limits
    assert own.of("spot", "spot_price") == replace(shipped.of("spot", "spot_price"), rows=7)
    assert own.of("spot", "overseas").rows == 8
    assert own.of("cost", "inputs") == shipped.of("cost", "inputs")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('of = "*"', 'of = "spot/*"', 'an entry of = "*" that says bytes, rows, cells, columns and refused_rows is missing'),
        ("refused_rows = 5_000\n", "", 'an entry of = "*" that says bytes, rows, cells, columns and refused_rows is missing'),
        ("rows = 30_000", "rows = 0", "must be at least 1, not 0"),
        ("rows = 30_000", "rowz = 30_000", "this key is not known"),
        ("tag_bytes = 1_000", "", "key tag_bytes is missing"),
    ],
)
def test_limits_that_cannot_be_used_are_named(old: str, new: str, sentence: str, tmp_path: Path) -> None:
    (tmp_path / "limits.toml").write_text((SHIPPED / "limits.toml").read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"catalogue file limits\.toml, line ") as caught:
        _ = Configuration(tmp_path).limits
    assert sentence in str(caught.value)
