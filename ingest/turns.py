"""The pace at which a host is asked, held by all processes of one home together: a file for each host says when its next turn is.

A process that is killed leaves a time that passes by itself. A file that is lost, has rotted, or was written before a clock ran back counts as none.
"""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from filelock import FileLock

from ingest.files import make_folder

_AHEAD_AT_MOST = 60.0
"""Seconds a next turn may lie ahead (assumed: 120 requests of other processes that wait); one beyond is none of ours."""


@dataclass(frozen=True)
class Turns:
    """The next turn of each host, in a folder of the home."""

    folder: Path

    def take(self, host: str, now: float, seconds_between: float) -> float:
        """Take the next turn of a host, and give the seconds until it comes. Raises OSError where the folder cannot be written."""
        make_folder(self.folder, durable=False)
        path = self.folder / quote(host, safe="")
        with FileLock(path.with_name(f"{path.name}.lock")):
            turn = max(now, self._next(path, now))
            path.write_text(f"{turn + seconds_between}\n")
        return turn - now

    def _next(self, path: Path, now: float) -> float:
        with suppress(OSError, ValueError):
            found = float(path.read_bytes())
            if now < found <= now + _AHEAD_AT_MOST:
                return found
        return now
