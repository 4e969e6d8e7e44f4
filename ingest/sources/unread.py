"""Files that no other source recognises. They are archived and reported, so that no dropped file disappears unnoticed."""

from datetime import date

from ingest.catalog.configuration import SHIPPED_ONLY
from ingest.inspect import OK, kind_of
from ingest.source import Cadence, Outcome, Parsed, PayloadError, Request, Response, Verdict
from ingest.vendor import feeds_in, provider_in
from ingest.within import require_within

NAME = "An export of a price vendor is named like smm_spot_price_20250722.csv: provider, feed, day"
ADVICE = {"xls": "It is a spreadsheet of the old form (.xls): save it as .xlsx, named like smm_spot_price_20250722.xlsx"}


class Unread:
    """The last source asked whether it knows a file; it takes every one and reads none."""

    name = "unread"
    parser_version = "1"
    tables: tuple[str, ...] = ()
    cadence = Cadence.ANY_DAY

    def requests(self, day: date) -> list[Request]:
        """Nothing is fetched."""
        return []

    def recognise(self, path: str) -> Request:
        """Recognise every file the other sources left."""
        return Request(self.name, "file", path, path.rsplit("/", 1)[-1])

    def inspect(self, request: Request, response: Response) -> Verdict:
        """Refuse the file, unless it is one whose series may say why no source takes it."""
        if not response.body or kind_of(response.body) not in ("text", "xlsx"):
            return _no_reader(request, response.body)
        try:
            require_within(request.name, response.body, SHIPPED_ONLY.limits.of(request.source, request.feed))
        except PayloadError:
            return _no_reader(request, response.body)
        return OK

    def parse(self, request: Request, body: bytes) -> Parsed:
        """Refuse the file, and say whether it holds series of several feeds. Raises PayloadError."""
        if len(feeds := feeds_in(request.name, body, SHIPPED_ONLY.limits) or ()) > 1:
            raise PayloadError(
                Outcome.NOT_DATA,
                "several_feeds",
                f"{request.key} holds series of {', '.join(sorted(feeds))}; export one kind a file, or name it after the one that is meant: "
                f"{(provider_in(request.name) or 'smm').lower()}_{max(feeds)}_20250722.csv",
            )
        refusal = _no_reader(request, body)
        raise PayloadError(refusal.outcome, refusal.reason, refusal.message)


def _no_reader(request: Request, body: bytes) -> Verdict:
    return Verdict(
        Outcome.NOT_DATA,
        "no_reader",
        f"{request.key}: no source of this warehouse reads a file of this name; it is kept in the archive. {ADVICE.get(kind_of(body), NAME)}",
    )
