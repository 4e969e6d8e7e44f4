"""Write files so that a reader sees a whole file or none, and a crash loses nothing that was reported as kept."""

import errno
import hashlib
import os
import re
import threading
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

# The names `write_atomic` writes under.
_TEMPORARY = re.compile(r"\..+\.\d+-\d{6,}\.tmp")  # a thread's number is long, a year is not
LONG_NAME = 200
"""Bytes of a name that leave room for more in the 255 that file systems take."""


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def is_free(lock: Path) -> bool:
    """Tell whether nobody holds a file lock; raises OSError where this user may not try it."""
    if not lock.exists():
        return True
    try:
        with FileLock(lock, timeout=0):
            return True
    except Timeout:
        return False


def listed(folder: Path) -> list[Path]:
    """Give what lies in a folder, in order; nothing where there is none. Raises OSError for a folder this user may not read: `glob` finds nothing there."""
    try:
        return sorted(folder.iterdir())
    except FileNotFoundError:
        return []


def make_folder(folder: Path, *, durable: bool = True) -> None:
    """Make a folder and its parents. With `durable`, the new names survive a power cut."""
    if folder.is_dir():
        return
    make_folder(folder.parent, durable=durable)
    folder.mkdir(exist_ok=True)
    if durable:
        sync_folder(folder.parent)


def write_atomic(path: Path, body: bytes, *, durable: bool = True) -> None:
    """Write `body` to `path` through a temporary name in the same folder; with `durable`, it survives power loss."""
    make_folder(path.parent, durable=durable)
    # A name of its own for each writer and file, that is not longer than the file's own where that has all the bytes a name may have.
    own = path.name if len(os.fsencode(path.name)) <= LONG_NAME else hashlib.sha256(os.fsencode(path.name)).hexdigest()
    temporary = path.with_name(f".{own}.{os.getpid()}-{threading.get_ident()}.tmp")
    try:
        with temporary.open("wb") as handle:
            handle.write(body)
            if durable:
                handle.flush()
                os.fsync(handle.fileno())
        temporary.replace(path)
    except BaseException as error:
        with suppress(OSError):  # the first error is the one to report
            temporary.unlink()
        if isinstance(error, OSError) and error.filename == str(temporary):
            error.filename = str(path)  # nobody knows the other name
        raise
    if durable:
        sync_folder(path.parent)


def unfinished(folder: Path) -> list[Path]:
    """Give the temporary files below a folder. Where nobody is writing, killed writers left them."""
    return [Path(place) / name for place, _, names in os.walk(folder) for name in names if _TEMPORARY.fullmatch(name)]


def append_lines(path: Path, lines: list[str]) -> None:
    """Append whole lines in one durable write. A line that an interrupted write left unfinished is ended first.

    Raises OSError for a pipe, and for a link into a folder that is not there, as for a folder: something of another kind lies in the way.
    """
    if not lines:
        return
    make_folder(path.parent)
    if path.exists() and not path.is_file():
        raise OSError(errno.EEXIST, "is no file", str(path))
    if not Path(os.path.realpath(path)).parent.is_dir():
        raise OSError(errno.ENOTDIR, "leads into a folder that is not there", str(path))
    with path.open("ab+") as handle:
        if handle.tell() > 0:
            handle.seek(-1, os.SEEK_END)
            if handle.read(1) != b"\n":
                handle.write(b"\n")
        handle.write("".join(f"{line}\n" for line in lines).encode())
        handle.flush()
        os.fsync(handle.fileno())
