"""Readers of foreign files run as a child process of their own: limited memory, processor time and patience, no shell, nothing written.

Here is what every such child has in common; what it reads and how it answers is its module's (`sheet`, `paper`).
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
    """Give the child a file on standard input and wait for what it says; raises subprocess.TimeoutExpired when patience ends."""
    return subprocess.run([*command, argument], input=body, capture_output=True, timeout=wall_seconds, check=False, cwd="/", env=_ENVIRONMENT)


def take_on(memory_bytes: int, cpu_seconds: int) -> None:
    """Limit this process to so much beyond what it holds and has used already; it can write no file."""
    started = math.ceil(time.process_time())
    for kind, most in (
        (resource.RLIMIT_AS, _address_space() + memory_bytes),
        (resource.RLIMIT_CPU, started + cpu_seconds),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))


def ended(done: subprocess.CompletedProcess[bytes]) -> str:
    """Say how a child ended that gave no answer."""
    return f"signal {-done.returncode}" if done.returncode < 0 else f"exit code {done.returncode}"


def _address_space() -> int:
    """Bytes of address space this process holds; where the system does not say, what the reader holds on Linux (measured: 1.1 GB, assumed)."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except OSError:
        return 2**30
