"""The lake as Spark's raw tables: external tables over its files as they lie there, never a copy of a row.

Which files count says the manifest, and each is hashed before it is linked: a folder of links per table keeps what an interrupted run left
behind out of Spark's sight. A payload that was parsed anew counts with the rows of its newest batch only, as in DuckDB. The few tables that
the lake does not hold are written beside it.
"""

import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

from ingest.lake import Batch, Lake
from ingest.settings import Settings
from orchestration.warehouse.load import beside_the_lake
from quality.fields import FIELDS, Kind
from quality.raw import TABLES, RawTable

TYPES = {
    Kind.TEXT: "string",
    Kind.DATE: "date",
    Kind.TIMESTAMP: "timestamp",
    Kind.INTEGER: "bigint",
    Kind.NUMBER: "double",
    Kind.FLAG: "boolean",
}


def registration(settings: Settings, folder: Path, names: Collection[str] = tuple(TABLES)) -> list[str]:
    """Link the lake's files below a folder that is made anew, and give the statements that make `raw` of them, or the named tables of it.

    Raises LakeError, before any statement is given, when a committed file is missing or has changed.
    """
    lake, batches = Lake(settings.lake), list(Lake(settings.lake).batches())
    shutil.rmtree(folder, ignore_errors=True)
    statements = ["create database if not exists lake", "create database if not exists raw"]
    for table in (TABLES[name] for name in TABLES if name in names):
        place = folder / table.name
        place.mkdir(parents=True)
        if (frame := beside_the_lake(settings, table)) is not None:
            frame.write_parquet(place / "beside.parquet")
            stale: list[tuple[str, str]] = []
        else:
            counted = [batch for batch in batches if any(TABLES[file.table].replace for file in batch.files)][-1:] if table.replace else batches
            for batch in counted:
                _link(lake, batch, table, place)
            stale = sorted(superseded(counted))
        statements += _statements(table, place, stale)
    return statements


def superseded(batches: list[Batch]) -> Iterator[tuple[str, str]]:
    """Give batch and payload of all that a later batch holds again."""
    newest = {sha: batch.batch_id for batch in batches for sha in batch.payloads}
    return ((batch.batch_id, sha) for batch in batches for sha in batch.payloads if newest[sha] != batch.batch_id)


def _link(lake: Lake, batch: Batch, table: RawTable, place: Path) -> None:
    """Link a batch's files of a table; the batch stands first in a link's name, where the view finds it."""
    for file in batch.files:
        if file.table == table.name:
            path = lake.verified(file)
            (place / f"{batch.batch_id}-{path.parent.name}.parquet").symlink_to(path.resolve())


def _statements(table: RawTable, place: Path, stale: list[tuple[str, str]]) -> Iterator[str]:
    """Give the statements of one table; its columns are those of this version of the code, by name."""
    columns = ", ".join(f"`{name}` {TYPES[FIELDS[name].kind]}" for name in table.stored_schema)
    names = ", ".join(f"`{name}`" for name in table.stored_schema)
    yield f"drop view if exists raw.`{table.name}`"
    yield f"drop table if exists lake.`{table.name}`"
    yield f"create table lake.`{table.name}` ({columns}) using parquet location '{place}'"
    kept = ""
    if stale:
        pairs = ", ".join(f"('{batch}', '{sha}')" for batch, sha in stale)
        kept = f" where (substring_index(_metadata.file_name, '-', 1), payload_sha256) not in ({pairs})"
    yield f"create view raw.`{table.name}` as select {names} from lake.`{table.name}`{kept}"
