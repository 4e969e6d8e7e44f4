"""Dagster's instance of a home: its folder, its configuration, and the environment every process of ours runs in."""

import os
import shutil
from pathlib import Path

from ingest.settings import Settings

CONFIGURATION = Path(__file__).with_name("dagster.yaml")


def prepare(settings: Settings) -> dict[str, str]:
    """Make the instance folder and give the environment that uses it; telemetry is off in all tools."""
    settings.dagster.mkdir(parents=True, exist_ok=True)
    target = settings.dagster / "dagster.yaml"
    if not target.is_file() or target.read_bytes() != CONFIGURATION.read_bytes():
        shutil.copyfile(CONFIGURATION, target)
    return {
        "DAGSTER_HOME": str(settings.dagster),
        "ALUMINA_HOME": str(settings.root),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "DO_NOT_TRACK": "1",
        "GX_ANALYTICS_ENABLED": "false",
    }


def enter(settings: Settings) -> None:
    """Run this very process in the home's instance."""
    os.environ.update(prepare(settings))
