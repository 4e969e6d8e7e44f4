"""The chart library the page carries: Vega, Vega-Lite and Vega-Embed as one script, taken from the installed package, never from a network."""

import contextlib
import importlib.metadata
from pathlib import Path

from ingest.files import write_atomic
from ingest.settings import REPOSITORY

PACKAGE = "vl-convert-python"
FOLDER = REPOSITORY / ".vega"


def bundle() -> str:
    """Give the script. Bundling takes seconds, so it is kept beside the code (`alumina prepare` makes it) and made anew for another version."""
    kept = _kept()
    if kept.is_file():
        return kept.read_text(encoding="utf-8")
    import vl_convert

    script: str = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    with contextlib.suppress(OSError):  # an installation nobody may write to: bundled again each time
        write_atomic(kept, script.encode())
    return script


def _kept() -> Path:
    return FOLDER / f"bundle-{importlib.metadata.version(PACKAGE)}.js"
