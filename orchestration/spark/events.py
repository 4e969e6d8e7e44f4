"""What a run on Spark cost, from Spark's own event log: the work of each worker, what was spilled, the memory held. Needs neither Spark nor Java."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SETTINGS = {
    "spark.eventLog.enabled": "true",
    "spark.eventLog.compress": "false",
    "spark.eventLog.rolling.enabled": "false",
    "spark.eventLog.logStageExecutorMetrics": "true",
    "spark.executor.processTreeMetrics.enabled": "true",
}
"""What a session is set to, beside `spark.eventLog.dir`, so that its log says all that is read here."""
_MS, _NS, _MB = 1e-3, 1e-9, 2**-20


@dataclass
class Worker:
    """One executor: its tasks, the seconds by the clock and of the processor they took, and the most memory its process held."""

    tasks: int = 0
    busy_s: float = 0.0
    cpu_s: float = 0.0
    resident_mb: float = 0.0


@dataclass
class Cost:
    """A whole run: from the first task's start to the last one's end, with what its stages exchanged and spilled."""

    span_s: float = 0.0
    workers: dict[str, Worker] = field(default_factory=dict)
    stages: int = 0
    shuffled_mb: float = 0.0
    spilled_mb: float = 0.0
    collected_s: float = 0.0
    """Seconds in which the executors' memory was being tidied."""
    task_mb: float = 0.0
    """The most that one task held for sorting and grouping."""

    @property
    def cpu_s(self) -> float:
        """Processor seconds of all tasks."""
        return sum(worker.cpu_s for worker in self.workers.values())

    def busy(self) -> dict[str, float]:
        """Give the share of the span in which each worker had a task."""
        return {name: worker.busy_s / self.span_s for name, worker in sorted(self.workers.items())}


def cost(folder: Path) -> Cost:
    """Read the one log in a folder."""
    (log,) = folder.iterdir()
    found, starts, ends = Cost(), list[int](), list[int]()
    for event in _events(log):
        kind = event["Event"]
        if kind == "SparkListenerTaskEnd" and (metrics := event.get("Task Metrics")):
            info = event["Task Info"]
            starts.append(info["Launch Time"])
            ends.append(info["Finish Time"])
            worker = found.workers.setdefault(info["Executor ID"], Worker())
            worker.tasks += 1
            worker.busy_s += (info["Finish Time"] - info["Launch Time"]) * _MS
            worker.cpu_s += metrics["Executor CPU Time"] * _NS
            found.collected_s += metrics["JVM GC Time"] * _MS
            found.shuffled_mb += metrics["Shuffle Write Metrics"]["Shuffle Bytes Written"] * _MB
            found.spilled_mb += metrics["Disk Bytes Spilled"] * _MB
            found.task_mb = max(found.task_mb, metrics["Peak Execution Memory"] * _MB)
        elif kind == "SparkListenerStageCompleted":
            found.stages += 1
        elif kind == "SparkListenerStageExecutorMetrics" and event["Executor ID"] in found.workers:
            worker = found.workers[event["Executor ID"]]
            worker.resident_mb = max(worker.resident_mb, event["Executor Metrics"].get("ProcessTreeJVMRSSMemory", 0) * _MB)
    found.span_s = (max(ends) - min(starts)) * _MS if ends else 0.0
    return found


def _events(log: Path) -> Iterator[Mapping[str, Any]]:
    with log.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)
