"""Dagster's instance of a home: its folder, its configuration, and the environment every process of ours runs in."""

import json
import os
from pathlib import Path

from ingest.files import write_atomic
from ingest.settings import Settings

# Events Dagster gathers before it writes them; without it every partition of a range costs a transaction.
BATCH_SIZE = 1000
CONFIGURATION = Path(__file__).with_name("dagster.yaml")


def prepare(settings: Settings) -> dict[str, str]:
    """Make the instance folder and give the environment that uses it; telemetry is off in all tools."""
    settings.dagster.mkdir(parents=True, exist_ok=True)
    target = settings.dagster / "dagster.yaml"
    # Quoted: a path may hold what YAML takes for a comment or a key.
    history = json.dumps(str(settings.dagster / "history" / "runs"), ensure_ascii=False)
    wanted = CONFIGURATION.read_text(encoding="utf-8").replace("$DAGSTER_HOME/history/runs", history).encode()
    if not target.is_file() or target.read_bytes() != wanted:
        write_atomic(target, wanted)
    return {
        "DAGSTER_HOME": str(settings.dagster),
        "ALUMINA_HOME": str(settings.root),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "DAGSTER_EVENT_BATCH_SIZE": str(BATCH_SIZE),
        "DO_NOT_TRACK": "1",
        "GX_ANALYTICS_ENABLED": "false",
    }


def enter(settings: Settings) -> None:
    """Run this very process in the home's instance."""
    os.environ.update(prepare(settings))
