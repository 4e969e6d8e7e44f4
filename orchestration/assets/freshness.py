"""Check that the release and each source are as new as the publication clock and the exchange calendar demand. A holiday raises no alarm; a missing session raises one that evening."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime

import dagster as dg

from ingest.catalog.calendar import CalendarHorizonError, load_calendar
from ingest.home import origin_of
from ingest.settings import Settings
from ingest.source import SHANGHAI, ConfigurationError, DataOrigin
from orchestration.assets.intake import lake_key
from orchestration.assets.partitions import DAY_SOURCES, MONTH_SOURCES
from orchestration.assets.publication import KEY
from orchestration.assets.timetable import expected_session
from orchestration.home.doctor import overdue
from orchestration.resources import Home
from serving.read import NothingPublishedError, UnreadableError, quoted_through

CHECK, ARRIVED = "published_in_time", "arrived_in_time"
# Only sources that can be asked: nobody knows when a person will export a file.
JUDGED = (*DAY_SOURCES, *MONTH_SOURCES)


@dataclass(frozen=True)
class Verdict:
    """How new the release is, and how new it must be."""

    passed: bool
    message: str

    def evaluation(self, key: dg.AssetKey = KEY, check: str = CHECK) -> dg.AssetCheckEvaluation:
        """The verdict as an event of an asset check."""
        return dg.AssetCheckEvaluation(
            asset_key=key, check_name=check, passed=self.passed, metadata={"verdict": self.message}, description=self.message
        )


def judge(settings: Settings, now: datetime) -> Verdict:
    """Compare the release with the calendar; past the end of the calendar nothing is in time."""
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
    """Compare the newest published session with the one that must be there."""
    if expected is None or (through is not None and through >= expected):
        return Verdict(True, f"published through {through}")
    return Verdict(False, f"published through {through or 'no day'}, the session of {expected} is overdue: alumina doctor")


@dg.asset_check(asset=KEY, name=CHECK, description="The last session that is due by the publication clock is published; holidays are known.")
def published_in_time(home: Home) -> dg.AssetCheckResult:
    """Compare the release just made with the calendar."""
    verdict = judge(home.settings, datetime.now(SHANGHAI))
    return dg.AssetCheckResult(
        passed=verdict.passed, severity=dg.AssetCheckSeverity.WARN, description=verdict.message, metadata={"verdict": verdict.message}
    )


def judge_sources(settings: Settings, now: datetime) -> dict[str, Verdict]:
    """Compare what arrived from each source with the publication clock. Only a home with live data can have late data."""
    if origin_of(settings) is not DataOrigin.LIVE:
        return {source.name: Verdict(True, "only what is asked for live can be late") for source in JUDGED}
    late: dict[str, list[str]] = {}
    for finding in overdue(settings, now):
        late.setdefault(finding.subject.partition("/")[0], []).append(f"{finding.subject} is {finding.message}")
    return {
        source.name: Verdict(source.name not in late, "; ".join(late.get(source.name, ())) or "everything that is due has arrived")
        for source in JUDGED
    }


@dg.multi_asset_check(
    specs=[
        dg.AssetCheckSpec(
            ARRIVED, asset=lake_key(source.name), description="Everything that is due by the publication clock has arrived; holidays are known."
        )
        for source in JUDGED
    ],
    name=ARRIVED,
)
def arrived_in_time(home: Home) -> Iterator[dg.AssetCheckResult]:
    """Compare all sources with the clock at once, since each look reads the whole fetch log."""
    for name, verdict in judge_sources(home.settings, datetime.now(SHANGHAI)).items():
        yield dg.AssetCheckResult(
            asset_key=lake_key(name),
            check_name=ARRIVED,
            passed=verdict.passed,
            severity=dg.AssetCheckSeverity.WARN,
            description=verdict.message,
            metadata={"verdict": verdict.message},
        )
