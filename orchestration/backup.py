"""A home's copy elsewhere: what nobody can make again (payloads and receipts, the operator's catalogue) and what readers are served.

Lake and warehouse are not copied: `alumina rebuild` makes them from the archive. A copy is a folder of plain files, and the next
backup into it copies only what is new, since payloads and releases never change.
"""

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ingest.archive import Archive, ArchiveError
from ingest.files import write_atomic
from ingest.home import open_home
from ingest.settings import Settings
from orchestration.warehouse import begin_anew, write_lock

MARK = "alumina-backup.json"
# Receipts before blobs: each receipt of the copy then has its payload, however long the archive goes on growing meanwhile.
_GROWING = ("archive/receipts", "archive/blobs", "releases")
_SMALL = ("catalog", "home.json", "rejected.json", "status.json")


class BackupError(Exception):
    """A copy cannot be made or put back; the message says why."""


@dataclass(frozen=True)
class Copied:
    """How much was copied and how many payloads of the copy were found whole."""

    files: int
    payloads: int


def backup(settings: Settings, target: Path) -> Copied:
    """Copy a home into a folder, new or an earlier copy, and hash what the copy holds.

    Raises BackupError where the folder is something else or lies in the home, ArchiveError where a payload is not what its name says.
    """
    folder = target.expanduser().resolve()
    if not settings.archive.is_dir():
        raise BackupError(f"there is no archive in {settings.root} to back up")
    if folder.is_relative_to(settings.root):
        raise BackupError(f"{folder} lies in the home itself")
    if folder.exists() and any(folder.iterdir()) and not (folder / MARK).is_file():
        raise BackupError(f"{folder} holds something that is no backup of ours; give an empty folder")
    with write_lock(settings, "backing up"):  # no release is retired meanwhile
        write_atomic(folder / MARK, json.dumps({"home": str(settings.root)}).encode())
        files = _copy(settings.root, folder)
        kept = {path.name for path in settings.releases.glob("*")}
        for path in (folder / "releases").glob("*"):
            if path.name not in kept:
                shutil.rmtree(path)
    os.sync()
    return Copied(files, Archive(folder / "archive").verify())


def restore(settings: Settings, source: Path) -> Copied:
    """Put back what is missing: into an empty home everything, into one with an archive the payloads that were lost or have rotted.

    A home put back serves its release at once; until `alumina rebuild` it takes nothing in. Raises BackupError where there is no
    backup, ArchiveError where a payload wanted from it is not whole.
    """
    folder = source.expanduser().resolve()
    if not (folder / MARK).is_file():
        raise BackupError(f"{folder} is no backup: it has no {MARK}")
    open_home(Settings(home=folder))  # an older backup is brought to the present format, else it could not be read
    open_home(settings)
    theirs, ours = Archive(folder / "archive"), Archive(settings.archive)
    if settings.archive.is_dir():
        lost = sorted(_lost(ours))
        for sha in lost:
            ours.put(theirs.get(sha))
        return Copied(len(lost), ours.verify())
    payloads = theirs.verify()
    with write_lock(settings, "restoring"):
        begin_anew(settings)
        files = _copy(folder, settings.root)
    os.sync()
    return Copied(files, payloads)


def _lost(archive: Archive) -> Iterator[str]:
    for sha in {receipt.payload_sha256 for receipt in archive.receipts() if receipt.payload_sha256}:
        try:
            archive.get(sha)
        except ArchiveError:
            yield sha


def _copy(home: Path, target: Path) -> int:
    """Copy files that are not there in the same size, and what may change under the same one; the link to the served release comes last."""
    copied = 0
    for name in (*_GROWING, *_SMALL):
        root = home / name
        for path in sorted(root.rglob("*")) if root.is_dir() else [root] if root.is_file() else []:
            there = target / path.relative_to(home)
            if path.is_symlink() or not path.is_file() or _is_unfinished(path.relative_to(home)):
                continue
            if name in _SMALL or not there.is_file() or there.stat().st_size != path.stat().st_size:
                write_atomic(there, path.read_bytes(), durable=False)
                copied += 1
    link = home / "serving"
    if link.is_symlink():
        new = target / f".serving.{os.getpid()}"
        new.unlink(missing_ok=True)
        new.symlink_to(link.readlink())
        new.replace(target / "serving")
    return copied


def _is_unfinished(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)
