"""How many wrong figures does the warehouse notice? One figure of a payload is changed; the payload must be refused, a row of it
quarantined or held, or an identity broken. The rate and the kinds that slip through are printed; docs/reliability.md lists them.
"""

import csv
import hashlib
import io
import json
import random
from collections import Counter
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from ingest import sample
from ingest.origins import FilesOrigin
from ingest.sources import SOURCES
from tests.pipeline.conftest import House, Model, query, upstream

DAY = date(2025, 7, 16)
PER_KIND = 15
DRAWS = 100
FLOOR = 0.99
Change = Callable[[Any, random.Random], None]
PRICES = ("OPENPRICE", "HIGHESTPRICE", "LOWESTPRICE", "CLOSEPRICE", "SETTLEMENTPRICE", "PRESETTLEMENTPRICE")


def _traded(document: Any, chance: random.Random) -> dict[str, Any]:
    rows = [row for row in document["o_curinstrument"] if row["DELIVERYMONTH"].isdigit() and row["VOLUME"]]
    return chance.choice(rows)


def _scaled(keys: tuple[str, ...], factor: float) -> Change:
    def change(document: Any, chance: random.Random) -> None:
        row, key = _traded(document, chance), chance.choice(keys)
        row[key] = type(row[key])(row[key] * factor)

    return change


def _swapped(one: str, other: str) -> Change:
    def change(document: Any, chance: random.Random) -> None:
        rows = [row for row in document["o_curinstrument"] if row["DELIVERYMONTH"].isdigit() and row["VOLUME"] and row[one] != row[other]]
        row = chance.choice(rows)
        row[one], row[other] = row[other], row[one]

    return change


def _every_row(document: Any, change: Callable[[dict[str, Any]], None]) -> None:
    for row in document.get("o_curinstrument") or document["o_cursor"]:
        change(row)


def _digits(document: Any, chance: random.Random) -> None:
    """Two neighbouring digits of a settlement change places: 3139 becomes 3193."""
    row = _traded(document, chance)
    text = str(row["SETTLEMENTPRICE"])
    places = [n for n in range(len(text) - 1) if text[n] != text[n + 1]]
    n = chance.choice(places)
    row["SETTLEMENTPRICE"] = int(text[:n] + text[n + 1] + text[n] + text[n + 2 :])


def _without_a_contract(document: Any, chance: random.Random) -> None:
    document["o_curinstrument"].remove(_traded(document, chance))


def _another_month(document: Any, chance: random.Random) -> None:
    row = _traded(document, chance)
    row["DELIVERYMONTH"] = f"{int(row['DELIVERYMONTH'][:2]) + 5:02d}{row['DELIVERYMONTH'][2:]}"


def _another_product(document: Any, chance: random.Random) -> None:
    row = _traded({"o_curinstrument": [row for row in document["o_curinstrument"] if row["PRODUCTID"].strip() != "cu_f"]}, chance)
    row["PRODUCTID"] = row["PRODUCTGROUPID"] = "cu_f"


def _column(document: Any, chance: random.Random, keep: bool) -> None:
    key = chance.choice([*PRICES, "VOLUME", "OPENINTEREST", "TURNOVER"])

    def change(row: dict[str, Any]) -> None:
        value = row.pop(key)
        if keep:
            row[f"{key}NEW"] = value

    _every_row(document, change)


def _detail(document: Any, chance: random.Random) -> dict[str, Any]:
    return chance.choice([row for row in document["o_cursor"] if row["ROWSTATUS"] == "0" and float(row["WRTWGHTS"]) > 0])


def _set(row: dict[str, Any], **values: Any) -> None:
    row.update(values)


def _ranked(document: Any, chance: random.Random) -> dict[str, Any]:
    return chance.choice([row for row in document["o_cursor"] if 1 <= row["RANK"] <= 20 and row["CJ1"] and row["CJ2"] and row["CJ3"]])


def _boards_swapped(document: Any, chance: random.Random) -> None:
    row = next(row for row in iter(lambda: _ranked(document, chance), None) if row["CJ2"] != row["CJ3"])
    row["CJ2"], row["CJ3"] = row["CJ3"], row["CJ2"]


KX: dict[str, Change] = {
    "price x 10": _scaled(PRICES, 10),
    "price x 1000": _scaled(PRICES, 1000),
    "volume x 10": _scaled(("VOLUME",), 10),
    "open interest x 10": _scaled(("OPENINTEREST",), 10),
    "turnover x 10000": _scaled(("TURNOVER",), 10_000),
    "volume negative": _scaled(("VOLUME",), -1),
    "open interest negative": _scaled(("OPENINTEREST",), -1),
    "open and close swapped": _swapped("OPENPRICE", "CLOSEPRICE"),
    "high and low swapped": _swapped("HIGHESTPRICE", "LOWESTPRICE"),
    "settlement and previous settlement swapped": _swapped("SETTLEMENTPRICE", "PRESETTLEMENTPRICE"),
    "volume and open interest swapped": _swapped("VOLUME", "OPENINTEREST"),
    "digits of the settlement swapped": _digits,
    "a contract missing": _without_a_contract,
    "a contract under another month": _another_month,
    "a contract under another product": _another_product,
    "a column renamed": lambda document, chance: _column(document, chance, True),
    "a column gone": lambda document, chance: _column(document, chance, False),
    "not a number": lambda document, chance: _set(_traded(document, chance), CLOSEPRICE=float("nan")),
    "a blank settlement": lambda document, chance: _set(_traded(document, chance), SETTLEMENTPRICE=""),
    "a settlement of zero": lambda document, chance: _set(_traded(document, chance), SETTLEMENTPRICE=0),
}
STOCK: dict[str, Change] = {
    "receipts x 10": lambda document, chance: (lambda row: _set(row, WRTWGHTS=row["WRTWGHTS"] * 10))(_detail(document, chance)),
    "receipts negative": lambda document, chance: (lambda row: _set(row, WRTWGHTS=-row["WRTWGHTS"]))(_detail(document, chance)),
    "receipts less by a tonne": lambda document, chance: (lambda row: _set(row, WRTWGHTS=row["WRTWGHTS"] - 1))(_detail(document, chance)),
    "a warehouse missing": lambda document, chance: document["o_cursor"].remove(_detail(document, chance)),
    "a warehouse twice": lambda document, chance: document["o_cursor"].append(dict(_detail(document, chance), WHABBRNAME="另库$$Other")),
    "unit kilogram": lambda document, chance: _set(_detail(document, chance), WGHTUNIT="1"),
    "unit unknown": lambda document, chance: _set(_detail(document, chance), WGHTUNIT="9"),
    "another product": lambda document, chance: (lambda row: _set(row, VARID="al" if row["VARID"] == "ao" else "ao"))(_detail(document, chance)),
    "a detail taken for a sum": lambda document, chance: _set(_detail(document, chance), ROWSTATUS="1"),
    "a column renamed": lambda document, chance: _every_row(document, lambda row: row.update(WEIGHT=row.pop("WRTWGHTS"))),
    "another region": lambda document, chance: (lambda row: _set(row, REGNAME="甘肃$$Gansu" if "新疆" in row["REGNAME"] else "新疆$$Xinjiang"))(
        _detail(document, chance)
    ),
}
RANKING: dict[str, Change] = {
    "lots x 10": lambda document, chance: (lambda row: _set(row, CJ2=row["CJ2"] * 10))(_ranked(document, chance)),
    "lots negative": lambda document, chance: (lambda row: _set(row, CJ3=-row["CJ3"]))(_ranked(document, chance)),
    "long and short swapped": _boards_swapped,
    "a member missing": lambda document, chance: document["o_cursor"].remove(_ranked(document, chance)),
    "a rank twice": lambda document, chance: (lambda row: _set(row, RANK=row["RANK"] % 20 + 1))(_ranked(document, chance)),
    "a rank out of range": lambda document, chance: _set(_ranked(document, chance), RANK=21),
    "a column renamed": lambda document, chance: _every_row(document, lambda row: row.update(LOTS=row.pop("CJ2"))),
}


def _cell(column: str, change: Callable[[str], str], *, prices: bool = True) -> Change:
    def apply(rows: Any, chance: random.Random) -> None:
        place = rows[0].index(column)
        low = rows[0].index("最低价")
        row = chance.choice([row for row in rows[3:-8] if bool(row[low]) == prices])
        row[place] = change(row[place])

    return apply


def _columns_swapped(rows: Any, chance: random.Random) -> None:
    a, b = rows[0].index("最低价"), rows[0].index("最高价")
    for row in rows[1:]:
        row[a], row[b] = row[b], row[a]


SPOT: dict[str, Change] = {
    "average x 10": _cell("均价", lambda text: str(float(text) * 10)),
    "index x 10": _cell("均价", lambda text: str(float(text) * 10), prices=False),
    "average off by one": _cell("均价", lambda text: str(float(text) + 1)),
    "low above high": _cell("最低价", lambda text: str(float(text) + 500)),
    "change of the wrong sign": _cell("涨跌", lambda text: str(-float(text or 0) or 7.0)),
    "low and high swapped": _columns_swapped,
    "on a Sunday": _cell("日期", lambda text: "2025-07-13"),
    "published before": _cell("发布时间", lambda text: "2025-06-01 11:40"),
    "unknown unit": _cell("单位", lambda text: "万元"),
    "text in a number": _cell("均价", lambda text: "81.05 million"),
    "mangled id": _cell("指标ID", lambda text: "2.01E+11"),
    "another provider": _cell("数据来源", lambda text: "ALD"),
}


def _one(series: str, column: str, change: Callable[[str], str]) -> Change:
    """Drop the newest row of a series alone, as a desk does, with one cell changed."""

    def apply(rows: Any, chance: random.Random) -> None:
        row = [row for row in rows[1:] if series in row][-1]
        rows[1:] = [row]
        place = rows[0].index(column)
        row[place] = change(row[place])
        # Files of one change are told apart by what is no figure.
        row[rows[0].index("名称")] += f" {chance.randrange(10**9)}"

    return apply


def _times_text(factor: float) -> Callable[[str], str]:
    return lambda text: f"{float(text) * factor:.10g}"


ONE_ROW: dict[str, Change] = {
    "index x 10": _one("SMM-AO-INDEX", "均价", _times_text(10)),
    "index x 1000": _one("SMM-AO-INDEX", "均价", _times_text(1000)),
    "index / 1000": _one("SMM-AO-INDEX", "均价", _times_text(0.001)),
    "index of zero": _one("SMM-AO-INDEX", "均价", lambda text: "0"),
    "index negative": _one("SMM-AO-INDEX", "均价", _times_text(-1)),
    "index a third up": _one("SMM-AO-INDEX", "均价", _times_text(1.34)),
    "index off by one": _one("SMM-AO-INDEX", "均价", lambda text: f"{float(text) + 1:.2f}"),
    "change of the wrong sign": _one("SMM-AO-INDEX", "涨跌", lambda text: f"{-float(text or 0) or 7.0:.2f}"),
    "index in dollars": _one("SMM-AO-INDEX", "单位", lambda text: "美元/吨"),
    "range x 10": _one("SMM-AO-SPOT-SHANDONG", "最高价", _times_text(10)),
    "low of zero": _one("SMM-AO-SPOT-SHANDONG", "最低价", lambda text: "0"),
    "a spread x 100": _one("SMM-AO-SPREAD-1130", "均价", lambda text: f"{(float(text) or 50.0) * 100:.10g}"),
}
ONE_RATE: dict[str, Change] = {
    "a rate / 100": _one("SMM-AO-RATE", "数值", _times_text(0.01)),
    "a rate x 100": _one("SMM-AO-RATE", "数值", _times_text(100)),
    "a rate of zero": _one("SMM-AO-RATE", "数值", lambda text: "0"),
    "capacity in tonnes": _one("SMM-AO-CAP-RUN", "单位", lambda text: "吨/年"),
    "capacity x 10": _one("SMM-AO-CAP-RUN", "数值", _times_text(10)),
}
ONE_STOCK: dict[str, Change] = {
    "stock / 1000": _one("SMM-AO-STOCK-SMELTER", "数值", _times_text(0.001)),
    "stock x 10": _one("SMM-AO-STOCK-SMELTER", "数值", _times_text(10)),
}
ONE_FX: dict[str, Change] = {
    "per 100 dollars": _one("BOC-USD-CNY-SELL", "数值", _times_text(100)),
    "fx / 10": _one("BOC-USD-CNY-SELL", "数值", _times_text(0.1)),
    "fx of zero": _one("BOC-USD-CNY-SELL", "数值", lambda text: "0"),
    "fx a tenth up": _one("BOC-USD-CNY-SELL", "数值", _times_text(1.1)),
}


def _contract(document: Any, chance: random.Random) -> dict[str, Any]:
    return chance.choice([row for row in document["data"] if row["delivMonth"] and row["volumn"]])


def _warehouse(document: Any, chance: random.Random) -> dict[str, Any]:
    return chance.choice([row for row in document["data"] if row["genDate"] and row["wbillQty"]])


def _times(pick: Callable[[Any, random.Random], dict[str, Any]], keys: tuple[str, ...], factor: float) -> Change:
    def change(document: Any, chance: random.Random) -> None:
        row, key = pick(document, chance), chance.choice(keys)
        row[key] = type(row[key])(row[key] * factor)

    return change


GFEX: dict[str, Change] = {
    "price x 10": _times(_contract, ("open", "high", "low", "close", "clearPrice", "lastClear"), 10),
    "volume x 10": _times(_contract, ("volumn",), 10),
    "open interest x 10": _times(_contract, ("openInterest",), 10),
    "turnover x 10000": _times(_contract, ("turnover",), 10_000),
    "a contract missing": lambda document, chance: document["data"].remove(_contract(document, chance)),
    "another day asked for": lambda document, chance: document["param"].update(trade_date=["20250715"]),
}
GFEX_STOCK: dict[str, Change] = {
    "receipts x 10": _times(_warehouse, ("wbillQty",), 10),
    "receipts negative": _times(_warehouse, ("wbillQty",), -1),
    "a warehouse missing": lambda document, chance: document["data"].remove(_warehouse(document, chance)),
    "another day": lambda document, chance: _set(_warehouse(document, chance), genDate="20250715"),
}
COMTRADE: dict[str, Change] = {
    "another month": lambda document, chance: _set(document["data"][0], period="202311"),
    "another flow": lambda document, chance: _set(document["data"][0], flowCode="X"),
    "another heading": lambda document, chance: _set(document["data"][0], cmdCode="7601"),
    "weight negative": _times(lambda document, _: document["data"][0], ("netWgt",), -1),
    "a column renamed": lambda document, chance: _set(document["data"][0], netWeight=document["data"][0].pop("netWgt")),
}
TODAY: dict[str, Change] = {"another session before": lambda document, chance: _set(document, lastTradingday="20250714")}
FEEDS: dict[str, dict[str, Change]] = {
    "kx": KX, "dailystock": STOCK, "pm": RANKING, "spot_price": SPOT, "day_quotes": GFEX, "wbill": GFEX_STOCK, "comtrade": COMTRADE, "trading_day": TODAY,
    "one price": ONE_ROW, "one rate": ONE_RATE, "one stock": ONE_STOCK, "one fx": ONE_FX,
}  # fmt: skip
# Whose newest row is dropped alone.
ONE = {"one price": "smm_spot_price_20250716.csv", "one rate": "smm_capacity_20250716.csv", "one stock": "smm_inventory_20250716.csv", "one fx": "boc_overseas_20250716.csv"}  # fmt: skip


def _changed(feed: str, body: bytes, change: Change, chance: random.Random) -> bytes:
    if feed == "spot_price" or feed in ONE:
        rows = list(csv.reader(io.StringIO(body.decode("utf-8-sig"))))
        change(rows, chance)
        text = io.StringIO()
        csv.writer(text).writerows(rows)
        return b"\xef\xbb\xbf" + text.getvalue().encode()
    document = json.loads(body)
    change(document, chance)
    return json.dumps(document, ensure_ascii=False).encode()


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory, models: list[Model]) -> tuple[Path, dict[str, tuple[str, str]]]:
    """A warehouse that was given every changed payload, built as far as the identities; and which payload carries which change."""
    folder = tmp_path_factory.mktemp("changed")
    chance = random.Random(1)
    payloads = {request.feed: (request, response.body) for request, response in sample.deliveries(DAY, DAY, ("shfe", "gfex"))}
    payloads |= {
        request.feed: (request, response.body) for request, response in sample.deliveries(date(2025, 7, 1), DAY, ("spot",)) if "smm" in request.name
    }
    payloads |= {
        request.feed: (request, response.body)
        for request, response in sample.deliveries(date(2025, 7, 1), DAY, ("customs",))
        if request.name == "156_0_2818_M_202312.json"
    }
    dropped = {request.name: (request, response.body) for request, response in sample.deliveries(date(2025, 7, 1), DAY, ("spot", "capacity"))}
    payloads |= {feed: dropped[name] for feed, name in ONE.items()}
    changed: dict[str, tuple[str, str]] = {}
    for feed, changes in FEEDS.items():
        request, body = payloads[feed]
        (folder / request.name).write_bytes(body)
        plain = _changed(feed, body, lambda *_: None, chance)
        for kind, change in changes.items():
            for number in range(PER_KIND):
                # A change that leaves what it meets (silver is counted in kilograms anyway) is none, and another is drawn.
                damaged = next(new for new in (_changed(feed, body, change, chance) for _ in range(DRAWS)) if new != plain)
                path = folder / feed.replace(" ", "_") / kind.replace(" ", "_").replace("/", "by") / str(number) / request.name
                path.parent.mkdir(parents=True)
                path.write_bytes(damaged)
                changed[hashlib.sha256(damaged).hexdigest()] = (feed, kind)
    house = House(tmp_path_factory.mktemp("attacked"))
    house.take(FilesOrigin(folder, SOURCES))
    return house.build(upstream(models, "intermediate.int_quality__identities")), changed


STANDING = "('series_is_read_by_a_mart', 'later_file_counts', 'stated_time_is_believed')"
"""What is said of a file as such (no mart reads its series, an older stamp): of unchanged ones, too."""


def test_a_change_of_meaning_does_not_go_unnoticed(attacked: tuple[Path, dict[str, tuple[str, str]]], capsys: pytest.CaptureFixture[str]) -> None:
    warehouse, changed = attacked
    places = (
        "raw.ingest__receipts where outcome not in ('ok', 'unchanged') or reason = 'unknown_column'",
        "raw.ingest__quarantine",
        f"intermediate.int_quality__identities where check_id not in {STANDING}",
        "intermediate.int_series__judged where held_rule is not null",
    )
    noticed = {sha for place in places for (sha,) in query(warehouse, f"select payload_sha256 from {place}")}
    assert not noticed - set(changed), "an unchanged payload was complained about"
    # A figure under another provider is one that no mart reads.
    noticed |= {
        sha for (sha,) in query(warehouse, "select payload_sha256 from intermediate.int_quality__files where check_id = 'series_is_read_by_a_mart'")
    }
    missed = Counter(changed[sha] for sha in set(changed) - noticed)
    rate = 1 - sum(missed.values()) / len(changed)
    with capsys.disabled():
        print(  # noqa: T201 - the rate is what the test is for
            f"\n{len(changed)} changes of meaning, {rate:.1%} noticed; missed: "
            + "; ".join(f"{feed}: {kind} ({n})" for (feed, kind), n in sorted(missed.items()))
        )
    documented = (Path(__file__).parents[2] / "docs" / "reliability.md").read_text(encoding="utf-8")
    assert [kind for _, kind in missed if kind not in documented] == []
    assert rate >= FLOOR
