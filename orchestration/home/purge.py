"""Removing what came from one provider, when a licence ends: its payloads, and every release that could hold its figures.

What will go is said first (`plan`); lake and warehouse are made anew from what is left afterwards (`alumina rebuild`). The fetch log keeps that
the payloads came, and that they were purged.
"""

import hashlib
import json
import shutil
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from sqlalchemy.exc import OperationalError

from ingest import reach
from ingest.archive import Archive
from ingest.files import listed
from ingest.home import origin_of
from ingest.inbox import LINE_CHARACTERS, NOTE, REASON, REFUSED
from ingest.lake import Lake
from ingest.notes import NoteError, read_note
from ingest.settings import Settings
from ingest.source import DataOrigin, HomeError
from ingest.storable import storable
from ingest.vendor import provider_in, provider_of
from orchestration.instance import retention
from orchestration.instance.alerts import alert
from orchestration.instance.environment import opened
from orchestration.warehouse.load import begin_anew, write_lock
from serving.publish.served import expire, pinned


class PurgeError(HomeError):
    """Nothing can be purged; the message says why."""


@dataclass(frozen=True)
class Plan:
    """What a purge removes: payloads with their file names, rows by table, others whose figures stand in the same files, copies of the files with what was said of them, and builds as of a past time."""

    provider: str
    payloads: Mapping[str, str]
    rows: Mapping[str, int]
    others: Mapping[str, int]
    copies: tuple[Path, ...]
    builds: tuple[Path, ...]
    releases: int

    def lines(self) -> list[str]:
        """Say it, a line each."""
        rows = ", ".join(f"{count:,} of {table}" for table, count in self.rows.items())
        said = [
            f"{len(self.payloads)} payloads of {self.provider}: {_some(sorted(set(self.payloads.values())))}",
            f"their rows: {rows or 'none was taken'}",
            f"{len(self.copies)} copies of these files in the inbox's folders, and what lies beside them",
            f"all {len(self.builds)} builds as of a past time and the rows that broke checks, since each may hold its figures",
            f"all {self.releases} releases there are now, since each may hold its figures; one without them is published at the end",
            "not: backups made before (the next `alumina backup` into each removes them there), audits, exports, notes and copies people took",
        ]
        if self.others:
            told = ", ".join(f"{count:,} of {provider}" for provider, count in self.others.items())
            said.insert(2, f"with them, since they stand in the same files, rows of other providers: {told}; export these anew and drop them again")
        return said


def plan(settings: Settings, provider: str) -> Plan:
    """Say what purging a provider removes; changes nothing. Raises PurgeError where the home holds nothing of it or the sample, or people are held at a release."""
    if origin_of(settings) is DataOrigin.SAMPLE:
        raise PurgeError("this home holds the sample, which no licence binds; to be rid of it delete the home")
    if held_at := pinned(settings):
        raise PurgeError(f"releases can only be deleted when nobody is held at one: {held_at}")
    lake, archive = Lake(settings.lake), Archive(settings.archive)
    held = {table: reach.held(lake, table).select("payload_sha256", "provider") for table in reach.VENDOR_TABLES}
    known = sorted({str(name) for frame in held.values() for name in frame["provider"].unique()})
    typed, provider = provider, next((name for name in known if name.casefold() == provider.casefold()), provider_of(provider))
    shas = {sha for frame in held.values() for sha in frame.filter(pl.col("provider") == provider)["payload_sha256"]}
    shas = (shas | _refused_of(provider, lake, archive)) - archive.purged().keys()
    if not shas and _at_work(settings).get("provider") == provider:
        raise PurgeError(f"{provider} is being purged already; where that was cut off, alumina rebuild finishes it")
    if not shas:
        raise PurgeError(f"this home holds nothing of {typed!r}; there are {', '.join(known) or 'no vendor data'}")
    theirs = {table: found for table, frame in held.items() if (found := frame.filter(pl.col("payload_sha256").is_in(list(shas)))).height}
    rows = {table: count for table, frame in theirs.items() if (count := frame.filter(pl.col("provider") == provider).height)}
    others: dict[str, int] = {}
    for frame in theirs.values():
        for (name,), group in frame.filter(pl.col("provider") != provider).group_by("provider"):
            others[str(name)] = others.get(str(name), 0) + group.height
    names = {attempt.payload_sha256: attempt.request_name for attempt in archive.came() if attempt.payload_sha256 in shas}
    copies = tuple(_copies(settings, archive, shas))
    builds = tuple(sorted(path for path in (settings.root / "as_of").glob("*") if path.is_dir()))
    releases = sum(path.is_dir() and not path.name.startswith(".") for path in listed(settings.releases))
    return Plan(provider, {sha: names[sha] for sha in sorted(shas)}, rows, dict(sorted(others.items())), copies, builds, releases)


def _refused_of(provider: str, lake: Lake, archive: Archive) -> set[str]:
    """Find payloads of a provider whether or not a row of them was taken: by the name of the file, and by rows in quarantine that state the provider."""
    named = {attempt.payload_sha256 for attempt in archive.came() if attempt.payload_sha256 and provider_in(attempt.request_name) == provider}
    rows = reach.held(lake, "ingest__quarantine").select("payload_sha256", "row_json").iter_rows()
    return named | {sha for sha, row in rows if any(isinstance(value, str) and provider_of(value) == provider for value in json.loads(row).values())}


def purge(settings: Settings, asked: Plan, reason: str) -> None:
    """Delete what the plan says, and let the releases expire. Until `alumina rebuild` has ended the home takes nothing in; readers keep what they read till then."""
    with write_lock(settings, f"purging {asked.provider}"):
        begin_anew(settings, purging={"payloads": sorted(asked.payloads), "provider": asked.provider, "reason": storable(reason)})
        _delete(settings)


def finish(settings: Settings) -> bool:
    """Delete what a purge that was cut off left; where none was, nothing. Tells whether this rebuild makes up for a purge. It calls this before it reads the archive."""
    if _at_work(settings):
        with write_lock(settings, "finishing a purge"):
            _delete(settings)
        return True
    try:
        return bool((read_note(settings.rebuilding, "") or {}).get("purged"))
    except NoteError:
        return bool(Archive(settings.archive).purged())


def forget_runs(settings: Settings) -> None:
    """Forget what all runs but the newest logged: pictures of tables, rows that broke checks, what tools printed. The newest state of assets and checks stays."""
    with opened(settings) as instance:
        earlier = [run.run_id for run in retention.ended_runs(instance)[1:]]
        retention.forget_events(instance, settings, earlier)
        for run_id in earlier:
            (settings.root / "logs" / f"{run_id}.log").unlink(missing_ok=True)
        with suppress(OperationalError):  # somebody reads the record; what was deleted is overwritten in time
            retention.compact(instance)


def _at_work(settings: Settings) -> dict[str, Any]:
    try:
        return dict((read_note(settings.rebuilding, "") or {}).get("purging", {}))
    except NoteError:  # a rebuild writes it anew, and must not be stopped by it; what a purge was to delete stands in the archive, too
        left = Archive(settings.archive).condemned()
        provider, _, reason = next(iter(left.values()), "").partition(": ")
        return {"payloads": sorted(left), "provider": provider, "reason": reason} if left else {}


def _delete(settings: Settings) -> None:
    """Delete what the note of the purge names. Cut off anywhere, it is finished by doing it again."""
    asked, archive = _at_work(settings), Archive(settings.archive)
    shas, provider, reason = set(asked["payloads"]), asked["provider"], asked["reason"]
    archive.condemn(shas, f"{provider}: {reason}")
    expire(settings)
    for path in _copies(settings, archive, shas):
        for beside in _beside(settings, path):
            beside.unlink(missing_ok=True)
        path.unlink(missing_ok=True)
    for path in (settings.root / "as_of").glob("*"):
        shutil.rmtree(path, ignore_errors=True)
    for path in (settings.root / "failures").glob("*.jsonl"):
        path.unlink(missing_ok=True)
    archive.purge(shas, f"{provider}: {reason}")
    alert(settings, "purged", f"{len(shas)} payloads of {provider} were deleted for good: {reason}")


def _copies(settings: Settings, archive: Archive, shas: Collection[str]) -> list[Path]:
    """Find the dropped files that hold these payloads, by size and content: filed, waiting (the next run would bring them back), or in a folder."""
    sizes = {attempt.payload_bytes for attempt in archive.came() if attempt.payload_sha256 in shas}
    files = (path for path in sorted(settings.inbox.rglob("*")) if path.is_file() and not path.is_symlink())
    return [path for path in files if path.stat().st_size in sizes and hashlib.sha256(path.read_bytes()).hexdigest() in shas]


def _beside(settings: Settings, copy: Path) -> list[Path]:
    """Find what was said of a dropped file: rows that were refused, figures that do not count."""
    told = f"The file lies in {copy.relative_to(settings.inbox)}."
    reasons = (path for path in sorted((settings.inbox / REFUSED).glob(f"*{REASON}")) if path.is_file())
    about = [path for path in reasons if told in _beginning(path)]
    return [copy.with_name(f"{copy.name}{NOTE}"), copy.with_name(f"{copy.name}{REASON}"), *about]


def _beginning(reason: Path) -> list[str]:
    with reason.open(encoding="utf-8", errors="replace") as file:
        return [file.readline(LINE_CHARACTERS).rstrip("\n") for _ in range(2)]


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
