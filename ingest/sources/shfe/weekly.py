"""The weekly stock report (`weeklystock`, 库存周报), JSON until 2025-11-14 and HTML from 2025-10-31: one shape of rows from both.

小计 is what is of delivery grade in the warehouse, 期货 the part of it that was made into warrants, 可用库容 what can still be made into
warrants there: so the page says itself. `WHSTOCKS` of the JSON form is that capacity and no stock. Tables of some products have no 小计.
"""

from collections.abc import Mapping
from datetime import date
from functools import partial
from typing import Any

from ingest.source import Outcome, Parsed, PayloadError, Request
from ingest.sources.shfe.stock import Form, parse_html, parse_json

TABLE = "shfe__weekly_stock"
_DELIVERABLE = ("deliverable_qty", "previous_deliverable_qty", "deliverable_change_qty")
# The exchange's JSON prints no change of the capacity under a name that was ever seen.
_FORM = Form(
    TABLE,
    keys={
        "deliverable_qty": "SPOTWGHTS",
        "previous_deliverable_qty": "PRESPOTWGHTS",
        "deliverable_change_qty": "SPOTCHANGE",
        "on_warrant_qty": "WRTWGHTS",
        "previous_on_warrant_qty": "PREWRTWGHTS",
        "on_warrant_change_qty": "WRTCHANGE",
        "capacity_free_qty": "WHSTOCKS",
        "previous_capacity_free_qty": "PREWHSTOCKS",
    },
    headings={
        ("上周库存", "小计"): "previous_deliverable_qty",
        ("上周库存", "期货"): "previous_on_warrant_qty",
        ("本周库存", "小计"): "deliverable_qty",
        ("本周库存", "期货"): "on_warrant_qty",
        ("库存增减", "小计"): "deliverable_change_qty",
        ("库存增减", "期货"): "on_warrant_change_qty",
        ("上周期货",): "previous_on_warrant_qty",
        ("本周期货",): "on_warrant_qty",
        ("增减",): "on_warrant_change_qty",
        ("可用库容量", "上周"): "previous_capacity_free_qty",
        ("可用库容量", "本周"): "capacity_free_qty",
        ("可用库容量", "增减"): "capacity_free_change_qty",
    },
    optional=frozenset(_DELIVERABLE),
)

parse_weekly_html = partial(parse_html, _FORM)


def parse_weekly_json(request: Request, day: date, envelope: Mapping[str, Any], remarks: list[str], **known: Any) -> Parsed:
    """Read the JSON form; a week without a report is an answer without rows."""
    if envelope.get("o_cursor") == []:
        raise PayloadError(Outcome.NO_SESSION, "no_report", f"{request.name} holds no row: the exchange gave no stock report for that week")
    return parse_json(_FORM, request, day, envelope, remarks, **known)
