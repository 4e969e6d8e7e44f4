"""The seal of a release: a manifest with the sha256 of every file and of itself, and files that nobody writes by accident.

This module seals, checks and removes a folder. What a release holds is decided in `publish/release.py`, which one is served in `publish/served.py`.
"""

import hashlib
import os
import shutil
from contextlib import suppress
from pathlib import Path

from ingest.files import sync_folder
from ingest.notes import NoteError, read_note, write_note
from ingest.source import HomeError

MANIFEST = "manifest.json"


class BrokenSealError(HomeError):
    """A release is not as it was published; the message names the file."""


def seal(folder: Path, release_id: str) -> None:
    """Write the manifest, make everything durable, and take away the right to write files and folders."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    hashes = {path.relative_to(folder).as_posix(): _sha256(path) for path in files}
    write_note(folder / MANIFEST, {"release_id": release_id, "files": hashes})
    for path in files:
        with path.open("rb") as handle:
            os.fsync(handle.fileno())
    for path in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
        sync_folder(path)
    protect(folder)


def protect(folder: Path) -> None:
    """Make the files of a release 0444 and its folders 0555: a client that opens the database for writing is refused by the system.

    In a home that its group may write, the group may delete from the folders. Otherwise only the user who published a release could retire it.
    """
    folders = 0o555 | folder.parent.stat().st_mode & 0o020
    for path in folder.rglob("*"):
        path.chmod(folders if path.is_dir() else 0o444)
    folder.chmod(folders)


def remove(folder: Path) -> None:
    """Delete a release, sealed or half-built; what cannot be deleted stays."""
    for path in (folder, *(path for path in folder.rglob("*") if path.is_dir() and not path.is_symlink())):
        with suppress(OSError):  # somebody else's of the group, who may delete from it as it is
            path.chmod(0o755)
    shutil.rmtree(folder, ignore_errors=True)


def faults(folder: Path) -> list[str]:
    """Name everything in a release that is not as it was published, one sentence each; reads every file."""
    try:
        hashes = _manifest(folder)
    except BrokenSealError as error:
        return [str(error)]
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {MANIFEST}
    wrong = [fault for name in hashes if (fault := _fault(folder, name, hashes[name]))]
    return wrong + [f"{folder.name}/{name} was not published with this release" for name in sorted(there - set(hashes))]


def sealed(folder: Path, name: str) -> Path:
    """Give the path of one file of a release after hashing it; raises BrokenSealError when it is not the file that was published."""
    hashes = _manifest(folder)
    if name not in hashes:
        raise BrokenSealError(f"{folder.name}/{MANIFEST} does not list {name}")
    if fault := _fault(folder, name, hashes[name]):
        raise BrokenSealError(fault)
    return folder / name


def _manifest(folder: Path) -> dict[str, str]:
    """Read the hashes a release was published with; raises BrokenSealError for a manifest that is not whole."""
    try:
        facts = read_note(folder / MANIFEST, "") or {}
        if facts["release_id"] == folder.name.removeprefix(".building-"):
            return dict(facts["files"])
    except (OSError, NoteError, KeyError):
        pass
    raise BrokenSealError(f"{folder.name}/{MANIFEST} is missing or has changed on disk")


def _fault(folder: Path, name: str, wanted: str) -> str:
    try:
        found = _sha256(folder / name)
    except OSError as error:
        return f"{folder.name}/{name} cannot be read: {error.strerror}"
    return "" if found == wanted else f"{folder.name}/{name} has changed on disk since it was published"


def _sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
