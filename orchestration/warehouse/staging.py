"""The staging models of dbt, written from the raw tables of `quality.raw`: columns, keys and descriptions are stated there and nowhere else.

One view with the table's columns for each table a model reads, its key, and every table as a source. Written, never tracked: a column added to a feed is in its
staging model by the next parse. What is more than a list of columns belongs to an intermediate model.
"""

from collections.abc import Mapping
from pathlib import Path

import yaml

from ingest.files import write_atomic
from quality.raw import TABLES, RawTable

WRITTEN = "Written from quality/raw.py before every parse."
_MODEL = f"""-- {WRITTEN}
with source as (

    select * from {{{{{{{{ source('raw', '{{name}}') }}}}}}}}

),

renamed as (

    select
        {{columns}}
    from source

)

select * from renamed
"""


def models(tables: Mapping[str, RawTable] = TABLES) -> dict[str, str]:
    """Give the text of every file of `models/staging`, by its path in there."""
    sources = {
        "name": "raw",
        "description": "Typed rows as the sources deliver them, all vintages, with the payload they came from.",
        "tables": [{"name": table.name, "description": table.description} for table in tables.values()],
    }
    described: dict[str, list[dict[str, object]]] = {}
    files = {"_sources.yml": _yml(sources=[sources])}
    for table in (table for table in tables.values() if table.staged):
        source = table.name.split("__")[0]
        columns = ",\n        ".join(table.stored_schema)
        files[f"{source}/stg_{table.name}.sql"] = _MODEL.format(name=table.name, columns=columns)
        described.setdefault(source, []).append({"name": f"stg_{table.name}", "description": table.description} | _key(table))
    return files | {f"{source}/_{source}.yml": _yml(models=rows) for source, rows in described.items()}


def write(folder: Path, tables: Mapping[str, RawTable] = TABLES) -> None:
    """Make `folder` hold these models and no other. What is as it should be is not touched, so that dbt need not read it again."""
    files = models(tables)
    for path in [path for pattern in ("*.sql", "*.yml") for path in folder.rglob(pattern)]:
        if path.relative_to(folder).as_posix() not in files:
            path.unlink(missing_ok=True)
    for name, text in files.items():
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            write_atomic(path, text.encode(), durable=False)


def _key(table: RawTable) -> dict[str, object]:
    """State the table's key, to which the view is held; where a part of it may be null, as the rank of a sum row, there is no key of columns."""
    if not {*table.row_key} <= {*table.required, "payload_sha256"}:
        return {}
    return {"config": {"meta": {"key": list(table.row_key)}}}


def _yml(**content: object) -> str:
    text: str = yaml.safe_dump({"version": 2} | content, sort_keys=False, allow_unicode=True, width=1000)
    return f"# {WRITTEN}\n{text}"
