"""The simulated weekly stock report and list of contracts, and a terminal's table of expiring receipts: written from the same market and warrants.

Goods off warrant, approved capacity and expiry dates are simulated: they follow from one seed and the shares in `simulated.toml`.
"""

import csv
import io
import json
from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from random import Random
from typing import Any

from ingest.catalog.calendar import trading_days
from ingest.sample.history import FIRST_DAY, HORIZON, History
from ingest.sample.payloads import SUCCESS
from ingest.sample.quotes import expiry, month_label
from ingest.sample.receipts import by_warehouse
from ingest.sums import added

EXPIRY_HEADER = ("trade_date", "exchange", "ts_code", "fut_name", "unit", "cur_month", "next_month", "next_two_month")
Row = dict[str, Any]


def ends_a_week(history: History, t: int) -> bool:
    """Tell whether a day is the last session of its week."""
    return _sessions()[t + 1].isocalendar()[:2] != history.days[t].isocalendar()[:2]


def weekly_stock(history: History, t: int, updated: datetime) -> bytes:
    """Write the report of the week that ends on a day, the JSON form of `weeklystock`: of delivery grade, on warrant, free capacity."""
    before = next(back for back in range(t - 1, -1, -1) if ends_a_week(history, back))
    rows: list[Row] = []
    for code in history.receipts:
        spec = history.spec["receipts"][code]
        for table in spec["tables"]:
            is_factory = table["type"] == "2"
            head = {"VARNAME": table["name"], "VARID": code, "WHTYPE": table["type"], "WGHTUNIT": "2"}
            whole: list[tuple[int, ...]] = []
            for region in table["regions"]:
                names, english = spec["regions"][region]["warehouses"], spec["regions"][region]["english"]
                place = head | {"REGNAME": f"{region}$${english}", "WHROWS": len(names)}
                figures = [_figures(history, code, region, number, len(names), (before, t)) for number in range(len(names))]
                whole += figures
                rows += [_row(place, name, held, "0", is_factory) for name, held in zip(names, figures, strict=True)]
                rows.append(_row(place, "合计$$Subtotal", _sums(figures), "1", is_factory))
            if table["total"]:
                rows.append(_row(head | {"REGNAME": "", "WHROWS": 1}, "总计$$Total", _sums(whole), "2", is_factory))
    day = f"{history.days[t]:%Y%m%d}"
    return _json(SUCCESS | {"o_tradingday": day, "report_date": day, "update_date": f"{updated:%Y%m%d %H:%M:%S}", "o_cursor": rows})


def _figures(history: History, code: str, region: str, number: int, count: int, weeks: tuple[int, int]) -> tuple[int, ...]:
    """Give of a place last week's and this week's goods, warrants and free capacity."""
    rules, level = history.spec["stock"], history.receipts[code][region]
    warrant = int(history.spec["receipts"][code]["warrant"])
    highest = max(by_warehouse(held, count, warrant)[number] for held in set(level))
    approved = (highest * rules["approved_multiple_pct"] // 100 // rules["approved_step"] + 1) * rules["approved_step"]
    figures: list[int] = []
    for t in weeks:
        held = by_warehouse(level[t], count, warrant)[number]
        # Goods come and go slowly: a week shares two of its three draws with the one before.
        week = history.days[t].toordinal() // 7
        draws = [Random(f"{history.spec['seed']}:stock:{code}:{region}:{number}:{week - back}").random() for back in range(3)]
        loose = int(added(draws) / 3 * rules["loose_share"] * approved) // 100 * 100
        figures += [held + loose, held, approved - held]
    return tuple(figures)


def _sums(figures: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    return tuple(added(column) for column in zip(*figures, strict=True))


def _row(place: Row, name: str, figures: tuple[int, ...], status: str, is_factory: bool) -> Row:
    goods_before, warrants_before, free_before, goods, warrants, free = figures
    # Tables of factories print no goods, only warrants.
    loose = ("", "", "") if is_factory else (goods, goods_before, goods - goods_before)
    return (
        place
        | {"WHABBRNAME": name, "ROWSTATUS": status}
        | dict(zip(("SPOTWGHTS", "PRESPOTWGHTS", "SPOTCHANGE"), loose, strict=True))
        | {"WRTWGHTS": warrants, "PREWRTWGHTS": warrants_before, "WRTCHANGE": warrants - warrants_before}
        | {"WHSTOCKS": free, "PREWHSTOCKS": free_before}
    )


@lru_cache
def _sessions() -> list[date]:
    return trading_days(FIRST_DAY, HORIZON)


def contracts(history: History, t: int, updated: datetime) -> bytes:
    """Write the exchange's list of contracts, `ContractBaseInfo`: all of it text. What was listed before the sample began is listed a year ahead."""
    day, sessions, rows = history.days[t], _sessions(), []
    for code, market in history.quotes.items():
        for month in market[t]:
            first = next(place for place, quotes in enumerate(market) if month in quotes)
            last = expiry(month, sessions)
            opened = history.days[first] if first else min(date(2000 + month // 12 - 1, month % 12 + 1, 16), history.days[0])
            rows.append(
                {
                    "INSTRUMENTID": f"{code}{month_label(month)}",
                    "OPENDATE": f"{opened:%Y%m%d}",
                    "EXPIREDATE": f"{sessions[last]:%Y%m%d}",
                    "STARTDELIVDATE": f"{sessions[last + 1]:%Y%m%d}",
                    "ENDDELIVDATE": f"{sessions[last + history.spec['stock']['delivery_sessions']]:%Y%m%d}",
                    "BASISPRICE": f"{market[first][month].pre_settle}",
                    "TRADINGDAY": f"{day:%Y%m%d}",
                }
            )
    return _json({"ContractBaseInfo": rows, "update_date": f"{updated:%Y%m%d %H:%M:%S}", "report_date": f"{day:%Y%m%d}"})


def expiring(history: History, positions: Sequence[int]) -> bytes:
    """Write a terminal's table of expiring receipts for some days, warehouse and factory apart: this month, the next, the one after."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(EXPIRY_HEADER)
    shares = history.spec["stock"]["expiring_shares"]
    for t in positions:
        for code, levels in history.receipts.items():
            spec = history.spec["receipts"][code]
            for table in spec["tables"]:
                held = added(levels[region][t] for region in table["regions"])
                kind = "厂库" if table["type"] == "2" else "仓库"
                name = table["name"].split("$$")[0].removesuffix(kind)
                figures = [f"{int(held * share) // spec['warrant'] * spec['warrant']:.2f}" for share in shares]
                writer.writerow((f"{history.days[t]:%Y%m%d}", "SHFE", code.upper(), f"{name}({kind})", "吨", *figures))
    return out.getvalue().encode()


def _json(document: Row) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
