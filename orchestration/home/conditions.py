"""What is wrong now, by cause: feeds that did not come, refused rows, held figures, rejected outlooks.

Reads what a run left; `alerts.settle` tells people of what begins and what is over.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime

import duckdb

from ingest.archive import Attempt
from ingest.catalog.schemas import FeedsFile
from ingest.problems import problems
from ingest.settings import Settings
from orchestration.home.doctor import overdue
from orchestration.instance.alerts import Trouble, settle
from serving.read import UnreadableError, query

Found = dict[str, Trouble]


def of_source(source: str, attempts: Iterable[Attempt], refused: Mapping[tuple[str, str], int], feeds: FeedsFile) -> Found:
    """Give what a run could not use of a source: a cause for each feed, and one for its refused rows."""
    said: dict[str, list[str]] = {}
    for problem in problems(attempts, feeds):
        said.setdefault(f"feed:{problem.feed}", []).append(str(problem))
    found: Found = {cause: Trouble("feed_failed", "; ".join(told), (cause.removeprefix("feed:"),)) for cause, told in said.items()}
    if refused:
        told = ", ".join(f"{count} of {table} ({reason.replace('_', ' ')})" for (table, reason), count in sorted(refused.items()))
        about = (source, *sorted({table for table, _ in refused}))
        found[f"rows:{source}"] = Trouble("rows_refused", f"rows of {source} were refused: {told}; serving.quality_results names them", about)
    return found


def settle_source(
    settings: Settings, source: str, attempts: Iterable[Attempt], refused: Mapping[tuple[str, str], int], feeds: FeedsFile, run_id: str
) -> None:
    """Tell people what began and what is over, of the feeds a run asked for."""
    asked = list(attempts)
    judged = {f"rows:{source}", *(f"feed:{attempt.source}/{attempt.feed}" for attempt in asked)}
    settle(settings, of_source(source, asked, refused, feeds), judged.__contains__, run_id=run_id)


def settle_published(settings: Settings, run_id: str) -> None:
    """Tell people what the release that is read says of itself: figures held, outlooks of the newest day rejected."""
    found: Found = {}
    try:
        held = query(settings, "select count(*), min(reason_en) from serving.held_figures where held_status = 'held'").rows[0]
        rejected = query(
            settings, "select commodity_code, max(as_of_date), min(status_reason) from serving.outlook_latest where status = 'rejected' group by all"
        ).rows
    except (UnreadableError, duckdb.CatalogException):
        return  # a release that cannot be read, or is older than the table, is passed over
    if held[0]:
        found["figures"] = Trouble("figures_held", f"{held[0]} figures are held, such as: {held[1]} alumina review list")
    for commodity, day, reason in rejected:
        told = f"the outlook of {commodity} is rejected: {reason} (since {day} or before)"
        found[f"outlook:{commodity}"] = Trouble("outlook_rejected", told, (commodity,))
    settle(settings, found, lambda cause: cause == "figures" or cause.startswith("outlook:"), run_id=run_id)


def settle_overdue(settings: Settings, now: datetime) -> None:
    """Tell people which feeds are overdue by the publication clock, in one note: a run that did not come leaves all of them out."""
    late = list(overdue(settings, now))
    told = Trouble("feed_overdue", "; ".join(f"{one.subject} is {one.message}" for one in late), tuple(one.subject for one in late))
    settle(settings, {"overdue": told} if late else {}, "overdue".__eq__)
