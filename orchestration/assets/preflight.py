"""The first step of `daily`: report everything that would stop the run later, once, before anything is requested or written.

It checks the run's options, the home, the calendar, the place of the link to the release, the disk and the current writer. `lake/catalog` judges the catalogue.
"""

import shutil

import dagster as dg

from ingest.settings import Settings
from ingest.source import HomeError
from orchestration.resources import Home, Intake
from orchestration.warehouse.load import holder, is_free
from serving.publish.served import no_link
from serving.read import FILE_NAME

PREFLIGHT = dg.AssetKey(["preflight"])


@dg.asset(
    key=PREFLIGHT,
    group_name="preflight",
    kinds={"python"},
    owners=["team:data-engineering"],
    tags={"layer": "preflight"},
    description="Judges what the run was told to take in, the home, the calendar, the disk and the lock, before anything is taken in.",
)
def preflight(context: dg.AssetExecutionContext, home: Home, intake: Intake) -> dg.MaterializeResult:
    """Fail with everything that would stop the run; name the current writer, since the run will wait for it."""
    if wrong := problems(home, intake):
        raise dg.Failure("; ".join(wrong), allow_retries=False)
    if is_free(home.settings) is False:
        context.log.warning(f"{holder(home.settings)}; loading and building wait for it")
    return dg.MaterializeResult(metadata={"source": str(intake.source), "free_gb": round(_free(home.settings) / 2**30, 1)})


def problems(home: Home, intake: Intake) -> list[str]:
    """Say what would stop a run, a sentence each; empty where nothing does."""
    found = []
    try:
        intake.origin(home)
    except (HomeError, ValueError) as error:
        found.append(str(error))
    if why := no_link(home.settings):
        found.append(why)
    free, needed = _free(home.settings), _needed(home.settings)
    if free < needed:
        found.append(
            f"{free / 2**20:,.0f} MB are free where the home lies, and a run writes about {needed / 2**20:,.0f} MB; "
            "make room (alumina releases prune --keep 3), or move ALUMINA_HOME to a larger disk"
        )
    return found


def _free(settings: Settings) -> int:
    return shutil.disk_usage(next(path for path in (settings.root, *settings.root.parents) if path.exists())).free


def _needed(settings: Settings) -> int:
    """Bytes the previous run wrote: a warehouse and a release; 0 before the first run."""
    written = (settings.warehouse, settings.serving / FILE_NAME)
    return sum(path.stat().st_size for path in written if path.is_file())
