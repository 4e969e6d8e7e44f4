"""The sample as a stream of deliveries: which payload arrives when, in order of arrival."""

from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby

from ingest.sample import payloads
from ingest.sample.history import FIRST_DAY, LAST_DAY, History, load_history
from ingest.source import SHANGHAI, Request, Response

COLLECTED_AFTER = timedelta(minutes=2)
EXPORTED_AT = time(17)  # a person exports the vendor's prices after the day's work

# By feed: writer, name, and the times between which the exchange stamps the file.
SHFE_FEEDS = {
    "dailystock": (payloads.warehouse_receipts, "{}dailystock.dat", time(15, 1), time(15, 6)),
    "kx": (payloads.daily_quotes, "kx{}.dat", time(15, 17), time(15, 40)),
    "pm": (payloads.member_ranking, "pm{}.dat", time(16, 30), time(16, 40)),
}


def deliveries(first: date = FIRST_DAY, last: date = LAST_DAY, sources: Collection[str] = ("shfe", "spot")) -> Iterator[tuple[Request, Response]]:
    """Give the payloads of these sources for the exchange days in [first, last] as they arrived, one source and feed after the other.

    The exchange's bytes for a day never depend on the slice; the vendor's monthly files hold the days inside it.
    """
    history = load_history()
    inside = [t for t, day in enumerate(history.days) if first <= day <= last]
    for _, month in groupby(inside, key=lambda t: (history.days[t].year, history.days[t].month)):
        positions = list(month)
        if "shfe" in sources:
            for t in positions:
                yield from _exchange_day(history, t)
        if "spot" not in sources:
            continue
        day = history.days[positions[-1]]
        stem = f"smm_spot_price_{day:%Y%m%d}"
        request = Request(source="spot", feed="spot_price", key=stem, name=f"{stem}.csv")
        yield request, _response(payloads.spot_prices(history, positions), datetime.combine(day, EXPORTED_AT))


def _exchange_day(history: History, t: int) -> Iterator[tuple[Request, Response]]:
    day = history.days[t]
    key = f"{day:%Y%m%d}"
    for feed, (write, name, earliest, latest) in SHFE_FEEDS.items():
        updated = payloads.update_time(history.spec["seed"], feed, day, earliest, latest)
        request = Request(source="shfe", feed=feed, key=key, name=name.format(key), day=day)
        yield request, _response(write(history, t, updated), updated + COLLECTED_AFTER)


def _response(body: bytes, at: datetime) -> Response:
    return Response(body=body, fetched_at=at.replace(tzinfo=SHANGHAI).astimezone(UTC), status=200)
