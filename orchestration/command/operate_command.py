"""Commands of the operator: schedules, years of history, tidying, upgrades. Thin, over the functions that the jobs of the UI call."""

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
from orchestration.command.words import said

if TYPE_CHECKING:
    import dagster as dg

    from orchestration.assets.timetable import Timetable

SAID_EVERY = 500
operate_app = typer.Typer(rich_markup_mode=None)
schedule_app = typer.Typer(help="What runs by itself: list it, switch it on or off.", rich_markup_mode=None)
operate_app.add_typer(schedule_app, name="schedule")
out = console(Output("stdout"))


@operate_app.command()
def upgrade(
    record: Annotated[Path | None, typer.Option(envvar="DAGSTER_HOME", help="Folder of Dagster's dagster.yaml; default the home's own.")] = None,
) -> None:
    """Bring the home and its record of runs to the format of this version, or say why not. Run it before services start; running it again does no harm."""
    from ingest.home import FORMAT, format_of, open_home

    settings = Settings()
    before = format_of(settings)
    open_home(settings)
    _say(said("home.format" if before == FORMAT else "home.format_raised", home=settings.root, format=FORMAT, before=before))
    if record is not None and record.resolve() != settings.dagster:
        import dagster as dg

        with dg.DagsterInstance.from_config(str(record)) as instance:
            instance.upgrade()
    else:
        with _record() as (_, instance):
            instance.upgrade()
    _say(said("home.record", record=record or settings.dagster))


@operate_app.command()
def tidy() -> None:
    """Delete what retention.toml does not keep: old runs, their events and logs. Payloads, lake, releases and your own files stay."""
    from orchestration.home.tidy import tidy as delete

    with _record() as (settings, instance):
        _say(str(delete(settings, instance, datetime.now(UTC))))


class BackfillError(HomeError):
    """A backfill cannot begin, or did not finish; the message says why and how to continue."""


@operate_app.command()
def backfill(
    years: Annotated[int, typer.Option("--years", min=1, max=30, help="How many years back from today.")] = 8,
) -> None:
    """Ask the exchanges for years of history at a polite pace. It may be ended at any time and continues when called again. Publishes nothing; use alumina run."""
    from ingest.catalog.configuration import Configuration
    from orchestration.command.history import ask, first_pace

    settings = Settings()
    with _record() as (_, instance), out.status(said("backfill.looking")) as status:

        def tell(progress: Progress) -> None:
            end = ends_at(datetime.now(SHANGHAI), progress.seconds_left)
            figures = {"month": f"{progress.month:%Y-%m}", "answered": f"{progress.answered:,}", "left": f"{progress.left:,}", "end": end}
            status.update(said("backfill.progress", **figures))
            if not progress.answered:
                pace = first_pace(Configuration(settings.catalog_overlay))
                _say(said("backfill.begin", seconds=f"{pace.seconds_a_request:g}", label=pace.label, **figures))
            elif progress.answered % SAID_EVERY == 0:
                _say(said("backfill.progress_line", **figures))

        try:
            done = ask(settings, instance, years, tell)
        except KeyboardInterrupt:
            raise BackfillError(said("refused.backfill_ended")) from None
    _say(said("backfill.came", payloads=f"{done.report.count(*ACCEPTED):,}", rows=f"{sum(done.report.rows.values()):,}"))
    if done.left:
        why = f": {done.stopped}" if done.stopped else ""
        raise BackfillError(said("refused.backfill_left", left=f"{done.left:,}", why=why))
    _say(said("backfill.done"))


class ScheduleError(HomeError):
    """There is no schedule or sensor of that name; the message lists those there are."""


NAMES = Annotated[list[str] | None, typer.Argument(help="Names; default: all that start runs.")]


@schedule_app.callback(invoke_without_command=True)
def schedule_list(context: typer.Context) -> None:
    """List the schedules and sensors, also those that only tell people, their times, and whether each is on."""
    if context.invoked_subcommand:
        return
    from orchestration.assets.timetable import timetables
    from orchestration.automation.sensors import SENSORS, STARTING
    from orchestration.instance.switches import states

    known = [*_known(), *(one for one in SENSORS if one not in STARTING)]
    hours = {name: _hours(row) for name, row in timetables().items()}
    with _record() as (_, instance):
        on = states(instance, known)
    for one in known:
        state = said("schedule.on" if on[one.name] else "schedule.off")
        _say(said("schedule.line", state=state, name=one.name, hours=hours.get(one.name, said("schedule.by_event"))))
    _say(said("schedule.zone"))


def _hours(row: "Timetable") -> str:
    first, last = (f"{minute // 60:02}:{minute % 60:02}" for minute in (row.ticks[0], row.ticks[-1]))
    begins = f"{said(f'schedule.{row.on}')} {first}"
    return said("schedule.again", first=begins, minutes=row.ticks[1] - row.ticks[0], last=last) if len(row.ticks) > 1 else begins


@schedule_app.command("on")
def schedule_on(names: NAMES = None) -> None:
    """Switch on schedules and sensors that start runs: the exchanges are then asked regularly while the daemon runs (`alumina ui`)."""
    _switch(names, on=True)


@schedule_app.command("off")
def schedule_off(names: NAMES = None) -> None:
    """Switch off schedules and sensors that start runs; those that only send alerts stay on."""
    _switch(names, on=False)


def _switch(names: list[str] | None, *, on: bool) -> None:
    from orchestration.instance.switches import switch

    known = {one.name: one for one in _known()}
    if unknown := sorted(set(names or ()) - known.keys()):
        raise ScheduleError(said("refused.no_schedule", name=unknown[0], known=", ".join(known)))
    with _record() as (_, instance):
        changed = switch(instance, [one for name, one in known.items() if not names or name in names], datetime.now(UTC), on=on)
    key = f"schedule.{'switched' if changed else 'already'}_{'on' if on else 'off'}"
    _say(said(key, names=", ".join(changed)))


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
