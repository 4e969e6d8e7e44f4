"""What `alumina ui` starts and stops: the code location, the guarded webserver, the daemon. All end together."""

import json
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from ingest.settings import REPOSITORY
from orchestration.instance.attribution import LOCATION, MODULE
from orchestration.ui.guard import LOOPBACK
from orchestration.warehouse.executable import end_with_parent

# A service that was told to end gets this long: the code location waits for a run at work.
PATIENCE_SECONDS = 60
LOOK_SECONDS = 0.2


class ServicesError(Exception):
    """The UI cannot be served, or one of its processes ended by itself; the message says which."""


def serve(environment: Mapping[str, str], port: int) -> None:
    """Serve the UI until SIGINT or SIGTERM; raises ServicesError when a process ends by itself."""
    if not _is_free(port):
        raise ServicesError(f"port {port} on {LOOPBACK} is taken, perhaps by a UI that is open already; choose another with --port")
    for wanted in (signal.SIGINT, signal.SIGTERM):  # a shell without job control starts what is in the background with SIGINT ignored
        signal.signal(wanted, _interrupt)
    # The socket is not in the home: its path may have 107 bytes, and is open to this user alone in a folder of its own.
    with tempfile.TemporaryDirectory(prefix="alumina-ui-") as folder, _Services(environment) as services:
        code, workspace = Path(folder) / "code.sock", Path(folder) / "workspace.yaml"
        workspace.write_text(json.dumps({"load_from": [{"grpc_server": {"socket": str(code), "host": "localhost", "location_name": LOCATION}}]}))
        try:
            services.start(
                "code location",
                *("-m", "dagster", "code-server", "start", "--module-name", MODULE, "--location-name", LOCATION),
                *("--socket", str(code), "--log-level", "warning"),
            )
            while not code.exists():  # its socket appears when the definitions are loaded; a webserver started before that shows an error
                services.look()
            services.start("webserver", "-m", "orchestration.ui.webserver", "--port", str(port), "--workspace", str(workspace))
            services.start("daemon", "-m", "dagster._daemon", "run", "--workspace", str(workspace), "--log-level", "warning")
            while True:
                services.look()
        except KeyboardInterrupt:
            return


class _Services:
    """Processes by name, which end with the block."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = dict(environment)
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> "_Services":
        return self

    def start(self, name: str, *arguments: str) -> None:
        """Start a Python process in the project's folder; it also ends when this one is killed."""
        command = [sys.executable, *arguments]
        self._running[name] = subprocess.Popen(command, env=self._environment, cwd=REPOSITORY, preexec_fn=end_with_parent)

    def look(self) -> None:
        """Wait a moment; raises ServicesError when a process has ended."""
        time.sleep(LOOK_SECONDS)
        for name, process in self._running.items():
            if process.poll() is not None:
                raise ServicesError(f"the {name} ended by itself (exit code {process.returncode}); what it said stands above")

    def __exit__(self, *_: object) -> None:
        with _uninterrupted():
            for process in self._running.values():
                process.terminate()
            end = time.monotonic() + PATIENCE_SECONDS
            for process in self._running.values():
                try:
                    process.wait(max(0.0, end - time.monotonic()))
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """A second Ctrl-C must not leave processes behind."""
    for wanted in (signal.SIGINT, signal.SIGTERM):
        signal.signal(wanted, signal.SIG_IGN)
    yield


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port that was just closed is free
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True
