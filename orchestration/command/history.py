"""Years of history for a home: asked for by `ingest.backfill`, and the days that came marked in the calendars of the UI."""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

import dagster as dg

from ingest.backfill import Backfilled, Progress, backfill, years_before
from ingest.catalog.configuration import SHIPPED_ONLY, Configuration
from ingest.catalog.schemas import FirstPace
from ingest.home import dedicate
from ingest.http import HttpClient
from ingest.settings import Settings
from ingest.source import SHANGHAI, DataOrigin
from ingest.turns import Turns
from orchestration.assets.arrivals import arrivals_key
from orchestration.assets.partitions import DAY_SOURCES, day_arrivals
from orchestration.instance.event_log import mark_partitions
from orchestration.resources import Home, Intake


def first_pace(configuration: Configuration) -> FirstPace:
    """Give how long a request takes before any was timed: a home's own assumption, else the shipped one."""
    found = configuration.feeds.backfill or SHIPPED_ONLY.feeds.backfill
    assert found is not None  # noqa: S101 - the shipped file has it
    return found


def ask(settings: Settings, instance: dg.DagsterInstance, years: int, tell: Callable[[Progress], None]) -> Backfilled:
    """Ask for the last years up to yesterday, since today is the daily run's; what came is in archive and lake whatever happens. Raises IntakeError and MixedHomeError before anything is asked."""
    home, today = Home(path=str(settings.root)), datetime.now(SHANGHAI).date()
    Intake().refuse_half_a_lake(home)
    calendar, sources = home.calendar(), home.sources()
    dedicate(settings, DataOrigin.LIVE)
    first = max(years_before(today, years), calendar.first_day)
    fetch = HttpClient(agent=settings.user_agent, turns=Turns(settings.turns)).fetch
    silent_after = home.configuration.feeds.asking.silent_after
    assumed = first_pace(home.configuration).seconds_a_request
    run_id = f"backfill-{uuid.uuid4()}"
    try:
        return backfill(
            sources, calendar, (first, min(today - timedelta(days=1), calendar.last_day)), fetch, home.archive, home.lake, run_id,
            tell=tell, limits=home.configuration.limits, silent_after=silent_after, assumed_seconds=assumed,
        )  # fmt: skip
    finally:
        for source in DAY_SOURCES:
            of_source = (attempt for attempt in home.archive.fetch_log() if attempt.source == source.name)
            arrived = day_arrivals(of_source, calendar, first, today)
            marked = instance.get_materialized_partitions(arrivals_key(source.name))
            news = {day: arrival.metadata() for day, arrival in arrived.items() if arrival.is_complete and day not in marked}
            mark_partitions(instance, arrivals_key(source.name), news)
