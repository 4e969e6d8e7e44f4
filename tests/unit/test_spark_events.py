"""What Spark's event log says of a run: the work of each worker, what was spilled and held. Needs no Java: the log is made up."""

import json
from pathlib import Path
from typing import Any

import pytest

from orchestration.spark.events import Cost, cost

MB, NS = 2**20, 10**9


def task(executor: str, begun: int, ended: int, *, spilled: int = 0, held: int = 0) -> dict[str, Any]:
    return {
        "Event": "SparkListenerTaskEnd",
        "Task Info": {"Executor ID": executor, "Launch Time": begun, "Finish Time": ended},
        "Task Metrics": {
            "Executor CPU Time": (ended - begun) * NS // 2000,
            "JVM GC Time": 100,
            "Shuffle Write Metrics": {"Shuffle Bytes Written": 2 * MB},
            "Disk Bytes Spilled": spilled * MB,
            "Peak Execution Memory": held * MB,
        },
    }


def read(folder: Path, *events: dict[str, Any]) -> Cost:
    (folder / "app").write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")
    return cost(folder)


def test_the_work_of_each_worker_and_what_its_stages_moved(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        {"Event": "SparkListenerApplicationStart"},
        task("0", 10_000, 18_000, spilled=5, held=64),
        task("1", 12_000, 20_000, held=32),
        {"Event": "SparkListenerTaskEnd", "Task Info": {"Executor ID": "1"}},  # one that was lost with its worker has no metrics
        {"Event": "SparkListenerStageCompleted"},
        {"Event": "SparkListenerStageExecutorMetrics", "Executor ID": "driver", "Executor Metrics": {"ProcessTreeJVMRSSMemory": 900 * MB}},
        {"Event": "SparkListenerStageExecutorMetrics", "Executor ID": "1", "Executor Metrics": {"ProcessTreeJVMRSSMemory": 700 * MB}},
    )
    assert (found.span_s, found.stages, found.cpu_s) == (10.0, 1, 8.0)
    assert found.busy() == {"0": 0.8, "1": 0.8}
    assert (found.shuffled_mb, found.spilled_mb, found.task_mb) == (4.0, 5.0, 64.0)
    assert {name: (worker.tasks, worker.resident_mb) for name, worker in found.workers.items()} == {"0": (1, 0.0), "1": (1, 700.0)}
    assert found.collected_s == pytest.approx(0.2)


def test_a_run_without_a_task_took_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, {"Event": "SparkListenerApplicationEnd"}) == Cost()
