"""A standalone Spark cluster on this machine's loopback: one master, workers with one core each, started and stopped by process id.

For trying and measuring; a house that has a cluster names its address instead (`ALUMINA_SPARK_MASTER`). Who runs is noted in `cluster.json`
of the cluster's folder, each process with its start, so that a number the kernel gave to another program is never killed.
"""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import httpx

from ingest.notes import read_note, write_note
from orchestration.spark.engine import HOUSE, SparkError, quiet

NOTE = "cluster.json"
READY_SECONDS = 90


@dataclass(frozen=True)
class Process:
    """One program of the cluster: what it is, its process id, and when the kernel started it (clock ticks since boot)."""

    role: str
    pid: int
    started: int

    def is_alive(self) -> bool:
        """Tell whether this very process runs."""
        return _started(self.pid) == self.started


@dataclass(frozen=True)
class Cluster:
    """Where the master is reached, and the processes."""

    master: str
    status: str
    processes: tuple[Process, ...]

    def has_workers(self) -> bool:
        """Tell whether the master runs and any worker: Spark waits for ever for one that comes back."""
        alive = {process.role.rstrip("0123456789") for process in self.processes if process.is_alive()}
        return alive == {"master", "worker"}


def start(folder: Path, workers: int = 2, memory: str = "1g") -> Cluster:
    """Start a cluster and wait until every worker has reported to the master; raises SparkError, with nothing left running, where it does not come up."""
    if (known := running(folder)) is not None:
        raise SparkError(f"a cluster runs already at {known.master}; stop it first: python -m orchestration.spark stop")
    folder.mkdir(parents=True, exist_ok=True)
    port, page = _free_port(), _free_port()
    master, status = f"spark://127.0.0.1:{port}", f"http://127.0.0.1:{page}/json/"
    processes: list[Process] = []

    def launch(role: str, *arguments: str) -> None:
        environment = quiet() | {"SPARK_LOCAL_IP": "127.0.0.1", "SPARK_DAEMON_MEMORY": "256m", "SPARK_WORKER_DIR": str(folder / "work")}
        with (folder / f"{role}.log").open("ab") as log:
            command = [str(HOUSE / "bin" / "spark-class"), *arguments]
            child = subprocess.Popen(command, cwd=folder, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
        started = _started(child.pid)
        child.returncode = 0  # it is ended and collected by its id, be it by another program; Python would warn that it still runs
        processes.append(Process(role, child.pid, started or 0))
        write_note(folder / NOTE, asdict(Cluster(master, status, tuple(processes))), durable=False)

    try:
        launch("master", "org.apache.spark.deploy.master.Master", "--host", "127.0.0.1", "--port", str(port), "--webui-port", str(page))
        _until("the master", lambda: _alive_workers(status) is not None, processes)
        for number in range(1, workers + 1):
            launch(f"worker{number}", "org.apache.spark.deploy.worker.Worker", "--host", "127.0.0.1", "--cores", "1", "--memory", memory, master)
        _until(f"{workers} workers", lambda: _alive_workers(status) == workers, processes)
    except BaseException:
        stop(folder)
        raise
    return Cluster(master, status, tuple(processes))


def running(folder: Path) -> Cluster | None:
    """Give the cluster of a folder, None where none of its processes is left."""
    told = read_note(folder / NOTE, "python -m orchestration.spark start")
    if told is None:
        return None
    cluster = Cluster(told["master"], told["status"], tuple(Process(**row) for row in told["processes"]))
    return cluster if any(process.is_alive() for process in cluster.processes) else None


def stop(folder: Path) -> int:
    """End the processes of a folder's cluster, workers first, and give how many there were; a process that is none of ours is left alone."""
    cluster, ended = running(folder), 0
    for process in reversed(cluster.processes if cluster else ()):
        if process.is_alive():
            ended += 1
            _end(process)
    (folder / NOTE).unlink(missing_ok=True)
    return ended


@contextmanager
def started(folder: Path, workers: int = 2, memory: str = "1g") -> Iterator[Cluster]:
    """Have a cluster for a block of work."""
    cluster = start(folder, workers, memory)
    try:
        yield cluster
    finally:
        stop(folder)


def _end(process: Process) -> None:
    """Ask a process and the executors of its group to end; after ten seconds no longer ask."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        end = time.monotonic() + 10
        while process.is_alive() and time.monotonic() < end:
            with suppress(ChildProcessError):
                os.waitpid(process.pid, os.WNOHANG)
            time.sleep(0.1)
        if not process.is_alive():
            return


def _started(pid: int) -> int | None:
    """Give when a process was started; None where there is none, or where it has ended and waits to be collected."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else int(fields[19])


@cache
def _client() -> httpx.Client:
    """Give one client for all questions: each new one reads every certificate of the machine, 30 ms of processor time."""
    return httpx.Client(timeout=5, trust_env=False)


def _alive_workers(status: str) -> int | None:
    """Ask the master how many workers it has; None where it does not answer."""
    try:
        return int(_client().get(status).json()["aliveworkers"])
    except (httpx.HTTPError, KeyError, ValueError):
        return None


def _until(what: str, ready: Callable[[], bool], processes: list[Process]) -> None:
    end = time.monotonic() + READY_SECONDS
    while not ready():
        if dead := [process.role for process in processes if not process.is_alive()]:
            raise SparkError(f"{dead[0]} ended before {what} came up; its words are in {dead[0]}.log")
        if time.monotonic() > end:
            raise SparkError(f"{what} did not come up in {READY_SECONDS} seconds; the words are in master.log and worker1.log")
        time.sleep(0.3)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
