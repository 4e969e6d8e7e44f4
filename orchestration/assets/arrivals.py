"""The calendar of each source: one partition a day (customs: a month), green when everything asked for came or the exchange was closed.

The `daily` job marks what it covered. Materializing a range here takes just these days in again, in one run. These assets are separate from
`lake/*` because a run has only one range of partitions, while `daily` has sources of days, of months and without either.
"""

import warnings
from dataclasses import replace
from datetime import date, datetime

import dagster as dg

from ingest.catalog.calendar import Calendar, load_calendar
from ingest.dropped import take_in
from ingest.flow import Report, ingest
from ingest.home import dedicate
from ingest.origins import LiveOrigin, Origin
from ingest.source import SHANGHAI, DataOrigin, Outcome, Source
from orchestration.assets.partitions import DAY_SOURCES, DAYS, MONTH_SOURCES, MONTHS, Arrival, asking_days, day_arrivals, days_of, month_arrivals
from orchestration.instance.event_log import report_partitions
from orchestration.resources import Home, Intake, IntakeError

SHOWN = 5
# Single-run backfills are called beta; the version is pinned and the tests run them.
warnings.filterwarnings("ignore", category=dg.BetaWarning)


def arrivals_key(source_name: str) -> dg.AssetKey:
    """Asset key of a source's calendar."""
    return dg.AssetKey(["arrivals", source_name])


def arrivals_asset(source: Source) -> dg.AssetsDefinition:
    """Make the partitioned asset of one source; materializing a range asks for exactly that range."""
    by_month = source in MONTH_SOURCES

    @dg.asset(
        key=arrivals_key(source.name),
        partitions_def=MONTHS if by_month else DAYS,
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name="arrivals",
        kinds={"python"},
        owners=["team:data-engineering"],
        tags={"layer": "arrivals", "source": source.name},
        description=(
            f"Which {'months' if by_month else 'calendar days (Asia/Shanghai)'} of {source.name} have arrived. A closed day is `no_session`: it counts "
            "as arrived and is not asked for. Materialize a range to take it in (again) in one run, then run `daily` to publish it."
        ),
    )
    def build(context: dg.AssetExecutionContext, home: Home, intake: Intake) -> dg.MaterializeResult:
        calendar, wanted = load_calendar(home.settings.catalog_overlay), context.partition_keys
        first, last = _days_of(wanted[0])[0], _days_of(wanted[-1])[1]
        calendar.between(first, last)  # a day outside the calendar is an error that says how to extend it
        asked = next(one for one in home.sources() if one.name == source.name)
        origin = _origin(asked, wanted, first, last, home, intake, calendar)
        known = home.sources(origin.data_origin)
        read_by = [one for one in known if one.name == source.name]
        dedicate(home.settings, origin.data_origin)
        report = ingest(read_by, origin, home.archive, home.lake, context.run.run_id, limits=home.configuration.limits)
        if by_month:
            if origin.data_origin is not DataOrigin.SAMPLE:
                report.absorb(take_in(read_by, known, home.settings, context.run.run_id))
            found = month_arrivals(attempt for attempt in home.archive.fetch_log() if attempt.source == source.name)
        else:
            found = day_arrivals(report.fetch_log, calendar, first, last)
        arrived = {key: found[key].metadata() for key in wanted if key in found and found[key].is_complete}
        if missing := [key for key in wanted if key not in arrived]:
            report_partitions(context, arrivals_key(source.name), arrived)
            reasons = "; ".join(f"{key}: {_reason(found.get(key), by_month)}" for key in missing[:SHOWN])
            raise dg.Failure(f"{len(missing)} of {len(wanted)} partitions of {source.name} did not arrive: {reasons}", allow_retries=False)
        return dg.MaterializeResult(metadata={"payloads": report.attempts, "new_rows": sum(report.rows.values())})

    return build


def mark(context: dg.AssetExecutionContext, source: Source, home: Home, intake: Intake, report: Report) -> None:
    """Mark the partitions a run of `daily` covered: those whose payloads all came, and the closed days among them.

    One that stands marked and brought nothing new is not marked again: two years of days are 1,700 events of a run that changes nothing.
    """
    if source in MONTH_SOURCES:
        arrivals = month_arrivals(report.fetch_log)
    elif source in DAY_SOURCES and (spans := [span for attempt in report.fetch_log if (span := days_of(attempt.request_key))]):
        calendar = load_calendar(home.settings.catalog_overlay)
        first = max(min(first for first, _ in spans), intake.first_day or date.min, calendar.first_day)
        last = min(max(last for _, last in spans), intake.last_day or date.max, calendar.last_day, datetime.now(SHANGHAI).date())
        arrivals = day_arrivals(report.fetch_log, calendar, first, last)
    else:
        return
    key = arrivals_key(source.name)
    marked = context.instance.get_materialized_partitions(key)
    news = {
        day: arrival.metadata() for day, arrival in arrivals.items() if arrival.is_complete and (day not in marked or arrival.outcome is Outcome.OK)
    }
    report_partitions(context, key, news)


def _origin(source: Source, wanted: list[str], first: date, last: date, home: Home, intake: Intake, calendar: Calendar) -> Origin:
    """Give where all of the range comes from; months are published later, so each is asked for on its own day.

    It is one origin, since that keeps the pace and knows which feed challenged.
    """
    origin = intake.within(first, last).origin(home)
    if source.name not in {one.name for one in MONTH_SOURCES}:
        return origin
    later = max(last, today := datetime.now(SHANGHAI).date())
    if not isinstance(origin, LiveOrigin):
        return intake.within(first, later).origin(home)
    days = (next(asking_days(source, _days_of(month)[0], today, calendar), None) for month in wanted)
    return replace(origin, last=later, only=frozenset(day for day in days if day))


def _days_of(key: str) -> tuple[date, date]:
    span = days_of(key.replace("-", ""))
    if span is None:
        raise IntakeError(f"{key!r} is neither a day nor a month; write it as 2025-07-22 or 2025-07")
    return span


def _reason(arrival: Arrival | None, by_month: bool) -> str:
    if arrival is not None:
        return arrival.reason
    return "no file speaks of it; people export it and drop it into the inbox (docs/drop-files.md)" if by_month else "there is no payload of that day"
