"""Writing the working warehouse anew where its file has grown far beyond what it holds. Changes no row, and decides nothing of what is old."""

from dataclasses import dataclass
from pathlib import Path

import duckdb

from ingest.settings import Settings
from orchestration.warehouse.load import WarehouseError, connect, write_lock


@dataclass(frozen=True)
class Size:
    """Bytes of the file, and of the blocks in it that hold something."""

    file: int
    held: int


def size(settings: Settings) -> Size | None:
    """Measure the working warehouse; None where there is none. Raises WarehouseError where it cannot be opened."""
    if not settings.warehouse.is_file():
        return None
    with connect(settings, read_only=True) as con:
        ((block, used),) = con.execute("select block_size, used_blocks from pragma_database_size()").fetchall()
    return Size(settings.warehouse.stat().st_size, block * used)


def compact(settings: Settings, beyond: float) -> tuple[int, int] | None:
    """Write the warehouse anew where its file is more than `beyond` times what it holds; gives its bytes before and after, None where it is not.

    The old file is in force until the new one is whole on disk. Raises WarehouseBusyError where another process writes or reads it, and
    WarehouseError where the copy does not hold the same or has no room.
    """
    with write_lock(settings, "making the warehouse smaller"):
        found = size(settings)
        if found is None or found.file <= beyond * found.held:
            return None
        fresh = settings.warehouse.with_name(".fresh.duckdb")
        _delete(fresh)
        try:
            _copy(settings, fresh)
            fresh.replace(settings.warehouse)
            settings.warehouse.with_suffix(".duckdb.wal").unlink(missing_ok=True)  # of the old file, and empty since it was closed
        except duckdb.Error as error:
            raise WarehouseError(f"{settings.warehouse} stays as it is, it could not be written anew: {str(error).splitlines()[0]}") from None
        finally:
            _delete(fresh)
        return found.file, settings.warehouse.stat().st_size


def _copy(settings: Settings, fresh: Path) -> None:
    with connect(settings) as con:
        con.execute("checkpoint")
        (name,) = con.execute("select current_database()").fetchall()[0]
        con.execute(f"attach '{str(fresh).replace(chr(39), chr(39) * 2)}' as fresh")
        con.execute(f'copy from database "{name}" to fresh')
        if _rows(con, name) != _rows(con, "fresh"):
            raise WarehouseError(f"{settings.warehouse} stays as it is: its copy does not hold the same rows")
        con.execute("detach fresh")


def _rows(con: duckdb.DuckDBPyConnection, database: str) -> dict[tuple[str, str], int | None]:
    """Count the rows of each table; of a view, that it is there."""
    asked = "select schema_name, table_name from duckdb_tables() where database_name = ?"
    tables = con.execute(asked, [database]).fetchall()
    views = con.execute("select schema_name, view_name from duckdb_views() where database_name = ? and not internal", [database]).fetchall()
    counted = {(schema, table): con.execute(f'select count(*) from "{database}"."{schema}"."{table}"').fetchall()[0][0] for schema, table in tables}
    return counted | dict.fromkeys(views)


def _delete(path: Path) -> None:
    for part in (path, path.with_suffix(".duckdb.wal")):
        part.unlink(missing_ok=True)
