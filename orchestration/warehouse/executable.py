"""`alumina-dbt`: dbt as Dagster starts it, twice a run. Imports nothing that takes time."""

import ctypes
import importlib.metadata
import os
import signal
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Stand in for `dbt`: answer `--version` from package metadata, hand everything else over.

    dagster-dbt asks for the version once per resource; dbt itself takes five seconds for the answer and asks the package
    registry for newer ones.
    """
    if sys.argv[1:] == ["--version"]:
        print(f"Core:\n  - installed: {importlib.metadata.version('dbt-core')}\n\nPlugins:\n  - duckdb: {importlib.metadata.version('dbt-duckdb')}")
        return
    end_with_parent()
    os.execv(Path(sys.executable).with_name("dbt"), ["dbt", *sys.argv[1:]])


def end_with_parent() -> None:
    """End this process when the one that started it is killed (Linux only).

    A run must not leave a dbt behind that goes on writing the warehouse after the lock is free.
    """
    if sys.platform == "linux":
        parent = os.getppid()
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died just before
            sys.exit(1)
