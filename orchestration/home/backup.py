"""Backups: a copy of what cannot be made again (payloads, fetch log, the operator's catalogue) and of the releases.

Lake and warehouse are not copied: `alumina rebuild` makes them from the archive. A copy is a folder of plain files. Every file is judged by
its content before it is believed, so a copy or a home that was cut off or has rotted is mended by doing the same again, and a whole file is
never replaced by a rotten one.
"""

import hashlib
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ingest.archive import PURGED, Archive, Attempt
from ingest.files import unfinished, write_atomic
from ingest.home import FormatError, format_of, is_note_whole, open_home, share
from ingest.journal import Fault
from ingest.notes import NoteError, adopt_note, is_whole, read_note, write_note
from ingest.settings import Settings
from ingest.storable import healed, storable
from orchestration.warehouse.load import begin_anew, write_lock
from serving.publish.served import last_served, point_serving_at
from serving.read import FILE_NAME
from serving.seal import MANIFEST, faults, protect, remove

MARK = "alumina-backup.json"
HOME_NOTE = "home.json"
_SMALL = ("held.json", HOME_NOTE, "outlook_model.json", "rejected.json", "status.json")
_PURGED = f"archive/{PURGED}"
# What a run writes anew.
_MADE_ANEW = "status.json"
# Each is older in a copy than in its home, and better than none: a hold, a release that was given up, a fit, and what was deleted for good.
_PUT_BACK = ("held.json", "outlook_model.json", "rejected.json", _PURGED)
_SHOWN = 5


class BackupError(Exception):
    """A copy cannot be made or put back; the message says why."""


@dataclass
class Copied:
    """How much was copied, how many payloads the copy's fetch log names, and which files are damaged on both sides."""

    files: int = 0
    payloads: int = 0
    lost: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    """What the home lacks and the copy has, by name, and keeps."""
    spared: list[str] = field(default_factory=list)
    """Notes that have rotted in the home and stay in the copy as they were."""
    kept: list[str] = field(default_factory=list)
    """Files of the catalogue that stood in the home already and say something else; they stay."""
    dropped: list[str] = field(default_factory=list)
    """Files of the catalogue that the copy had and the home has no more."""


def backup(settings: Settings, target: Path) -> Copied:
    """Copy a home into a folder, new or an earlier copy of it; what has rotted there is copied again.

    Raises BackupError where the folder is something else, another home's copy, or lies in the home, and where the copy is not complete: it then
    names what is missing.
    """
    folder = target.expanduser().resolve()
    if not settings.archive.is_dir():
        raise BackupError(f"there is no archive in {settings.root} to back up")
    _refuse_half_a_home(settings)
    if folder.is_relative_to(settings.root):
        raise BackupError(f"{folder} lies in the home itself")
    if folder.exists() and not (folder / MARK).is_file() and set(folder.iterdir()) - set(unfinished(folder)):
        raise BackupError(f"{folder} holds something that is no backup of ours; give an empty folder")
    with write_lock(settings, "backing up"):  # so that no release is retired meanwhile
        _refuse_anothers(settings, folder)
        _mark(folder, settings, complete=False)
        copied = _copy(settings.root, folder)
        _drop(settings, folder, copied)
        for path in unfinished(folder):
            path.unlink()
        os.sync()
        if copied.lost:
            raise BackupError(f"the copy in {folder} is not complete, nothing whole was found of {shortened(copied.lost)}")
        _mark(folder, settings, complete=True)
    return copied


def restore(settings: Settings, source: Path, *, partial: bool = False) -> Copied:
    """Put a copy back: into an empty home everything, into one with an archive what was lost or has rotted there.

    A home put back serves its release at once; until `alumina rebuild` it takes nothing in. Cut off anywhere, it goes on when run again.
    `partial` takes a copy that is not complete for what it is. Raises BackupError where there is no backup or it is not complete.
    """
    folder = source.expanduser().resolve()
    if folder.is_relative_to(settings.root):
        raise BackupError(f"{folder} lies in the home itself")
    _adopt(folder, partial=partial)
    share(settings)
    facts = _facts(folder, partial=partial)
    if not facts.get("complete") and not partial:
        raise BackupError(
            f"the backup in {folder} was cut off before it was complete: finish it with `alumina backup {folder}`, or take what is there with --partial"
        )
    theirs, rotten = Archive(folder / "archive"), _rotten(folder, facts)
    if _is_at_work(settings):
        note_put_back = _mend_note(settings, folder, rotten)
        open_home(settings)
        with write_lock(settings, "restoring"):
            copied = _mend(settings, folder)
        copied.files += note_put_back
        if copied.lost and not partial:
            raise BackupError(f"{copied.files} files were put back, but nothing whole was found of {shortened(copied.lost)}")
        return copied
    missing = _missing(folder, facts)
    if not partial and (wrong := [*map(str, theirs.faults()), *(f"{folder / name} has changed on disk" for name in rotten), *missing]):
        raise BackupError(f"the backup itself is not whole: {shortened(wrong)}; take what is whole with --partial")
    with write_lock(settings, "restoring"):
        write_note(settings.restoring, {"from": storable(str(folder))})
        begin_anew(settings)
        copied = _copy(folder, settings.root, rotten, partial=partial, is_home=True)
        copied.lost += missing
        os.sync()
        if copied.lost and not partial:
            raise BackupError(f"the home is not complete, nothing whole was found of {shortened(copied.lost)}")
        settings.restoring.unlink()
    return copied


def _is_at_work(settings: Settings) -> bool:
    """Tell whether a home holds anything that a restore must not replace; half a home does not."""
    archive = Archive(settings.archive)
    return not settings.restoring.exists() and (bool(archive.told()) or next((archive.root / "blobs").glob("*/*"), None) is not None)


def half_a_home(settings: Settings) -> str:
    """Say that a restore was cut off and how to finish it; empty where none was."""
    if not settings.restoring.exists():
        return ""
    try:
        folder = (read_note(settings.restoring, "") or {})["from"]
    except (NoteError, KeyError):
        folder = "FOLDER"
    return f"the home {settings.root} was put back in part only; finish it with `alumina restore {folder}`"


def _refuse_half_a_home(settings: Settings) -> None:
    if why := half_a_home(settings):
        raise BackupError(why)


def _drop(settings: Settings, folder: Path, copied: Copied) -> None:
    """Take out of a copy what the home has no more; what it can only have lost stays: the release that is served, and a whole `catalog/`.

    Where the link to that release is lost, too, the copy's tells; not while a rebuild is due, which may follow a purge.
    """
    served, there = _served(settings.root) or _served(folder), {path.name for path in settings.releases.glob("*")}
    if settings.rebuilding.exists():
        served = ""
    for path in sorted((folder / "releases").glob("*")):
        if path.name == served and served not in there:
            copied.left.append(f"releases/{served}")
        elif path.name not in there:
            remove(path)
    if served and served not in there and not copied.left:
        copied.lost.append(f"release {served}, which is served")
    of_the_home = {path.relative_to(settings.root) for path in _loose(settings.root)}
    for path in _loose(folder):
        name = path.relative_to(folder)
        is_of_catalog = name.parts[0] == settings.catalog_overlay.name
        if is_of_catalog and not settings.catalog_overlay.exists():
            copied.left.append(name.as_posix())
        elif name not in of_the_home:  # a hold that is over, a setting that was taken back
            path.unlink()
            copied.dropped += [name.as_posix()] if is_of_catalog else []


def _served(home: Path) -> str:
    """Name the release that readers of a home or a copy are led to, whether it is there or not; empty where they are led nowhere."""
    link = home / "serving"
    return link.readlink().name if link.is_symlink() else ""


def _refuse_anothers(settings: Settings, folder: Path) -> None:
    """Refuse a copy whose fetch log says more than the home's: it is of another home, or this one has lost lines since, and none may be lost there, too.

    Where the home's own log is damaged it is not copied, and one row in common shows that the copy is its own.
    """
    archive = Archive(settings.archive)
    ours, theirs = set(archive.told()), set(Archive(folder / "archive").told())
    is_own = theirs <= ours or (next(archive.log.faults(), None) is not None and not theirs.isdisjoint(ours))
    if not is_own:
        raise BackupError(
            f"{folder} has {len(theirs - ours):,} lines of a fetch log that {settings.root} does not have: it is a backup of another home, or this home has lost them; "
            f"give another folder, or put them back with `alumina restore {folder}`"
        )


def _mark(folder: Path, settings: Settings, *, complete: bool) -> None:
    facts: dict[str, object] = {"home": storable(str(settings.root)), "complete": complete}
    if complete:
        facts["lines"] = len(Archive(folder / "archive").told())
        facts["releases"] = sorted(storable(path.name) for path in (folder / "releases").glob("*"))
        facts["serving"] = _served(folder)
        # What a person wrote has no hash of its own.
        facts["files"] = {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in _named(folder).items()}
    write_note(folder / MARK, facts)


def _loose(home: Path) -> list[Path]:
    """List the files of a home or a copy that lie by themselves: the operator's catalogue and the notes.

    A run reads a linked file of the catalogue (people keep theirs in a repository of their own), so its content belongs to a copy, too.
    """
    catalog = (path for path in sorted((home / "catalog").rglob("*")) if path.is_file())
    return [*catalog, *(home / name for name in _SMALL if (home / name).is_file())]


def _named(home: Path) -> dict[str, Path]:
    """Give these files by name, as a note can hold it: people may give a file of the catalogue a name that is no UTF-8."""
    return {storable(path.relative_to(home).as_posix()): path for path in _loose(home)}


def _facts(folder: Path, *, partial: bool) -> dict[str, Any]:
    """Read what the last backup said of a folder. With `partial` nothing is known where that is lost or has rotted: the rest proves itself."""
    try:
        return read_note(folder / MARK, f"`alumina backup {folder}` writes it anew from a whole home, or take what is whole with --partial") or {}
    except NoteError as error:
        if partial:
            return {}
        raise BackupError(str(error)) from None


def _rotten(folder: Path, facts: Mapping[str, Any]) -> list[str]:
    """Name the files by themselves that are not as the backup left them; an older backup has no hashes of them, and nothing is known."""
    hashes = facts.get("files", {})
    if not isinstance(hashes, dict):
        raise BackupError(f"{folder / MARK} has changed on disk; `alumina backup {folder}` writes it anew")
    there = _named(folder)
    return [name for name, sha in hashes.items() if name not in there or _read(there[name], sha) is None]


def _missing(folder: Path, facts: Mapping[str, Any]) -> list[str]:
    """Name what the backup left there and is gone as a whole; an older backup does not say, and nothing is known."""
    releases, serving, lines = facts.get("releases", []), facts.get("serving", ""), facts.get("lines", 0)
    if not (isinstance(releases, list) and all(isinstance(name, str) for name in releases) and isinstance(serving, str) and isinstance(lines, int)):
        raise BackupError(f"{folder / MARK} has changed on disk; `alumina backup {folder}` writes it anew")
    there = {storable(path.name) for path in (folder / "releases").glob("*")}
    gone = [f"release {name}" for name in releases if name not in there]
    gone += ["serving, which led to the release people read"] if serving and not _served(folder) else []
    archive = Archive(folder / "archive")
    left = lines - len(archive.told()) if next(archive.log.faults(), None) is None else 0  # a damaged log is named by its lines
    return gone + ([f"{left:,} of {lines:,} lines of the fetch log"] if left > 0 else [])


def _adopt(folder: Path, *, partial: bool) -> None:
    """Bring an older backup to the present format, else it could not be read. Its mark said only where it came from, and came last of all.

    Where the note of the format has rotted in it, `partial` goes on: a backup with hashes is no older one, and the home makes that note again.
    """
    mark = folder / MARK
    if not mark.is_file() and not (partial and (folder / "archive").is_dir()):
        told = "; if it lost that file, take what is whole with --partial" if (folder / "archive").is_dir() else ""
        raise BackupError(f"{folder} is no backup: it has no {MARK}{told}")
    copy = Settings.model_construct(home=folder)  # a home may not lie under such a name as `disk #1`, a copy may: no tool but this opens it
    try:
        held = format_of(copy)
    except FormatError:
        if not _is_note_rotten(folder):
            raise
        if partial:
            return
        raise BackupError(
            f"{folder / HOME_NOTE} has changed on disk; `alumina backup {folder}` mends it from a whole home, or take what is whole with --partial"
        ) from None
    if held == 1:
        adopt_note(mark)
        facts = _facts(folder, partial=partial)
        if mark.is_file() and is_whole(mark):
            write_note(mark, {"complete": True} | facts)
    open_home(copy)


def _is_note_rotten(folder: Path) -> bool:
    return HOME_NOTE in _rotten(folder, _facts(folder, partial=True))


def _copy(home: Path, target: Path, rotten: Collection[str] = (), *, partial: bool = False, is_home: bool = False) -> Copied:
    """Copy what is not the same there, without what is known to be rotten; the link to the served release comes last.

    `partial` also takes the lines of a rotten fetch log that can be read, and the payloads they speak of. In a home (`is_home`) a file of the
    catalogue that is there already stays.
    """
    copied = Copied()
    # The fetch log before payloads: each attempt in the copy then has its payload, however long the archive goes on growing meanwhile.
    _fetch_log(home, target, copied, partial=partial)
    for sha in _spoken_of(target, copied) if not partial and not copied.lost else _spoken_of_or_there(home, target, copied):
        _payload(home, target, sha, copied)
    for path in sorted((home / "releases").glob("*")):
        # A folder of somebody is passed over, and a release that is just made.
        if not path.name.startswith(".") and ((path / MANIFEST).is_file() or (path / FILE_NAME).is_file()):
            _release(path, target / "releases" / path.name, copied)
    for name, path in _named(home).items():
        mine = target / path.relative_to(home)
        if is_home and name not in _SMALL and mine.is_file() and mine.read_bytes() != path.read_bytes():
            copied.kept.append(name)
        elif name not in rotten:
            (_note if name in _SMALL else _file)(path, mine, copied)
    copied.lost += rotten
    link = home / "serving"
    # Where a home lost its archive alone, people go on reading what it serves.
    if link.is_symlink() and not (is_home and (target / "serving" / FILE_NAME).is_file()):
        new = target / f".serving.{os.getpid()}"
        new.unlink(missing_ok=True)
        new.symlink_to(Path("releases") / link.readlink().name)  # also where it leads there by the whole path of this home
        new.replace(target / "serving")
    return copied


def _fetch_log(home: Path, target: Path, copied: Copied, *, partial: bool = False) -> None:
    """Copy the fetch log where it is whole; a copy that is whole is not replaced by one that is not."""
    source = Archive(home / "archive").log
    if wrong := list(source.faults()):
        copied.lost += map(str, wrong)
        if partial:
            Archive(target / "archive").salvage(Archive(home / "archive"))
        elif not Archive(target / "archive").told():  # better than nothing: --partial takes each line of it that can be read
            for path in source.files:
                _file(path, target / path.relative_to(home), copied)
        return
    for path in source.files:
        _file(path, target / path.relative_to(home), copied)
    for path in Archive(target / "archive").log.files:  # of another backup, whose restore was cut off
        if not (home / path.relative_to(target)).is_file():
            path.unlink()
    Archive(target / "archive").log.remember_length()
    if (home / _PURGED).is_file():
        _note(home / _PURGED, target / _PURGED, copied)
    for sha in Archive(target / "archive").purged():  # deleted for good is deleted in the copy, too
        (target / "archive" / "blobs" / sha[:2] / sha).unlink(missing_ok=True)


def _spoken_of(home: Path, copied: Copied) -> list[str]:
    shas = sorted(Archive(home / "archive").spoken_of()) if not copied.lost else []
    copied.payloads = len(shas)
    return shas


def _spoken_of_or_there(home: Path, target: Path, copied: Copied) -> list[str]:
    """Give what the fetch log speaks of and, where lines of it are lost, every payload there is: a lost line may have spoken of it."""
    shas = {attempt.payload_sha256 for attempt in _attempts(Archive(target / "archive")) if attempt.payload_sha256}
    shas -= Archive(target / "archive").purged().keys()
    if copied.lost:
        shas |= {path.name for path in (home / "archive" / "blobs").glob("*/*") if not path.name.startswith(".")}
    copied.payloads = len(shas)
    return sorted(shas)


def _attempts(archive: Archive) -> list[Attempt]:
    """Give the attempts of a fetch log that can be read, whether or not all can."""
    return [Attempt.from_json(healed(line)) for line in archive.log.left()]


def _payload(home: Path, target: Path, sha: str, copied: Copied) -> None:
    name = Path("archive") / "blobs" / sha[:2] / sha
    if _read(target / name, sha) is not None:
        return
    body = _read(home / name, sha)
    if body is None:
        copied.lost.append(f"payload {sha}")
        return
    write_atomic(target / name, body, durable=False)
    copied.files += 1


def _release(source: Path, target: Path, copied: Copied) -> None:
    if target.is_dir() and not faults(target):
        return
    if wrong := faults(source):
        copied.lost.append(wrong[0])
        return
    remove(target)
    for path in sorted(path for path in source.rglob("*") if path.is_file()):
        write_atomic(target / path.relative_to(source), path.read_bytes(), durable=False)
        copied.files += 1
    protect(target)


def _file(source: Path, target: Path, copied: Copied) -> None:
    body = source.read_bytes()
    if not target.is_file() or target.read_bytes() != body:
        write_atomic(target, body, durable=False)
        copied.files += 1


def _note(source: Path, target: Path, copied: Copied) -> None:
    """Copy a note that is whole. One that has rotted is not copied: a whole one stays, a rotten one goes and is missed."""
    if is_whole(source):
        _file(source, target, copied)
    elif target.is_file() and is_whole(target):
        copied.spared.append(source.name)
    else:
        target.unlink(missing_ok=True)
        copied.lost += [source.name] if source.name != _MADE_ANEW else []


def _mend_note(settings: Settings, folder: Path, rotten: Collection[str]) -> bool:
    """Put the note of a home back where it has rotted, since nothing opens the home without it; tell whether that was done."""
    ours, theirs = Archive(settings.archive), Archive(folder / "archive")
    if is_note_whole(settings) or not (folder / HOME_NOTE).is_file() or HOME_NOTE in rotten or set(ours.told()).isdisjoint(theirs.told()):
        return False
    _file(folder / HOME_NOTE, settings.root / HOME_NOTE, Copied())
    return True


def _mend(settings: Settings, folder: Path) -> Copied:
    """Put back into a home at work what has rotted or was lost there: payloads, log, notes, releases that are there, and the one that is served.

    Nothing else of it changes. What it lacks beside that may have been retired or taken out, so it is only named.
    """
    copied = Copied()
    ours, theirs = Archive(settings.archive), Archive(folder / "archive")
    if next(ours.log.faults(), None) or _has_lost_its_end(ours, theirs):
        _mend_receipts(ours, theirs, copied)
    notes = _mend_notes(settings, folder, copied)
    if not copied.lost and _PURGED not in notes:
        for sha in _spoken_of(settings.root, copied):
            _payload(folder, settings.root, sha, copied)
    copied.lost += notes
    served = {settings.releases / name} if (name := last_served(settings)) else set()
    for path in sorted({path for path in settings.releases.glob("*") if path.is_dir() and not path.name.startswith(".")} | served):
        if faults(path):
            _release(folder / "releases" / path.name, path, copied)
    if served and not settings.serving.is_symlink() and not faults(*served):
        point_serving_at(settings, name)
    kept = [*_loose(folder), *(path for path in sorted((folder / "releases").glob("*")) if not path.name.startswith("."))]
    names = (path.relative_to(folder) for path in kept)
    copied.left = [name.as_posix() for name in names if not (settings.root / name).exists()]
    return copied


def _mend_notes(settings: Settings, folder: Path, copied: Copied) -> list[str]:
    """Put notes back that have rotted, and the one of what was deleted for good where it is missing: a hold may be over, that never is.

    Gives the names of those of which the copy has nothing whole, or of which it is another home's.
    """
    is_own = not set(Archive(settings.archive).told()).isdisjoint(Archive(folder / "archive").told())
    lost = []
    for name in _PUT_BACK:
        mine, copy = settings.root / name, folder / name
        has_copy = is_own and copy.is_file() and is_whole(copy)
        if has_copy and (not is_whole(mine) or (name == _PURGED and not mine.is_file())):
            _file(copy, mine, copied)
        elif not is_whole(mine):
            lost.append(name)
    return lost


def _has_lost_its_end(ours: Archive, theirs: Archive) -> bool:
    """Tell whether a whole log goes on in the copy: its last lines were lost, or all of them, and so was the note of its length."""
    rows, more = ours.told(), theirs.told()
    if not rows and not next(theirs.log.faults(), None):  # it is this home's where a payload of it is here
        shas = (attempt.payload_sha256 or "" for attempt in theirs.came())
        return any((ours.root / "blobs" / sha[:2] / sha).is_file() for sha in shas)
    return 0 < len(rows) < len(more) and more[: len(rows)] == rows


def _mend_receipts(ours: Archive, theirs: Archive, copied: Copied) -> None:
    """Take the beginning of each file from the copy: a log only grows, so the copy holds the same lines up to the day it was made.

    Where that does not do, since the copy is damaged, too, each line is taken from the side on which it is whole. Nothing is taken where a line
    would still be damaged, or one of the home that can be read would be gone: the copy is another home's then.
    """
    wrong, why = next(theirs.log.faults(), None), ""
    with ours.log.held():
        before, known = {path: path.read_bytes() for path in ours.log.files}, set(ours.told())
        others = {ours.root / path.relative_to(theirs.root): path.read_bytes() for path in theirs.log.files}
        begun = before | {path: body + before.get(path, b"")[len(body) :] for path, body in others.items()}
        for mended in (begun, ours.log.merged(before, others)):
            trial = ours.log.of(mended)
            left, gone = next((line for line in trial if isinstance(line, Fault)), None), known - {line for line in trial if isinstance(line, bytes)}
            if not left and not gone:
                for path, body in mended.items():
                    if before.get(path) != body:
                        write_atomic(path, body)
                        copied.files += 1
                return
            told = f"{left}, which was written after the backup was made" if left else ""
            why = why or told or f"lines of {ours.log.folder}: {len(gone):,} that can be read stand in no backup"
    copied.lost.append(str(wrong) if wrong else why)


def _read(path: Path, sha: str) -> bytes | None:
    """Give a payload's bytes, None where they are missing or not what their name says."""
    try:
        body = path.read_bytes()
    except (OSError, ValueError):  # a name that no file can have
        return None
    return body if hashlib.sha256(body).hexdigest() == sha else None


def shortened(what: list[str]) -> str:
    """Name the first of many, and how many more there are."""
    return "; ".join(what[:_SHOWN]) + (f"; and {len(what) - _SHOWN} more" if len(what) > _SHOWN else "")
