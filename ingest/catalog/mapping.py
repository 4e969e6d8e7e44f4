"""What a home says of vendors' series: its `series.toml`, which adds to the shipped files. Written here, checked before."""

import json
from collections.abc import Iterable
from pathlib import Path

from ingest.catalog.documents import SERIES, catalog_files
from ingest.catalog.references import faults_of
from ingest.catalog.schemas import MappedSeries
from ingest.files import write_atomic
from ingest.source import ConfigurationError

_HEAD = "# Series this home adds to the commodities' files: written by `alumina inbox map`, and by people.\n"


def write(overlay: Path, entries: Iterable[MappedSeries]) -> Path:
    """Add series to the home's file and give its path; raises ConfigurationError, with nothing written, where the catalogue would be wrong."""
    path = overlay / SERIES
    before = path.read_bytes() if path.is_file() else _HEAD.encode()
    body = before.rstrip() + b"\n\n" + "\n\n".join(map(_text, entries)).encode() + b"\n"
    if wrong := faults_of((dict(catalog_files(overlay)) | {SERIES: body}).items()):
        raise ConfigurationError(f"nothing was written: catalogue file {wrong[0]}")
    write_atomic(path, body)
    return path


def _text(entry: MappedSeries) -> str:
    told = entry.model_dump(exclude_none=True)
    names = ("commodity", "role", "provider", "series_id", "region", "model_id", "source")
    return "\n".join(["[[series]]", *(f"{name} = {json.dumps(told[name], ensure_ascii=False)}" for name in names if name in told)])
