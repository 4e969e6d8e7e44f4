"""Shanghai Futures Exchange: quotes, what it sets for each contract, warehouse receipts, weekly stock, member ranking.

One file holds all products. Field meanings and eras: docs of the exchange's file formats, read off real payloads of 2016,
2025 and 2026. Here stands which files there are, how one is known and at which address it lies; how each is read stands in
the module beside it.
"""

import re
from collections.abc import Callable, Iterable
from datetime import date

from ingest import values
from ingest.answer import read_json
from ingest.catalog.calendar import CalendarHorizonError
from ingest.catalog.configuration import SHIPPED_ONLY, Configuration
from ingest.inspect import inspect
from ingest.source import Cadence, ConfigurationError, Outcome, Parsed, PayloadError, Request, Response, Verdict, today
from ingest.sources.shfe.parameters import (
    PARAMETERS_AT,
    listed_on,
    parse_contracts,
    parse_margins_fees,
    parse_price_limits,
    parse_settlement_parameters,
    parse_trading_day,
)
from ingest.sources.shfe.quotes import FUTURES_AT, parse_quotes, read_quotes
from ingest.sources.shfe.ranking import parse_ranking
from ingest.sources.shfe.receipts import parse_receipts_html, parse_receipts_json
from ingest.sources.shfe.stock import product_of
from ingest.sources.shfe.weekly import parse_weekly_html, parse_weekly_json

__all__ = ["Shfe", "product_of"]

BASE = "https://www.shfe.com.cn/data"
# The JSON receipts answer 404 from 2025-11-18 on; the HTML page exists from 2025-11-13. In between the exchange served both.
HTML_FROM = date(2025, 11, 13)
# The weekly report: JSON from 2014-05-23 to 2025-11-14, the page from 2025-10-31 on; each is dated by the last session of its week.
WEEKLY_FROM, WEEKLY_HTML_FROM = date(2014, 5, 23), date(2025, 10, 31)
# Margins, fees and price limits exist since this day; the list of contracts lies beside them, its first day is assumed to be theirs.
PARAMETERS_FROM = date(2016, 1, 4)

_FILES = (
    ("kx", re.compile(r"(?:^|/)kx(\d{8})(?:_\w+)?\.(?:dat|json)$")),
    ("js", re.compile(r"(?:^|/)js(\d{8})(?:_\w+)?\.(?:dat|json)$")),
    ("pm", re.compile(r"(?:^|/)pm(\d{8})(?:_\w+)?\.(?:dat|json)$")),
    ("dailystock", re.compile(r"(?:^|/)(\d{8})dailystock\.dat$")),
    ("dailystock_html", re.compile(r"(?:^|/)dailystock_(\d{8})(?:/\w+)*/?(?:_\w+)?\.html$|(?:^|/)dailystock_(\d{8})(?:_\w+)?\.html$")),
    ("weeklystock", re.compile(r"(?:^|/)(\d{8})weeklystock(?:_\w+)?\.dat$")),
    ("weeklystock_html", re.compile(r"(?:^|/)weeklystock_(\d{8})(?:/\w+)*/?(?:_\w+)?\.html$|(?:^|/)weeklystock_(\d{8})(?:_\w+)?\.html$")),
    ("contracts", re.compile(r"(?:^|/)ContractBaseInfo(\d{8})(?:_\w+)?\.(?:dat|json)$")),
    ("settlement", re.compile(r"(?:^|/)Settlement(\d{8})(?:_\w+)?\.(?:dat|json)$")),
    ("limits", re.compile(r"(?:^|/)ContractDailyTradeArgument(\d{8})(?:_\w+)?\.(?:dat|json)$")),
)
_TRADING_DAY = re.compile(r"(?:^|/)currentTradingday\.dat$")
_DATASETS = {
    "kx": "shfe__daily_quotes",
    "js": "shfe__settlement_parameters",
    "pm": "shfe__member_ranking",
    "dailystock": "shfe__warehouse_receipts",
    "dailystock_html": "shfe__warehouse_receipts",
    "weeklystock": "shfe__weekly_stock",
    "weeklystock_html": "shfe__weekly_stock",
    "contracts": "shfe__contracts",
    "settlement": "shfe__margins_fees",
    "limits": "shfe__price_limits",
    "trading_day": "shfe__trading_day",
}
_PARSERS = {
    "kx": parse_quotes,
    "js": parse_settlement_parameters,
    "pm": parse_ranking,
    "settlement": parse_margins_fees,
    "limits": parse_price_limits,
    "contracts": parse_contracts,
}
FRIDAY = 4
_PAGES = ("dailystock_html", "weeklystock_html")


class Shfe:
    """The exchange's daily files, live or from disk."""

    name = "shfe"
    parser_version = "3"
    tables = (
        "shfe__daily_quotes",
        "shfe__daily_totals",
        "shfe__settlement_parameters",
        "shfe__margins_fees",
        "shfe__price_limits",
        "shfe__trading_day",
        "shfe__contracts",
        "shfe__warehouse_receipts",
        "shfe__weekly_stock",
        "shfe__member_ranking",
    )
    cadence = Cadence.SESSIONS

    def __init__(self, today: Callable[[], date] = today, *, configuration: Configuration = SHIPPED_ONLY) -> None:
        self._today = today
        self.configuration = configuration

    def requests(self, day: date) -> Iterable[Request]:
        """Give the files of one day, each at the address of its era; the exchange's own calendar only knows today."""
        stamp = f"{day:%Y%m%d}"
        addresses = [(feed, f"{feed}{stamp}.dat", f"{FUTURES_AT}/{feed}{stamp}.dat") for feed in ("kx", "js", "pm")]
        if day < HTML_FROM:
            addresses.append(("dailystock", f"{stamp}dailystock.dat", f"{FUTURES_AT}/{stamp}dailystock.dat"))
        else:
            addresses.append(("dailystock_html", f"dailystock_{stamp}.html", f"{BASE}/tradedata/future/stockdata/dailystock_{stamp}/ZH/all.html"))
        if day >= PARAMETERS_FROM:
            files = (
                ("settlement", f"Settlement{stamp}.dat"),
                ("limits", f"ContractDailyTradeArgument{stamp}.dat"),
                ("contracts", f"ContractBaseInfo{stamp}.dat"),
            )
            addresses += [(feed, name, f"{PARAMETERS_AT}/{name}") for feed, name in files]
        if day >= WEEKLY_FROM and self._ends_a_week(day):
            addresses.append(
                ("weeklystock", f"{stamp}weeklystock.dat", f"{BASE}/tradedata/future/weeklydata/{stamp}weeklystock.dat")
                if day < WEEKLY_HTML_FROM
                else ("weeklystock_html", f"weeklystock_{stamp}.html", f"{BASE}/tradedata/future/stockdata/weeklystock_{stamp}/ZH/all.html")
            )
        if day == self._today():
            addresses.append(("trading_day", "currentTradingday.dat", f"{BASE}/config/currentTradingday.dat"))
        return [Request(self.name, feed, stamp, name, day, url, dataset=_DATASETS[feed]) for feed, name, url in addresses]

    def _ends_a_week(self, day: date) -> bool:
        """Tell the last session of a week; where closures are not known, past the calendar or by a wrong one (told elsewhere), that is Friday."""
        try:
            calendar = self.configuration.calendar
            return calendar.is_session(day) and calendar.session_after(day).isocalendar()[:2] != day.isocalendar()[:2]
        except (CalendarHorizonError, ConfigurationError):
            return day.weekday() == FRIDAY

    def recognise(self, path: str) -> Request | None:
        """Know a file by the exchange's own names, whatever folder it lies in."""
        name = path.rsplit("/", 1)[-1]
        if _TRADING_DAY.search(path):
            return Request(self.name, "trading_day", name.removesuffix(".dat"), name)
        for feed, pattern in _FILES:
            if match := pattern.search(path):
                stamp = next(group for group in match.groups() if group)
                try:
                    day = values.day(stamp)
                except ValueError:
                    return None
                return Request(self.name, feed, stamp, name, day)
        return None

    def inspect(self, request: Request, response: Response) -> Verdict:
        """Expect HTML of the later pages of receipts and weekly stock, and JSON of everything else."""
        return inspect(response, "html" if request.feed in _PAGES else "json")

    def parse(self, request: Request, body: bytes) -> Parsed:
        """Read one file; its inner date must be the day asked for, where it has one."""
        if request.feed == "trading_day":
            return parse_trading_day(request, *read_json(body))
        if request.day is None:
            raise ValueError(f"{request.name}: a file of the exchange is asked for by day")
        if request.feed == "dailystock_html":
            return parse_receipts_html(request, request.day, body, self.configuration.shfe_products)
        if request.feed == "weeklystock_html":
            return parse_weekly_html(request, request.day, body, self.configuration.shfe_products)
        if request.feed == "kx" and (parsed := read_quotes(request.day, body)):
            return parsed
        envelope, remarks = read_json(body)
        inner = str(envelope.get("report_date", "")).strip() or (listed_on(envelope) if request.feed == "contracts" else "")
        if inner != f"{request.day:%Y%m%d}":
            raise PayloadError(Outcome.NOT_DATA, "wrong_date", f"{request.name} is about {inner or 'no day'}, not {request.day:%Y%m%d}")
        if request.feed == "dailystock":
            return parse_receipts_json(
                request, request.day, envelope, remarks, products=self.configuration.shfe_products, regions=self.configuration.regions
            )
        if request.feed == "weeklystock":
            return parse_weekly_json(
                request, request.day, envelope, remarks, products=self.configuration.shfe_products, regions=self.configuration.regions
            )
        return _PARSERS[request.feed](request, request.day, envelope, remarks)
