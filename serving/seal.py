"""The seal of a release: a manifest with the sha256 of every file and of itself, and files that nobody writes by accident.

Here a folder is sealed, judged and removed. Which release is served, and what is in one, is not decided here.
"""

import hashlib
import json
import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Any

from ingest.files import sync_folder, write_atomic

MANIFEST = "manifest.json"
_OWN_HASH = "manifest_sha256"
# Sealed before manifests had a hash of their own; such a release is judged by its files alone.
_UNSIGNED = {"release_id", "files"}


class BrokenSealError(Exception):
    """A release is not as it was published; the message names the file."""


def seal(folder: Path, release_id: str) -> None:
    """Write the manifest, make everything durable, and take away the right to write files and folders."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    body: dict[str, Any] = {"release_id": release_id, "files": {path.relative_to(folder).as_posix(): _sha256(path) for path in files}}
    write_atomic(folder / MANIFEST, json.dumps(body | {_OWN_HASH: _hash_of(body)}, indent=1).encode())
    for path in files:
        with path.open("rb") as handle:
            os.fsync(handle.fileno())
    for path in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
        sync_folder(path)
    protect(folder)


def protect(folder: Path) -> None:
    """Make the files of a release 0444 and its folders 0555: a client that opens the database for writing is refused by the system."""
    for path in folder.rglob("*"):
        path.chmod(0o555 if path.is_dir() else 0o444)
    folder.chmod(0o555)


def remove(folder: Path) -> None:
    """Delete a release, sealed or half-built; what cannot be deleted stays."""
    with suppress(OSError):
        for path in (folder, *(path for path in folder.rglob("*") if path.is_dir() and not path.is_symlink())):
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
    path = folder / MANIFEST
    try:
        body = json.loads(path.read_bytes())
        own = body.pop(_OWN_HASH, None)
        whole = own == _hash_of(body) if own is not None else set(body) == _UNSIGNED
        if whole and body["release_id"] == folder.name.removeprefix(".building-"):
            return dict(body["files"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
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


def _hash_of(body: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
