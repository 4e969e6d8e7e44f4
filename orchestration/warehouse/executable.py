"""`alumina-dbt`: dbt as Dagster starts it, twice a run. Imports nothing that takes time, unless it is to be dbt."""

import ctypes
import importlib.metadata
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from ingest.garbage import collect_seldom

WAREHOUSE = "ALUMINA_WAREHOUSE"
_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Stand in for `dbt`: answer `--version` from package metadata, be dbt for everything else.

    dagster-dbt asks for the version once per resource; dbt itself takes five seconds for the answer and asks the package
    registry for newer ones.
    """
    if sys.argv[1:] == ["--version"]:
        print(f"Core:\n  - installed: {importlib.metadata.version('dbt-core')}\n\nPlugins:\n  - duckdb: {importlib.metadata.version('dbt-duckdb')}")
        return
    end_with_parent()
    os.environ.update(at_home(os.environ))
    collect_seldom()
    from dbt.cli.main import cli

    sys.argv[0] = "dbt"
    sys.exit(cli())


def at_home(environment: Mapping[str, str]) -> dict[str, str]:
    """Go to the folder of the warehouse and name the file alone; give the environment that says so.

    dbt reads a project anew when the path of the warehouse is not the one it was read with. So a new home, a moved one and a build as of a past
    time take over what was read before, in a tenth of the time.
    """
    warehouse = Path(environment.get(WAREHOUSE, ""))
    if not warehouse.is_absolute() or not warehouse.parent.is_dir():
        return dict(environment)
    os.chdir(warehouse.parent)
    return {**environment, WAREHOUSE: warehouse.name}


def end_with_parent() -> None:
    """End this process when the one that started it is killed (Linux only).

    A run must not leave a dbt behind that goes on writing the warehouse after the lock is free.
    """
    if sys.platform == "linux":
        parent = os.getppid()
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died just before
            sys.exit(1)
