"""A home holds the sample or real data, never both, and a number that says which format it has.

Whoever changes the layout of a home raises FORMAT and adds a migration step. A home of a newer format than this
code knows is refused before anything is written.
"""

import json
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from filelock import FileLock

from ingest.archive import Archive
from ingest.files import write_atomic
from ingest.inbox import Inbox
from ingest.journal import sealed, unsealed
from ingest.lake import Lake, LakeError
from ingest.notes import adopt_note
from ingest.settings import Settings
from ingest.source import DataOrigin, HomeError


class FormatError(HomeError):
    """The home has a format this code does not know."""


class MixedHomeError(HomeError):
    """A run would have mixed sample and real data in one home."""


def _chain_the_journals(settings: Settings) -> None:
    """Format 1 had no hash chain in fetch log and manifest, and no hash in its notes."""
    Archive(settings.archive).adopt()
    with suppress(LakeError):  # readers of a damaged manifest are told to rebuild from the archive, which needs no manifest
        Lake(settings.lake).adopt()
    for path in (settings.status, settings.rebuilding, *settings.releases.glob("*/manifest.json")):
        adopt_note(path)
    adopt_note(settings.rejected, "rejected")


# Step N takes a home from format N + 1 to N + 2. Each step can be interrupted anywhere and repeated.
_STEPS: tuple[Callable[[Settings], None], ...] = (_chain_the_journals,)
FORMAT = len(_STEPS) + 1


def open_home(settings: Settings) -> None:
    """Bring a home to the present format; a new home stays untouched. Call it before reading or writing archive or lake.

    Raises FormatError for a home of a newer format, or one whose note of it cannot be read, with nothing written.
    """
    share(settings)
    if format_of(settings) == FORMAT:
        return
    with FileLock(settings.root / "home.lock"):
        for step in _STEPS[format_of(settings) - 1 :]:
            step(settings)
        _write(settings, _note(settings) | {"format": FORMAT})


def share(settings: Settings) -> None:
    """Let all of a group write a home whose folder the group may write (`chmod g+rwxs`): this process makes files that keep to the folder's mode."""
    try:
        mode = settings.root.stat().st_mode
    except OSError:
        return  # a new home, or one this user may not even see; whoever needs it says so
    if mode & stat.S_IWGRP:
        os.umask(0o002 if mode & stat.S_IROTH else 0o007)


def origin_of(settings: Settings) -> DataOrigin | None:
    """Give the origin of the home's first data; None for a new home. Raises FormatError where its note cannot be read.

    Where the note is lost the fetch log says it: a home of real data must not become the sample's because of one small file.
    """
    held = _note(settings).get("data_origin")
    if held is not None:
        return DataOrigin(held)
    labels = (attempt.data_origin for attempt in Archive(settings.archive).came())
    return next((label for label in labels if label is not DataOrigin.CONFIG), None)


def source_of(settings: Settings) -> DataOrigin:
    """Give the source of a run that names none.

    A new home takes the sample, unless people put something into its inbox: then files. Later the home goes on with what it holds.
    """
    held = origin_of(settings)
    if held is not None:
        return held
    return DataOrigin.FILES if Inbox(settings.inbox).is_used() else DataOrigin.SAMPLE


def dedicate(settings: Settings, origin: DataOrigin) -> None:
    """Dedicate a new home to an origin; raises MixedHomeError when sample and real data would mix."""
    settings.root.mkdir(parents=True, exist_ok=True)
    with FileLock(settings.root / "home.lock"):  # of two first runs at once, one comes first
        held, note = origin_of(settings), _note(settings)
        if "data_origin" not in note:
            fresh = {"format": FORMAT, "data_origin": str(held or origin), "created_at": datetime.now(UTC).isoformat(timespec="seconds")}
            _write(settings, note | fresh)
    if held is not None and (held is DataOrigin.SAMPLE) != (origin is DataOrigin.SAMPLE):
        raise MixedHomeError(f"the home {settings.root} holds {held} data and cannot take {origin} data; set ALUMINA_HOME to another folder")


_MEND = "restore it from a backup (`alumina restore FOLDER`) or, where there is none, delete it: the fetch log says what the home holds"


def _write(settings: Settings, note: dict[str, Any]) -> None:
    write_atomic(settings.root / "home.json", sealed(json.dumps(note)))


def _note(settings: Settings) -> dict[str, Any]:
    """Read the note of the home. Raises FormatError where it was changed on disk, which format 1 cannot show."""
    path = settings.root / "home.json"
    if not path.is_file():
        return {}
    body = path.read_bytes()
    row = unsealed(body)
    try:
        note = json.loads(body if row is None else row)
    except (ValueError, RecursionError):
        note = None
    if not isinstance(note, dict) or not _is_note(note) or (row is None and note.keys() != {"data_origin", "created_at"}):
        raise FormatError(f"{path} has changed on disk; {_MEND}")
    return note


def _is_note(note: dict[str, Any]) -> bool:
    """Tell whether the facts of a note are such as this code writes; a note of format 1 has no hash that would say so."""
    held, origin = note.get("format", 1), note.get("data_origin", DataOrigin.FILES)
    return type(held) is int and held >= 1 and isinstance(origin, str) and origin in set(DataOrigin)


def is_note_whole(settings: Settings) -> bool:
    """Tell whether the note of the home can be read; a home without one has none that could have changed."""
    try:
        _note(settings)
    except FormatError:
        return False
    return True


def format_of(settings: Settings) -> int:
    """Give the format of what the home holds, that of this code for a new home; raises FormatError as `open_home` does."""
    note = _note(settings)
    # Format 1 had no number. A home without a note is new, or its first run was cut off before writing the note.
    is_new = not note and not settings.archive.exists() and not settings.lake.exists()
    held: int = note.get("format", FORMAT if is_new else 1)
    if held > FORMAT:
        raise FormatError(f"the home {settings.root} has format {held}, and this version knows formats up to {FORMAT}; use the newer version on it")
    return held
