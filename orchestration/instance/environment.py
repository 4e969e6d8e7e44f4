"""Dagster's instance of a home: its folder, its configuration, how it is opened, and the environment every process of ours runs in."""

import json
import os
import re
import shlex
import stat
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from ingest.files import write_atomic
from ingest.settings import Settings
from ingest.source import HomeError
from ingest.storable import storable

if TYPE_CHECKING:
    import dagster as dg

# Events Dagster gathers before it writes them; without it every partition of a range costs a transaction.
BATCH_SIZE = 1000
READERS = ("dagster_shared.serdes", "sqlalchemy.")
"""What reads the record. Neither has an error of its own for a line that has rotted, so where an error was raised tells."""
UNDECODABLE = "Could not decode"
"""How SQLite's error begins for text that has rotted; its other operational errors are those of the disk."""
WANTS = "it must be writable, with room; on a full disk `alumina releases prune --keep 3` makes some"
WHY_CHARACTERS = 200
"""What is shown of a tool's reason; assumed, a reason may quote the whole line."""
CONFIGURATION = Path(__file__).with_name("dagster.yaml")
IN_THE_HOME = re.compile(r"(?<=: )\$DAGSTER_HOME/(\S+)$", re.MULTILINE)


class InstanceError(HomeError):
    """The record of runs cannot be opened; the message says what to do."""


def prepare(settings: Settings) -> dict[str, str]:
    """Make the instance folder and give the environment that uses it; telemetry is off in all tools."""
    settings.dagster.mkdir(parents=True, exist_ok=True)
    target = settings.dagster / "dagster.yaml"
    # Quoted: a path may hold what YAML takes for a comment or a key.
    wanted = IN_THE_HOME.sub(
        lambda path: json.dumps(str(settings.dagster / path[1]), ensure_ascii=False), CONFIGURATION.read_text(encoding="utf-8")
    ).encode()
    if not target.is_file() or target.read_bytes() != wanted:
        write_atomic(target, wanted)
    return {
        "DAGSTER_HOME": str(settings.dagster),
        "ALUMINA_HOME": str(settings.root),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "DAGSTER_EVENT_BATCH_SIZE": str(BATCH_SIZE),
        "DO_NOT_TRACK": "1",
        "GX_ANALYTICS_ENABLED": "false",
    }


@contextmanager
def opened(settings: Settings) -> Iterator["dg.DagsterInstance"]:
    """Run this very process in the home's instance, and give it; its databases are there for every other process afterwards.

    Opening is exclusive: two processes that make one SQLite file of Dagster's stamp it with two versions, and nobody can open it any more.
    Raises InstanceError where that has happened, or a file has rotted, also where that shows only when a line of it is read.
    """
    os.environ.update(prepare(settings))
    # Here and not above: these take seconds to import, and Dagster reads its environment then.
    import dagster as dg

    import orchestration.instance.event_log  # noqa: F401  decides with which rights the files are made
    from orchestration.instance.switches import rotten

    try:
        with FileLock(settings.dagster / ".opening.lock"):
            instance = dg.DagsterInstance.get()
            _ = instance.run_storage, instance.event_log_storage, instance.schedule_storage  # made when first asked for
            _share(settings)
            if wrong := rotten(instance):
                raise _unreadable(settings, wrong)
    except Exception as error:
        if told := _told(settings, error):
            raise told from None
        raise
    with instance:
        try:
            yield instance
        except Exception as error:
            if told := _told(settings, error):
                raise told from None
            raise


def _share(settings: Settings) -> None:
    """Let the group of a home write what an older version left to this user alone: SQLite makes files of mode 0644 whatever the umask."""
    if settings.root.stat().st_mode & stat.S_IWGRP:
        for path in settings.dagster.rglob("*.db*"):
            with suppress(FileNotFoundError):  # a log that another process closes
                if (facts := path.stat()).st_uid == os.geteuid() and not facts.st_mode & stat.S_IWGRP:
                    path.chmod(stat.S_IMODE(facts.st_mode) | stat.S_IRGRP | stat.S_IWGRP)


def _told(settings: Settings, error: Exception) -> InstanceError | None:
    """Put an error of the record into a sentence; None for any other error."""
    from alembic.util import CommandError
    from sqlalchemy.exc import DatabaseError, OperationalError

    if not isinstance(error, CommandError | DatabaseError) and not _is_raised_in(error, READERS):
        return None
    if isinstance(error, OperationalError) and UNDECODABLE not in str(error.orig):
        return InstanceError(f"the record of runs in {settings.dagster} cannot be opened: {error.orig}; {WANTS}")
    return _unreadable(settings, storable(next(iter(str(error).splitlines()), ""), WHY_CHARACTERS))


def _unreadable(settings: Settings, why: str) -> InstanceError:
    aside = f"mv {shlex.quote(str(settings.dagster))} {shlex.quote(f'{settings.dagster}.broken')}"
    lost = "only that record and what `alumina schedule` switched are lost when it is moved aside"
    return InstanceError(f"the record of runs cannot be read ({why}); {lost}: {aside}")


def _is_raised_in(error: Exception, packages: tuple[str, ...]) -> bool:
    return any(frame.f_globals.get("__name__", "").startswith(packages) for frame, _ in traceback.walk_tb(error.__traceback__))
