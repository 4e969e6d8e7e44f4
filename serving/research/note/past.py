"""The page of a day by what a home has of it: the release, or, where figures were restated since, a build as of the decision.

A release holds the newest print of a figure. What `alumina run --as-of` built holds the print known then; it is used where it is there, and is
never made here.
"""

from datetime import date
from typing import NamedTuple

from ingest.notes import read_note
from ingest.settings import Settings
from serving.read import connect
from serving.research.note.model import Page, compose


class Found(NamedTuple):
    """A page; how many figures were restated since, the time it shows, and when the build it is from was made (empty: it is of the release)."""

    page: Page
    restated: int
    decided: str
    built: str


def find(settings: Settings, day: date | None, commodity_code: str | None) -> Found:
    """Compose the page of a day; raises NothingPublishedError, UnreadableError and NoteError as `connect` and `compose` do."""
    with connect(settings) as con:
        page = compose(con, settings.catalog_overlay, day, commodity_code)
    decision_at = page.known.decision_at
    decided = f"{decision_at:%Y-%m-%d %H:%M}"
    then = settings.model_copy(update={"as_of": decision_at})
    if page.restated and (made := read_note(then.built, "delete it and build again")):
        with connect(then) as con:
            was = compose(con, settings.catalog_overlay, page.known.day, page.known.commodity_code)
        return Found(was, page.restated, decided, made["at"][:16].replace("T", " "))
    return Found(page, page.restated, decided, "")
