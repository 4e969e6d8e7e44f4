"""Foreign files are read in a child process with limited memory, processor time and waiting time. It has no shell and writes no file.

This module holds what all such children share. What one reads and answers is in its own module (`parser`, `sheet`, `paper`).
"""

import math
import resource
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ENVIRONMENT = {
    "LC_ALL": "C.UTF-8",
    "OMP_NUM_THREADS": "1",
    "ARROW_IO_THREADS": "1",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "MALLOC_ARENA_MAX": "1",
    "POLARS_MAX_THREADS": "1",
}


def ask(command: Sequence[str], argument: str, body: bytes, wall_seconds: float) -> subprocess.CompletedProcess[bytes]:
    """Give the child a file on standard input and wait for its answer. Raises subprocess.TimeoutExpired when it takes too long."""
    with _own_memory():
        process = subprocess.Popen(
            [*command, argument], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/", env=ENVIRONMENT
        )
    with process:
        try:
            said, errors = process.communicate(body, timeout=wall_seconds)
        except BaseException:
            process.kill()
            raise
    return subprocess.CompletedProcess(process.args, process.returncode, said, errors)


@contextmanager
def _own_memory() -> Iterator[None]:
    """Let a child begin with the memory it needs itself, where this process is a limited one: it takes limits of its own."""
    held, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (held, most))


def take_on(memory_bytes: int, cpu_seconds: int) -> None:
    """Limit this process to this much memory and time beyond what it has used already, and forbid it to write files."""
    started = math.ceil(time.process_time())
    for kind, most in ((resource.RLIMIT_AS, address_space() + memory_bytes), (resource.RLIMIT_CPU, started + cpu_seconds)):
        resource.setrlimit(kind, (most, most))
    write_nothing()


def write_nothing() -> None:
    """Forbid this process to write files."""
    for kind in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE):
        resource.setrlimit(kind, (0, 0))


def ended(done: subprocess.CompletedProcess[bytes]) -> str:
    """Say how a child without an answer ended."""
    return ended_by(done.returncode)


def ended_by(returncode: int) -> str:
    """Say how a child ended, from the code it left."""
    return f"signal {-returncode}" if returncode < 0 else f"exit code {returncode}"


def address_space() -> int:
    """Bytes of address space this process holds; where the system does not say, what the reader holds on Linux (measured: 1.1 GB, assumed)."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    except OSError:
        return 2**30


def hold(address_space_bytes: int, cpu_seconds: float, wall_seconds: float) -> None:
    """Hold this process to so much memory, and end it by SIGPROF or SIGALRM when it takes longer from now on, until it is let go."""
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (address_space_bytes, most))
    signal.setitimer(signal.ITIMER_PROF, cpu_seconds)
    signal.setitimer(signal.ITIMER_REAL, wall_seconds)


def let_go() -> None:
    """Take back what `hold` said."""
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.setitimer(signal.ITIMER_PROF, 0)
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
