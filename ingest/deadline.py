"""When a payload is overdue: after the end of its clock window and a grace. Attempts and the doctor use the same rule.

A feed that is gone, one that is late and one whose address moved all look alike (SHFE answers 404 to all three).
Only the hour tells them apart. The hours are configuration: `ingest/catalog/clock.toml`, column `grace_minutes` of the
publication clock.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path

from ingest.catalog.documents import load
from ingest.catalog.schemas import ClockFile
from ingest.source import OVERDUE, SHANGHAI, Outcome, Request, Verdict

ADVICE = "ask again with `alumina run --source live`; if it stays away, see whether the address moved or the day is a holiday nobody entered"


@dataclass(frozen=True)
class Deadlines:
    """How long each dataset may take, counted from the beginning (Shanghai) of the day it is about."""

    spans: Mapping[str, timedelta]

    def of(self, request: Request) -> datetime | None:
        """Give the time at which the payload becomes overdue; None where the clock has no entry for it."""
        span = self.spans.get(request.dataset or "")
        return None if span is None or request.day is None else datetime.combine(request.day, time(), SHANGHAI) + span


def load_deadlines(overlay: Path | None = None) -> Deadlines:
    """Read the publication clock, the operator's in place of the shipped one; raises ConfigurationError when it is wrong."""
    file = load(ClockFile, overlay)
    return Deadlines({row.dataset: timedelta(days=row.day_offset, minutes=row.latest + file.grace(row)) for row in file.clock})


def judged(verdict: Verdict, due: datetime | None, at: datetime) -> Verdict:
    """Judge an answer that came `at` a time: one that is not published yet says when it is due, and from then on that it is overdue."""
    if verdict.outcome is not Outcome.NOT_PUBLISHED or due is None:
        return verdict
    hour = f"{due:%Y-%m-%d %H:%M}"
    if at < due:
        return Verdict(verdict.outcome, verdict.reason, f"{verdict.message}; due by {hour}")
    return Verdict(verdict.outcome, OVERDUE, f"{verdict.message}; overdue since {hour}: {ADVICE}")
