"""What a home is for: one home holds the sample or real data, never both."""

import json
from datetime import UTC, datetime

from ingest.files import write_atomic
from ingest.inbox import Inbox
from ingest.settings import Settings
from ingest.source import DataOrigin


class MixedHomeError(Exception):
    """Sample and real data were about to meet in one home."""


def origin_of(settings: Settings) -> DataOrigin | None:
    """Give the origin of the home's first data; None for a new home."""
    marker = settings.root / "home.json"
    return DataOrigin(json.loads(marker.read_text())["data_origin"]) if marker.is_file() else None


def source_of(settings: Settings) -> DataOrigin:
    """Give what a run takes in where nobody says.

    A new home takes the sample, unless people put something into its inbox: then files. Later the home goes on with what it holds.
    """
    held = origin_of(settings)
    if held is not None:
        return held
    return DataOrigin.FILES if Inbox(settings.inbox).is_used() else DataOrigin.SAMPLE


def claim(settings: Settings, origin: DataOrigin) -> None:
    """Dedicate a new home to an origin; raises MixedHomeError when sample and real data would mix."""
    held = origin_of(settings)
    if held is None:
        note = {"data_origin": str(origin), "created_at": datetime.now(UTC).isoformat(timespec="seconds")}
        write_atomic(settings.root / "home.json", json.dumps(note).encode())
    elif (held is DataOrigin.SAMPLE) != (origin is DataOrigin.SAMPLE):
        raise MixedHomeError(f"the home {settings.root} holds {held} data and cannot take {origin} data; set ALUMINA_HOME to another folder")
