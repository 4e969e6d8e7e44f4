"""What assets are given: where state lives, and what to take in. Nothing is opened here."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field, PrivateAttr

from ingest.archive import Archive
from ingest.catalog.calendar import Calendar, load_calendar
from ingest.catalog.configuration import Configuration
from ingest.deadline import load_deadlines
from ingest.home import open_home, source_of
from ingest.http import HttpClient
from ingest.lake import Lake
from ingest.made_before import MadeBefore
from ingest.origins import FilesOrigin, LiveOrigin, Origin, ReplayOrigin, SampleOrigin
from ingest.parser import apart
from ingest.settings import Settings
from ingest.source import SHANGHAI, DataOrigin, HomeError, Source
from ingest.sources import SOURCES, sources
from ingest.turns import Turns
from orchestration.home.backup import half_a_home
from orchestration.instance.alive import alive
from orchestration.warehouse.load import half_a_lake

# Two years of sessions are asked for range by range (`arrivals/SOURCE`), which can go on where it was ended.
MOST_LOOKED_BACK = 400


class Home(dg.ConfigurableResource):
    """The folder that holds all state; empty means `ALUMINA_HOME`, or `.alumina` in the project."""

    path: str = ""
    _archive: Archive | None = PrivateAttr(default=None)
    _lake: Lake | None = PrivateAttr(default=None)

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["Home"]:
        """Open the home, and be known to live while a run is executed; a sensor is no run.

        Raises HomeError where a run asks for another home than its process has, or for what its environment holds: who may start runs here may
        not write elsewhere, and a failure that names what it was told would show a secret.
        """
        if context.run and _asks_environment(context.run.run_config):
            raise HomeError("the configuration of this run names an environment variable; write the value itself")
        if context.run and self.settings.root != (own := Settings().root):
            raise HomeError(f"this run was asked to work in {self.settings.root}, and runs started here work in {own} only; set ALUMINA_HOME instead")
        open_home(self.settings)
        with alive(self.settings, context.run.run_id) if context.run else nullcontext():
            yield self

    @property
    def settings(self) -> Settings:
        """Paths and limits of this home."""
        return Settings(home=Path(self.path)) if self.path else Settings()

    def calendar(self) -> Calendar:
        """The trading calendar as it stands now: a long-lived daemon sees the years the operator adds."""
        return load_calendar(self.settings.catalog_overlay)

    @property
    def configuration(self) -> Configuration:
        """What reading a payload takes of this home's catalogue, as it stands now."""
        return Configuration(self.settings.catalog_overlay)

    def sources(self, origin: DataOrigin | None = None) -> tuple[Source, ...]:
        """Every source, reading payloads by the catalogue as it stands now; a run makes them once for each asset.

        Payloads are parsed in a limited process; those of the sample, which this code makes itself, in this one.
        """
        configuration = self.configuration
        made = sources(configuration)
        if origin is DataOrigin.SAMPLE:
            return made
        return apart(made, configuration, lambda: self.archive.accepted([source.name for source in made])["payload_sha256"].to_list())

    @property
    def archive(self) -> Archive:
        """The archive of this home; the assets of a run share one, so that each reads only the receipts written since."""
        if self._archive is None or self._archive.root != self.settings.archive:
            self._archive = Archive(self.settings.archive)
        return self._archive

    @property
    def lake(self) -> Lake:
        """The lake of this home, shared in the same way."""
        if self._lake is None or self._lake.root != self.settings.lake:
            self._lake = Lake(self.settings.lake)
        return self._lake


def _asks_environment(config: Any) -> bool:
    """Say whether a value is Dagster's `{"env": NAME}`, anywhere in a run's configuration."""
    return isinstance(config, Mapping) and ("env" in config or any(_asks_environment(value) for value in config.values()))


class IntakeError(ValueError):
    """What a run was told to take in makes no sense; the message says why."""


class IntakeSource(StrEnum):
    """Where a run takes its payloads from; the launchpad offers these names and refuses any other."""

    home = "home"
    """What the home holds (`ingest.home.source_of`)."""
    sample = "sample"
    files = "files"
    """A folder; without one the inbox."""
    inbox = "inbox"
    live = "live"
    archive = "archive"


class Intake(dg.ConfigurableResource):
    """What one run takes in."""

    source: IntakeSource = Field(default=IntakeSource.home, description="home: what this home holds; or sample, files, inbox, live, archive.")
    payloads: str = Field(default="", description="With files: the folder to read; blank is the inbox.")
    first: str = Field(
        default="", description="First day, 2025-07-22; blank: as far back as the source goes, live as many sessions as lookback_days."
    )
    last: str = Field(default="", description="Last day, 2025-07-22; blank: today.")
    lookback_days: int = Field(default=7, description="Sessions a live run without a first day asks back, 1 to 400.")

    def within(self, first: date, last: date) -> "Intake":
        """Give the same intake for another span of days."""
        return Intake(source=self.source, payloads=self.payloads, first=str(first), last=str(last))

    @property
    def is_replay(self) -> bool:
        """Whether the archive is read again; nothing new comes in."""
        return self.source is IntakeSource.archive

    @property
    def first_day(self) -> date | None:
        """First day asked for, None where the run does not say; raises IntakeError for what is not a day."""
        return _day(self.first)

    @property
    def last_day(self) -> date | None:
        """Last day asked for, as `first_day`."""
        return _day(self.last)

    def refuse_half_a_lake(self, home: Home) -> None:
        """Raise IntakeError where a rebuild was cut off and this run is not its sequel: what it would publish lacks what is not in the lake again."""
        if why := half_a_home(home.settings) or (half_a_lake(home.settings) if not self.is_replay else ""):
            raise IntakeError(why)

    def folder(self, settings: Settings) -> Path | None:
        """Give the folder of payloads, None for the inbox; raises IntakeError for one that a run may not read.

        Whoever reaches the UI chooses it, and a file that is taken in can be read in the release. The command line allows the folder it is given.
        """
        if not self.payloads:
            return None
        folder = Path(self.payloads).resolve()
        allowed = [root.expanduser().resolve() for root in (settings.inbox, settings.payload_root) if root]
        if not any(folder.is_relative_to(root) for root in allowed):
            said = ", nor in ".join(str(root) for root in allowed)
            raise IntakeError(f"{folder} is not in {said}; set ALUMINA_PAYLOAD_ROOT to the folder that may be read, or use the command line")
        return folder

    def origin(self, home: Home) -> Origin:
        """Give the origin of this run's payloads; raises IntakeError for a source or day that makes no sense."""
        settings = home.settings
        self.refuse_half_a_lake(home)
        try:
            calendar = home.calendar()  # now: rows are read by it, and a payload is not to blame for it
        except ValueError as error:
            raise IntakeError(f"nothing is taken in without a calendar: {error}") from None
        kind = IntakeSource(str(source_of(settings))) if self.source is IntakeSource.home else self.source
        first, last = self.first_day, self.last_day
        if first and last and first > last:
            raise IntakeError(f"the first day {first} is after the last day {last}")
        if not 1 <= self.lookback_days <= MOST_LOOKED_BACK:
            raise IntakeError(f"lookback_days is {self.lookback_days}; it must be 1 to {MOST_LOOKED_BACK}. For more name the first day")
        match kind:
            case IntakeSource.sample:
                return SampleOrigin(first or date.min, last or date.max, before=MadeBefore(settings.made_before, home.archive))
            case IntakeSource.files:
                return FilesOrigin(self.folder(settings), SOURCES, first, last)
            case IntakeSource.inbox:
                return FilesOrigin(None, SOURCES)
            case IntakeSource.archive:
                return ReplayOrigin(home.archive)
            case _:
                end = last or datetime.now(SHANGHAI).date()
                begin = first or calendar.back(end, self.lookback_days)
                client, deadlines = HttpClient(agent=settings.user_agent, turns=Turns(settings.turns)), load_deadlines(settings.catalog_overlay)
                return LiveOrigin(begin, end, calendar, client.fetch, deadlines, silent_after=home.configuration.feeds.asking.silent_after)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise IntakeError(f"{text!r} is not a day; write it as 2025-07-22") from None
