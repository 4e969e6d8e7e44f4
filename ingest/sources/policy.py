"""Policy events the desk keeps in files, and the newsflash of SHMET, live or from disk.

An event is known only from its time of publication; a row that states none is known from the end of its day (or month),
which is the publication clock's to say. Of the newsflash title, time, hash and address are kept, and the tone of its title (of its
text where it has none) for every perspective of the lexicon: the text is its author's.
"""

import hashlib
import html
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import Any

from ingest import values
from ingest.answer import extra_of, frame_of, read_json, rows_of
from ingest.catalog import tone
from ingest.catalog.configuration import SHIPPED_ONLY, Configuration
from ingest.inspect import inspect
from ingest.source import SHANGHAI, Cadence, Outcome, Parsed, PayloadError, Reject, Request, Response, Verdict
from ingest.table import RowError, csv_table, rejected
from quality.raw import WEB_ADDRESS

EVENTS, NEWSFLASH, TONE = "policy__events", "policy__newsflash", "policy__tone"
FLASH = "https://www.shmet.com/api/rest/news/queryNewsflashList"
FLASH_TAG = "1003"  # the feed's own code of aluminium, alumina with it

_EVENTS = re.compile(r"(?:^|/)(?:(?:policy_)?events(?:_\w+)?|(?P<desk>desk_\w+))\.csv\Z")
_FLASH = re.compile(r"(?:^|/)shmet_newsflash(?:_\w+)?\.json\Z")
_REQUIRED = ("event_id", "event_date", "date_precision", "published_at", "lang", "theme", "authority", "summary", "source", "source_url")
_OPTIONAL = ("type", "sectors", "n_industries", "followup_of")
AUTHORITIES = ("meeting", "ministry", "association", "media", "rumour")
TYPES = ("signal", "plan", "rule", "enforcement", "supply", "other")
PRECISIONS = ("day", "month")
# Two rows that agree in these columns are one event told twice; the other columns may differ.
_SAME_EVENT = ("event_date", "date_precision", "authority", "event_type")
_FIRST_FLASH = datetime(2000, 1, 1, tzinfo=UTC)  # seconds taken for milliseconds give a time in 1970
_LAST_FLASH = datetime(2100, 1, 1, tzinfo=UTC)


def _today() -> date:
    return datetime.now(SHANGHAI).date()


@dataclass(frozen=True)
class Policy:
    """Events by drop file; the newsflash of today."""

    today: Callable[[], date] = _today
    configuration: Configuration = SHIPPED_ONLY
    name: str = "policy"
    tables: tuple[str, ...] = (EVENTS, NEWSFLASH, TONE)
    cadence: Cadence = Cadence.ANY_DAY

    @property
    def parser_version(self) -> str:
        """Version of the code and of the lexicon: a changed lexicon reads every flash anew from its archived bytes."""
        return f"4-{self.configuration.lexicon.version}"

    def requests(self, day: date) -> Iterable[Request]:
        """Ask for the newest flashes, today only: the feed has no parameter for a past day."""
        if day != self.today():
            return []
        stamp = f"{day:%Y%m%d}"
        query = {"currentPage": 1, "pageSize": 100, "content": "", "flashTag": FLASH_TAG}
        return [Request(self.name, "newsflash", stamp, f"shmet_newsflash_{stamp}.json", day, FLASH, "POST", json=query, dataset=NEWSFLASH)]

    def recognise(self, path: str) -> Request | None:
        """Know `events.csv`, `policy_events.csv`, `desk_*.csv` and `shmet_newsflash*.json`."""
        name = path.rsplit("/", 1)[-1]
        if _EVENTS.search(path):
            return Request(self.name, "events", name, name)
        return Request(self.name, "newsflash", name, name) if _FLASH.search(path) else None

    def inspect(self, request: Request, response: Response) -> Verdict:
        """Expect text of an events file and JSON of the feed."""
        return inspect(response, "text" if request.feed == "events" else "json")

    def parse(self, request: Request, body: bytes) -> Parsed:
        """Read one file."""
        return _events(request, body) if request.feed == "events" else _newsflash(request, body, self.configuration.lexicon)


def _events(request: Request, body: bytes) -> Parsed:
    header, rows = csv_table(body, _REQUIRED + _OPTIONAL)
    if missing := [name for name in _REQUIRED if name not in header]:
        raise PayloadError(Outcome.FORMAT_CHANGED, "missing_column", f"{request.name} has no column {', '.join(missing)}; add it and drop it again")
    unknown = [name for name in header if name not in _REQUIRED + _OPTIONAL]
    match = _EVENTS.search(request.name)
    is_desk = match is not None and match["desk"] is not None
    read: list[tuple[dict[str, Any], int, Mapping[str, str]]] = []
    rejects: list[Reject] = []
    for line, row in rows:
        try:
            read.append((_event(row) | {"is_desk_override": is_desk}, line, row))
        except ValueError as error:
            rejects.append(rejected(EVENTS, error, f"line {line}", row))
    kept: list[dict[str, Any]] = []
    for event_id, group in groupby(sorted(read, key=lambda item: (item[0]["event_id"], _known_from(item[0]))), key=lambda item: item[0]["event_id"]):
        first, *rest = group
        others = [other for other in rest if other[0] != first[0]]
        same = all(other[0][name] == first[0][name] for other in others for name in _SAME_EVENT)
        if same:
            kept.append(first[0])
        reason, why = ("repeat", "tells again the event") if same else ("two_versions", "is one of several that contradict each other about event")
        for _, line, printed in others if same else [first, *others]:
            rejects.append(rejected(EVENTS, RowError(reason, f"the row {why} {event_id}"), f"line {line}", printed))
    remarks = [f"unknown_column:{name}" for name in unknown]
    if unlinked := sum(bool(row["source_url"]) and event["source_url"] is None for event, _, row in read):
        remarks.append(f"no_web_address: the source_url of {unlinked} rows is not http or https; it is kept as text and not as an address")
    return Parsed({EVENTS: frame_of(EVENTS, kept)}, tuple(rejects), None, tuple(remarks))


def _event(row: Mapping[str, str]) -> dict[str, Any]:
    text = {name: value or None for name, value in row.items()}
    for name, known in (("date_precision", PRECISIONS), ("authority", AUTHORITIES), ("type", TYPES)):
        value = text.get(name)
        if value not in known and not (value is None and name in _OPTIONAL):
            raise RowError(f"unknown_{name}", f"{name} {row.get(name)!r} is not one of {', '.join(known)}")
    if blank := [name for name in ("event_id", "theme", "summary", "source") if text[name] is None]:
        raise RowError("blank", f"the row has no {', '.join(blank)}")
    printed = row["event_date"]
    day = values.day(f"{printed}-01" if row["date_precision"] == "month" and re.fullmatch(r"\d{4}-\d{2}", printed) else printed)
    industries = values.whole(text.get("n_industries"))
    is_linkable = text["source_url"] is not None and re.fullmatch(WEB_ADDRESS, text["source_url"]) is not None
    return {
        "event_id": text["event_id"],
        "event_date": day.replace(day=1) if row["date_precision"] == "month" else day,
        "date_precision": text["date_precision"],
        "published_at": _published(row["published_at"]),
        "lang": text["lang"],
        "theme": text["theme"],
        "authority": text["authority"],
        "event_type": text.get("type"),
        "sectors": text.get("sectors"),
        "n_industries": industries,
        "followup_of": text.get("followup_of"),
        "summary": text["summary"],
        "event_source": text["source"],
        "source_url": text["source_url"] if is_linkable else None,
        # Anything but a web address is kept as text, because a page would turn the column into a link of any scheme.
        "extra": extra_of(row, {*_REQUIRED, *_OPTIONAL} - ({"source_url"} if text["source_url"] and not is_linkable else set())),
    }


def _published(text: str) -> datetime | None:
    """Read `2025-07-02T17:57+08:00` or a local time; a time without a zone is Shanghai's."""
    try:
        stamp = values.moment(text)
    except ValueError:
        stamp = datetime.fromisoformat(text)
        if "T" not in text and " " not in text:
            raise ValueError(f"{text!r} is a day, not a time of publication; leave it blank where the time is not known") from None
        values.day(f"{stamp:%Y-%m-%d}")  # refuses a year that is not read
        stamp = stamp if stamp.tzinfo else stamp.replace(tzinfo=SHANGHAI)
    return stamp and stamp.astimezone(UTC)


def _known_from(event: Mapping[str, Any]) -> datetime:
    """When the world could know a row: its time of publication, else the end of its day or month."""
    if event["published_at"] is not None:
        published: datetime = event["published_at"]
        return published
    day: date = event["event_date"]
    end = (day.replace(day=28) + timedelta(days=4)).replace(day=1) if event["date_precision"] == "month" else day + timedelta(days=1)
    return datetime.combine(end, time(), SHANGHAI)


def _newsflash(request: Request, body: bytes, words: tone.Lexicon) -> Parsed:
    document, remarks = read_json(body)
    if str(document.get("code")) != "200":
        raise PayloadError(Outcome.NOT_DATA, "refused", f"{request.name}: the feed answers with code {document.get('code')}: {document.get('msg')}")
    data = document.get("data")
    items = rows_of(request, data if isinstance(data, dict) else {}, "dataList")
    kept: list[dict[str, Any]] = []
    tones: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    for item in items:
        try:
            row, said = _flash(item)
            kept.append(row)
            tones += _tones(row, said, words)
        except ValueError as error:
            # Quarantine keeps the row for people to see, so the author's text is removed there, too.
            shown = {name: value for name, value in item.items() if name not in ("content", "contentText")}
            rejects.append(rejected(NEWSFLASH, error, f"flash {item.get('id')}", shown))
    return Parsed({NEWSFLASH: frame_of(NEWSFLASH, kept), TONE: frame_of(TONE, tones)}, tuple(rejects), None, tuple(remarks))


def _flash(item: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Read a flash as its row, and what of it is scored."""
    if item.get("id") in (None, ""):
        raise RowError("no_id", "the flash has no id")
    milliseconds = values.whole(item.get("pushTime"))
    if milliseconds is None:
        raise ValueError("the flash has no pushTime")
    pushed = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=max(0, min(milliseconds, 2**42)))
    if not _FIRST_FLASH <= pushed < _LAST_FLASH:
        raise ValueError(f"pushTime {milliseconds} is not a time in milliseconds")
    text = _plain(item.get("contentText")) or _plain(re.sub(r"<[^<>]*>", "", str(item.get("content") or "")))
    if not text:
        raise RowError("no_text", "the flash has no text")
    title = re.match(r"【(.+?)】", text)
    row: dict[str, Any] = {
        "event_date": pushed.astimezone(SHANGHAI).date(),
        "flash_id": str(item["id"]),
        "published_at": pushed,
        "title": title[1].strip() if title else None,
        "text_sha256": hashlib.sha256(text.encode()).hexdigest(),
        "flash_tag": str(item["flashTag"]) if item.get("flashTag") else None,
        "source_url": FLASH,
    }
    return row, row["title"] or text


def _tones(row: Mapping[str, Any], said: str, words: tone.Lexicon) -> list[dict[str, Any]]:
    roles = ";".join(tone.participants(said, words)) or None
    return [
        {
            "event_date": row["event_date"],
            "flash_id": row["flash_id"],
            "published_at": row["published_at"],
            "perspective": found.perspective,
            "tone": found.tone,
            "positive_weight": found.positive,
            "negative_weight": found.negative,
            "hits": ";".join(found.hits) or None,
            "participant_roles": roles,
            "lexicon_version": words.version,
        }
        for found in tone.score(said, words)
    ]


def _plain(value: Any) -> str:
    """Text with entities resolved and every run of white space a single space, so that one text has one hash."""
    return re.sub(r"\s+", " ", html.unescape(str(value or ""))).strip()
