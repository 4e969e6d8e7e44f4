"""What a command costs: processor seconds of it and all it starts, and the memory of its processes. Linux only, for it reads /proc.

Processor seconds hold on a busy machine, where seconds by the clock do not.
"""

import os
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

EVERY_S = 0.5
"""How often memory is looked at: the largest process is told by the system itself, all of them together are only as exact as this."""


@dataclass(frozen=True)
class Spent:
    """Processor seconds, megabytes of the largest process, and the most that all processes held at one moment, pages they share once."""

    cpu_s: float
    largest_mb: float
    together_mb: float


class CommandError(Exception):
    """A command that is measured did not end well; the message is the end of what it said."""


def spent(command: Sequence[str], environment: Mapping[str, str], folder: Path | None = None) -> Spent:
    """Run a command to its end and say what it cost; raises CommandError where it fails."""
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, env=os.environ | environment, cwd=folder, stdout=said, stderr=subprocess.STDOUT)
        watch = _Watch(process.pid)
        watch.start()
        _, status, usage = os.wait4(process.pid, 0)
        watch.stop()
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise CommandError(f"{' '.join(command)}\n{said.read().decode(errors='replace')[-3000:]}")
    return Spent(usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, watch.most_mb)


class _Watch(threading.Thread):
    def __init__(self, root: int) -> None:
        super().__init__(daemon=True)
        self.most_mb, self._root, self._done = 0.0, root, threading.Event()

    def run(self) -> None:
        while not self._done.wait(EVERY_S):
            self.most_mb = max(self.most_mb, sum(map(_held_mb, _tree(self._root))))

    def stop(self) -> None:
        self._done.set()
        self.join()


def _tree(root: int) -> list[int]:
    """Give a process and all below it."""
    found = [root]
    for pid in found:
        for children in Path(f"/proc/{pid}/task").glob("*/children"):
            found += map(int, _text(children).split())
    return found


def _held_mb(pid: int) -> float:
    lines = _text(Path(f"/proc/{pid}/smaps_rollup")).splitlines()
    return sum(int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:"))


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # it has ended since
        return ""
