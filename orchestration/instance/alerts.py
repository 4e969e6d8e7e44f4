"""Alerts: a line in `alerts.jsonl` of the home and, where they are set, a message to a webhook and to chat systems.

A cause is reported when it begins and when it is over, not in between. `alerts.toml` says how severe a kind is and who hears of it. Addresses
are secrets: they reach no log, message or receipt. They must be https, or on this machine, and no redirect is followed.
"""

import json
import logging
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from filelock import FileLock

from ingest.catalog.documents import load
from ingest.catalog.schemas import AlertsFile
from ingest.failure import explain
from ingest.files import append_lines
from ingest.journal import sealed, unsealed
from ingest.settings import Settings
from ingest.source import ConfigurationError
from ingest.storable import storable_lines
from orchestration.instance.addresses import send_chat, send_webhook

OPEN, OVER = "open", "over"
# All that a line may say. One that says more has rotted in the name of its hash.
SAID = frozenset({"at", "severity", "kind", "job", "run_id", "message", "cause", "state", "about", "webhook", "chat"})
WEBHOOK = "webhook"


def alert(settings: Settings, kind: str, message: str, *, run_id: str = "", job: str = "", cause: str = "", about: Collection[str] = ()) -> None:
    """Tell people once for each run and kind, or once for a cause until it is over or says something else.

    `about` names what it concerns, feeds, sources, tables or commodities, by which `alerts.toml` can route it to its owners.
    An address that cannot be reached is noted in the file and never raises.
    """
    with _lock(settings):  # command and sensor may report one run at once, and sending takes time
        notes = _notes(settings)
        if cause and (standing := _open(notes).get(cause)) and standing["message"] == storable_lines(message):
            return
        if run_id and any((run_id, kind, cause) == (note.get("run_id"), note.get("kind"), note.get("cause", "")) for note in notes):
            return
        concerns = {"about": " ".join(sorted(about))} if about else {}
        _tell(settings, {"kind": kind, "job": job, "run_id": run_id, "message": message, "cause": cause, "state": OPEN if cause else ""} | concerns)


def over(settings: Settings, cause: str) -> None:
    """Tell people that a cause is over, where they were told that it began."""
    with _lock(settings):
        if standing := _open(_notes(settings)).get(cause):
            again = {name: standing[name] for name in ("kind", "job", "message", "about") if name in standing}
            _tell(settings, again | {"run_id": "", "cause": cause, "state": OVER})


class Trouble(NamedTuple):
    """What is wrong: its kind, a sentence, and the feeds, sources, tables or commodities it concerns."""

    kind: str
    message: str
    about: tuple[str, ...] = ()


def settle(settings: Settings, found: Mapping[str, Trouble], judged: Callable[[str], bool], *, run_id: str = "") -> None:
    """Tell of the causes there are now, and of each that was `judged` and is no longer among them."""
    for cause, one in found.items():
        alert(settings, one.kind, one.message, run_id=run_id, cause=cause, about=one.about)
    for cause in [cause for cause in _open(_notes(settings)) if judged(cause) and cause not in found]:
        over(settings, cause)


def last_failure(settings: Settings) -> dict[str, str] | None:
    """Give the newest note of a run that failed; None where none ever did."""
    return next((note for note in reversed(_notes(settings)) if note.get("kind") == "run_failed" and note.get("state") != OVER), None)


def standing(settings: Settings) -> list[dict[str, str]]:
    """Give the causes people were told of and that are not over, oldest first."""
    return list(_open(_notes(settings)).values())


def cause(event: Any) -> str:
    """Give the innermost sentence of the failure of a step, or of a run that failed before its first."""
    error = event.event_specific_data.error if event.event_specific_data else None
    while error is not None and error.cause is not None:
        error = error.cause
    return str(event.message) if error is None else explain(str(error.message))


def _tell(settings: Settings, said: Mapping[str, str]) -> None:
    routes = _routes(settings)
    severity = next((row.severity for row in routes.alert if row.kind == said["kind"]), "error")
    at = datetime.now(UTC).isoformat(timespec="seconds")
    note = {"at": at, "severity": severity, **said, "message": storable_lines(said["message"])}
    text = f"alumina: {note['kind']}{' is over' if note['state'] == OVER else ''}: {note['message']}"
    hearing = routes.hearing(note["kind"], note.get("about", "").split())
    sent = {"webhook": send_webhook(settings.alert_webhook, note | {"text": text}) if WEBHOOK in hearing else "does not hear of this"}
    chat = send_chat(settings.alert_urls, [name for name in hearing if name != WEBHOOK], severity, note["kind"], text)
    append_lines(file_of(settings), [sealed(json.dumps(note | sent | ({"chat": chat} if chat else {}), ensure_ascii=False)).decode()])


def _routes(settings: Settings) -> AlertsFile:
    try:
        return load(AlertsFile, settings.catalog_overlay)
    except ConfigurationError:  # the check of the catalogue reports what is wrong with it; until then the shipped routes apply
        return load(AlertsFile)


def _lock(settings: Settings) -> FileLock:
    settings.root.mkdir(parents=True, exist_ok=True)
    return FileLock(settings.root / ".alerts.lock")


def _open(notes: list[dict[str, str]]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for note in notes:
        if note.get("cause"):
            found.pop(note["cause"], None)
            if note.get("state") == OPEN:
                found[note["cause"]] = note
    return found


def file_of(settings: Settings) -> Path:
    """Give the file of what was told."""
    return settings.root / "alerts.jsonl"


def damaged(settings: Settings) -> list[int]:
    """Give the numbers of the lines that cannot be read, were changed on disk, or are no notes of ours."""
    return [number for number, line in enumerate(_lines(settings), start=1) if _note(line) is None]


def _notes(settings: Settings) -> list[dict[str, str]]:
    """Read what was told. A damaged line says nothing and is left where it is: a file that rots must not keep the next alert from being sent."""
    found = []
    for line in _lines(settings):
        if (note := _note(line)) is None:
            logging.getLogger(__name__).warning("a line of %s cannot be read", file_of(settings))
        else:
            found.append(note)
    return found


def _lines(settings: Settings) -> list[bytes]:
    file = file_of(settings)
    return file.read_bytes().splitlines() if file.is_file() else []


def _note(line: bytes) -> dict[str, str] | None:
    """Read a line; None where its hash is not its own, or something that every note says is missing. Lines of earlier versions have no hash."""
    try:
        note = json.loads(unsealed(line) or line)
        if not note.keys() <= SAID or any(not isinstance(text, str) for text in note.values()):
            return None
        is_dated = datetime.fromisoformat(note["at"]).tzinfo is not None
        return note if is_dated and note.keys() >= {"kind", "message", "run_id"} else None
    except (ValueError, AttributeError, KeyError, RecursionError):
        return None
