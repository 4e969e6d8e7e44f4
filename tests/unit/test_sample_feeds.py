"""The sample's other feeds: limits and margins, the second exchange, vendors' values, customs, fixings, events, flashes. Reads payloads only."""

import csv
import hashlib
import io
import json
import re
import tomllib
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from typing import Any

import pytest

from ingest.catalog.documents import SHIPPED
from ingest.sample import FIRST_DAY, LAST_DAY, deliveries
from ingest.sample.ledger import Ledger, load_ledger
from ingest.source import Request, Response, Source
from ingest.sources import SOURCES
from ingest.sources.catalog import Catalog
from ingest.sources.fx import Fx
from ingest.sources.policy import Policy
from ingest.sources.shfe import Shfe

Row = dict[str, Any]
Stream = list[tuple[Request, Response]]

FIRST_TABLES = {"shfe__daily_quotes", "shfe__warehouse_receipts", "spot__quotes", "bars__prices"}  # held by test_sample.py, and bars below
VENDOR_FEEDS = {"overseas": "spot", "cost_profit": "cost", "inputs": "cost", "capacity": "capacity", "inventory": "capacity"}
LIMITS = [("20230619", "0.14"), ("20230620", "0.07"), ("20241017", "0.08"), ("20241023", "0.09"), ("20250311", "0.08"), ("20250701", "0.09")]
MARGINS = [("20230619", (0.09, 0.09)), ("20241017", (0.09, 0.1)), ("20241023", (0.1, 0.11)), ("20250311", (0.09, 0.1))]  # hedging, speculation
COPY_ERROR = "2025-07-03"  # the vendor printed its own index as port price
PARTNERS_THAT_LOOK_ALIKE = {"几内亚", "几内亚比绍", "赤道几内亚", "巴布亚新几内亚"}
OUTSIDE = date(2023, 6, 18), date(2025, 7, 24)


@pytest.fixture(scope="module")
def stream() -> Stream:
    return list(deliveries())


def of(stream: Stream, source: str, *feeds: str) -> Stream:
    return [(request, response) for request, response in stream if request.source == source and request.feed in feeds]


def local(response: Response) -> datetime:
    return response.fetched_at + timedelta(hours=8)


@pytest.fixture(scope="module")
def vendor(stream: Stream) -> dict[str, list[Row]]:
    """Rows of all vendor files by series."""
    rows: dict[str, list[Row]] = defaultdict(list)
    for feed, source in VENDOR_FEEDS.items():
        for request, response in of(stream, source, feed):
            for row in csv.DictReader(io.StringIO(response.body.decode("utf-8-sig"), newline="")):
                rows[row["指标ID"]].append(row | {"file": request.name, "feed": feed, "fetched": local(response)})
    return rows


@pytest.fixture(scope="module")
def value(vendor: dict[str, list[Row]]) -> dict[tuple[str, str], Decimal]:
    return {(row["日期"], series): Decimal(row["数值"]) for series, rows in vendor.items() for row in rows}


@pytest.fixture(scope="module")
def trade(stream: Stream) -> dict[tuple[str, str, str], list[Row]]:
    """Customs rows by month, flow and code."""
    rows: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for request, response in of(stream, "customs", "gacc"):
        _, flow, month = request.name.removesuffix(".csv").split("_")
        for row in csv.DictReader(io.StringIO(response.body.decode("gb18030"), newline="")):
            assert row["数据年月"] == month
            kilograms, usd = (int(row[name].replace(",", "")) for name in ("第一数量", "美元"))
            rows[f"{month[:4]}-{month[4:]}", flow, row["商品编码"]].append(row | {"kg": kilograms, "usd": usd})
    return rows


@pytest.fixture(scope="module")
def index() -> dict[str, Decimal]:
    """The vendor's spot index by day."""
    rows: Iterator[Row] = (
        row
        for request, response in deliveries(sources={"spot"})
        if request.feed == "spot_price"
        for row in csv.DictReader(io.StringIO(response.body.decode("utf-8-sig"), newline=""))
    )
    return {row["日期"]: Decimal(row["均价"]) for row in rows if row["指标ID"] == "SMM-AO-INDEX"}


# ---- the stream ----------------------------------------------------------------------------------------------------------------


def test_everything_is_made_the_same_again(stream: Stream) -> None:
    from ingest.sample.history import load_history

    load_history.cache_clear()
    again = list(deliveries())

    def digest(items: Stream) -> str:
        return hashlib.sha256(
            b"".join(repr(request).encode() + response.body + str(response.fetched_at).encode() for request, response in items)
        ).hexdigest()

    assert digest(again) == digest(stream)


def test_every_feed_a_live_run_asks_for_is_carried(stream: Stream) -> None:
    daily: list[Source] = [kind(lambda: LAST_DAY) for kind in (Shfe, Fx, Policy)]
    sources = [*daily, *(source for source in SOURCES if source.name not in {one.name for one in daily})]
    asked = {(request.source, request.feed) for source in sources for request in source.requests(LAST_DAY)}
    assert len(asked) == 16
    assert asked - {(request.source, request.feed) for request, _ in stream} == set()


def test_every_source_comes_only_when_asked_for(stream: Stream) -> None:
    names = {request.source for request, _ in stream}
    assert names == {"shfe", "gfex", "czce", "expiry", "spot", "cost", "capacity", "customs", "fx", "policy", "bars"}
    for name in names - {"shfe"}:
        assert list(deliveries(sources={name})) == [item for item in stream if item[0].source == name]
    assert list(deliveries(sources=())) == []


def test_all_arrive_in_order_inside_the_sample(stream: Stream) -> None:
    times = [local(response) for _, response in stream]
    assert times == sorted(times)
    assert all(OUTSIDE[0] < at.date() < OUTSIDE[1] for at in times)
    identities = [(request.source, request.feed, request.key) for request, _ in stream]
    assert len(set(identities)) == len(identities)
    for request, _ in stream:
        dated = request.source in ("shfe", "gfex", "czce")
        assert (request.day is not None) == dated
        if not dated and request.source != "fx" and request.feed != "comtrade" and request.feed not in ("spot_price", "newsflash"):
            assert request.key == request.name


def test_a_slice_holds_what_came_out_inside_it(stream: Stream) -> None:
    whole = {(request.name, request.key): response for request, response in stream}
    part = list(deliveries(date(2025, 6, 10), date(2025, 7, 20)))
    for request, response in part:
        if request.source in ("shfe", "gfex", "customs"):
            assert whole[request.name, request.key] == response
        if request.feed in VENDOR_FEEDS:
            stamps = [row["发布时间"][:10] for row in csv.DictReader(io.StringIO(response.body.decode("utf-8-sig"), newline=""))]
            assert "2025-06-10" <= min(stamps) <= max(stamps) <= "2025-07-20"
    assert [request.name for request, _ in part if request.feed == "gacc"] == [
        f"gacc_{flow}_{month}.csv" for month in ("202505", "202506") for flow in ("import", "export")
    ]
    assert [request.name for request, _ in part if request.feed == "comtrade"] == [
        f"156_0_{code}_{flow}_202312.json" for code, flow in (("2818", "M"), ("2606", "M"), ("2818", "X"))
    ]
    events = [response.body.decode() for request, response in part if request.feed == "events"]
    assert len(events) == 1 and "2025-07-18" in events[0] and "2025-07-22" not in events[0]
    early = [response.body.decode() for request, response in deliveries(date(2025, 6, 2), date(2025, 6, 24), {"policy"}) if request.feed == "events"]
    assert "2025-06-24" in early[0] and "2025-06-01" not in early[0]  # known to the month only, so not before its end


# ---- limits and margins --------------------------------------------------------------------------------------------------------


def test_settlement_parameters_repeat_the_settlement_and_the_margins_in_force(stream: Stream) -> None:
    quotes = {request.key: json.loads(response.body) for request, response in of(stream, "shfe", "kx")}
    for request, response in of(stream, "shfe", "js"):
        document = json.loads(response.body)
        assert document["report_date"] == request.key == document["update_date"][:8]
        assert request.name == f"js{request.key}.dat"
        settled = {
            row["PRODUCTID"].strip()[:-2] + row["DELIVERYMONTH"]: row["SETTLEMENTPRICE"]
            for row in quotes[request.key]["o_curinstrument"]
            if row["DELIVERYMONTH"].isdigit() and row["PRODUCTGROUPID"].strip() in ("ao", "al")
        }
        assert {row["INSTRUMENTID"]: row["SETTLEMENTPRICE"] for row in document["o_cursor"]} == settled
        margins = [pair for since, pair in MARGINS if since <= request.key][-1]
        for row in document["o_cursor"]:
            if row["PRODUCTID"] == "ao_f":
                assert (
                    (row["HEDGLONGMARGINRATIO"], row["SPECLONGMARGINRATIO"]) == (row["HEDGSHORTMARGINRATIO"], row["SPECSHORTMARGINRATIO"]) == margins
                )
                assert (row["TRADEFEERATIO"], row["TTRADEFEERATIO"], row["COMMODITYDELIVFEEUNIT"]) == (0.1, 0.05, 1)


def test_limits_are_text_and_hold_the_days_prices(stream: Stream) -> None:
    quotes = {request.key: json.loads(response.body)["o_curinstrument"] for request, response in of(stream, "shfe", "kx")}
    for request, response in of(stream, "shfe", "limits"):
        document = json.loads(response.body)
        assert (document["report_date"], request.name) == (request.key, f"ContractDailyTradeArgument{request.key}.dat")
        rows = {row["INSTRUMENTID"]: row for row in document["ContractDailyTradeArgument"]}
        assert all(isinstance(cell, str) for row in rows.values() for cell in row.values())
        assert {row["TRADINGDAY"] for row in rows.values()} == {request.key}
        limit = [value for since, value in LIMITS if since <= request.key][-1]
        assert {row["UPPER_VALUE"] for code, row in rows.items() if code.startswith("ao")} == {limit}
        for row in (row for row in quotes[request.key] if row["DELIVERYMONTH"].isdigit() and row["VOLUME"]):
            if row["PRODUCTGROUPID"].strip() not in ("ao", "al"):
                continue  # of the others there are quotes and receipts alone
            band = rows[row["PRODUCTID"].strip()[:-2] + row["DELIVERYMONTH"]]
            assert row["HIGHESTPRICE"] <= row["PRESETTLEMENTPRICE"] * (1 + Decimal(band["UPPER_VALUE"]))
            assert row["LOWESTPRICE"] >= row["PRESETTLEMENTPRICE"] * (1 - Decimal(band["LOWER_VALUE"]))
    assert len(of(stream, "shfe", "limits")) == len(of(stream, "shfe", "js")) == 508


def test_margins_and_fees_are_those_of_the_other_two_files_in_other_units(stream: Stream) -> None:
    limits = [(request.key, json.loads(response.body)["ContractDailyTradeArgument"]) for request, response in of(stream, "shfe", "limits")]
    settled = {
        request.key: {row["INSTRUMENTID"]: row for row in json.loads(response.body)["o_cursor"]} for request, response in of(stream, "shfe", "js")
    }
    ruling = {day: {row["INSTRUMENTID"]: row for row in rows} for (day, _), (_, rows) in pairwise([*limits, limits[-1]])}  # from the settlement on
    files = of(stream, "shfe", "settlement")
    assert (len(files), files[0][0].name, files[-1][0].name) == (77, "Settlement20250401.dat", "Settlement20250723.dat")
    for request, response in files:
        document = json.loads(response.body)
        assert document["report_date"] == request.key == document["update_date"][:8]
        rows = {row["INSTRUMENTID"]: row for row in document["Settlement"]}
        assert rows.keys() == settled[request.key].keys()
        assert all(isinstance(cell, str) for row in rows.values() for cell in row.values())
        for contract, row in rows.items():
            js = settled[request.key][contract]
            assert (row["TRADINGDAY"], row["SETTLEMENTPRICE"], row["TRADEFEEUNIT"]) == (
                request.key,
                str(js["SETTLEMENTPRICE"]),
                f"{js['TRADEFEEUNIT']:g}",
            )
            assert Decimal(row["TRADEFEERATION"]) * 1000 == Decimal(str(js["TRADEFEERATIO"]))
            assert Decimal(row["HTRADEFEERATIO"]) * 1000 == Decimal(str(js["TTRADEFEERATIO"]))
            if band := ruling[request.key].get(contract):
                assert (row["SPEC_LONGMARGINRATIO"], row["LONGMARGINRATIO"]) == (band["SPEC_LONGMARGINRATIO"], band["HDEGE_LONGMARGINRATIO"])


def test_the_current_trading_day_is_named_in_its_morning(stream: Stream) -> None:
    sessions = [request.key for request, _ in of(stream, "shfe", "kx")]
    files = of(stream, "shfe", "trading_day")
    assert len(files) == 77 and {request.name for request, _ in files} == {"currentTradingday.dat"}
    for request, response in files:
        before = sessions[sessions.index(request.key) - 1]
        assert json.loads(response.body) == {"currentTradingday": request.key, "lastTradingday": before}
        assert f"{local(response):%Y%m%d %H}" == f"{request.key} 08"


# ---- the second exchange -------------------------------------------------------------------------------------------------------


def answers(stream: Stream, feed: str) -> dict[str, list[Row]]:
    found = {}
    for request, response in of(stream, "gfex", feed):
        document = json.loads(response.body)
        asked = {"day_quotes": {"trade_date": [request.key], "trade_type": ["0"]}, "wbill": {"gen_date": [request.key]}}[feed]
        assert (request.name, document["code"], document["param"]) == (f"{feed}_lc_{request.key}.json", "0", asked | {"variety": ["lc"]})
        assert f"{datetime.fromtimestamp(document['time'] / 1000, UTC) + timedelta(hours=8):%Y%m%d}" == request.key
        found[request.key] = document["data"]
    return found


def test_the_second_exchange_keeps_the_identities_of_its_quotes(stream: Stream) -> None:
    days = answers(stream, "day_quotes")
    assert (len(days), *list(days)[:1]) == (145, "20241217")
    yesterday: dict[str, Row] = {}
    for day, (total, *rows, subtotal) in days.items():
        assert (total["variety"], subtotal["variety"]) == ("总计", "碳酸锂小计")
        for column in ("volumn", "openInterest", "diffI", "turnover"):
            assert total[column] == subtotal[column] == pytest.approx(sum(row[column] for row in rows))
        for row in rows:
            low, high, settle, before = row["low"], row["high"], row["clearPrice"], yesterday.get(row["delivMonth"])
            assert (row["diff"], row["diff1"]) == (row["close"] - row["lastClear"], settle - row["lastClear"])
            assert abs(row["diffI"]) <= row["volumn"], (day, row)
            if row["volumn"]:
                assert int(row["turnover"] * 10_000 / row["volumn"] / 20 + 1e-6) * 20 == settle  # a tonne a lot, a tick of 20
                assert low <= min(row["open"], row["close"], settle) <= max(row["open"], row["close"], settle) <= high
                assert 0.91 * row["lastClear"] <= low <= high <= 1.09 * row["lastClear"]
            if before:
                assert row["lastClear"] == before["clearPrice"] and row["openInterest"] - before["openInterest"] == row["diffI"]
        yesterday = {row["delivMonth"]: row for row in rows}
    assert [row["delivMonth"] for row in days["20250415"][1:-1]] == [f"25{month:02d}" for month in range(4, 10)]  # the tenth session of April
    assert [row["delivMonth"] for row in days["20250416"][1:-1]] == [f"25{month:02d}" for month in range(5, 11)]


def test_the_second_exchanges_warrants_add_up_and_join(stream: Stream) -> None:
    before: dict[str, int] = {}
    for day, (total, *rows, subtotal) in answers(stream, "wbill").items():
        assert {row["genDate"] for row in rows} == {day} and total["genDate"] == subtotal["genDate"] == ""
        for column in ("wbillQty", "lastWbillQty", "diff"):
            assert total[column] == subtotal[column] == sum(row[column] for row in rows)
        for row in rows:
            assert row["wbillQty"] >= 0 and row["diff"] == row["wbillQty"] - row["lastWbillQty"]
            assert row["lastWbillQty"] == before.get(row["whCodeOrder"], row["lastWbillQty"])
        before = {row["whCodeOrder"]: row["wbillQty"] for row in rows}
    assert len(before) == 4


# ---- vendors -------------------------------------------------------------------------------------------------------------------


def test_vendor_files_have_the_form_of_the_drop_files(stream: Stream) -> None:
    for feed, source in VENDOR_FEEDS.items():
        files = of(stream, source, feed)
        assert len({response.fetched_at.date() for _, response in files}) == 26
        for request, response in files:
            match = re.fullmatch(r"([a-z]+)_([a-z_]+)_(\d{8})\.csv", request.name)
            assert match and match[2] == feed and match[3] == f"{local(response):%Y%m%d}"
            assert response.body.startswith(b"\xef\xbb\xbf") and response.body.count(b"\n") == response.body.count(b"\r\n")
            header, *rows = csv.reader(io.StringIO(response.body.decode("utf-8-sig"), newline=""))
            assert ",".join(header) == "日期,名称,数值,单位,口径,指标ID,数据来源,地区,频率,发布时间"
            assert rows and {row[6] for row in rows} == {match[1].upper()}


def test_vendor_rows_are_published_after_their_day_and_before_their_file(vendor: dict[str, list[Row]]) -> None:
    sessions = {row["日期"] for row in vendor["SMM-AO-FOB-WA"]}
    assert len(sessions) == 508
    for series, rows in vendor.items():
        assert len({row["日期"] for row in rows}) == len(rows), series
        assert len({(row["名称"], row["单位"], row["口径"], row["地区"], row["频率"]) for row in rows}) == 1, series
        for row in rows:
            published = datetime.strptime(row["发布时间"], "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
            assert row["日期"] <= f"{published:%Y-%m-%d}" in sessions, row
            assert published < row["fetched"], row
            assert row["频率"] != "日" or row["日期"] in sessions, row
    weekly = [row for rows in vendor.values() for row in rows if row["频率"] == "周" and row["数据来源"] == "SMM"]
    assert {date.fromisoformat(row["日期"]).isoweekday() for row in weekly} == {4, 5}
    assert {row["指标ID"] for row in weekly if date.fromisoformat(row["日期"]).isoweekday() == 5} == {"SMM-AO-STOCK-PORT"}
    for row in (row for rows in vendor.values() for row in rows if row["频率"] == "月"):
        assert (date.fromisoformat(row["日期"]) + timedelta(days=1)).day == 1, row


def test_no_series_jumps_like_a_slipped_unit(vendor: dict[str, list[Row]]) -> None:
    for series, rows in vendor.items():
        values = [float(row["数值"]) for row in rows]
        if "利润" not in rows[0]["名称"]:
            assert all(1 / 2 < b / a < 2 for a, b in pairwise(values)), series


def test_import_parity_holds_as_printed_save_for_the_copy_error(value: dict[tuple[str, str], Decimal], index: dict[str, Decimal]) -> None:
    for (day, series), port in value.items():
        if series == "SMM-AO-PORT-PRICE":
            fob, freight, rate = (value[day, leg] for leg in ("SMM-AO-FOB-WA", "SMM-AO-FREIGHT-AU-CN", "SMM-USD-CNY-SELL"))
            charges = port - (fob + freight) * rate * Decimal("1.13")
            assert (abs(charges - 79) <= 4) == (day != COPY_ERROR), (day, charges)
    assert value[COPY_ERROR, "SMM-AO-PORT-PRICE"] == index[COPY_ERROR]


def test_the_selling_rate_is_the_banks_rounded_and_above_the_fixing(value: dict[tuple[str, str], Decimal], stream: Stream) -> None:
    mids = {record["date"]: record["values"][0] for _, response in of(stream, "fx", "history") for record in json.loads(response.body)["records"]}
    for (day, series), rate in value.items():
        if series == "BOC-USD-CNY-SELL":
            assert value[day, "SMM-USD-CNY-SELL"] == rate.quantize(Decimal("0.01"), ROUND_HALF_UP), day
            assert mids[day] == "---" or 0 < rate - Decimal(mids[day]) < Decimal("0.2"), day


def test_profit_is_index_less_cost_unless_it_was_printed(value: dict[tuple[str, str], Decimal], index: dict[str, Decimal]) -> None:
    away = {day: profit - (index[day] - value[day, "SMM-AO-COST-FULL-D"]) for (day, series), profit in value.items() if series == "SMM-AO-PROFIT-D"}
    assert {day for day, gap in away.items() if gap} == {"2025-05-16", "2025-06-13"}  # the vendor's own price is not its index
    assert all(abs(gap) < 5 for gap in away.values())
    assert value["2025-07-22", "SMM-AO-PROFIT-D"] == Decimal("358.18")
    for (day, series), cost in value.items():
        if series == "SMM-AO-COST-FULL-D":
            assert 200 < cost - value[day, "SMM-AO-COST-CASH-D"] < 300


def test_provinces_lie_around_the_national_monthly_cost(value: dict[tuple[str, str], Decimal]) -> None:
    months = [day for day, series in value if series == "SMM-AO-COST-FULL-M"]
    assert len(months) == 25 and months[-1] == "2025-06-30"
    for day in months:
        costs = [value[day, f"SMM-AO-COST-FULL-M-{region}"] for region in ("SHANDONG", "HENAN", "SHANXI", "GUANGXI", "GUIZHOU")]
        assert min(costs) < value[day, "SMM-AO-COST-FULL-M"] < max(costs)


@pytest.mark.parametrize("product", ["AO", "AL"])
def test_the_rate_is_operating_over_built_within_rounding(value: dict[tuple[str, str], Decimal], product: str) -> None:
    rates = {day: rate for (day, series), rate in value.items() if series == f"SMM-{product}-RATE"}
    assert len(rates) >= 25
    half = Decimal("0.5")
    for day, rate in rates.items():
        run, built = value[day, f"SMM-{product}-CAP-RUN"], value[day, f"SMM-{product}-CAP-BUILT"]
        low, high = 100 * (run - half) / (built + half), 100 * (run + half) / (built - half)
        assert low - Decimal("0.005") <= rate <= high + Decimal("0.005"), day
        assert run < built


def test_weekly_output_is_a_week_of_the_operating_capacity(value: dict[tuple[str, str], Decimal]) -> None:
    for (day, series), output in value.items():
        if series == "SMM-AO-OUTPUT-W":
            assert abs(output - value[day, "SMM-AO-CAP-RUN"] * 7 / 365) <= Decimal("0.051")


# ---- customs -------------------------------------------------------------------------------------------------------------------


def test_customs_files_have_the_form_and_the_timetable_of_the_portal(stream: Stream) -> None:
    header = "数据年月,商品编码,商品名称,贸易伙伴编码,贸易伙伴名称,第一数量,第一计量单位,第二数量,第二计量单位,美元"
    for request, response in of(stream, "customs", "gacc"):
        lines = response.body.decode("gb18030").split("\r\n")
        assert lines[0] == header and lines[-1] == ""
        assert all(re.fullmatch(r'"\d{6}","\d{8}",("[^"]+",){3}"[\d,]+","千克","0","-","[\d,]+"', line) for line in lines[1:-1])
        month = date(int(request.name[12:16]), int(request.name[16:18]), 1)
        after = (month + timedelta(days=31)).replace(day=1)
        after = after.replace(month=3) if after.month == 2 else after
        assert f"{local(response):%Y-%m-%d %H:%M}" == f"{after:%Y-%m}-20 18:30"
    names = [request.name for request, _ in of(stream, "customs", "gacc")]
    assert len(names) == 52 and names[:2] == ["gacc_import_202305.csv", "gacc_export_202305.csv"] and names[-1] == "gacc_export_202506.csv"


def test_customs_files_come_in_step_with_the_timetable_of_the_catalogue(stream: Stream) -> None:
    """What the timetable says is out is what the sample has just delivered: on the day, within the hour after."""
    name = "releases.toml"
    days = Catalog().parse(Request("catalog", "catalog", name, name), (SHIPPED / name).read_bytes()).frames["catalog__release_days"]
    out = {row["month"]: row["out_at"] for row in days.iter_rows(named=True) if row["dataset"] == "customs__monthly_trade"}
    for request, response in of(stream, "customs", "gacc"):
        month = date(int(request.name[12:16]), int(request.name[16:18]), 1)
        assert timedelta(0) < response.fetched_at - out[month] < timedelta(hours=1)
    assert f"{out[date(2025, 6, 1)]:%Y-%m-%d %H:%M %Z}" == "2025-07-20 10:00 UTC"
    assert {f"{out[date(year, month, 1)]:%m-%d}" for year in (2024, 2025) for month in (1, 2)} == {"03-20"}
    sourced = {row["month"].year for row in days.iter_rows(named=True) if row["label"] == "sourced"}
    assert sourced == {2024, 2025}  # the timetable of 2025 begins with December 2024


def test_comtrade_answers_late_and_by_the_wider_heading(stream: Stream, trade: dict[tuple[str, str, str], list[Row]]) -> None:
    files = of(stream, "customs", "comtrade")
    clocks = tomllib.loads((SHIPPED / "clock.toml").read_text(encoding="utf-8"))["clock"]
    [late] = [row["day_offset"] for row in clocks if row["dataset"] == "customs__monthly_trade/m49"]
    assert len(files) == 24
    for request, response in files:
        [row] = json.loads(response.body)["data"]
        code, flow, month = row["cmdCode"], row["flowCode"], row["period"]
        assert request.name == f"{row['reporterCode']}_{row['partnerCode']}_{code}_{flow}_{month}.json" == f"{request.key}.json"
        assert local(response).date() - date(int(month[:4]), int(month[4:]), 1) == timedelta(days=late)  # known that evening, and not before
        item = trade[f"{month[:4]}-{month[4:]}", {"M": "import", "X": "export"}[flow], {"2818": "28182000", "2606": "26060000"}[code]]
        more = row["netWgt"] - sum(part["kg"] for part in item), row["primaryValue"] - sum(part["usd"] for part in item)
        assert min(more) > 0 if code == "2818" else more == (0, 0)
        assert row["qty"] == row["netWgt"] and row["isNetWgtEstimated"] == (code == "2818")
        assert (row["cifvalue"], row["fobvalue"]) == ((row["primaryValue"], None) if flow == "M" else (None, row["primaryValue"]))


def test_partners_look_alike_and_stay_apart(trade: dict[tuple[str, str, str], list[Row]]) -> None:
    for (_, flow, code), rows in trade.items():
        names = [row["贸易伙伴名称"] for row in rows]
        assert len(set(names)) == len({row["贸易伙伴编码"] for row in rows}) == len(names) > 5
        assert all(row["kg"] > 0 and row["usd"] > 0 for row in rows)
        if code == "26060000":
            assert set(names) > PARTNERS_THAT_LOOK_ALIKE and flow == "import"
            assert {row["贸易伙伴编码"] for row in rows if row["贸易伙伴名称"] == "几内亚"} == {"221"}


def test_unit_values_are_plausible(trade: dict[tuple[str, str, str], list[Row]]) -> None:
    for (month, _, code), rows in trade.items():
        low, high = (300, 800) if code == "28182000" else (40, 120)
        assert low < 1000 * sum(row["usd"] for row in rows) / sum(row["kg"] for row in rows) < high, (month, code)


# ---- fixings, events, flashes --------------------------------------------------------------------------------------------------


def test_fixings_are_history_answers_with_holes(stream: Stream) -> None:
    answers, days = of(stream, "fx", "history"), []
    for request, response in answers:
        document = json.loads(response.body)
        assert request.name == f"cfets_CcprHisNew_{request.key}.json"
        assert (document["head"]["rep_code"], document["data"]["pageTotal"], document["data"]["flagMessage"]) == ("200", 1, "")
        assert document["data"]["searchlist"] == ["USD/CNY", "HKD/CNY"]
        dates = [record["date"] for record in document["records"]]
        assert dates == sorted(dates, reverse=True) and {day[:7].replace("-", "") for day in dates} == {request.key}
        assert (document["data"]["startDate"], document["data"]["endDate"], document["data"]["total"]) == (dates[-1], dates[0], len(dates))
        for record in document["records"]:
            usd, hkd = record["values"]
            assert re.fullmatch(r"[67]\.\d{4}|---", usd) and re.fullmatch(r"0\.[89]\d{4}|---", hkd)
        days += [record["values"] for record in document["records"]]
    assert len(days) == 508 and sum(usd == "---" for usd, _ in days) == 1 and sum(hkd == "---" for _, hkd in days) == 3


def test_the_latest_fixing_is_that_of_the_last_day_with_its_time(stream: Stream) -> None:
    [(request, response)] = of(stream, "fx", "latest")
    document = json.loads(response.body)
    assert (request.name, document["data"]["lastDate"]) == ("cfets_ccpr_20250723.json", "2025-07-23 9:15")
    history = json.loads(of(stream, "fx", "history")[-1][1].body)["records"]
    assert [(row["vrtEName"], row["price"]) for row in document["records"]] == list(zip(("USD/CNY", "HKD/CNY"), history[0]["values"], strict=True))
    change = (Decimal(history[0]["values"][0]) - Decimal(history[1]["values"][0])) * 10_000
    assert (Decimal(document["records"][0]["bpDouble"]), Decimal(document["records"][0]["bp"])) == (change, abs(change))


def test_events_have_the_columns_and_their_source(stream: Stream) -> None:
    [(request, response)] = of(stream, "policy", "events")
    lines = response.body.decode("utf-8").splitlines()
    assert (request.name, lines[0]) == (
        "policy_events.csv",
        "event_id,event_date,date_precision,published_at,lang,theme,authority,type,sectors,n_industries,followup_of,summary,source,source_url",
    )
    rows = list(csv.DictReader(io.StringIO(response.body.decode(), newline="")))
    ids = [row["event_id"] for row in rows]
    assert len(set(ids)) == len(ids) == 10
    for row in rows:
        assert row["source"] and row["summary"] and row["sectors"]
        assert row["authority"] in ("meeting", "ministry", "association", "media", "rumour")
        assert row["type"] in ("signal", "plan", "rule", "enforcement", "supply", "other")
        assert row["date_precision"] in ("day", "month") and row["followup_of"] in ("", *ids)
        assert row["published_at"] == "" or row["published_at"][:10] >= row["event_date"]
    assert [row["event_id"] for row in rows if row["type"] == "rule" and "alumina" in row["sectors"].split(";")] == []
    assert [row["event_date"] for row in rows if row["theme"] == "anti-involution" and row["event_date"] >= "2025-06-22"] == [
        "2025-06-24",
        "2025-07-01",
        "2025-07-18",
    ]


def test_every_flash_says_that_it_is_invented(stream: Stream) -> None:
    ids: list[int] = []
    after_midnight = without_text = 0
    for request, response in of(stream, "policy", "newsflash"):
        document = json.loads(response.body)
        items = document["data"]["dataList"]
        assert document["code"] == 200 and request.name == f"shmet_newsflash_{request.key}.json"
        times = [item["pushTime"] for item in items]
        assert times == sorted(times, reverse=True) and len(times) <= document["data"]["pageSize"]
        for item in items:
            pushed = datetime.fromtimestamp(item["pushTime"] / 1000, UTC)
            shanghai = pushed + timedelta(hours=8)
            assert f"{shanghai:%Y%m}" == request.key and pushed < response.fetched_at
            assert re.fullmatch(rf"<p>【样本：[^】]+】SHMET{shanghai:%m月%d日}讯，【样本】.+</p>", item["content"])
            assert item["contentText"] in ("", item["content"][3:-4]) and item["flashTag"] == "1003"
            after_midnight += shanghai.date() != pushed.date()
            without_text += not item["contentText"]
            ids.append(item["id"])
    assert len(set(ids)) == len(ids) > 600
    assert after_midnight > 100 and without_text > 50


# ---- the ledger ----------------------------------------------------------------------------------------------------------------


def tonnes(trade: dict[tuple[str, str, str], list[Row]], month: str, flow: str, code: str, partner: str = "total") -> Decimal:
    return sum((Decimal(row["kg"]) / 1000 for row in trade[month, flow, code] if partner in ("total", row["贸易伙伴名称"])), Decimal(0))


def customs_figure(trade: dict[tuple[str, str, str], list[Row]], month: str, code: str, flow: str, partner: str, column: str) -> Decimal:
    place = int(month[:4]), int(month[5:])
    before = {"qty_yoy_pct": f"{place[0] - 1}-{place[1]:02d}", "qty_mom_pct": f"{place[0]}-{place[1] - 1:02d}"}
    year = [f"{place[0]}-{number:02d}" for number in range(1, place[1] + 1)]
    if column == "value_usd":
        return Decimal(sum(row["usd"] for row in trade[month, flow, code]))
    if column == "qty_t":
        return tonnes(trade, month, flow, code, partner)
    if column in before:
        return 100 * (tonnes(trade, month, flow, code) / tonnes(trade, before[column], flow, code) - 1)
    to_date = sum((tonnes(trade, one, flow, code, partner) for one in year), Decimal(0))
    if column == "qty_ytd_t":
        return to_date
    assert column == "share_ytd_pct"
    return 100 * to_date / sum((tonnes(trade, one, flow, code) for one in year), Decimal(0))


def test_every_published_cell_of_these_feeds_is_in_the_payloads(
    stream: Stream, vendor: dict[str, list[Row]], value: dict[tuple[str, str], Decimal], trade: dict[tuple[str, str, str], list[Row]]
) -> None:
    ledger: Ledger = load_ledger()
    mids = {record["date"]: record["values"][0] for _, response in of(stream, "fx", "history") for record in json.loads(response.body)["records"]}
    events = {row["event_id"]: row for row in csv.DictReader(io.StringIO(of(stream, "policy", "events")[0][1].body.decode(), newline=""))}
    tables = {feed: "spot__overseas" if source == "spot" else f"{source}__series" for feed, source in VENDOR_FEEDS.items()}
    wrong, seen = [], 0
    for cell in (cell for cell in ledger if cell.table not in FIRST_TABLES):
        day, *rest = cell.key.split("|")
        if cell.table in tables.values():
            rows = vendor[rest[0]]
            assert tables[rows[0]["feed"]] == cell.table
            days = [row["日期"] for row in rows]
            carried = value[day, rest[0]]
            if cell.column == "change_value":
                carried -= value[days[days.index(day) - 1], rest[0]]
        elif cell.table == "customs__monthly_trade":
            code, flow, partner = rest
            carried = customs_figure(trade, day[:7], code, flow, partner, cell.column)
        elif cell.table == "fx__central_parity":
            carried = Decimal(mids[day])
        else:
            assert (cell.table, cell.column) == ("policy__events", "n_industries")
            carried = Decimal(events[rest[0]]["n_industries"])
        seen += 1
        if not cell.agrees(carried):
            wrong.append((cell.key, cell.column, cell.value, cell.precision, carried))
    assert wrong == []
    assert seen == 127


def test_june_2024_is_the_narrow_scope(trade: dict[tuple[str, str, str], list[Row]]) -> None:
    assert tonnes(trade, "2024-06", "import", "28182000") == 37727
    assert FIRST_DAY < date(2024, 6, 1) < LAST_DAY


# ---- bars ----------------------------------------------------------------------------------------------------------------------


def test_bars_come_once_a_month_and_carry_every_published_figure(stream: Stream) -> None:
    files = of(stream, "bars", "bars")
    assert len(files) == len({request.name[:19] for request, _ in files}) == 26
    rows = [row for _, response in files for row in csv.DictReader(io.StringIO(response.body.decode(), newline=""))]
    bars = {(row["event_ts"], row["contract"]): row for row in rows}
    assert len(bars) == len(rows)
    columns = {"open_price": "open", "high_price": "high", "low_price": "low", "close_price": "close", "open_interest_lots": "oi"}
    ends = {"night": "01:00", "am1": "10:15", "am2": "11:30", "pm": "15:00"}
    wrong = []
    for (day, contract, session), cell in load_ledger().table("bars__prices"):
        before = max(row["event_ts"][:10] for row in rows if row["event_ts"][:10] < day and row["event_ts"].endswith("15:00"))
        date_of_end = f"{date.fromisoformat(before) + timedelta(days=1)}" if session == "night" else day
        carried = Decimal(bars[f"{date_of_end} {ends[session]}", contract.lower()][columns[cell.column]])
        if not cell.agrees(carried):
            wrong.append((cell, carried))
    assert wrong == []
    assert [
        row
        for row in rows
        if not float(row["low"]) <= min(float(row["open"]), float(row["close"])) <= max(float(row["open"]), float(row["close"])) <= float(row["high"])
    ] == []
