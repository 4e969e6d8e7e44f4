"""`alumina inbox map`: the series of a file, the roles of the catalogue, and the entry that maps one to the other. Decides; the command prints."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ingest import reach
from ingest.catalog.configuration import Configuration
from ingest.catalog.documents import load
from ingest.catalog.roles import ROLES, suggested_region, suggested_role
from ingest.catalog.schemas import MappedSeries, RegionsFile
from ingest.reach import SeriesRead
from ingest.source import ConfigurationError
from orchestration.command.words import said


@dataclass(frozen=True)
class Choice:
    """What a person answered about a series; None where it is taken from its name."""

    role: str
    commodity: str = "AO"
    region: str | None = None
    model: str | None = None


def open_series(found: Sequence[SeriesRead], configuration: Configuration) -> list[SeriesRead]:
    """Give the series of a file that no mart reads."""
    return reach.unread(found, configuration.series)


def region_of(series: SeriesRead, configuration: Configuration) -> str:
    """Give the region in the name of a series."""
    regions = {code: names.zh for code, names in load(RegionsFile, configuration.overlay).regions.items()}
    return suggested_region(f"{series.region} {series.name}", regions)


def described(series: SeriesRead) -> str:
    """Say what a series is, with its newest figure."""
    key = "inbox.series_of_a_day" if series.first == series.last else "inbox.series"
    figures = {"rows": series.rows, "first": series.first, "last": series.last, "value": f"{series.value:,.10g}", "unit": series.unit}
    return said(key, provider=series.provider, id=series.series_id, name=series.name, **figures)


def roles() -> Iterator[str]:
    """List the roles, one a line."""
    for name, role in ROLES.items():
        yield f"  {name:<22}{role.zh}  {role.en}, {role.unit}"


def command_for(series: SeriesRead, file: str, configuration: Configuration) -> str:
    """Give the command that maps a series, with the role its name suggests."""
    role = suggested_role(series.name) or "ROLE"
    return f"alumina inbox map {_quoted(reach.no_option(file))} --series {_quoted(series.series_id)} --role {role} --region {region_of(series, configuration)}"


def _quoted(text: str) -> str:
    """Quote a text from outside for a shell: a command that shows it is there to be pasted, and no quote in it may end the quote."""
    return "'" + text.replace("'", "'\"'\"'") + "'"


def entry_of(series_id: str, provider: str | None, choice: Choice, found: Sequence[SeriesRead], configuration: Configuration) -> MappedSeries:
    """Make the entry of one series of a file; raises ConfigurationError where the file has no such series, or two."""
    meant = [one for one in found if one.series_id == series_id and provider in (None, one.provider)]
    if not meant:
        raise ConfigurationError(f"the file has no series {series_id}; it has {', '.join(one.series_id for one in found) or 'none'}")
    if len(meant) > 1:
        raise ConfigurationError(f"series {series_id} is of {' and '.join(one.provider for one in meant)}; say which with --provider")
    (series,) = meant
    if (role := ROLES.get(choice.role)) and role.unit != series.unit:
        fitting = ", ".join(name for name, one in ROLES.items() if one.unit == series.unit)
        raise ConfigurationError(
            f"series {series_id} is in {series.unit}, and the role {choice.role} is read in {role.unit}: every figure would be held; "
            + (f"roles in {series.unit}: {fitting}" if fitting else f"no role is read in {series.unit}")
        )
    return MappedSeries(
        commodity=choice.commodity,
        role=choice.role,
        provider=series.provider,
        series_id=series.series_id,
        region=choice.region or region_of(series, configuration),
        model_id=choice.model,
        source=f"{series.name}, mapped by alumina inbox map",
    )
