"""Foreign files are read in a child process with limited memory, processor time and waiting time. It has no shell and writes no file.

This module holds what all such children share. What one reads and answers is in its own module (`sheet`, `paper`).
"""

import math
import resource
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

_ENVIRONMENT = {
    "LC_ALL": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
    "ARROW_IO_THREADS": "1",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "MALLOC_ARENA_MAX": "1",
}


def ask(command: Sequence[str], argument: str, body: bytes, wall_seconds: float) -> subprocess.CompletedProcess[bytes]:
    """Give the child a file on standard input and wait for its answer. Raises subprocess.TimeoutExpired when it takes too long."""
    return subprocess.run([*command, argument], input=body, capture_output=True, timeout=wall_seconds, check=False, cwd="/", env=_ENVIRONMENT)


def take_on(memory_bytes: int, cpu_seconds: int) -> None:
    """Limit this process to this much memory and time beyond what it has used already, and forbid it to write files."""
    started = math.ceil(time.process_time())
    for kind, most in (
        (resource.RLIMIT_AS, _address_space() + memory_bytes),
        (resource.RLIMIT_CPU, started + cpu_seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))


def ended(done: subprocess.CompletedProcess[bytes]) -> str:
    """Say how a child without an answer ended."""
    return f"signal {-done.returncode}" if done.returncode < 0 else f"exit code {done.returncode}"


def _address_space() -> int:
    """Bytes of address space this process holds; where the system does not say, what the reader holds on Linux (measured: 1.1 GB, assumed)."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except OSError:
        return 2**30
