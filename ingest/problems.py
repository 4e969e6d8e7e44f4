"""What a run could not use, told to people: grouped by feed, worst first, with what is lost without it. Pure; prints nothing.

Which feed weighs more, and what is lost, is configuration (`ingest/catalog/feeds.toml`).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ingest.archive import Attempt
from ingest.catalog.schemas import FeedsFile
from ingest.origins import HELD_BACK
from ingest.source import DataOrigin, Outcome

NAMES_SHOWN = 10
"""Payloads of a group that are named; the others are counted."""


@dataclass(frozen=True)
class Problem:
    """Payloads of one feed that ended the same way, for the same reason."""

    feed: str
    """`source/feed`."""
    outcome: Outcome
    names: tuple[str, ...]
    message: str
    """That of the first payload that was asked for."""
    without_it: str
    """What is lost without the feed; empty where the catalogue does not say."""

    def __str__(self) -> str:
        rest = len(self.names) - NAMES_SHOWN
        names = ", ".join(self.names[:NAMES_SHOWN]) + (f" and {rest} more" if rest > 0 else "")
        lost = f" ({self.without_it})" if self.without_it else ""
        return f"{self.feed}{lost}: {self.outcome}: {names}: {self.message.removeprefix(f'{self.names[0]}: ')}"


def problems(attempts: Iterable[Attempt], feeds: FeedsFile) -> list[Problem]:
    """Group the failed attempts by feed, outcome and what was said of them, in the order of what is lost; feeds nobody weighs come last, by name."""
    lost = {row.of: row.without_it for row in feeds.feed}
    order = {name: place for place, name in enumerate(lost)}
    groups: dict[tuple[str, Outcome, str], list[Attempt]] = {}
    for attempt in sorted((one for one in attempts if one.is_failure), key=lambda one: one.reason == HELD_BACK):
        feed = f"{attempt.source}/{attempt.feed}"
        # requests that were held back belong to the failed ones before them
        asked = next((key for key in groups if key[:2] == (feed, attempt.outcome)), None) if attempt.reason == HELD_BACK else None
        groups.setdefault(asked or (feed, attempt.outcome, _likeness(attempt)), []).append(attempt)
    found = [
        Problem(key[0], key[1], tuple(one.request_name for one in group), group[0].message, lost.get(key[0], "")) for key, group in groups.items()
    ]
    return sorted(found, key=lambda problem: (order.get(problem.feed, len(order)), problem.feed, problem.outcome))


def _likeness(attempt: Attempt) -> str:
    """Give a message without its names, days and counts, which differ from payload to payload."""
    return re.sub(r"\d+", "#", attempt.message.replace(attempt.request_name, ""))


def no_network(attempts: Iterable[Attempt]) -> str:
    """Say that no host answered; empty where one did, or none was asked."""
    asked = [one for one in attempts if one.data_origin is DataOrigin.LIVE and one.outcome is not Outcome.NO_SESSION and one.reason != HELD_BACK]
    silent = [one for one in asked if one.outcome is Outcome.HTTP_ERROR and one.http_status is None]
    if not silent or len(silent) < len(asked):
        return ""
    feeds = len({(one.source, one.feed) for one in silent})
    said = silent[-1].message.removesuffix("; the next run asks again")
    return f"no network: none of the {feeds} feeds that were asked gave an answer ({said}); nothing new was taken in, and the next run asks again"
