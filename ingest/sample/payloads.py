"""How the sources write a day down: the exact JSON and CSV forms. Format knowledge only; every number comes from the history."""

import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any

from ingest.sample import ranking
from ingest.sample.history import History
from ingest.sample.paths import latest
from ingest.sample.quotes import Day, Quote, month_label
from ingest.sample.receipts import by_warehouse
from ingest.sums import added

PADDED_BEFORE = date(2024, 3, 1)  # until then the exchange wrote fixed-width text
WEIGHT_UNITS = {"kg": "1", "t": "2"}  # codes of the receipts file
TEN_THOUSAND = 10_000  # turnover is in units of 10,000 CNY
SUCCESS = {"o_code": "0000", "o_msg": "查询成功"}
COMPANY, OTHER = "期货公司会员/境外特殊经纪参与者", "非期货公司会员/境外特殊非经纪参与者"
SPOT_HEADER = "日期,名称,最低价,最高价,均价,涨跌,单位,指标ID,数据来源,地区,频率,发布时间"

Row = dict[str, Any]


def update_time(seed: str, feed: str, day: date, first: time, last: time) -> datetime:
    """Give the moment (Shanghai, naive) the exchange stamps a file with, somewhere between two times of day."""
    start, end = datetime.combine(day, first), datetime.combine(day, last)
    return start + timedelta(seconds=Random(f"{seed}:{feed}:{day}").randrange(int((end - start).total_seconds())))


def daily_quotes(history: History, t: int, updated: datetime) -> bytes:
    """Write the daily quotes of all products, `kx`."""
    day, rows, totals = history.days[t], [], Quote(0, 0, None, None, None, None, 0, 0, 0, 0)
    padded = day < PADDED_BEFORE
    for spec, quotes in ((history.spec, history.quotes), (history.others.spec, history.others.quotes)):
        for code, market in quotes.items():
            if not market[t]:
                continue
            identity = _identity(f"{code}_f", code, spec["quotes"][code]["name"], padded)
            rows += [_quote_row(identity, month_label(month), quote) for month, quote in market[t].items()]
            subtotal = _sum(market[t].values())
            rows.append(_quote_row(identity, "小计", subtotal))
            totals = _sum([totals, subtotal])
    rows.append(_quote_row({"PRODUCTID": "总计", "PRODUCTGROUPID": "", "PRODUCTNAME": "总计"}, "", totals))
    rows += _physicals(history, t)
    return _json(SUCCESS | {"report_date": f"{day:%Y%m%d}", "update_date": f"{updated:%Y%m%d %H:%M:%S}", "o_curinstrument": rows})


def _identity(product: str, group: str, name: str, padded: bool) -> Row:
    if padded:  # names to 20 bytes of the exchange's own encoding
        product, group, name = product.ljust(8), group.ljust(8), name + " " * (20 - len(name.encode("gb18030")))
    return {"PRODUCTID": product, "PRODUCTGROUPID": group, "PRODUCTNAME": name}


def _sum(quotes: Iterable[Quote]) -> Quote:
    columns = list(zip(*quotes, strict=True))
    return Quote(0, 0, None, None, None, None, *(added(column) for column in columns[6:]))


def _quote_row(identity: Row, month: str, quote: Quote) -> Row:
    is_contract, is_traded = month.isdigit(), quote.close is not None
    # An untraded contract closes at its settlement, the way the exchange fills it.
    close = quote.close if quote.close is not None else quote.settle
    prices = {"OPENPRICE": quote.open, "HIGHESTPRICE": quote.high, "LOWESTPRICE": quote.low} if is_traded else {}
    settled = {
        "CLOSEPRICE": close,
        "SETTLEMENTPRICE": quote.settle,
        "PRESETTLEMENTPRICE": quote.pre_settle,
        "ZD1_CHG": close - quote.pre_settle,
        "ZD2_CHG": quote.settle - quote.pre_settle,
    }
    return {
        **identity,
        "PRODUCTCLASS": "1",
        "DELIVERYMONTH": month,
        **dict.fromkeys(("OPENPRICE", "HIGHESTPRICE", "LOWESTPRICE", *settled), ""),
        **prices,
        **(settled if is_contract else {}),
        "VOLUME": quote.volume,
        "TURNOVER": quote.turnover_cny / TEN_THOUSAND,
        "TASVOLUME": "",
        "OPENINTEREST": quote.open_interest,
        "OPENINTERESTCHG": quote.open_interest_change,
    }


def _physicals(history: History, t: int) -> list[Row]:
    """Write now and then an exchange of futures for physicals; such rows kept their padding."""
    rng = Random(f"{history.spec['seed']}:efp:{history.days[t]}")
    if rng.random() > 0.05:
        return []
    price = next(iter(history.quotes["ao"][t].values())).settle
    name = history.spec["quotes"]["ao"]["name"] + "期转现"
    blank = dict.fromkeys(("PRESETTLEMENTPRICE", "OPENPRICE", "CLOSEPRICE", "SETTLEMENTPRICE", "ZD1_CHG", "ZD2_CHG"), "")
    figures = {"HIGHESTPRICE": price, "LOWESTPRICE": price, "VOLUME": 15 * rng.randint(1, 20)}
    tail = dict.fromkeys(("TURNOVER", "TASVOLUME", "OPENINTEREST", "OPENINTERESTCHG"), "") | {"PRODUCTCLASS": "5"}
    return [_identity("aoefp", "ao", name, padded=True) | {"DELIVERYMONTH": "efp"} | blank | figures | tail]


def settlement_parameters(history: History, t: int, updated: datetime) -> bytes:
    """Write settlement, margins and fees of every contract, `js`: margins are fractions, fees per mille or CNY per lot."""
    day, rows = history.days[t], []
    for code, market in history.quotes.items():
        spec = history.spec["quotes"][code]
        hedging, speculation = (percent / 100 for percent in latest(spec["margins_pct"], day))
        rules = {
            "PRODUCTID": f"{code}_f",
            "PRODUCTNAME": spec["name"],
            **dict.fromkeys(("SPECLONGMARGINRATIO", "SPECSHORTMARGINRATIO"), speculation),
            **dict.fromkeys(("HEDGLONGMARGINRATIO", "HEDGSHORTMARGINRATIO"), hedging),
            **spec["fees"],
            **{"COMMODITYDELIVFEERATIO": 0, "COMMODITYDELIVFEEUNIT": 1, "UNIDIRECT": "0", "ISUNITODAY": 0},
        }
        for month, quote in market[t].items():
            rows.append({"INSTRUMENTID": f"{code}{month_label(month)}", "SETTLEMENTPRICE": quote.settle} | rules)
    return _json(SUCCESS | {"report_date": f"{day:%Y%m%d}", "update_date": f"{updated:%Y%m%d %H:%M:%S}", "o_cursor": rows})


def price_limits(history: History, t: int, updated: datetime) -> bytes:
    """Write limits and margins in force during the day, `ContractDailyTradeArgument`; all of it text."""
    day, rows = history.days[t], []
    for code, market in history.quotes.items():
        spec = history.spec["quotes"][code]
        limit = latest(spec["limits_pct"], day) * (1 if t else spec["first_day_factor"])
        hedging, speculation = (f"{percent / 100:g}" for percent in latest(spec["margins_pct"], day))
        rules = {
            **dict.fromkeys(("SPEC_LONGMARGINRATIO", "SPEC_SHORTMARGINRATIO"), speculation),
            **dict.fromkeys(("HDEGE_LONGMARGINRATIO", "HDEGE_SHORTMARGINRATIO"), hedging),  # so the exchange spells it
            **dict.fromkeys(("UPPER_VALUE", "LOWER_VALUE"), f"{limit / 100:g}"),
            **{"PRICE_LIMITS": "", "TRADINGDAY": f"{day:%Y%m%d}"},
        }
        rows += [{"INSTRUMENTID": f"{code}{month_label(month)}"} | rules for month in market[t]]
    dates = {"update_date": f"{updated:%Y%m%d %H:%M:%S}", "report_date": f"{day:%Y%m%d}"}
    return _json({"ContractDailyTradeArgument": rows} | dates)


def margins_fees(history: History, t: int, updated: datetime) -> bytes:
    """Write margins and fees that hold from the day's settlement on, `Settlement`: all of it text, fees plain shares of the value."""
    day, rows = history.days[t], []
    tomorrow = history.days[min(t + 1, len(history.days) - 1)]
    for code, market in history.quotes.items():
        spec = history.spec["quotes"][code]
        hedging, speculation = (f"{percent / 100:g}" for percent in latest(spec["margins_pct"], tomorrow))
        fees = spec["fees"]
        rules = {
            **dict.fromkeys(("SPEC_LONGMARGINRATIO", "SPEC_SHORTMARGINRATIO"), speculation),
            **dict.fromkeys(("LONGMARGINRATIO", "SHORTMARGINRATIO"), hedging),
            "TRADEFEERATION": _share(fees["TRADEFEERATIO"]),  # so the exchange spells it
            "TRADEFEEUNIT": f"{fees['TRADEFEEUNIT']:g}",
            "HTRADEFEERATIO": _share(fees["TTRADEFEERATIO"]),
            "HTRADEFEEUNIT": f"{fees['TTRADEFEEUNIT']:g}",
            **{"COMMODITYDELIVERYFEERATION": "0", "COMMODITYDELIVERYFEEUNIT": "1"},
            **{"DISCOUNTRATE": f"{spec['close_today']}", "TRADINGDAY": f"{day:%Y%m%d}"},
        }
        for month, quote in market[t].items():
            rows.append({"INSTRUMENTID": f"{code}{month_label(month)}", "SETTLEMENTPRICE": f"{quote.settle}"} | rules)
    return _json({"Settlement": rows, "update_date": f"{updated:%Y%m%d %H:%M:%S}", "report_date": f"{day:%Y%m%d}"})


def _share(permille: float) -> str:
    return f"{permille / 1000:.6f}".rstrip("0").rstrip(".")


def trading_day(history: History, t: int, updated: datetime) -> bytes:
    """Write the session the exchange says it is in, and the one before, `currentTradingday`; it states no time."""
    return _json({"currentTradingday": f"{history.days[t]:%Y%m%d}", "lastTradingday": f"{history.days[t - 1]:%Y%m%d}"})


def warehouse_receipts(history: History, t: int, updated: datetime) -> bytes:
    """Write the warrants of all products, the JSON form of `dailystock`."""
    rows: list[Row] = []
    known = [(code, levels, history.spec["receipts"][code]) for code, levels in history.receipts.items()]
    known += [(code, levels, history.others.spec["receipts"][code]) for code, levels in history.others.receipts.items()]
    for code, levels, spec in known:
        for table in spec["tables"]:
            head = {"WGHTUNIT": WEIGHT_UNITS[spec.get("unit", "t")], "VARNAME": table["name"], "VARID": code, "WHTYPE": table["type"]}
            for region in table["regions"]:
                names, english = spec["regions"][region]["warehouses"], spec["regions"][region]["english"]
                now, before = (by_warehouse(levels[region][max(t - back, 0)], len(names), spec["warrant"]) for back in (0, 1))
                place = head | {"REGNAME": f"{region}$${english}", "WHROWS": len(names)}
                rows += [_receipt_row(place, *facts, "0") for facts in zip(names, now, before, strict=True)]
                rows.append(_receipt_row(place, "合计$$Subtotal", added(now), added(before), "1"))
            if table["total"]:
                now_total, before_total = (added(levels[region][max(t - back, 0)] for region in table["regions"]) for back in (0, 1))
                rows.append(_receipt_row(head | {"REGNAME": "", "WHROWS": 1}, "总计$$Total", now_total, before_total, "2"))
    day = f"{history.days[t]:%Y%m%d}"
    dates = {"o_tradingday": day, "report_date": day, "update_date": f"{updated:%Y%m%d %H:%M:%S}"}
    return _json(SUCCESS | dates | {"o_cursor": rows})


def _receipt_row(place: Row, name: str, now: int, before: int, status: str) -> Row:
    return place | {"WHABBRNAME": name, "WRTWGHTS": now, "ROWSTATUS": status, "WRTCHANGE": now - before}


def member_ranking(history: History, t: int, updated: datetime) -> bytes:
    """Write the member ranking, `pm`: the largest contracts, then the product as a whole."""
    rules, rows = history.spec["ranking"], []
    for code, market in history.quotes.items():
        name, today, before = history.spec["quotes"][code]["name"], market[t], market[max(t - 1, 0)]
        largest = sorted(today, key=lambda month: (-today[month].open_interest, month))[: rules["contracts"][code]]
        for month in sorted(largest):
            if today[month].open_interest >= rules["threshold_lots"]:
                rows += _contract_ranking(history, t, f"{code}{month_label(month)}", name, today[month], before.get(month))
        rows += _product_ranking(rules["company_share"], f"{code}all", name, today, before)
    day = f"{history.days[t]:%Y%m%d}"
    return _json(SUCCESS | {"report_date": day, "update_date": f"{updated:%Y%m%d %H:%M:%S}", "o_cursor": rows})


def _contract_ranking(history: History, t: int, contract: str, name: str, today: Quote, before: Quote | None) -> list[Row]:
    rules, boards = history.spec["ranking"], []
    for which in (1, 2, 3):
        volume = which == 1
        share = rules["volume_share"] * 2 if volume else rules["position_share"]
        totals = [int(share * ((quote.volume if volume else quote.open_interest) if quote else 0)) for quote in (today, before)]
        # A small contract has few holders: its position boards end early.
        names = ranking.RANKS if volume else min(ranking.RANKS, 8 + today.open_interest // 2000)
        boards.append(ranking.board(history.spec["seed"], contract, which, t, (totals[0], totals[1]), rules["members"], names))
    rows = []
    for rank in range(1, ranking.RANKS + 1):
        row: Row = {"INSTRUMENTID": contract, "RANK": rank, "PRODUCTNAME": name}
        for which, board in enumerate(boards, start=1):
            member, lots, change = board[rank - 1] if rank <= len(board) else (None, "", "")
            row |= _board(which, "" if member is None else f"样本会员{member + 1:02d}", "" if member is None else f"{9001 + member}", lots, change)
        rows.append(row)
    total: Row = {"INSTRUMENTID": contract, "RANK": 999, "PRODUCTNAME": name}
    for which, board in enumerate(boards, start=1):
        total |= _board(which, "", "", added(place.lots for place in board), added(place.change for place in board))
    return [*rows, total]


def _product_ranking(share: float, instrument: str, name: str, today: Day, before: Day) -> list[Row]:
    (volume, held), (volume_before, held_before) = ((quote.volume, quote.open_interest) for quote in (_sum(today.values()), _sum(before.values())))
    rows: list[Row] = [{"INSTRUMENTID": instrument, "RANK": rank, "PRODUCTNAME": name} for rank in (-1, 0)]
    for which, (now, then, tilt) in enumerate([(2 * volume, 2 * volume_before, 0.0), (held, held_before, 0.01), (held, held_before, -0.01)], start=1):
        company, company_before = int(now * (share + tilt)), int(then * (share + tilt))
        rows[0] |= _board(which, COMPANY, COMPANY, company, company - company_before)
        rows[1] |= _board(which, OTHER, OTHER, now - company, now - then - company + company_before)
    return rows


def _board(which: int, name: str, member: str, lots: int | str, change: int | str) -> Row:
    return {f"PARTICIPANTID{which}": member, f"PARTICIPANTABBR{which}": name, f"CJ{which}": lots, f"CJ{which}_CHG": change}


def spot_prices(history: History, positions: Sequence[int]) -> bytes:
    """Write a month of vendor prices the way a person exports them: a spreadsheet's CSV with a mark and DOS line ends."""
    lines = [SPOT_HEADER]
    for t in positions:
        day, before = history.days[t], history.spot[t - 1] if t else None
        for place, price in enumerate(history.spot[t]):
            low, high = ("" if bound is None else str(bound) for bound in (price.low, price.high))
            average = f"{price.average_cents / 100:.2f}" if price.low is None else f"{price.average_cents // 100}"
            moved = price.average_cents - before[place].average_cents if before else None
            change = "" if moved is None else f"{moved / 100:.2f}" if price.low is None else f"{moved // 100}"
            fields = (f"{day}", price.name, low, high, average, change, "元/吨", price.series_id, "SMM", price.region, "日", f"{day} 11:40")
            lines.append(",".join(fields))
    return ("\ufeff" + "\r\n".join(lines) + "\r\n").encode()


def _json(document: Row) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
