"""Whether a cluster can still work, a metastore that another program has open, what Java says between answers. Needs no Java: the processes are others."""

import subprocess
import sys
from pathlib import Path

import pytest

from orchestration.spark import engine
from orchestration.spark.cluster import Cluster, Process
from orchestration.spark.engine import SparkError, refuse_open_metastore

HOLD = """
import fcntl, sys
with open(sys.argv[1], "r+b") as file:
    fcntl.lockf(file, fcntl.LOCK_EX)
    print("held", flush=True)
    sys.stdin.read()
"""


def alive(role: str, pid: int) -> Process:
    return Process(role, pid, int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]))


def test_a_cluster_works_with_its_master_and_any_worker() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        master, one, two = (alive(role, other.pid) for role in ("master", "worker1", "worker2"))
        gone = Process("worker2", other.pid, one.started + 1)  # the number was given to another program
        assert Cluster("", "", (master, one, two)).has_workers()
        assert Cluster("", "", (master, one, gone)).has_workers()
        assert not Cluster("", "", (master, gone)).has_workers()
        assert not Cluster("", "", (one, two)).has_workers()
        assert other.stdin is not None
        other.stdin.write(b"\n")
    assert not Cluster("", "", (master, one, two)).has_workers()


def test_a_metastore_that_another_program_has_open_is_told_in_one_sentence(tmp_path: Path) -> None:
    refuse_open_metastore(tmp_path)  # there is none
    lock = tmp_path / "metastore" / "dbex.lck"
    lock.parent.mkdir()
    lock.touch()
    with subprocess.Popen([sys.executable, "-c", HOLD, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None and other.stdout.readline() == b"held\n"
        with pytest.raises(SparkError) as refused:
            refuse_open_metastore(tmp_path)
        assert str(refused.value) == f"the metastore in {tmp_path} is open in another program; let that end, or build in another folder"
        assert other.stdin is not None
        other.stdin.close()
        other.wait()
    refuse_open_metastore(tmp_path)


TALKS = """#!/bin/sh
echo '[13.104s][warning][gc] Java writes to stdout'
echo '{"name": "a", "error": null}' >> "$2"
echo '{"name": "b", "error": "no such table"}' >> "$2"
exit ENDS
"""


def test_what_java_says_to_stdout_is_no_answer_and_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program, folder = tmp_path / "bin" / "python", tmp_path / "folder"
    program.parent.mkdir()
    folder.mkdir()
    monkeypatch.setattr(engine, "HOUSE", tmp_path)
    job = {"settings": {}, "queries": [{"name": "a"}, {"name": "b"}, {"name": "c"}]}
    for ends in ("0", "1"):
        program.write_text(TALKS.replace("ENDS", ends))
        program.chmod(0o755)
        if ends == "0":
            assert engine.run(job, folder) == {"a": None, "b": "no such table"}
        else:
            with pytest.raises(SparkError, match=r"after 2 of 3 queries; its words are in .*driver\.log"):
                engine.run(job, folder)
        assert (folder / "driver.log").read_text() == "[13.104s][warning][gc] Java writes to stdout\n"
