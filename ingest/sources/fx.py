"""RMB central parity (中间价) of CFETS: the history query and, of today, the latest fixing; both live or from disk.

A rate exists only where a fixing was published: `---` is no row, and nothing is filled on closed days. Import parity is
reckoned with a bank's *selling* rate, which is another series and comes as a vendor's drop file; never use this one for it.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any

from ingest import values
from ingest.answer import frame_of, read_json, rows_of
from ingest.inspect import inspect
from ingest.source import Cadence, Outcome, Parsed, PayloadError, Reject, Request, Response, Verdict, today
from ingest.table import RowError, rejected

TABLE = "fx__central_parity"
HOST = "https://www.chinamoney.com.cn"
HISTORY = f"{HOST}/ags/ms/cm-u-bk-ccpr/CcprHisNew"
LATEST = f"{HOST}/r/cms/www/chinamoney/data/fx/ccpr.json"
ASKED = "USD/CNY"  # converts inputs priced in dollars; files may hold any pair
# CFETS fixes about 30 pairs. Every refused cell repeats its row, so the length of a row is limited.
FIXED_PAIRS = 100
REFERER = f"{HOST}/chinese/bkccpr/"

_FILES = (
    ("history", re.compile(r"(?:^|/)cfets_CcprHisNew(?:_\w+)?\.json\Z")),
    ("latest", re.compile(r"(?:^|/)cfets_ccpr(?:_\w+)?\.json\Z")),
)
_PAIR = re.compile(r"(\d*)([A-Z]{3})/(\d*)([A-Z]{3})")


class Fx:
    """The official fixing at 09:15."""

    name = "fx"
    parser_version = "1"
    tables = (TABLE,)
    cadence = Cadence.FIXINGS

    def __init__(self, today: Callable[[], date] = today) -> None:
        self._today = today

    def requests(self, day: date) -> Iterable[Request]:
        """Ask the history for the one day: the same query serves today and any past day, far below its limit of one year.

        Of today the latest fixing is asked for too: it alone states the time of its publication.
        """
        form = {"startDate": f"{day}", "endDate": f"{day}", "currency": ASKED, "pageNum": "1", "pageSize": "50"}
        stamp = f"{day:%Y%m%d}"
        headers = {"Referer": REFERER}
        requests = [Request(self.name, "history", stamp, f"cfets_CcprHisNew_{stamp}.json", day, HISTORY, "POST", form, headers, dataset=TABLE)]
        if day == self._today():
            requests.append(Request(self.name, "latest", stamp, f"cfets_ccpr_{stamp}.json", day, LATEST, headers=headers, dataset=TABLE))
        return requests

    def recognise(self, path: str) -> Request | None:
        """Know an answer kept under the name of its query; a file may span days, so it carries its own dates."""
        name = path.rsplit("/", 1)[-1]
        return next((Request(self.name, feed, name, name) for feed, pattern in _FILES if pattern.search(path)), None)

    def inspect(self, request: Request, response: Response) -> Verdict:
        """Expect JSON."""
        return inspect(response, "json")

    def parse(self, request: Request, body: bytes) -> Parsed:
        """Read one answer; one that refuses the query holds the reason in its body."""
        document, remarks = read_json(body)
        head = document.get("head")
        code = str(head.get("rep_code", "")) if isinstance(head, dict) else ""
        if code != "200":
            said = str(head.get("rep_message", "")) if isinstance(head, dict) else ""
            raise PayloadError(Outcome.NOT_DATA, "refused", f"{request.name}: CFETS answers with code {code or 'none'} {said}".rstrip())
        data = document.get("data")
        if not isinstance(data, dict):
            raise PayloadError(Outcome.FORMAT_CHANGED, "no_envelope", f"{request.name} has no object 'data'")
        if request.feed == "latest":
            return _latest(request, data, rows_of(request, document, "records"), remarks)
        return _history(request, document, data, remarks)


def _latest(request: Request, data: Mapping[str, Any], records: list[Mapping[str, Any]], remarks: list[str]) -> Parsed:
    try:
        published = values.moment(data.get("lastDate"))
    except ValueError:
        published = None
    if published is None:
        raise PayloadError(Outcome.FORMAT_CHANGED, "no_date", f"{request.name} states no time of its fixing ({data.get('lastDate')!r})")
    if request.day and published.date() < request.day:  # until 09:15 the latest fixing is that of the day before
        raise PayloadError(
            Outcome.NOT_PUBLISHED, "no_fixing", f"{request.name} holds the fixing of {published.date()}, that of {request.day} is not out"
        )
    if request.day and published.date() > request.day:
        raise PayloadError(Outcome.NOT_DATA, "wrong_date", f"{request.name} holds a fixing of {published.date()}, not {request.day}")
    kept: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    for record in records:
        _take(published.date(), record.get("vrtEName"), record.get("price"), record, kept, rejects, remarks)
    return Parsed({TABLE: frame_of(TABLE, kept)}, tuple(rejects), published, tuple(remarks))


def _history(request: Request, document: Mapping[str, Any], data: Mapping[str, Any], remarks: list[str]) -> Parsed:
    if complaint := str(data.get("flagMessage") or "").strip():
        raise PayloadError(Outcome.NOT_DATA, "refused", f"{request.name}: CFETS refused the query: {complaint}")
    pairs = data.get("searchlist")
    if not isinstance(pairs, list) or not pairs or not all(isinstance(pair, str) for pair in pairs):
        raise PayloadError(Outcome.FORMAT_CHANGED, "no_searchlist", f"{request.name} does not say which currencies its columns are")
    if len(pairs) > (most := FIXED_PAIRS):
        raise PayloadError(
            Outcome.FORMAT_CHANGED, "oversized", f"{request.name} names {len(pairs):,} pairs of currencies, CFETS fixes fewer than {most}"
        )
    asked = ASKED if request.day else str(data.get("currency") or "")
    if dropped := [pair for pair in (part.strip() for part in asked.split(",")) if pair and pair not in pairs]:
        if request.day:
            raise PayloadError(Outcome.NOT_DATA, "refused", f"{request.name}: CFETS dropped {', '.join(dropped)} from the query without a word")
        remarks.append(f"dropped: {', '.join(dropped)} was asked for and is not in the answer")
    if document.get("records") == []:
        raise PayloadError(Outcome.NOT_PUBLISHED, "no_fixing", f"{request.name} holds no fixing: not published yet, or a holiday")
    if str(data.get("pageTotal") or "1") != "1":
        remarks.append(f"partial: one page of {data['pageTotal']}")
    kept: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    for record in rows_of(request, document, "records"):
        try:
            day, cells = values.day(record.get("date")), record.get("values")
            if not isinstance(cells, list) or len(cells) != len(pairs):
                raise RowError("ragged", f"the row of {day} has not one value for each of {', '.join(pairs)}")
        except ValueError as error:
            rejects.append(rejected(TABLE, error, request.name, record))
            continue
        if request.day and day != request.day:
            raise PayloadError(Outcome.NOT_DATA, "wrong_date", f"{request.name} holds a fixing of {day}, not {request.day}")
        for pair, cell in zip(pairs, cells, strict=True):
            _take(day, pair, cell, record, kept, rejects, remarks)
    if not kept and not rejects:
        raise PayloadError(Outcome.NOT_PUBLISHED, "no_fixing", f"{request.name} holds no fixing, only {'; '.join(remarks)}")
    return Parsed({TABLE: frame_of(TABLE, kept)}, tuple(rejects), None, tuple(remarks))


def _take(day: date, pair: Any, price: Any, record: Mapping[str, Any], kept: list[dict[str, Any]], rejects: list[Reject], remarks: list[str]) -> None:
    try:
        match = _PAIR.fullmatch(str(pair).strip())
        if match is None:
            raise RowError("unknown_pair", f"{pair!r} is not a pair of currencies")
        rate = values.number(price)
    except ValueError as error:
        rejects.append(rejected(TABLE, error, f"{day} {pair}", record))
        return
    if rate is None:
        remarks.append(f"missing: no fixing of {pair} on {day}")
        return
    base, quote = (f"{amount or 1} {currency}" for amount, currency in ((match[1], match[2]), (match[3], match[4])))
    kept.append({"obs_date": day, "currency_pair": match.group(), "rate": rate, "rate_unit": f"{quote.removeprefix('1 ')} per {base}"})
