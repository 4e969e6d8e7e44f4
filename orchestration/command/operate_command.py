"""What the operator of a home does beside running it: switch its schedules, ask for years of history, tidy up. Thin, over the same functions the jobs of the UI call."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ingest.backfill import Progress, ends_at
from ingest.settings import Settings
from ingest.source import ACCEPTED, SHANGHAI, HomeError
from orchestration.command.terminal import Output, console

if TYPE_CHECKING:
    import dagster as dg

SAID_EVERY = 500
operate_app = typer.Typer(rich_markup_mode=None)
schedule_app = typer.Typer(help="What runs by itself: list it, switch it on or off.", rich_markup_mode=None)
operate_app.add_typer(schedule_app, name="schedule")
out = console(Output("stdout"))


@operate_app.command()
def upgrade(
    record: Annotated[Path | None, typer.Option(envvar="DAGSTER_HOME", help="Folder of Dagster's dagster.yaml; default the home's own.")] = None,
) -> None:
    """Bring the home and its record of runs to the format of this version, or say why not. Who starts services does this first; twice is as good as once."""
    from ingest.home import FORMAT, format_of, open_home

    settings = Settings()
    before = format_of(settings)
    open_home(settings)
    _say(f"home {settings.root}: format {FORMAT}" + (f", before {before}" if before != FORMAT else ""))
    if record is not None and record.resolve() != settings.dagster:
        import dagster as dg

        with dg.DagsterInstance.from_config(str(record)) as instance:
            instance.upgrade()
    else:
        with _record() as (_, instance):
            instance.upgrade()
    _say(f"record of runs {record or settings.dagster}: as this version wants it")


@operate_app.command()
def tidy() -> None:
    """Delete what retention.toml does not keep: old runs, their events and logs. Payloads, lake, releases and your own files stay."""
    from orchestration.home.tidy import tidy as delete

    with _record() as (settings, instance):
        _say(str(delete(settings, instance, datetime.now(UTC))))


class BackfillError(HomeError):
    """A backfill cannot begin, or did not come to its end; the message says why and how it goes on."""


@operate_app.command()
def backfill(
    years: Annotated[int, typer.Option("--years", min=1, max=30, help="How many years back from today.")] = 8,
) -> None:
    """Ask the exchanges for years of history, politely; ended at any time it goes on when called again. Publishes nothing: alumina run does."""
    from ingest.catalog.configuration import Configuration
    from orchestration.command.history import ask, first_pace

    settings = Settings()
    with _record() as (_, instance), out.status("looking at what is here already") as status:

        def tell(progress: Progress) -> None:
            end = ends_at(datetime.now(SHANGHAI), progress.seconds_left)
            status.update(f"{progress.month:%Y-%m}: {progress.answered:,} answered, {progress.left:,} left, {end}")
            if not progress.answered:
                pace = first_pace(Configuration(settings.catalog_overlay))
                _say(
                    f"{progress.left:,} requests, newest month first, {end} Shanghai at {pace.seconds_a_request:g} s each ({pace.label}: feeds.toml)"
                )
            elif progress.answered % SAID_EVERY == 0:
                _say(f"  {progress.month:%Y-%m}: {progress.answered:,} answered, {progress.left:,} left, {end} Shanghai")

        try:
            done = ask(settings, instance, years, tell)
        except KeyboardInterrupt:
            raise BackfillError("ended by hand; what came is kept, and alumina backfill goes on from here") from None
    _say(f"{done.report.count(*ACCEPTED):,} payloads came, {sum(done.report.rows.values()):,} rows")
    if done.left:
        why = f": {done.stopped}" if done.stopped else ""
        raise BackfillError(f"{done.left:,} payloads are left{why}; alumina backfill asks for them again, later")
    _say("all there is has been asked for; next: alumina run, then alumina fit")


class ScheduleError(HomeError):
    """There is no schedule or sensor of that name; the message lists those there are."""


NAMES = Annotated[list[str] | None, typer.Argument(help="Names; default all that start runs.")]


@schedule_app.callback(invoke_without_command=True)
def schedule_list(context: typer.Context) -> None:
    """Say what runs by itself, when, and whether it is on."""
    if context.invoked_subcommand:
        return
    from orchestration.assets.timetable import timetables
    from orchestration.instance.switches import states

    hours = {name: row.told for name, row in timetables().items()}
    with _record() as (_, instance):
        on = states(instance, _known())
    for one in _known():
        _say(f"  {'on ' if on[one.name] else 'off'}  {one.name:<12}{hours.get(one.name, 'by what happens')}")
    _say("times in Shanghai; they count while `alumina ui` or the daemon's service runs")


@schedule_app.command("on")
def schedule_on(names: NAMES = None) -> None:
    """Switch on what starts runs: from then on exchanges are asked regularly, while the daemon runs (`alumina ui`)."""
    _switch(names, on=True)


@schedule_app.command("off")
def schedule_off(names: NAMES = None) -> None:
    """Switch off what starts runs; what only tells people stays on."""
    _switch(names, on=False)


def _switch(names: list[str] | None, *, on: bool) -> None:
    from orchestration.instance.switches import switch

    known = {one.name: one for one in _known()}
    if unknown := sorted(set(names or ()) - known.keys()):
        raise ScheduleError(f"nothing of the name {unknown[0]} starts runs; there are {', '.join(known)}")
    with _record() as (_, instance):
        changed = switch(instance, [one for name, one in known.items() if not names or name in names], datetime.now(UTC), on=on)
    state = "on" if on else "off"
    _say(f"switched {state}: {', '.join(changed)}" if changed else f"already {state}")


def _known() -> list["dg.ScheduleDefinition | dg.SensorDefinition"]:
    from orchestration.automation.schedules import SCHEDULES
    from orchestration.automation.sensors import STARTING

    return [*SCHEDULES, *STARTING]


@contextmanager
def _record() -> Iterator[tuple[Settings, Any]]:
    """Open the home and its record of runs."""
    from ingest.home import open_home
    from orchestration.instance.environment import opened

    settings = Settings()
    open_home(settings)
    with opened(settings) as instance:
        yield settings, instance


def _say(text: str) -> None:
    out.print(text, soft_wrap=True, markup=False, highlight=False)
