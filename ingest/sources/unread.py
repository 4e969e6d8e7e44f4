"""Files that no other page reads. They are archived and reported, so that nothing dropped into a folder disappears in silence."""

from datetime import date

from ingest.inspect import kind_of
from ingest.source import Cadence, Outcome, Parsed, PayloadError, Request, Response, Verdict

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
        """Take what the others left."""
        return Request(self.name, "file", path, path.rsplit("/", 1)[-1])

    def inspect(self, request: Request, response: Response) -> Verdict:
        """Say that nobody reads it."""
        return Verdict(
            Outcome.NOT_DATA,
            "no_reader",
            f"{request.key}: no source of this warehouse reads a file of this name; it is kept in the archive. {ADVICE.get(kind_of(response.body), NAME)}",
        )

    def parse(self, request: Request, body: bytes) -> Parsed:
        """Never reached: inspection refuses."""
        raise PayloadError(Outcome.NOT_DATA, "no_reader", f"{request.key} is not read")
