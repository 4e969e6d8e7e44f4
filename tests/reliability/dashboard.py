"""What the dashboard for Superset shows: its charts, its metrics and where they stand. Pure; `superset.py` makes it, keeps it and tries it.

Metrics are those of `desk.metrics`, which says how each figure may be put together: no chart adds up what must not be added up.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import yaml

NAME = "Alumina desk"
SLUG = "alumina-desk"


@dataclass(frozen=True)
class Chart:
    """One chart: its section, its table, and what of it is drawn."""

    section: str
    name: str
    table: str
    """Schema and table."""
    kind: str
    """line, bar or table."""
    columns: tuple[str, ...]
    """Figures of lines and bars, columns of a table."""
    day: str | None = None
    """What the horizontal axis is."""
    by: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    where: str | None = None
    of_all: bool = False
    """Shows every commodity, whichever is chosen."""
    width: int = 6
    """In twelfths."""

    @property
    def uuid(self) -> str:
        """By which Superset knows it again, so that an import finds what was imported before."""
        return _uuid(f"charts/{self.name}")


CHARTS = (
    Chart(
        "Outlook",
        "The newest outlook",
        "desk.outlook_now",
        "table",
        (
            *("commodity_code", "as_of_date", "is_stale", "data_origin", "status", "direction_short", "direction_medium", "direction_long"),
            *("sentiment_score", "close_cny_t", "interval80_low_short_cny_t", "interval80_high_short_cny_t"),
        ),
        of_all=True,
        width=12,
    ),
    Chart("Outlook", "In one sentence", "desk.outlook_now", "table", ("commodity_code", "headline_en", "headline_zh"), of_all=True, width=12),
    Chart("Outlook", "Score by day; a rejected day has none", "desk.outlook_daily", "line", ("sentiment_score",), "as_of_date"),
    Chart(
        "Outlook",
        "What changed since yesterday",
        "desk.changes_since_yesterday",
        "table",
        ("change_kind", "item", "unit", "value_before", "value_now", "value_change"),
        order=("change_kind", "item"),
    ),
    Chart("Receipts", "Registered receipts, t", "desk.receipts_total", "line", ("receipts_t",), "trade_date"),
    Chart("Receipts", "Receipts by region, t", "desk.receipts_regions", "bar", ("receipts_t",), "trade_date", ("region",)),
    Chart("Premium", "Futures less spot at the close, CNY/t", "desk.premium_close", "line", ("premium_cny_t",), "trade_date"),
    Chart("Premium", "Futures and national spot, CNY/t", "desk.premium_close", "line", ("futures_cny_t", "spot_cny_t"), "trade_date"),
    Chart("Margins", "Spot and full cost of the daily model, CNY/t", "desk.margin_daily", "line", ("spot_cny_t", "cost_full_cny_t"), "trade_date"),
    Chart("Margins", "Profit of the daily model, CNY/t", "desk.margin_daily", "line", ("profit_cny_t",), "trade_date"),
    Chart("Trade", "Imports and exports by month, t", "desk.trade_monthly", "bar", ("import_t", "export_t"), "month"),
    Chart("Trade", "Net imports by month, t", "desk.trade_monthly", "bar", ("net_import_t",), "month"),
    Chart(
        "Quality",
        "Sources: last asked, last answered",
        "serving.source_status",
        "table",
        ("source", "feed", "last_ok_at_sh", "last_outcome", "attempts_failed", "last_message", "data_origin"),
        order=("source", "feed"),
        of_all=True,
    ),
    Chart(
        "Quality",
        "Findings of the release",
        "technical.quality_results",
        "table",
        ("severity", "check_id", "table_name", "trade_date", "subject", "message"),
        order=("severity", "check_id"),
        where="result <> 'pass'",
        of_all=True,
    ),
)
TABLES = tuple(dict.fromkeys(chart.table for chart in CHARTS))


def days() -> Mapping[str, str]:
    """Give the day of each table that is drawn by day."""
    return {chart.table: chart.day for chart in CHARTS if chart.day}


def drawn(table: str) -> set[str]:
    """Name the figures of a table that stand in lines and bars."""
    return {name for chart in CHARTS if chart.table == table and chart.kind != "table" for name in chart.columns}


def expression(figure: str, day: str, over_time: str, over_rows: str) -> str:
    """Write how a figure is put together, in words of `desk.metrics`.

    What adds up over rows and stands in time is the average day's total: on an axis of days the total itself.
    """
    if over_time == "sum":
        return f"sum({figure})"
    if over_rows == "sum":
        return f"sum({figure}) / count(distinct {day})"
    return f"arg_max({figure}, {day})" if over_time == "last" else f"avg({figure})"


def params(chart: Chart, dataset: int) -> dict[str, Any]:
    """Give what Superset keeps of a chart."""
    filters = [{"expressionType": "SQL", "clause": "WHERE", "sqlExpression": chart.where}] if chart.where else []
    common: dict[str, Any] = {"datasource": f"{dataset}__table", "adhoc_filters": filters, "time_range": "No filter"}
    if chart.kind == "table":
        order = [json.dumps([name, True]) for name in chart.order]
        return common | {
            "viz_type": "table",
            "query_mode": "raw",
            "all_columns": list(chart.columns),
            "order_by_cols": order,
            "row_limit": 1000,
            "show_cell_bars": False,
            "table_timestamp_format": "%Y-%m-%d %H:%M" if any(name.endswith("_sh") for name in chart.columns) else "%Y-%m-%d",
        }
    return common | {
        "viz_type": f"echarts_timeseries_{chart.kind}",
        "x_axis": chart.day,
        "time_grain_sqla": "P1M" if chart.day == "month" else "P1D",
        "metrics": list(chart.columns),
        "groupby": list(chart.by),
        "stack": "Stack" if chart.by else None,
        "row_limit": 50000,
        "show_legend": len(chart.columns) > 1 or bool(chart.by),
        "rich_tooltip": True,
        "truncateYAxis": chart.kind != "bar",
        "y_axis_bounds": [None, None],
        "y_axis_format": ",.0f",
        "x_axis_time_format": "%Y-%m-%d",
    }


def layout(charts: Sequence[tuple[Chart, int]]) -> dict[str, Any]:
    """Place charts, each with its id: a header a section, rows of twelve."""
    placed: dict[str, Any] = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"type": "ROOT", "id": "ROOT_ID", "children": ["GRID_ID"]},
        "HEADER_ID": {"type": "HEADER", "id": "HEADER_ID", "meta": {"text": NAME}},
        "GRID_ID": {"type": "GRID", "id": "GRID_ID", "children": [], "parents": ["ROOT_ID"]},
    }
    grid, free = placed["GRID_ID"]["children"], 0
    for place, (chart, number) in enumerate(charts):
        header = f"HEADER-{chart.section.lower()}"
        if header not in placed:
            placed[header] = {
                "type": "HEADER",
                "id": header,
                "children": [],
                "parents": ["ROOT_ID", "GRID_ID"],
                "meta": {"text": chart.section, "headerSize": "MEDIUM_HEADER", "background": "BACKGROUND_TRANSPARENT"},
            }
            grid.append(header)
            free = 0
        if free < chart.width:
            row = f"ROW-{place}"
            placed[row] = {
                "type": "ROW",
                "id": row,
                "children": [],
                "parents": ["ROOT_ID", "GRID_ID"],
                "meta": {"background": "BACKGROUND_TRANSPARENT"},
            }
            grid.append(row)
            free = 12
        free -= chart.width
        row = grid[-1]
        placed[row]["children"].append(f"CHART-{place}")
        placed[f"CHART-{place}"] = {
            "type": "CHART",
            "id": f"CHART-{place}",
            "children": [],
            "parents": ["ROOT_ID", "GRID_ID", row],
            "meta": {"chartId": number, "uuid": chart.uuid, "width": chart.width, "height": 30 if chart.width == 12 else 50, "sliceName": chart.name},
        }
    return placed


def one_commodity(charts: Sequence[tuple[Chart, int]], dataset: int) -> dict[str, Any]:
    """Give the dashboard's filter: one commodity, AO to begin with."""
    free = [number for chart, number in charts if chart.of_all]
    chosen = {"filters": [{"col": "commodity_code", "op": "IN", "val": ["AO"]}]}
    return {
        "id": "NATIVE_FILTER-commodity",
        "type": "NATIVE_FILTER",
        "filterType": "filter_select",
        "name": "Commodity",
        "description": "",
        "targets": [{"datasetId": dataset, "column": {"name": "commodity_code"}}],
        "defaultDataMask": {"extraFormData": chosen, "filterState": {"value": ["AO"], "label": "AO"}},
        "controlValues": {
            "multiSelect": False,
            "enableEmptyFilter": True,
            "defaultToFirstItem": False,
            "inverseSelection": False,
            "searchAllOptions": False,
        },
        "cascadeParentIds": [],
        "scope": {"rootPath": ["ROOT_ID"], "excluded": free},
        "chartsInScope": [number for _, number in charts if number not in free],
        "tabsInScope": [],
    }


def steady(files: Mapping[str, str], columns: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Make an export equal each time it is made, and no longer than it need be.

    Superset gives each thing a new uuid, columns in any order, a line for each setting that is not set and the time. Comments of columns lose
    their sources. Columns are those of each table, in their order.
    """
    known: dict[str, str] = {}
    told: dict[str, Any] = {}
    for path, text in files.items():
        name = path.partition("/")[2]
        thing = _set(yaml.safe_load(text))
        thing.pop("timestamp", None)
        if name.startswith("datasets/"):
            order = columns[f"{thing['schema']}.{thing['table_name']}"]
            thing["columns"] = sorted(thing["columns"], key=lambda column: order.index(column["column_name"]))
            thing["metrics"] = sorted(thing["metrics"], key=lambda metric: str(metric["metric_name"]))
            for column in thing["columns"]:
                column["description"] = " | ".join(column.get("description", "").split(" | ")[:2])
        if "uuid" in thing and not name.startswith("charts/"):
            known[thing["uuid"]] = _uuid(name)
        told[name] = thing
    written = {name: yaml.safe_dump(thing, allow_unicode=True, sort_keys=False, width=1000) for name, thing in sorted(told.items())}
    for old, new in known.items():
        written = {name: text.replace(old, new) for name, text in written.items()}
    return written


def _set(thing: Any) -> Any:
    if isinstance(thing, dict):
        return {name: _set(value) for name, value in thing.items() if value is not None}
    return [_set(value) for value in thing] if isinstance(thing, list) else thing


def _uuid(name: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"alumina-desk/{name}"))
