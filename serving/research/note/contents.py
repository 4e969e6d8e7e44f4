"""The index page of a release: what stands in it, the newest statements, all days that can be opened, and whether all is well.

It opens from a file and from any server. What a day's page says is `model`'s; here are only lists of published rows.
"""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from serving.research import wording as words
from serving.research.note.known import Row
from serving.research.note.page import policy, template
from serving.research.note.paragraph import stance

FILE_NAME = "index.html"
Link = Callable[[str, date], str | None]
"""Gives the address of a day's page; None where it has none."""
_HERE = Path(__file__).parent


def contents(con: duckdb.DuckDBPyConnection, link: Link, files: list[str]) -> str:
    """Write the index page of an open release; `link` says where a day's page is, `files` what else can be opened beside it."""
    days = _rows(con, _DAYS)
    names = {row["commodity_code"]: row for row in _rows(con, "select commodity_code, name_zh, name_en from marts.dim_commodity")}
    newest = {
        code: max(row["as_of_date"] for row in days if row["commodity_code"] == code) for code in dict.fromkeys(row["commodity_code"] for row in days)
    }
    statements = _rows(con, "select * from serving.outlook_v2")
    latest: dict[str, list[Row]] = {}
    order = {"short": 0, "medium": 1, "long": 2}
    for row in sorted(statements, key=lambda row: order.get(row["horizon"], 3)):
        if newest.get(row["commodity_code"]) == row["as_of_date"]:
            latest.setdefault(row["commodity_code"], []).append(row)
    script = (_HERE / "contents.js").read_text(encoding="utf-8")
    text: str = template("contents.html").render(
        days=[row | {"link": link(row["commodity_code"], row["as_of_date"])} for row in days],
        latest=[
            {"code": code, "name": names.get(code), "day": newest[code], "link": link(code, newest[code]), "rows": rows}
            for code, rows in sorted(latest.items())
        ],
        stance=stance,
        files=files,
        publication=next(iter(_rows(con, "select * from serving.publication")), None),
        findings=_rows(
            con, "select table_name, check_id, message, rows_failed from serving.quality_results where result <> 'pass' order by all limit 20"
        ),
        sources=_rows(con, "select * from serving.source_status where data_origin <> 'config' order by source, feed"),
        claims=_claims(con),
        is_sample=any(row["data_origin"] == "sample" for row in statements),
        style=(_HERE / "page.css").read_text(encoding="utf-8"),
        script=script,
        policy=policy(script),
    )
    return text


_DAYS = """
    select commodity_code, as_of_date, any_value(close_cny_t) as close, any_value(ret_c_ps_pct) as change, any_value(sentiment_score) as score,
        any_value(status) as status, any_value(risk_flags) as flags,
        any_value(stance) filter (horizon = 'short') as short, any_value(stance) filter (horizon = 'medium') as medium,
        any_value(stance) filter (horizon = 'long') as long
    from serving.outlook_v2
    group by commodity_code, as_of_date
    order by as_of_date desc, commodity_code
"""


def _rows(con: duckdb.DuckDBPyConnection, sql: str) -> list[Row]:
    try:
        found = con.execute(sql)
    except duckdb.CatalogException:
        return []  # an older release has fewer tables
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _claims(con: duckdb.DuckDBPyConnection) -> dict[str, Any] | None:
    """Give the audit of the note a sample is about: it is of the release, which knows more than any day's page may."""
    rows = _rows(con, "select * from serving.claim_audit order by verdict, claim_id")
    if not rows:
        return None
    totals = {verdict: sum(row["verdict"] == verdict for row in rows) for verdict in words.VERDICTS}
    # A release of before the Chinese text has only the English one, one of before the unit of what was found none.
    told = [
        {"reconciling_definition_zh": row["reconciling_definition"], "value_found_unit": None} | row
        for row in rows
        if row["verdict"] in ("contradicted", "definition_dependent")
    ]
    return {"name": rows[0]["note_name"], "totals": totals, "count": len(rows), "told": told}
