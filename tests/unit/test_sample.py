"""The embedded sample's exchange quotes, warrants, ranking and spot prices keep every promise their formats and the ledger make.

Reads payloads only, with its own arithmetic. The other feeds have their own tests, `test_sample_feeds.py`.
"""

import ast
import csv
import hashlib
import io
import json
import math
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ingest.catalog import tone
from ingest.sample import FIRST_DAY, LAST_DAY, deliveries, paths
from ingest.sample.ledger import TOLERANCE, Ledger, load_ledger
from ingest.source import Request, Response
from ingest.sums import added

Row = dict[str, Any]
Payloads = dict[tuple[str, str], tuple[Request, Response]]

FEEDS = ("kx", "dailystock", "pm", "spot_price")
# The bytes of these feeds, in order of arrival, as they have been since the sample began, but for the products of which there are quotes and
# receipts alone: nothing that is added may change them.
STREAMS = {
    "kx": "5690aab1bcc7dcef99e962f682092fb94904f2c63ad925af72a6c845497e5be5",
    "dailystock": "cb1d4597093c2fd540ddcfc714e85926fbd6e8829d81c740af45138f99e98534",
    "pm": "9341581e49eda8b877015f838fba5410c5e08f0f2b1d8f3ef56bfe8dd4165410",
    "spot_price": "fb2060f1fa63338a829b38afd6ccb1ec77a9cda63e46646c1261cc74805d0a9c",
}
FIRST = {"ao": (20, 1), "al": (5, 5)}
OTHERS = {
    "cu": (5, 10), "zn": (5, 5), "pb": (5, 5), "ni": (1, 10), "sn": (1, 10), "ss": (5, 5), "rb": (10, 1), "hc": (10, 1), "ag": (15, 1),
    "ru": (10, 5), "bu": (10, 1), "sp": (10, 2), "br": (5, 5),
}  # fmt: skip
SIZE_AND_TICK = FIRST | OTHERS
SUMMED = ("VOLUME", "TURNOVER", "OPENINTEREST", "OPENINTERESTCHG")
AO_LIMITS_PCT = [("20230619", 7), ("20241017", 8), ("20241023", 9), ("20250311", 8), ("20250701", 9)]
PRICES = {"open_price": "OPENPRICE", "high_price": "HIGHESTPRICE", "low_price": "LOWESTPRICE", "close_price": "CLOSEPRICE"} | {
    "settle_price": "SETTLEMENTPRICE",
    "pre_settle_price": "PRESETTLEMENTPRICE",
    "volume_lots": "VOLUME",
    "open_interest_lots": "OPENINTEREST",
}


@pytest.fixture(scope="module")
def payloads() -> Payloads:
    stream = deliveries(FIRST_DAY, LAST_DAY, {"shfe", "spot"})
    return {(request.feed, request.key): (request, response) for request, response in stream if request.feed in FEEDS}


def documents(payloads: Payloads, feed: str) -> dict[str, Row]:
    return {key: json.loads(response.body) for (name, key), (_, response) in payloads.items() if name == feed}


@pytest.fixture(scope="module")
def kx(payloads: Payloads) -> dict[str, Row]:
    return documents(payloads, "kx")


@pytest.fixture(scope="module")
def quotes(kx: dict[str, Row]) -> dict[str, dict[str, Row]]:
    """Contract rows by day and contract, the way a parser would keep them."""
    return {
        day: {
            row["PRODUCTID"].strip()[:-2] + row["DELIVERYMONTH"]: row
            for row in document["o_curinstrument"]
            if row["PRODUCTID"].strip().endswith("_f") and row["DELIVERYMONTH"].isdigit()
        }
        for day, document in kx.items()
    }


@pytest.fixture(scope="module")
def dominant(quotes: dict[str, dict[str, Row]]) -> dict[str, str]:
    """The dominant AO contract by day: a rival above 1.1 times its open interest takes over the next day, and only once."""
    chain: dict[str, str] = {}
    effective, used = "", set[str]()
    for day, rows in quotes.items():
        held = {code: row["OPENINTEREST"] for code, row in rows.items() if code.startswith("ao")}
        chain[day] = current = effective or max(held, key=lambda code: held[code])
        used.add(current)
        rival = max((code for code in held if code not in used), key=lambda code: held[code])
        effective = rival if held[rival] > 1.1 * held[current] else current
    return chain


@pytest.fixture(scope="module")
def warrants(payloads: Payloads) -> dict[str, list[Row]]:
    return {day: document["o_cursor"] for day, document in documents(payloads, "dailystock").items()}


@pytest.fixture(scope="module")
def rankings(payloads: Payloads) -> dict[str, list[Row]]:
    return {day: document["o_cursor"] for day, document in documents(payloads, "pm").items()}


@pytest.fixture(scope="module")
def spot(payloads: Payloads) -> list[Row]:
    return [
        row
        for (feed, _), (_, response) in payloads.items()
        if feed == "spot_price"
        for row in csv.DictReader(io.StringIO(response.body.decode("utf-8-sig"), newline=""))
    ]


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return load_ledger()


def each(quotes: dict[str, dict[str, Row]], product: str = "") -> Iterator[tuple[str, str, Row]]:
    return ((day, code, row) for day, rows in quotes.items() for code, row in rows.items() if code.startswith(product))


def traded(quotes: dict[str, dict[str, Row]]) -> Iterator[tuple[str, str, Row]]:
    return ((day, code, row) for day, code, row in each(quotes) if row["VOLUME"])


def total_t(rows: list[Row], product: str = "ao", region: str | None = None, column: str = "WRTWGHTS") -> int:
    return sum(row[column] for row in rows if row["VARID"] == product and row["ROWSTATUS"] == "0" and region in (None, row["REGNAME"].split("$$")[0]))


# ---- the stream ----------------------------------------------------------------------------------------------------------------


def first_products(feed: str, body: bytes) -> bytes:
    """Give a payload as it is without the other products: their rows gone, the total that of the rest."""
    if feed not in ("kx", "dailystock"):
        return body
    document = json.loads(body)
    name, code = ("o_curinstrument", "PRODUCTGROUPID") if feed == "kx" else ("o_cursor", "VARID")
    document[name] = rows = [row for row in document[name] if row[code].strip() not in OTHERS]
    if feed == "kx":
        (total,) = (row for row in rows if row["PRODUCTID"] == "总计")
        for column in SUMMED:
            whole = sum(row[column] for row in rows if row["DELIVERYMONTH"] == "小计")
            total[column] = round(whole, 4) if column == "TURNOVER" else whole
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def test_the_first_feeds_are_still_the_bytes_they_were(payloads: Payloads) -> None:
    digests = {feed: hashlib.sha256() for feed in STREAMS}
    for (feed, _), (_, response) in payloads.items():
        digests[feed].update(first_products(feed, response.body))
    assert {feed: digest.hexdigest() for feed, digest in digests.items()} == STREAMS


def test_the_same_bytes_every_time(payloads: Payloads) -> None:
    from ingest.sample.history import load_history

    load_history.cache_clear()

    def digest(stream: Any) -> str:
        return hashlib.sha256(b"".join(response.body + str(response.fetched_at).encode() for _, response in stream)).hexdigest()

    again = (item for item in deliveries(FIRST_DAY, LAST_DAY, {"shfe", "spot"}) if item[0].feed in FEEDS)
    assert digest(again) == digest(payloads.values())


def test_a_slice_is_cut_from_the_whole(payloads: Payloads) -> None:
    part = [item for item in deliveries(date(2025, 5, 30), date(2025, 6, 10), {"shfe", "spot"}) if item[0].feed in FEEDS]
    assert {request.feed for request, _ in part} == {"kx", "dailystock", "pm", "spot_price"}
    assert all(payloads[request.feed, request.key] == (request, response) for request, response in part if request.source == "shfe")
    dates = [line[:10] for request, response in part if request.source == "spot" for line in response.body.decode("utf-8-sig").splitlines()[1:]]
    assert (min(dates), max(dates)) == ("2025-05-30", "2025-06-10")
    assert [request.key for request, _ in part if request.source == "spot"] == ["smm_spot_price_20250530", "smm_spot_price_20250610"]


def test_days_are_clipped_to_the_sample() -> None:
    days = [request.day for request, _ in deliveries(date(2025, 7, 22), date(2026, 1, 1)) if request.feed == "kx"]
    assert days == [date(2025, 7, 22), date(2025, 7, 23)]
    assert list(deliveries(date(2020, 1, 1), date(2023, 6, 18))) == []


def test_payloads_arrive_in_order_and_after_publication(payloads: Payloads) -> None:
    times = [response.fetched_at for _, response in payloads.values()]
    assert times == sorted(times)
    for (feed, key), (request, response) in payloads.items():
        if feed == "spot_price":
            assert request.name == f"{key}.csv"
            assert f"{response.fetched_at:%H:%M} {request.day}" == "09:00 None"
            continue
        document = json.loads(response.body)
        stamp = document["update_date"]
        assert request.day is not None
        assert document["report_date"] == key == f"{request.day:%Y%m%d}" == stamp[:8]
        assert f"{response.fetched_at + timedelta(hours=8) - timedelta(minutes=2):%Y%m%d %H:%M:%S}" == stamp
        assert response.status == 200
        if feed == "kx":
            assert "15:17" <= stamp[9:14] <= "15:40"


def test_every_session_has_every_exchange_feed(payloads: Payloads) -> None:
    days = {feed: [key for name, key in payloads if name == feed] for feed in ("kx", "dailystock", "pm")}
    assert days["kx"] == days["dailystock"] == days["pm"]
    assert (len(days["kx"]), days["kx"][0], days["kx"][-1]) == (508, "20230619", "20250723")


# ---- quotes --------------------------------------------------------------------------------------------------------------------


def test_text_is_padded_before_march_2024(kx: dict[str, Row]) -> None:
    for day, document in kx.items():
        for row in document["o_curinstrument"]:
            if row["PRODUCTID"] == "总计":
                continue
            old = day < "20240301" or row["PRODUCTCLASS"] == "5"
            assert row["PRODUCTID"] == row["PRODUCTID"].strip().ljust(8 if old else 0)
            assert len(row["PRODUCTNAME"].encode("gb18030")) == 20 if old else row["PRODUCTNAME"] == row["PRODUCTNAME"].strip()
            assert row["PRODUCTGROUPID"].strip() in SIZE_AND_TICK


def test_listed_contracts_are_the_nearest_twelve_months(quotes: dict[str, dict[str, Row]]) -> None:
    def listed(day: str) -> list[str]:
        return [code for code in quotes[day] if code.startswith("ao")]

    assert listed("20230619") == ["ao2311", "ao2312", "ao2401", "ao2402", "ao2403", "ao2404", "ao2405", "ao2406"]
    assert "ao2407" not in listed("20230717") and "ao2407" in listed("20230718")
    assert "ao2506" in listed("20250616") and "ao2506" not in listed("20250617")  # 15 June 2025 is a Sunday
    assert (listed("20250722")[0], listed("20250722")[-1], len(listed("20250722"))) == ("ao2508", "ao2607", 12)
    assert all(sum(code.startswith("al") for code in rows) == 12 for rows in quotes.values())


def test_settlement_is_the_mean_price_cut_to_the_tick(quotes: dict[str, dict[str, Row]]) -> None:
    for day, code, row in traded(quotes):
        size, tick = SIZE_AND_TICK[code[:2]]
        assert row["TURNOVER"] == round(row["TURNOVER"], 3), (day, code)
        assert math.floor(row["TURNOVER"] * 1e4 / (row["VOLUME"] * size) / tick) * tick == row["SETTLEMENTPRICE"], (day, code)


def test_prices_lie_in_the_bar_on_the_tick_and_inside_the_limits(quotes: dict[str, dict[str, Row]]) -> None:
    for day, code, row in traded(quotes):
        low, high = row["LOWESTPRICE"], row["HIGHESTPRICE"]
        inside = [row[name] for name in ("OPENPRICE", "CLOSEPRICE", "SETTLEMENTPRICE")]
        assert all(low <= price <= high and price % SIZE_AND_TICK[code[:2]][1] == 0 for price in [low, high, *inside]), (day, code)
        percent = [limit for since, limit in AO_LIMITS_PCT if since <= day][-1] if code.startswith("ao") else 8
        pre_settle = Decimal(row["PRESETTLEMENTPRICE"])
        assert math.ceil(pre_settle * (100 - percent) / 100) <= low <= high <= math.floor(pre_settle * (100 + percent) / 100), (day, code)


def test_an_untraded_contract_keeps_its_settlement(quotes: dict[str, dict[str, Row]]) -> None:
    untraded = [row for _, _, row in each(quotes) if not row["VOLUME"]]
    assert untraded
    for row in untraded:
        assert row["OPENPRICE"] == row["HIGHESTPRICE"] == row["LOWESTPRICE"] == ""
        assert row["SETTLEMENTPRICE"] == row["CLOSEPRICE"] == row["PRESETTLEMENTPRICE"]
        assert (row["OPENINTERESTCHG"], row["TURNOVER"]) == (0, 0)


def test_days_join(quotes: dict[str, dict[str, Row]]) -> None:
    yesterday: dict[str, Row] = {}
    for day, rows in quotes.items():
        for code, row in rows.items():
            assert row["ZD1_CHG"] == row["CLOSEPRICE"] - row["PRESETTLEMENTPRICE"]
            assert row["ZD2_CHG"] == row["SETTLEMENTPRICE"] - row["PRESETTLEMENTPRICE"]
            assert abs(row["OPENINTERESTCHG"]) <= row["VOLUME"], (day, code)
            if code in yesterday:
                assert row["PRESETTLEMENTPRICE"] == yesterday[code]["SETTLEMENTPRICE"], (day, code)
            if code in yesterday or code.startswith("ao"):
                before = yesterday.get(code, {"OPENINTEREST": 0})["OPENINTEREST"]
                assert row["OPENINTEREST"] - before == row["OPENINTERESTCHG"], (day, code)
        yesterday = rows


def test_subtotals_and_total_are_sums(kx: dict[str, Row], quotes: dict[str, dict[str, Row]]) -> None:
    for day, document in kx.items():
        sums = [row for row in document["o_curinstrument"] if row["DELIVERYMONTH"] in ("小计", "")]
        assert [row["PRODUCTID"].strip() for row in sums] == [*(f"{product}_f" for product in SIZE_AND_TICK), "总计"]
        for column in SUMMED:
            parts = [sum(row[column] for code, row in quotes[day].items() if code.startswith(product)) for product in SIZE_AND_TICK]
            assert [row[column] for row in sums] == pytest.approx([*parts, sum(parts)], abs=5e-4), (day, column)


def test_dominance_rolls_forward_only_and_ends_in_2509(quotes: dict[str, dict[str, Row]], dominant: dict[str, str]) -> None:
    days, last_seen = list(quotes), {code: day for day, code, _ in each(quotes, "ao")}
    chain = list(dict.fromkeys(dominant.values()))
    assert chain == sorted(chain) and chain[0] == "ao2311" and chain[-1] == "ao2509" and len(chain) >= 20
    assert {dominant[day] for day in days if day >= "20250623"} == {"ao2509"}
    for code in chain[:-1]:  # five to seven weeks, a little more where holidays lie between
        left = date.fromisoformat(last_seen[code]) - max(date.fromisoformat(day) for day in days if dominant[day] == code)
        assert timedelta(weeks=4.5) <= left <= timedelta(weeks=8), (code, left)


def test_neighbours_of_2509_in_july_2025(quotes: dict[str, dict[str, Row]]) -> None:
    for day in (day for day in quotes if day >= "20250623"):
        held = {code: row["OPENINTEREST"] for code, row in quotes[day].items() if code.startswith("ao")}
        assert held["ao2508"] < held["ao2509"] and 60_000 <= held["ao2510"] <= 120_000, (day, held)
        liquid = [code for code in held if held[code] >= 0.05 * sum(held.values())]
        for price in ("CLOSEPRICE", "SETTLEMENTPRICE"):
            curve = [quotes[day][code][price] for code in liquid]
            assert curve == sorted(curve, reverse=True) and len(set(curve)) == len(curve) > 1, (day, liquid, curve)
    assert quotes["20250722"]["ao2508"]["OPENINTEREST"] * 20 / 6922 > 15


# ---- warrants ------------------------------------------------------------------------------------------------------------------


def test_warrant_sums_and_changes(warrants: dict[str, list[Row]]) -> None:
    before: dict[tuple[str, str], int] = {}
    for day, rows in warrants.items():
        sums: dict[tuple[str, str], int] = defaultdict(int)
        for row in rows:
            table, place = row["VARNAME"], row["REGNAME"]
            if row["ROWSTATUS"] == "0":
                sums[table, place] += row["WRTWGHTS"]
                sums[table, ""] += row["WRTWGHTS"]
                assert row["WRTWGHTS"] >= 0
            else:
                assert row["WRTWGHTS"] == sums[table, place], (day, table, place)
            identity = (table, place + row["WHABBRNAME"])
            assert row["WRTCHANGE"] == row["WRTWGHTS"] - before.get(identity, row["WRTWGHTS"]), (day, identity)
            before[identity] = row["WRTWGHTS"]


def test_warrants_have_the_form_of_the_json_era(warrants: dict[str, list[Row]]) -> None:
    rows = warrants["20250716"]
    tables = {(row["VARID"], row["WHTYPE"], row["VARNAME"], row["ROWSTATUS"]) for row in rows}
    assert ("ao", "1", "氧化铝仓库$$Aluminium Oxide Warehouse", "2") in tables
    assert ("ao", "2", "氧化铝厂库$$Aluminium Oxide Factory Warehouse", "1") in tables
    assert ("ao", "2", "氧化铝厂库$$Aluminium Oxide Factory Warehouse", "2") not in tables
    assert all(row["WGHTUNIT"] == ("1" if row["VARID"] == "ag" else "2") and ("样本" in row["WHABBRNAME"] or row["ROWSTATUS"] != "0") for row in rows)


def test_warrants_start_at_zero_and_6922_is_among_the_lowest(warrants: dict[str, list[Row]]) -> None:
    levels = [total_t(rows) for day, rows in warrants.items() if day <= "20250722"]
    start = next(n for n, level in enumerate(levels) if level)
    assert "20231101" < list(warrants)[start] < "20231205"
    since = levels[start:]
    assert sum(level <= 6922 for level in since[:-3]) < 12
    assert sum(level <= 6922 for level in since) / len(since) <= 0.05
    assert max(levels) > 250_000 and len({level // 10_000 for level in since}) > 15


def test_most_warrants_come_in_whole_lots(warrants: dict[str, list[Row]]) -> None:
    levels = [level for rows in warrants.values() if (level := total_t(rows)) > 20_000]
    assert all(abs(level - 300 * round(level / 300)) / level < 0.005 for level in levels)


# ---- member ranking ------------------------------------------------------------------------------------------------------------


def test_ranking_identities(rankings: dict[str, list[Row]], quotes: dict[str, dict[str, Row]]) -> None:
    for day, rows in rankings.items():
        by_instrument: dict[str, dict[int, Row]] = defaultdict(dict)
        for row in rows:
            by_instrument[row["INSTRUMENTID"]][row["RANK"]] = row
        for instrument, ranks in by_instrument.items():
            if instrument.endswith("all"):
                of_product = [row for code, row in quotes[day].items() if code.startswith(instrument[:2])]
                volume, held = (sum(row[column] for row in of_product) for column in ("VOLUME", "OPENINTEREST"))
                assert [ranks[-1][f"CJ{board}"] + ranks[0][f"CJ{board}"] for board in (1, 2, 3)] == [2 * volume, held, held], (
                    day,
                    instrument,
                )
                assert set(ranks) == {-1, 0}
                continue
            quote = quotes[day][instrument]
            assert set(ranks) == {*range(1, 21), 999} and quote["OPENINTEREST"] >= 10_000
            for board, cap in ((1, 2 * quote["VOLUME"]), (2, quote["OPENINTEREST"]), (3, quote["OPENINTEREST"])):
                lots = [ranks[rank][f"CJ{board}"] for rank in range(1, 21)]
                named = [value for value in lots if value != ""]
                assert sum(named) == ranks[999][f"CJ{board}"] <= cap, (day, instrument, board)
                assert named == sorted(named, reverse=True) and lots[: len(named)] == named
                assert all(ranks[rank][f"PARTICIPANTABBR{board}"].startswith("样本会员") for rank in range(1, len(named) + 1))
        assert {"aoall", "alall"} <= set(by_instrument)


def test_small_contracts_have_short_boards(rankings: dict[str, list[Row]]) -> None:
    assert any(row["RANK"] == 20 and row["CJ2"] == "" and row["CJ1"] != "" for rows in rankings.values() for row in rows)
    assert {row["INSTRUMENTID"] for row in rankings["20250722"] if row["INSTRUMENTID"].startswith("ao")} >= {"ao2509", "ao2510", "aoall"}


# ---- spot ----------------------------------------------------------------------------------------------------------------------


def test_spot_files_have_the_vendor_form(payloads: Payloads) -> None:
    body = payloads["spot_price", "smm_spot_price_20250630"][1].body
    assert body.startswith(b"\xef\xbb\xbf") and body.count(b"\n") == body.count(b"\r\n")
    assert body.decode("utf-8-sig").splitlines()[0] == "日期,名称,最低价,最高价,均价,涨跌,单位,指标ID,数据来源,地区,频率,发布时间"


def test_spot_rows_hold_together(spot: list[Row]) -> None:
    before: dict[str, Decimal] = {}
    for row in spot:
        average, series = Decimal(row["均价"]), row["指标ID"]
        assert row["涨跌"] == (str(average - before[series]) if series in before else ""), row
        assert row["发布时间"] == f"{row['日期']} 11:40"
        if row["最低价"] or row["最高价"]:
            assert Decimal(row["最低价"]) <= average <= Decimal(row["最高价"]), row
        else:
            assert series in ("SMM-AO-INDEX", "SMM-AO-SPREAD-1130")
        before[series] = average
    assert len(before) == 8 and len(spot) == 8 * 508


def test_the_spread_is_the_index_less_a_price_the_dominant_contract_traded(
    spot: list[Row], quotes: dict[str, dict[str, Row]], dominant: dict[str, str]
) -> None:
    index = {row["日期"]: Decimal(row["均价"]) for row in spot if row["指标ID"] == "SMM-AO-INDEX"}
    for row in (row for row in spot if row["指标ID"] == "SMM-AO-SPREAD-1130"):
        futures, day = index[row["日期"]] - Decimal(row["均价"]), row["日期"].replace("-", "")
        quote = quotes[day][dominant[day]]
        assert futures == int(futures)
        assert quote["LOWESTPRICE"] <= futures <= quote["HIGHESTPRICE"], row


# ---- the ledger ----------------------------------------------------------------------------------------------------------------


def test_every_published_cell_is_in_the_payloads(
    ledger: Ledger, quotes: dict[str, dict[str, Row]], warrants: dict[str, list[Row]], spot: list[Row]
) -> None:
    vendor = {(row["日期"], row["指标ID"]): row for row in spot}
    spot_columns = {"value": "均价", "low_value": "最低价", "high_value": "最高价", "change_value": "涨跌"}
    wrong = []
    for cell in ledger:
        day, *rest = cell.key.split("|")
        compact = day.replace("-", "")
        if cell.table not in ("shfe__daily_quotes", "shfe__warehouse_receipts", "spot__quotes"):
            continue
        if cell.table == "shfe__daily_quotes":
            carried = Decimal(quotes[compact][rest[0].lower()][PRICES[cell.column]])
        elif cell.table == "shfe__warehouse_receipts":
            column = {"receipts_qty": "WRTWGHTS", "receipts_change_qty": "WRTCHANGE"}[cell.column]
            carried = Decimal(total_t(warrants[compact], rest[0].lower(), None if rest[1] == "total" else rest[1], column))
        elif cell.column == "futures_leg_value":
            carried = Decimal(vendor[day, "SMM-AO-INDEX"]["均价"]) - Decimal(vendor[day, rest[0]]["均价"])
        else:
            carried = Decimal(vendor[day, rest[0]][spot_columns[cell.column]])
        if not cell.agrees(carried):
            wrong.append((cell.key, cell.column, cell.value, cell.precision, carried))
    assert wrong == []


def test_the_ledger_names_a_source_and_a_known_precision_for_every_cell(ledger: Ledger) -> None:
    cells = list(ledger)
    assert len(cells) > 250
    assert all(cell.source and cell.precision in TOLERANCE for cell in cells)
    assert all("2025-07-23" >= cell.key[:10] >= "2023-06-19" for cell in cells)


def test_the_sample_is_added_up_alike_on_every_python() -> None:
    assert added([0.1] * 10) == 0.9999999999999999  # the built-in gives 1.0 from Python 3.12 on
    assert (added([]), added([2, 3]), type(added([2, 3]))) == (0, 5, int)
    modules = [*Path(paths.__file__).parent.glob("*.py"), Path(tone.__file__)]
    calls = (node for path in modules for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call))
    assert [node.lineno for node in calls if isinstance(node.func, ast.Name) and node.func.id == "sum"] == []
