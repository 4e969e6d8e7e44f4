"""What assets are given: where state lives, and what to take in. Nothing is opened here."""

from datetime import date, datetime, timedelta
from pathlib import Path

import dagster as dg

from ingest.archive import Archive
from ingest.catalog.calendar import load_calendar
from ingest.home import origin_of
from ingest.http import HttpClient
from ingest.lake import Lake
from ingest.origins import FilesOrigin, LiveOrigin, Origin, ReplayOrigin, SampleOrigin
from ingest.settings import Settings
from ingest.source import SHANGHAI, DataOrigin
from ingest.sources import SOURCES


class Home(dg.ConfigurableResource):
    """The folder that holds all state; empty means `ALUMINA_HOME`, or `.alumina` in the project."""

    path: str = ""

    @property
    def settings(self) -> Settings:
        """Paths and limits of this home."""
        return Settings(home=Path(self.path)) if self.path else Settings()

    @property
    def archive(self) -> Archive:
        """The archive of this home."""
        return Archive(self.settings.archive)

    @property
    def lake(self) -> Lake:
        """The lake of this home."""
        return Lake(self.settings.lake)


class Intake(dg.ConfigurableResource):
    """What one run takes in. Without a source the run goes on with what the home already holds: sample or live."""

    source: str = ""
    payloads: str = ""
    first: str = ""
    last: str = ""
    lookback_days: int = 7

    def origin(self, home: Home) -> Origin:
        """Give the origin of this run's payloads; raises ValueError for a source or day that makes no sense."""
        settings = home.settings
        held = origin_of(settings)
        kind = self.source or (DataOrigin.SAMPLE if held in (None, DataOrigin.SAMPLE) else DataOrigin.LIVE)
        first, last = _day(self.first), _day(self.last)
        if first and last and first > last:
            raise ValueError(f"the first day {first} is after the last day {last}")
        match kind:
            case "sample":
                return SampleOrigin(first or date.min, last or date.max)
            case "files":
                return FilesOrigin(Path(self.payloads), SOURCES, first, last)
            case "live":
                end = last or datetime.now(SHANGHAI).date()
                return LiveOrigin(first or end - timedelta(days=self.lookback_days), end, load_calendar(settings.catalog_overlay), HttpClient().fetch)
            case "archive":
                return ReplayOrigin(home.archive)
        raise ValueError(f"source {kind!r} is not one of sample, files, live, archive")


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise ValueError(f"{text!r} is not a day; write it as 2025-07-22") from None
