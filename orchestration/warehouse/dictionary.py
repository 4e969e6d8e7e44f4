"""The data dictionary as pages of the site: every published table, its columns, what they are made of, and who reads them.

Three things are read: the current release (`serving.data_dictionary`), the column lineage kept by the last build, and dbt's manifest. The
pages are Markdown, and `make docs` puts them into the site. Rows of the data are never shown, so a site built from a home with licensed
figures tells none of them.
"""

import json
from collections.abc import Iterable, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from ingest.settings import Settings
from orchestration.warehouse import lineage
from orchestration.warehouse.dbt import project
from serving.publish.release import code_version
from serving.read import query

MOST = 3
"""Raw tables shown for a column; the table's own line has all of them."""
_WIDE = "---\nhide: [toc]\n---\n"
LAYERS = ("staging", "intermediate", "marts", "serving")


class Entry(NamedTuple):
    """A row of `serving.data_dictionary`; `column` is `*` for the table itself."""

    schema: str
    table: str
    column: str
    type: str
    unit: str
    en: str
    zh: str
    sources: str


def pages(settings: Settings) -> dict[str, str]:
    """Give each page's Markdown by its name: `index.md`, `columns.md`, `models.md`, and one for each published table.

    Raises NothingPublishedError where the home has no release, and PublishRefusedError where no build has told its lineage.
    """
    asked = "select schema_name, table_name, column_name, data_type, unit, description_en, description_zh, sources from serving.data_dictionary order by all"
    entries = [Entry(*(value or "" for value in row)) for row in query(settings, asked).rows]
    built_by = query(settings, "select code_version from serving.publication").rows[0][0]
    manifest = json.loads(Path(project().manifest_path).read_text(encoding="utf-8"))
    made_of, graph = lineage.made_of(settings), Graph(manifest)
    tables = {key: list(group) for key, group in groupby(entries, lambda entry: (entry.schema, entry.table))}
    return (
        {"index.md": _index(tables, stale=built_by != code_version()), "columns.md": _columns(entries), "models.md": _models(graph, tables)}
        | {f"{schema}.{table}.md": _table(rows, graph, made_of) for (schema, table), rows in tables.items()}
    )  # fmt: skip


class Graph:
    """Which model reads which, by name, as dbt's manifest has it."""

    def __init__(self, manifest: Mapping[str, Any]) -> None:
        nodes = manifest["nodes"] | manifest["sources"] | manifest["exposures"]
        self.nodes = {self.name(key): node for key, node in nodes.items() if node["resource_type"] in ("model", "source", "exposure")}
        kept = {key for key in nodes if self.name(key) in self.nodes and nodes[key]["resource_type"] != "test"}
        self.reads = {
            self.name(key): sorted(self.name(up) for up in above if up in kept) for key, above in manifest["parent_map"].items() if key in kept
        }
        self.read_by = {
            self.name(key): sorted(self.name(down) for down in below if down in kept) for key, below in manifest["child_map"].items() if key in kept
        }

    @staticmethod
    def name(key: str) -> str:
        """Name of a node: `raw.table` of a source, else its last part."""
        return key.split(".", 2)[2]

    def layer(self, name: str) -> str:
        """Layer of a model: its first folder."""
        node = self.nodes[name]
        return str(node["fqn"][1]) if node["resource_type"] == "model" else str(node["resource_type"])


def _index(tables: Mapping[tuple[str, str], list[Entry]], *, stale: bool) -> str:
    lines = [
        "# Data dictionary",
        "",
        "Every table of the published file, as `serving.data_dictionary` of a release describes it. [Columns A to Z](columns.md) finds a column by name;",
        "[models](models.md) shows every dbt model and what it reads.",
        "",
    ]
    if stale:
        lines += ["!!! warning", "    The release was built by another version of the code. `alumina run` publishes one of this version.", ""]
    for schema, group in groupby(tables.items(), lambda item: item[0][0]):
        lines += [f"## Schema `{schema}`", "", "| table | what one row is | 说明 |", "|---|---|---|"]
        lines += [f"| [`{table}`]({schema}.{table}.md) | {_cell(rows[0].en)} | {_cell(rows[0].zh)} |" for (_, table), rows in group] + [""]
    return "\n".join(lines)


def _table(rows: list[Entry], graph: Graph, made_of: Mapping[str, Mapping[str, Iterable[Iterable[str]]]]) -> str:
    head = next(row for row in rows if row.column == "*")
    origins = made_of.get(f"{head.schema}.{head.table}", {})
    lines = [_WIDE, f"# {head.schema}.{head.table}", "", head.en, "", head.zh, ""]
    if head.table in graph.nodes:
        for title, names in (("Made of", graph.reads[head.table]), ("Read by", graph.read_by[head.table])):
            lines += [f"**{title}:** {', '.join(_model(graph, name) for name in names) or 'nothing'}", ""]
    lines += [
        f"**Raw tables behind it:** {_raw(head.sources)}",
        "",
        "| column | type, unit | meaning | made of | raw tables |",
        "|---|---|---|---|---|",
    ]
    for row in (row for row in rows if row.column != "*"):
        parts = "<br>".join(f"`{table}.{column}`" for _, table, column in origins.get(row.column, ()))
        lines.append(
            f"| `{row.column}` | {row.type.lower()}, {row.unit} | {_cell(row.en)}<br>{_cell(row.zh)} | {parts} | {_raw(row.sources, MOST)} |"
        )
    return "\n".join([*lines, ""])


def _columns(entries: list[Entry]) -> str:
    lines = [
        "# Columns A to Z",
        "",
        "A name has one meaning wherever it stands.",
        "",
        "| column | unit | meaning | 说明 | tables |",
        "|---|---|---|---|---|",
    ]
    by_name = sorted((entry for entry in entries if entry.column != "*"), key=lambda entry: (entry.column, entry.schema, entry.table))
    for name, group in groupby(by_name, lambda entry: entry.column):
        first, *others = group
        links = ", ".join(f"[`{entry.table}`]({entry.schema}.{entry.table}.md)" for entry in (first, *others))
        lines.append(f"| `{name}` | {first.unit} | {_cell(first.en)} | {_cell(first.zh)} | {links} |")
    return "\n".join([*lines, ""])


def _models(graph: Graph, tables: Mapping[tuple[str, str], list[Entry]]) -> str:
    published = {table: f"{schema}.{table}" for schema, table in tables}
    lines = ["# Models", "", "Every dbt model, by layer, with what it reads and who reads it.", ""]
    for layer in LAYERS:
        lines += [f"## {layer}", ""]
        for name in sorted(name for name in graph.nodes if graph.layer(name) == layer):
            en, _, zh = str(graph.nodes[name]["description"]).partition(" | ")
            lines += [f"### {name}", "", *([f"Published as [{published[name]}]({published[name]}.md).", ""] if name in published else [])]
            lines += [en, "", *([zh, ""] if zh else [])]
            for title, names in (("Reads", graph.reads[name]), ("Read by", graph.read_by[name])):
                lines += [f"- {title}: {', '.join(_model(graph, other) for other in names) or 'nothing'}"]
            lines.append("")
    return "\n".join(lines)


def _model(graph: Graph, name: str) -> str:
    return f"[`{name}`](models.md#{name})" if graph.layer(name) in LAYERS else f"`{name}`"


def _raw(sources: str, most: int | None = None) -> str:
    """List raw tables; with `most`, only so many that are no configuration, and how many more there are."""
    names = sources.split("; ")
    shown = names if most is None else [name for name in names if not name.startswith("catalog__")][:most] or names[:most]
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    return ", ".join(f"`{name}`" if "__" in name else name for name in shown) + more


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
