"""What the steps of a run print, kept for the UI by helpers of Dagster's that Ctrl-C does not reach.

Dagster starts four processes beside a run: two copy what it prints, two end those when the run is killed. Ctrl-C in a terminal reaches all of
them, and the latter two, being Python, each answered it with a traceback above the one sentence that says how the run ended.
"""

import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from dagster._core.storage.compute_log_manager import CapturedLogContext
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager
from dagster._serdes import ConfigurableClassData


class QuietComputeLogManager(LocalComputeLogManager):
    """Dagster's own logs of steps; the processes that keep them end with the run and not before it."""

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> "QuietComputeLogManager":
        """Make the manager of `dagster.yaml`; Dagster's own method would make its own class."""
        return cls(inst_data=inst_data, **config_value)

    @contextmanager
    def capture_logs(self, log_key: Sequence[str]) -> Iterator[CapturedLogContext]:
        """Keep what is printed in the block. What is started with SIGINT blocked never sees it; the run itself gets it a moment later."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            with super().capture_logs(log_key) as captured:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
                yield captured
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
