"""Which release readers get, and which ones a rollback can reach. What a release holds is decided where it is built (`release.py`).

`serving` is a relative link to the release that readers get. A rollback holds readers at the earlier release: a release built meanwhile
waits, complete and unread, until `let_go`. Release ids are a sequence; their order follows from the ids, not from a clock.
"""

import logging
import os
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ingest.files import listed as listed_in
from ingest.files import sync_folder
from ingest.notes import NoteError, read_note, write_note
from ingest.settings import Settings
from ingest.source import SHANGHAI, HomeError
from ingest.storable import storable_lines
from serving.read import FILE_NAME
from serving.seal import MANIFEST, faults, remove

logger = logging.getLogger(__name__)
_STAMP, _IS_ID = "%Y%m%dT%H%M%S%fZ", re.compile(r"\d{8}T\d{12}Z-")


class ReleaseError(HomeError):
    """There is no such release, or none to roll back to; the message says why."""


@dataclass(frozen=True)
class Held:
    """Readers are held at a release: since when, why, and which releases wait."""

    release_id: str
    since: str
    reason: str
    waiting: tuple[str, ...] = ()

    @property
    def when(self) -> str:
        """The time it began, in Shanghai."""
        return f"{datetime.fromisoformat(self.since).astimezone(SHANGHAI):%Y-%m-%d %H:%M}"

    def __str__(self) -> str:
        why = f" ({self.reason})" if self.reason else ""
        return f"people are held at {self.release_id} since {self.when} Asia/Shanghai{why}; alumina releases let-go serves the newest one"


@dataclass(frozen=True)
class Listed:
    """A release as `alumina releases` lists it."""

    release_id: str
    state: str
    """served, held, waiting, rejected or kept."""
    bytes: int


def point_serving_at(settings: Settings, release_id: str) -> None:
    """Swap the `serving` link to a release in one step; raises ReleaseError when there is no such release, or something else has the link's name."""
    if not (settings.releases / release_id / FILE_NAME).is_file():
        raise ReleaseError(f"there is no release {release_id} in {settings.releases} to serve; `alumina run` publishes one")
    if why := no_link(settings):
        raise ReleaseError(why)
    for left in settings.root.glob(".serving.*"):  # left by a process that died before the swap; the caller holds the write lock
        left.unlink(missing_ok=True)
    link = settings.root / f".serving.{os.getpid()}"
    link.symlink_to(Path("releases") / release_id)
    link.replace(settings.serving)
    try:
        sync_folder(settings.root)
    except OSError as error:  # readers see the swap; a power cut might undo it, which leaves the release before, whole
        logger.warning("serving %s, but that may not survive a power cut: %s", release_id, error)


def no_link(settings: Settings) -> str:
    """Say that something else than a link has the name `serving`; empty where nothing does. A copy of a home that follows links makes a folder of it."""
    if settings.serving.is_symlink() or not settings.serving.exists():
        return ""
    return f"{settings.serving} is no link to a release, as where a copy of the home followed its links; move it elsewhere: {_link_again(settings)}"


def link_lost(settings: Settings) -> str:
    """Say that readers get none of the releases there are, and the command that gives them one; empty where they get one, or nothing was ever served."""
    if why := no_link(settings):
        return why
    if (settings.serving / FILE_NAME).is_file():
        return ""
    if again := _link_again(settings):
        return f"{settings.serving} leads to no release, so people read none: {again}"
    last = last_served(settings)
    return f"no release is left, so people read none: alumina restore BACKUP puts {last} back, alumina run makes another" if last else ""


def _link_again(settings: Settings) -> str:
    there, known = {path.name for path in kept(settings)}, {*rejected(settings), *waiting(settings)}
    last = last_served(settings)
    serve = last if last in there else max(there - known, default="")
    return f"ln -sfn {shlex.quote(f'releases/{serve}')} {shlex.quote(str(settings.serving))}" if serve else ""


def rollback(settings: Settings, reason: str = "") -> str:
    """Point `serving` at the release before the current one, hold readers there, and give its id; raises ReleaseError when there is no intact one.

    The current one is rejected for good: neither a later rollback nor `let_go` serves it again.
    """
    current, gone = _current(settings), rejected(settings)
    if not current:
        raise ReleaseError(link_lost(settings) or f"nothing is published in {settings.root}, so there is no release to go back to")
    earlier = [path for path in kept(settings) if path.name < current and path.name not in gone]
    broken = {path.name: found[0] for path in earlier if (found := faults(path))}
    whole = [path.name for path in earlier if path.name not in broken]
    if not whole:
        rotten = f"; not whole: {'; '.join(broken.values())}" if broken else ""
        raise ReleaseError(f"there is no release before {current} to go back to{rotten}")
    _write_off(settings, "rejected", gone | {current})
    _hold(settings, whole[-1], reason)
    point_serving_at(settings, whole[-1])
    write_status(settings, whole[-1], "", "rolled_back", f"from {current}" + (f": {reason}" if reason else ""))
    return whole[-1]


def hold(settings: Settings, reason: str = "") -> str:
    """Hold readers at the current release, and give its id; raises ReleaseError when there is none, or it is not as it was published."""
    if not (current := _current(settings)):
        raise ReleaseError(link_lost(settings) or f"nothing is published in {settings.root}")
    if wrong := faults(settings.releases / current):
        raise ReleaseError(f"{wrong[0]}, so nobody is held there; `alumina restore FOLDER` mends it, or publish anew")
    _hold(settings, current, reason)
    return current


def let_go(settings: Settings) -> str:
    """Serve the newest intact release that waits, or the current one, and give its id; raises ReleaseError when readers are not held."""
    if (held := pinned(settings)) is None:
        raise ReleaseError("people are not held at a release, so there is nothing to let go")
    gone = rejected(settings)
    waits = [name for name in held.waiting if name not in gone and (settings.releases / name).is_dir() and not faults(settings.releases / name)]
    newest = max(waits, default=_current(settings) or held.release_id)
    point_serving_at(settings, newest)
    settings.held.unlink()
    sync_folder(settings.root)
    write_status(settings, newest, "", "published", f"let go from {held.release_id}")
    return newest


def pinned(settings: Settings) -> Held | None:
    """Give the release at which readers are held; None where the newest release is served."""
    note = read_note(settings.held, "delete it where the newest release is to be served, or roll back again")
    return None if note is None else Held(note["release_id"], note["since"], note["reason"], tuple(note["waiting"]))


def waiting(settings: Settings) -> tuple[str, ...]:
    """Name the releases that wait for `let_go`."""
    held = pinned(settings)
    return held.waiting if held else ()


def wait(settings: Settings, release_id: str) -> None:
    """Let a new release wait."""
    if held := pinned(settings):
        _write(settings, replace(held, waiting=(*held.waiting, release_id)))


def listed(settings: Settings) -> list[Listed]:
    """List the releases there are, newest first."""
    current, gone, held = _current(settings), rejected(settings), pinned(settings)

    def state(name: str) -> str:
        if name == current:
            return "held" if held else "served"
        if name in gone:
            return "rejected"
        return "waiting" if held and name in held.waiting else "kept"

    return [
        Listed(path.name, state(path.name), sum(file.stat().st_size for file in path.rglob("*") if file.is_file()))
        for path in reversed(kept(settings))
    ]


def found(settings: Settings, name: str) -> Path:
    """Give the folder of a release by its id or the beginning of it, or `served`; raises ReleaseError for none and for several."""
    wanted = _current(settings) if name == "served" else name
    fitting = [path for path in kept(settings) if wanted and path.name.startswith(wanted)]
    if len(fitting) != 1:
        raise ReleaseError(f"{len(fitting) or 'no'} releases begin with {name}; alumina releases lists them")
    return fitting[0]


def retire(settings: Settings, keep: int | None = None) -> list[str]:
    """Delete the oldest releases beyond those kept, and those that expired, and give their ids.

    Never the current one, nor the newest that waits. Rejected releases do not count towards the number kept.
    """
    number = settings.releases_kept if keep is None else keep
    current, gone, releases, waits = _current(settings), rejected(settings), kept(settings), waiting(settings)
    good = [path for path in releases if path.name not in gone]
    stay = {current, *waits[-1:], *({path.name for path in (*releases[-number:], *good[-number:])} - _written_off(settings, "expired"))}
    retired = [path for path in releases if path.name not in stay]
    for path in retired:
        remove(path)
    return [path.name for path in retired]


def kept(settings: Settings) -> list[Path]:
    """List the releases, oldest first; a folder without a manifest is none. Raises OSError where this user may not read them."""
    return [path for path in listed_in(settings.releases) if not path.name.startswith(".") and (path / MANIFEST).is_file()]


def stamp(settings: Settings, now: datetime) -> str:
    """Give the beginning of the next id: the time, or a moment after the newest release where the clock ran back."""
    taken = [datetime.strptime(path.name.partition("-")[0], _STAMP) for path in kept(settings) if _IS_ID.match(path.name)]
    after = max(taken, default=datetime.min).replace(tzinfo=UTC) + timedelta(microseconds=1)
    return f"{max(now, after):{_STAMP}}"


def never_served(settings: Settings) -> list[Path]:
    """List releases newer than the served one that were neither rejected nor wait. Ids only go up, so no reader has seen them.

    Where the link was lost the status says which was served; where that is lost, too, each may have been.
    """
    current, known = last_served(settings), {*rejected(settings), *waiting(settings)}
    return [path for path in kept(settings) if path.name > current and path.name not in known]


def rejected(settings: Settings) -> set[str]:
    """Name the releases that were rolled back from, and those that expired: nobody goes back to either."""
    return _written_off(settings, "rejected") | _written_off(settings, "expired")


def expire(settings: Settings) -> None:
    """Let every release there is expire: when another is served, they are deleted, whoever publishes it and whenever."""
    _write_off(settings, "expired", {path.name for path in kept(settings)})


def write_status(settings: Settings, release_id: str, run_id: str, outcome: str, reason: str) -> None:
    """Record how the last attempt to publish ended."""
    status = {
        "attempt": release_id,
        "run_id": run_id,
        "outcome": outcome,
        "reason": storable_lines(reason),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "serving": last_served(settings) or None,
    }
    write_note(settings.status, status)


def _written_off(settings: Settings, why: str) -> set[str]:
    return set((read_note(settings.rejected, "delete it and roll back again where that is wanted") or {}).get(why, ()))


def _write_off(settings: Settings, why: str, names: set[str]) -> None:
    there = {path.name for path in kept(settings)}
    known = {kind: _written_off(settings, kind) for kind in ("rejected", "expired")} | {why: names}
    write_note(settings.rejected, {kind: sorted(found & there) for kind, found in known.items() if found & there or kind == "rejected"})


def _current(settings: Settings) -> str:
    return settings.serving.resolve().name if settings.serving.is_symlink() else ""


def last_served(settings: Settings) -> str:
    """Name the release that readers get or, where the link was lost, got last; the newest where nobody knows, empty where none was ever served."""
    if current := _current(settings):
        return current
    try:
        status = read_note(settings.status, "")
    except NoteError:
        status = None
    return max((path.name for path in kept(settings)), default="") if status is None else str(status.get("serving") or "")


def _hold(settings: Settings, release_id: str, reason: str) -> None:
    since = datetime.now(UTC).isoformat(timespec="seconds")
    _write(settings, Held(release_id, since, storable_lines(reason), _known(waiting(settings), settings)))


def _known(names: Sequence[str], settings: Settings) -> tuple[str, ...]:
    there = {path.name for path in kept(settings)}
    return tuple(name for name in names if name in there)


def _write(settings: Settings, held: Held) -> None:
    facts = {"release_id": held.release_id, "since": held.since, "reason": held.reason, "waiting": list(held.waiting)}
    write_note(settings.held, facts)
