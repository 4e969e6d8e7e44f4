"""What people must hear of: a line in `alerts.jsonl` of the home and, where one is set, a webhook.

The webhook's address is a secret: it reaches no log, message or receipt. It must be https, or on this machine.
"""

import ipaddress
import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
from filelock import FileLock

from ingest.failure import explain
from ingest.files import append_lines
from ingest.settings import Settings
from ingest.storable import storable_lines

TIMEOUT_SECONDS = 10.0


def alert(settings: Settings, kind: str, message: str, *, run_id: str = "", job: str = "") -> None:
    """Tell people once for each run and kind; a webhook that cannot be reached is noted in the file and never raises."""
    file = settings.root / "alerts.jsonl"
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(file.with_name(".alerts.lock")):  # command and sensor may tell of one run at once, and a webhook takes its time
        if run_id and file.is_file() and any((run_id, kind) == _about(line) for line in file.read_text(encoding="utf-8").splitlines()):
            return
        note = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "kind": kind, "job": job, "run_id": run_id, "message": storable_lines(message)}
        append_lines(file, [json.dumps(note | {"webhook": _post(settings, note)}, ensure_ascii=False)])


def last_failure(settings: Settings) -> dict[str, str] | None:
    """Give the newest note of a run that failed; None where none ever did."""
    file = settings.root / "alerts.jsonl"
    lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    return next((json.loads(line) for line in reversed(lines) if _about(line)[1] == "run_failed"), None)


def cause(event: Any) -> str:
    """Give the innermost sentence of the failure of a step, or of a run that failed before its first."""
    error = event.event_specific_data.error if event.event_specific_data else None
    while error is not None and error.cause is not None:
        error = error.cause
    return str(event.message) if error is None else explain(str(error.message))


def webhook_problem(address: str) -> str | None:
    """Say why an address cannot be a webhook, without repeating it; None where it can."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return "ALUMINA_ALERT_WEBHOOK is not an address"
    if parts.scheme == "https" and host:
        return None
    if parts.scheme == "http" and _is_loopback(host):
        return None
    return "ALUMINA_ALERT_WEBHOOK must begin with https:// (http:// only on this machine)"


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _post(settings: Settings, note: dict[str, str]) -> str:
    """Send a note and say how it went, in words without the address."""
    if settings.alert_webhook is None:
        return "none"
    address = settings.alert_webhook.get_secret_value()
    if problem := webhook_problem(address):
        return f"refused: {problem}"
    try:
        text = f"alumina: {note['kind']}: {note['message']}"
        # No redirects and no proxy of the environment: the note goes to this address or nowhere.
        answer = httpx.post(address, json=note | {"text": text}, timeout=TIMEOUT_SECONDS, follow_redirects=False, trust_env=False)
    except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
        return f"not reached: {type(error).__name__}"
    return "sent" if answer.is_success else f"answered with status {answer.status_code}"


def _about(line: str) -> tuple[str, str]:
    try:
        note = json.loads(line)
        return note["run_id"], note["kind"]
    except (ValueError, KeyError, TypeError):
        return "", ""
