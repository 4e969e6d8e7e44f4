"""Going back, holding and letting go, as the command line and the UI do it: under the write lock, with an alert for everybody."""

from ingest.home import open_home
from ingest.settings import Settings
from orchestration.instance.alerts import alert
from orchestration.warehouse.load import write_lock
from serving.publish import served


def go_back(settings: Settings, reason: str, run_id: str = "") -> str:
    """Serve the release before the current one and hold people there; gives its id. Raises ReleaseError or WarehouseBusyError."""
    open_home(settings)
    with write_lock(settings, "rolling back"):
        serving = served.rollback(settings, reason)
    alert(settings, "rolled_back", f"people read {serving} again and are held there{_because(reason)}", run_id=run_id)
    return serving


def hold(settings: Settings, reason: str, run_id: str = "") -> str:
    """Hold people at the release they read; gives its id. Raises ReleaseError or WarehouseBusyError."""
    open_home(settings)
    with write_lock(settings, "holding a release"):
        serving = served.hold(settings, reason)
    alert(settings, "held", f"people are held at {serving}{_because(reason)}", run_id=run_id)
    return serving


def let_go(settings: Settings, run_id: str = "") -> str:
    """Serve the newest release that waits; gives its id. Raises ReleaseError or WarehouseBusyError."""
    open_home(settings)
    with write_lock(settings, "letting a release go"):
        serving = served.let_go(settings)
    alert(settings, "let_go", f"people read {serving} and will read what is published next", run_id=run_id)
    return serving


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""
