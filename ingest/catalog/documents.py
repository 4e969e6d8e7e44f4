"""The files of the catalogue: which there are, whose counts, and the model each is read through. Reads files, and nothing else.

A file the operator puts into `$ALUMINA_HOME/catalog/` under the same name replaces the shipped one (calendar and metrics are extended
instead); new files under `commodities/` add commodities, `series.toml` adds series to them. A file is read when it is asked for, and parsed again when its bytes have changed.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

from ingest.catalog.glossary import FILE as GLOSSARY
from ingest.catalog.glossary import GlossaryFile
from ingest.catalog.languages import FILE as WORDS
from ingest.catalog.languages import WordsFile
from ingest.catalog.leaning import ProfilesFile, StancesFile
from ingest.catalog.metrics import MetricsFile
from ingest.catalog.schemas import (
    AlertsFile,
    CalendarFile,
    ClockFile,
    CommodityFile,
    ExchangesFile,
    FeedsFile,
    HeldFile,
    LexiconFile,
    LicencesFile,
    LimitsFile,
    PanelFile,
    ParametersFile,
    PublishedFile,
    RegionsFile,
    ReleasesFile,
    RetentionFile,
    ReviewsFile,
    ScheduleFile,
    SeriesFile,
    TermsFile,
    WhatifFile,
)  # fmt: skip
from ingest.catalog.scoring import RulesFile, ScoreFile
from ingest.files import listed
from ingest.source import ConfigurationError
from ingest.storable import storable
from quality.typed import Document, Fault, WrongFileError, near, read

SHIPPED = Path(__file__).parent
CALENDAR = "calendar.toml"
HELD = "held.toml"
REVIEWS = "reviews.toml"
COMMODITIES = "commodities/"
# Of the files of one name only a home has this one: what it says is added to the commodities' files.
SERIES = "series.toml"
# Between the shipped calendar and the operator's, which travel as one payload.
EXTENSION = "\n#---\n"
# Stands for the bytes of what has the name of a file and is none; no text in UTF-8 is this.
NO_FILE = b"\xffno file"
FILES: Mapping[str, type[Document]] = {
    CALENDAR: CalendarFile,
    "clock.toml": ClockFile,
    "exchanges.toml": ExchangesFile,
    "alerts.toml": AlertsFile,
    "feeds.toml": FeedsFile,
    GLOSSARY: GlossaryFile,
    HELD: HeldFile,
    "lexicon.toml": LexiconFile,
    "licences.toml": LicencesFile,
    "limits.toml": LimitsFile,
    "metrics.toml": MetricsFile,
    "panel.toml": PanelFile,
    "parameters.toml": ParametersFile,
    "profiles.toml": ProfilesFile,
    "published.toml": PublishedFile,
    "regions.toml": RegionsFile,
    "releases.toml": ReleasesFile,
    "retention.toml": RetentionFile,
    REVIEWS: ReviewsFile,
    "rules.toml": RulesFile,
    "schedule.toml": ScheduleFile,
    "score.toml": ScoreFile,
    SERIES: SeriesFile,
    "stances.toml": StancesFile,
    "terms.toml": TermsFile,
    "whatif.toml": WhatifFile,
    WORDS: WordsFile,
}
"""Files of one name each; commodities have a folder of their own."""

F = TypeVar("F", bound=Document)


def catalog_files(overlay: Path | None) -> Iterator[tuple[str, bytes]]:
    """Give every catalogue file as (name, bytes), the operator's in place of the shipped ones."""
    if overlay is not None:
        listed(overlay)  # an error where this user may not read it; `rglob` finds nothing there
    # What is no file (a folder, a link to nowhere, a pipe nobody writes into) is not read, and is a fault like any other.
    names = {path.relative_to(root).as_posix(): path for root in (SHIPPED, overlay) if root for path in sorted(root.rglob("*.toml"))}
    for name, path in sorted(names.items()):
        body = path.read_bytes() if path.is_file() else NO_FILE
        if name == CALENDAR and path.parent != SHIPPED:
            body = (SHIPPED / CALENDAR).read_bytes() + EXTENSION.encode() + body
        yield storable(name), body


def parsed(name: str, body: bytes) -> Document:
    """Read one file (of the calendar one part); raises ConfigurationError with everything that is wrong with it."""
    try:
        return typed(name, body)
    except WrongFileError as error:
        raise ConfigurationError(f"catalogue file {error}") from None


@lru_cache(maxsize=128)
def typed(name: str, body: bytes) -> Document:
    """Read one file as `parsed` does; raises WrongFileError with the faults one by one."""
    model = CommodityFile if name.startswith(COMMODITIES) else FILES.get(name)
    if model is None:
        hint = near(name, (*FILES, "commodities/xx.toml"))
        raise WrongFileError([Fault(name, 1, "", f"the catalogue has no file of this name{hint}")])
    if body.endswith(NO_FILE):
        raise WrongFileError([Fault(name, 1, "", "this is no file, or a link to none")])
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise WrongFileError([Fault(name, body[: error.start].count(b"\n") + 1, "", "this is not text in UTF-8")]) from None
    return read(model, name, text)


def load(model: type[F], overlay: Path | None = None) -> F:
    """Read the file of a model, the operator's where there is one, else the shipped; raises ConfigurationError when it is wrong."""
    name = next(name for name, known in FILES.items() if known is model)
    file = next(root / name for root in (overlay, SHIPPED) if root and (root / name).is_file())
    found = parsed(name, file.read_bytes())
    assert isinstance(found, model)  # noqa: S101 - FILES says so
    return found


def commodity(name: str, body: bytes) -> CommodityFile:
    """Read the file of a commodity; raises ConfigurationError when it is wrong."""
    found = parsed(name, body)
    assert isinstance(found, CommodityFile)  # noqa: S101 - its folder says so
    return found


def commodity_files(overlay: Path | None) -> Iterator[tuple[str, bytes]]:
    """Give the files of the commodities alone."""
    return ((name, body) for name, body in catalog_files(overlay) if name.startswith(COMMODITIES))
