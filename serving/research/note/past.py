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
    """A page, and what its reader should know of where it is from; empty where it is the release and nothing of it was restated."""

    page: Page
    remark: str


def find(settings: Settings, day: date | None, commodity_code: str | None) -> Found:
    """Compose the page of a day; raises NothingPublishedError, UnreadableError and NoteError as `connect` and `compose` do."""
    with connect(settings) as con:
        page = compose(con, settings.catalog_overlay, day, commodity_code)
    if not page.restated:
        return Found(page, "")
    decided = page.known.decision_at
    then = settings.model_copy(update={"as_of": decided})
    if made := read_note(then.built, "delete it and build again"):
        with connect(then) as con:
            was = compose(con, settings.catalog_overlay, page.known.day, page.known.commodity_code)
        return Found(
            was,
            f"{page.restated} figures were restated since: as they were then, by the build of {made['at'][:16].replace('T', ' ')} as of {decided:%Y-%m-%d %H:%M}",
        )
    return Found(
        page,
        f'{page.restated} figures known then were restated since and are left out; alumina run --as-of "{decided:%Y-%m-%d %H:%M}", then this again, shows them',
    )
