"""Is the published file as new as the exchange calendar says it must be? No alarm over a holiday, one on the evening a session is missing."""

from dataclasses import dataclass
from datetime import date, datetime

import dagster as dg

from ingest.catalog.calendar import CalendarHorizonError, load_calendar
from ingest.home import origin_of
from ingest.settings import Settings
from ingest.source import SHANGHAI, ConfigurationError, DataOrigin
from orchestration.assets.publication import KEY
from orchestration.assets.timetable import expected_session
from orchestration.resources import Home
from serving.read import NothingPublishedError, UnreadableError, quoted_through

CHECK = "published_in_time"


@dataclass(frozen=True)
class Verdict:
    """How new the release is, and how new it must be."""

    passed: bool
    message: str

    def evaluation(self) -> dg.AssetCheckEvaluation:
        """The verdict as an event of the asset check."""
        return dg.AssetCheckEvaluation(
            asset_key=KEY, check_name=CHECK, passed=self.passed, metadata={"verdict": self.message}, description=self.message
        )


def judge(settings: Settings, now: datetime) -> Verdict:
    """Hold what is published against the calendar; past the calendar's end nothing is in time."""
    if origin_of(settings) is DataOrigin.SAMPLE:
        return Verdict(True, "the sample ends when it ends; only real data can be late")
    try:
        through = quoted_through(settings)
    except NothingPublishedError:
        return Verdict(False, "nothing is published yet: alumina run")
    except UnreadableError as error:
        return Verdict(False, str(error))
    try:
        return judge_day(through, expected_session(now, load_calendar(settings.catalog_overlay)))
    except (CalendarHorizonError, ConfigurationError) as error:
        return Verdict(False, str(error))


def judge_day(through: date | None, expected: date | None) -> Verdict:
    """Hold the newest published session against the one that must be there."""
    if expected is None or (through is not None and through >= expected):
        return Verdict(True, f"published through {through}")
    return Verdict(False, f"published through {through or 'no day'}, the session of {expected} is overdue: alumina doctor")


@dg.asset_check(asset=KEY, name=CHECK, description="The last session that is due by the publication clock is published; holidays are known.")
def published_in_time(home: Home) -> dg.AssetCheckResult:
    """Hold the release just made against the calendar."""
    verdict = judge(home.settings, datetime.now(SHANGHAI))
    return dg.AssetCheckResult(
        passed=verdict.passed, severity=dg.AssetCheckSeverity.WARN, description=verdict.message, metadata={"verdict": verdict.message}
    )
