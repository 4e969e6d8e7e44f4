"""The sample as a stream of deliveries: which payload arrives when, in order of arrival."""

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby

from ingest.sample import czce, exports, gfex, news, payloads, stock
from ingest.sample.history import FIRST_DAY, LAST_DAY, SECOND_FROM, SHORT_FROM, History, load_history
from ingest.sample.trade import headings, release, reported
from ingest.sample.vendor import Point, Series
from ingest.source import SHANGHAI, Request, Response

SOURCES = ("shfe", "gfex", "czce", "expiry", "spot", "cost", "capacity", "customs", "fx", "policy", "bars")
COLLECTED_AFTER = timedelta(minutes=2)

# By feed: writer, name, and the times between which the exchange stamps the file.
SHFE_FEEDS = {
    "dailystock": (payloads.warehouse_receipts, "{}dailystock.dat", time(15, 1), time(15, 6)),
    "kx": (payloads.daily_quotes, "kx{}.dat", time(15, 17), time(15, 40)),
    "js": (payloads.settlement_parameters, "js{}.dat", time(15, 40), time(15, 50)),
    "limits": (payloads.price_limits, "ContractDailyTradeArgument{}.dat", time(16, 20), time(16, 22)),
    "pm": (payloads.member_ranking, "pm{}.dat", time(16, 30), time(16, 40)),
}
# The same, from the day on which the short feeds begin.
SHORT_SHFE_FEEDS = {
    "trading_day": (payloads.trading_day, "currentTradingday.dat", time(8, 45), time(8, 50)),
    "settlement": (payloads.margins_fees, "Settlement{}.dat", time(16, 20), time(16, 22)),
    "contracts": (stock.contracts, "ContractBaseInfo{}.dat", time(16, 22), time(16, 24)),
}
WEEKLY_SHFE_FEEDS = {"weeklystock": (stock.weekly_stock, "{}weeklystock.dat", time(15, 30), time(15, 45))}

# The second exchange states no time: by feed, writer, name, and when it is asked.
GFEX_FEEDS = {
    "day_quotes": (gfex.daily_quotes, "day_quotes_{}_{}.json", time(16, 35)),
    "wbill": (gfex.warehouse_receipts, "wbill_{}_{}.json", time(17, 2)),
}

# So does the third; all of its products stand in one file.
CZCE_FEEDS = {
    "quotes": (czce.daily_quotes, "FutureDataDaily_{}.txt", time(16, 40)),
    "ranking": (czce.member_ranking, "FutureDataHolding_{}.txt", time(17, 35)),
}

# A person exports the vendors' values after the day's work, what comes out in the evening later: by feed, source and time.
SPOT_EXPORTED_AT = time(17)
VENDOR_FEEDS = {
    "overseas": ("spot", time(17, 10)),
    "cost_profit": ("cost", time(19, 40)),
    "inputs": ("cost", time(19, 42)),
    "capacity": ("capacity", time(19, 45)),
    "inventory": ("capacity", time(19, 47)),
}
CUSTOMS_EXPORTED_AT = time(18, 30)
COMTRADE_ASKED_AT = time(18, 40)
BARS_EXPORTED_AT = time(17, 5)
EXPIRING_EXPORTED_AT = time(17, 15)
FIXINGS_FETCHED_AT = time(17, 20)
LATEST_FIXING_FETCHED_AT = time(9, 20)  # asked for on the day itself only, so here on the last
FLASHES_FETCHED_AT = time(17, 30)
EVENTS_WRITTEN_AT = time(20)

Delivery = tuple[Request, Response]


def deliveries(first: date = FIRST_DAY, last: date = LAST_DAY, sources: Collection[str] = SOURCES) -> Iterator[Delivery]:
    """Give the payloads of these sources that arrived in [first, last], in order of arrival.

    The exchange's and the customs' bytes never depend on the slice; files kept by the month hold what came out inside it, and the
    one events file all that happened up to its end.
    """
    history = load_history()
    inside = [t for t, day in enumerate(history.days) if first <= day <= last]
    months = [(month, list(group)) for month, group in groupby(inside, key=lambda t: history.days[t].replace(day=1))]
    for place, (month, positions) in enumerate(months):
        batch: list[Delivery] = []
        if "shfe" in sources:
            for t in positions:
                batch += _exchange_day(history, t)
        if "gfex" in sources:
            for t in positions:
                batch += _second_exchange_day(history, history.days[t])
        if "czce" in sources:
            for t in positions:
                batch += _third_exchange_day(history, history.days[t])
        if "expiry" in sources and month >= SHORT_FROM:
            batch.append(_expiring(history, positions))
        if "spot" in sources:
            batch.append(_spot_prices(history, positions))
        batch += [item for feed, (source, _) in VENDOR_FEEDS.items() if source in sources for item in _vendor_month(history, feed, positions)]
        if "customs" in sources:
            batch += _customs(history, month, max(first, FIRST_DAY), min(last, LAST_DAY))
            batch += _comtrade(history, month, max(first, FIRST_DAY), min(last, LAST_DAY))
        if "bars" in sources:
            batch.append(_bars(history, positions))
        if "fx" in sources:
            batch.append(_month_answer("fx", "history", "cfets_CcprHisNew", history, positions, exports.fixings, FIXINGS_FETCHED_AT))
            if history.days[positions[-1]] == LAST_DAY:
                batch.append(_latest_fixing(history, positions[-1]))
        if "policy" in sources:
            batch.append(_month_answer("policy", "newsflash", "shmet_newsflash", history, positions, exports.newsflash, FLASHES_FETCHED_AT))
            if place == len(months) - 1:
                batch += _events(history, history.days[positions[-1]])
        yield from sorted(batch, key=lambda item: item[1].fetched_at)


def _exchange_day(history: History, t: int) -> Iterator[Delivery]:
    day = history.days[t]
    key = f"{day:%Y%m%d}"
    feeds = SHFE_FEEDS if day < SHORT_FROM else SHFE_FEEDS | SHORT_SHFE_FEEDS | (WEEKLY_SHFE_FEEDS if stock.ends_a_week(history, t) else {})
    for feed, (write, name, earliest, latest) in feeds.items():
        updated = payloads.update_time(history.spec["seed"], feed, day, earliest, latest)
        request = Request(source="shfe", feed=feed, key=key, name=name.format(key), day=day)
        yield request, _response(write(history, t, updated), updated + COLLECTED_AFTER)


def _second_exchange_day(history: History, day: date) -> Iterator[Delivery]:
    market = history.gfex
    if day < SECOND_FROM:
        return
    t, key = market.days.index(day), f"{day:%Y%m%d}"
    for feed, (write, name, asked_at) in GFEX_FEEDS.items():
        answered = datetime.combine(day, asked_at)
        for code in market.quotes:
            yield Request("gfex", feed, key, name.format(code, key), day), _response(write(market, code, t, answered), answered)


def _third_exchange_day(history: History, day: date) -> Iterator[Delivery]:
    market = history.czce
    if day < SHORT_FROM:
        return
    t, key = market.days.index(day), f"{day:%Y%m%d}"
    for feed, (write, name, asked_at) in CZCE_FEEDS.items():
        yield Request("czce", feed, key, name.format(key), day), _response(write(market, t), datetime.combine(day, asked_at))


def _expiring(history: History, positions: Sequence[int]) -> Delivery:
    day = history.days[positions[-1]]
    name = f"sample_fut_rcpt_mat_{day:%Y%m%d}.csv"
    return Request("expiry", "fut_rcpt_mat", name, name), _response(stock.expiring(history, positions), datetime.combine(day, EXPIRING_EXPORTED_AT))


def _spot_prices(history: History, positions: Sequence[int]) -> Delivery:
    day = history.days[positions[-1]]
    stem = f"smm_spot_price_{day:%Y%m%d}"
    request = Request(source="spot", feed="spot_price", key=stem, name=f"{stem}.csv")
    return request, _response(payloads.spot_prices(history, positions), datetime.combine(day, SPOT_EXPORTED_AT))


def _bars(history: History, positions: Sequence[int]) -> Delivery:
    day = history.days[positions[-1]]
    name = f"sample_bars_{day:%Y%m%d}.csv"
    return Request("bars", "bars", name, name), _response(exports.bars(history, positions), datetime.combine(day, BARS_EXPORTED_AT))


def _vendor_month(history: History, feed: str, positions: Sequence[int]) -> Iterator[Delivery]:
    """Give one file per vendor with what it published on these days."""
    source, exported_at = VENDOR_FEEDS[feed]
    published, day = {history.days[t] for t in positions}, history.days[positions[-1]]
    by_vendor: dict[str, list[tuple[Series, Point]]] = {}
    for series in history.vendor.values():
        if series.feed == feed:
            rows = [(series, point) for point in series.points if point.published.date() in published]
            by_vendor.setdefault(series.provider, []).extend(rows)
    for provider, rows in by_vendor.items():
        if rows:
            name = f"{provider.lower()}_{feed}_{day:%Y%m%d}.csv"
            rows.sort(key=lambda row: (row[1].published, row[1].obs_date))
            yield Request(source, feed, name, name), _response(exports.vendor_values(rows), datetime.combine(day, exported_at))


def _customs(history: History, arrival: date, first: date, last: date) -> Iterator[Delivery]:
    for (month, flow), trades in history.trade.items():
        released = release(month)
        if first <= released <= last and released.replace(day=1) == arrival:
            name = f"gacc_{flow}_{month:%Y%m}.csv"
            yield Request("customs", "gacc", name, name), _response(exports.customs(month, trades), datetime.combine(released, CUSTOMS_EXPORTED_AT))


def _comtrade(history: History, arrival: date, first: date, last: date) -> Iterator[Delivery]:
    for answer in headings(history.spec["customs"], history.trade):
        known = reported(answer.month)
        if first <= known <= last and known.replace(day=1) == arrival:
            key = f"156_0_{answer.code}_{exports.COMTRADE_FLOWS[answer.flow]}_{answer.month:%Y%m}"
            request = Request("customs", "comtrade", key, f"{key}.json")
            yield request, _response(exports.comtrade(answer), datetime.combine(known, COMTRADE_ASKED_AT))


def _month_answer(source: str, feed: str, stem: str, history: History, positions: Sequence[int], write: exports.MonthWriter, at: time) -> Delivery:
    day = history.days[positions[-1]]
    request = Request(source, feed, f"{day:%Y%m}", f"{stem}_{day:%Y%m}.json")
    return request, _response(write(history, positions), datetime.combine(day, at))


def _latest_fixing(history: History, t: int) -> Delivery:
    name = f"cfets_ccpr_{history.days[t]:%Y%m%d}.json"
    return Request("fx", "latest", name, name), _response(
        exports.latest_fixing(history, t), datetime.combine(history.days[t], LATEST_FIXING_FETCHED_AT)
    )


def _events(history: History, day: date) -> Iterator[Delivery]:
    if rows := [row for row in history.events if news.known_on(row) <= day]:
        name = "policy_events.csv"
        yield Request("policy", "events", name, name), _response(exports.events(rows), datetime.combine(day, EVENTS_WRITTEN_AT))


def _response(body: bytes, at: datetime) -> Response:
    return Response(body=body, fetched_at=at.replace(tzinfo=SHANGHAI).astimezone(UTC), status=200)
