"""What was known at a past time: the same archive and the same models, built aside with a horizon. Never published.

`alumina run --as-of` and the job `as_of` are the same function.
"""

import os
import shutil
import subprocess
from datetime import datetime

from ingest.lake import Lake
from ingest.notes import write_note
from ingest.settings import Settings
from ingest.source import SHANGHAI
from orchestration.warehouse.dbt import PROJECT, build_command, environment, first_cause, recall_parse, remember_parse, write_staging
from orchestration.warehouse.load import half_a_lake, load_raw, write_lock


class AsOfError(Exception):
    """A past state cannot be built; the message says why."""


def moment(text: str) -> datetime:
    """Read a time as people write it, Asia/Shanghai unless it says otherwise; a day alone means its end. Raises ValueError in words."""
    try:
        found = datetime.fromisoformat(text.strip())
    except ValueError:
        raise ValueError(f'{text!r} is not a time; write it as "2025-07-22 15:05" (Asia/Shanghai)') from None
    if len(text.strip()) <= len("2025-07-22"):
        found = found.replace(hour=23, minute=59, second=59)
    return found if found.tzinfo else found.replace(tzinfo=SHANGHAI)


def build_as_of(settings: Settings, as_of: datetime) -> Settings:
    """Build all models as of a past time and give the settings whose warehouse holds them.

    Raises AsOfError when nothing has been taken in yet or a model does not build.
    """
    aside = settings.model_copy(update={"as_of": as_of.astimezone(SHANGHAI)})
    if why := half_a_lake(settings):
        raise AsOfError(why)
    if not any(Lake(settings.lake).batches()):
        raise AsOfError(f"nothing has been taken in yet in {settings.root}; run `alumina run` first")
    aside.workshop.mkdir(parents=True, exist_ok=True)
    with write_lock(aside, f"building as of {aside.as_of}"):
        aside.built.unlink(missing_ok=True)
        aside.warehouse.unlink(missing_ok=True)
        load_raw(aside)
        write_staging()
        recall_parse(aside.workshop / "dbt")
        done = subprocess.run(build_command(aside), cwd=PROJECT, env=os.environ | environment(aside), capture_output=True, text=True, check=False)
        remember_parse(aside.workshop / "dbt")
    log = aside.workshop / "dbt.log"
    log.write_text(done.stdout + done.stderr, encoding="utf-8")
    if done.returncode:
        errors = [line.strip() for line in done.stdout.splitlines() if "ERROR" in line or "FAIL " in line]
        raise AsOfError(f"the models did not build as of {as_of}: {first_cause(done.stdout) or next(iter(errors), 'see the log')}\n  details: {log}")
    write_note(aside.built, {"as_of": as_of.isoformat(), "at": datetime.now(SHANGHAI).isoformat(timespec="seconds")})
    _retire(aside)
    return aside


def _retire(aside: Settings) -> None:
    """Delete the oldest builds beyond those kept: each holds a warehouse of its own."""
    others = [path for path in aside.workshop.parent.iterdir() if path.is_dir() and path != aside.workshop]
    for path in sorted(others, key=lambda path: path.stat().st_mtime)[: -aside.as_of_kept + 1 or None]:
        shutil.rmtree(path, ignore_errors=True)
