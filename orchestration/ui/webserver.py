"""Dagster's webserver behind the guard: `python -m orchestration.ui.webserver --port 3000 --workspace workspace.yaml`.

Three names of Dagster's are not public: what serves a workspace, what reads its file, and what makes the application.
`tests/unit/test_ui_guard.py` holds them; without one of them this fails at the start, and never serves unguarded.
"""

import argparse

import dagster as dg
import uvicorn
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster_webserver.app import create_app_from_workspace_process_context

from ingest.settings import Settings
from orchestration.ui.guard import LOOPBACK, Guard, own_hosts

# As `dagster-webserver` has them: milliseconds a statement may take, seconds a connection is kept, connections beyond the pool
# (production, PostgreSQL), and milliseconds between two looks of the page for news.
STATEMENT_TIMEOUT_MS, POOL_RECYCLE_SECONDS, POOL_OVERFLOW, POLL_MS = 15_000, 3_600, 20, 2_000


def serve(workspace: str, port: int, *, read_only: bool = False) -> None:
    """Serve the UI of a workspace file on the loopback interface until told to end."""
    hosts = own_hosts(port) | set(Settings().proxy_hosts)
    with dg.DagsterInstance.get() as instance:
        instance.optimize_for_webserver(STATEMENT_TIMEOUT_MS, POOL_RECYCLE_SECONDS, POOL_OVERFLOW)
        target = WorkspaceFileTarget([workspace])
        with WorkspaceProcessContext(instance, target, version=dg.__version__, read_only=read_only) as context:
            app = create_app_from_workspace_process_context(context, live_data_poll_rate=POLL_MS)
            uvicorn.run(Guard(app, hosts), host=LOOPBACK, port=port, log_level="warning", proxy_headers=False, server_header=False)


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m orchestration.ui.webserver", description="Dagster's webserver behind the guard.")
    parser.add_argument("--port", type=int, default=3000)
    parser.add_argument("--workspace", required=True, help="workspace.yaml")
    parser.add_argument("--read-only", action="store_true", help="nothing can be started or changed")
    told = parser.parse_args()
    serve(told.workspace, told.port, read_only=told.read_only)


if __name__ == "__main__":
    main()
