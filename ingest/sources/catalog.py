"""The catalogue as a source: each TOML file is a payload, its rows go to `raw.catalog__*` and reach SQL as tables.

A file the operator puts into `$ALUMINA_HOME/catalog/` under the same name replaces the shipped one (the calendar is extended
instead); new files under `commodities/` add commodities.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from ingest.catalog import scoring
from ingest.catalog.calendar import CALENDAR_FILE, parse_calendar
from ingest.catalog.limits import LIMITS_FILE, parse_limits
from ingest.inspect import inspect, kind_of
from ingest.source import SHANGHAI, Cadence, Outcome, Parsed, PayloadError, Request, Response, Verdict
from ingest.storable import storable
from ingest.tone import lexicon_rows
from quality.raw import TABLES

SHIPPED = CALENDAR_FILE.parent
RELATIONS = ("commodity", "sector", "group", "economy")  # of a topic to a commodity, the nearest first
CLOCK = "clock.toml"
LAST_TRADING_DAY_RULES = ("day_of_month", "nth_session")


def catalog_files(overlay: Path | None) -> Iterator[tuple[str, bytes]]:
    """Give every catalogue file as (name, bytes), the operator's in place of the shipped ones."""
    names = {path.relative_to(root).as_posix(): path for root in (SHIPPED, overlay) if root for path in sorted(root.rglob("*.toml"))}
    for name, path in sorted(names.items()):
        body = path.read_bytes()
        if name == "calendar.toml" and path.parent != SHIPPED:
            body = CALENDAR_FILE.read_bytes() + b"\n#---\n" + body
        yield storable(name), body


@contextmanager
def named(file: str, refusal: type[Exception]) -> Iterator[None]:
    """Turn whatever is wrong with a catalogue file into one sentence that names it; raises it as `refusal`."""
    try:
        yield
    except refusal:
        raise
    except (ArithmeticError, AttributeError, LookupError, SyntaxError, TypeError, ValueError, re.error) as error:
        said = f"there is no {error}" if isinstance(error, KeyError) else " ".join(str(error).split())
        raise refusal(f"catalogue file {file}: {said}") from None


class Catalog:
    """Configuration rows. Their payloads are files of the project, so nothing is fetched and nothing recognised elsewhere."""

    name = "catalog"
    parser_version = "7"
    tables = tuple(name for name in TABLES if name.startswith("catalog__"))
    cadence = Cadence.ANY_DAY

    def requests(self, day: date) -> Iterable[Request]:
        """Nothing is fetched."""
        return []

    def recognise(self, path: str) -> Request | None:
        """No file of a payload folder is configuration."""
        return None

    def inspect(self, request: Request, response: Response) -> Verdict:
        """Expect anything with a content: the file is the operator's own, and TOML may begin like JSON."""
        return inspect(response, kind_of(response.body))

    def parse(self, request: Request, body: bytes) -> Parsed:
        """Read one file; raises PayloadError naming file and entry when it is not what the models read."""
        try:
            text = body.decode("utf-8")
            if request.name == "calendar.toml":
                sessions = parse_calendar(text.split("\n#---\n")).sessions
                rows = {"catalog__trading_days": [{"trade_date": day, "session_index": n} for n, day in enumerate(sessions, start=1)]}
            elif request.name == LIMITS_FILE.name:
                parse_limits([LIMITS_FILE.read_text(encoding="utf-8"), text])  # read where payloads are judged; here it is only held to its form
                rows = {}
            elif request.name == "lexicon.toml":
                rows = {"catalog__lexicon": list(lexicon_rows(body))}
            else:
                rows = _rows(request.name, tomllib.loads(text))
            frames = {name: pl.DataFrame(items, schema=TABLES[name].schema, strict=True) for name, items in rows.items() if items}
        except KeyError as error:
            raise PayloadError(Outcome.FORMAT_CHANGED, "missing_entry", f"catalogue file {request.name} has no {error}") from None
        except (UnicodeDecodeError, tomllib.TOMLDecodeError, ValueError, TypeError, pl.exceptions.PolarsError) as error:
            raise PayloadError(Outcome.FORMAT_CHANGED, "unreadable", f"catalogue file {request.name}: {error}") from None
        return Parsed(frames)


def _rows(name: str, document: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    if name.startswith("commodities/"):
        commodity = document["commodity"]
        code = commodity["commodity_code"]
        columns = TABLES["catalog__contract_specs"].columns
        if unknown := {spec["last_trading_day_rule"] for spec in document["contract_spec"]} - set(LAST_TRADING_DAY_RULES):
            raise ValueError(f"last_trading_day_rule {', '.join(sorted(unknown))} is not one of {', '.join(LAST_TRADING_DAY_RULES)}")
        specs = [
            {column: spec.get(column) for column in columns}
            | {"commodity_code": code, "valid_from": date.fromisoformat(spec["valid_from"]), "source_note": spec["source"]}
            for spec in document["contract_spec"]
        ]
        return {
            "catalog__commodities": [
                {column: commodity[column] for column in ("commodity_code", "name_en", "name_zh", "exchange", "product_id")}
                | {"listing_date": date.fromisoformat(commodity["listing_date"]), "source_note": commodity["source"]}
            ],
            "catalog__contract_specs": specs,
            "catalog__series": [
                {"commodity_code": code, "model_id": series.get("model_id", ""), "source_note": series["source"]}
                | {column: series[column] for column in ("role", "provider", "series_id", "region")}
                for series in document.get("series", [])
            ],
            "catalog__customs_codes": [
                {"commodity_code": code, "hs_code": _hs_code(customs["hs_code"]), "role": customs["role"], "source_note": customs["source"]}
                for customs in document.get("customs", [])
            ],
            "catalog__terms": _terms(code, document),
            "catalog__policy_topics": [
                {"commodity_code": code, "topic": topic["name"].lower(), "relation": _relation(topic["relation"]), "source_note": topic["source"]}
                for topic in document.get("topic", [])
            ],
        }
    if name == "regions.toml":
        return {
            "catalog__regions": [
                {"region": code, "region_name_zh": names["zh"], "region_name_en": names["en"]} for code, names in document["regions"].items()
            ]
        }
    if name == CLOCK:
        return {
            "catalog__publication_clock": [
                {column: row[column] for column in ("dataset", "day_offset", "label")}
                | {"earliest_minute": _minutes(row["earliest"]), "latest_minute": _minutes(row["latest"]), "source_note": row["source"]}
                | {"grace_minutes": row.get("grace_minutes", document.get("grace_minutes", 0))}
                for row in document["clock"]
            ]
        }
    if name == "releases.toml":
        return {"catalog__release_days": [row for table in document["timetable"] for row in _release_days(table)]}
    if name == "parameters.toml":
        return {
            "catalog__parameters": [
                {
                    "commodity_code": row.get("commodity", "*"),
                    "parameter": row["name"],
                    "parameter_value": float(row["value"]),
                    "unit": row["unit"],
                    "source_note": row["source"],
                }
                for row in document["parameter"]
            ]
        }
    if name == "terms.toml":
        return {"catalog__terms": _terms("*", document)}
    if name == "score.toml":
        return scoring.score_rows(document)
    if name == "rules.toml":
        return scoring.rule_rows(document)
    if name == "exchanges.toml":
        return {"catalog__products": [row for exchange, products in document.items() for row in _products(exchange, products)]}
    return {}


def _products(exchange: str, document: dict[str, Any]) -> list[dict[str, Any]]:
    """Contract facts of one exchange's products; the product names beside them are read where payloads are parsed."""
    return [
        {
            "exchange": exchange.upper(),
            "product_id": product,
            "valid_from": date.fromisoformat(document["contracts_valid_from"]),
            "contract_size_qty": float(contract["size"]),
            "quantity_unit": contract.get("unit", "t"),
            "tick_price": float(contract["tick"]),
            "sector": contract["sector"],
            "source_note": document["contracts_source"],
        }
        for product, contract in document.get("contracts", {}).items()
    ]


def _terms(code: str, document: dict[str, Any]) -> list[dict[str, Any]]:
    """Dated terms: what the exchange, the tax office or a forwarder sets, or what is assumed in its place; `values` states many scopes at once."""
    if wrong := {row["label"] for row in document.get("term", [])} - {"sourced", "assumed"}:
        raise ValueError(f"label {', '.join(sorted(wrong))} of a term is not sourced or assumed")
    return [
        {
            "commodity_code": code,
            "term": row["name"],
            "scope": scope,
            "valid_from": date.fromisoformat(row["valid_from"]),
            "term_value": float(value),
            "unit": row["unit"],
            "label": row["label"],
            "source_note": row["source"],
        }
        for row in document.get("term", [])
        for scope, value in (row["values"] if "values" in row else {row.get("scope", ""): row["value"]}).items()
    ]


def _release_days(table: dict[str, Any]) -> list[dict[str, Any]]:
    """One timetable: when each month's figures of a dataset came out."""
    after_midnight = timedelta(minutes=_minutes(table["at"]))
    return [
        {
            "dataset": table["dataset"],
            "month": date.fromisoformat(f"{month}-01"),
            "out_at": (datetime.combine(date.fromisoformat(day), time(), SHANGHAI) + after_midnight).astimezone(UTC),
            "label": table["label"],
            "source_note": table["source"],
        }
        for month, day in table["released"].items()
    ]


def _hs_code(text: str) -> str:
    if not re.fullmatch(r"(\d\d){2,4}", text):
        raise ValueError(f"{text!r} is not an HS code of 4, 6 or 8 digits, in quotes")
    return text


def _relation(text: str) -> str:
    if text not in RELATIONS:
        raise ValueError(f"relation {text!r} of a topic is not one of {', '.join(RELATIONS)}")
    return text


def _minutes(text: str) -> int:
    match = re.fullmatch(r"(\d{1,2}):(\d{2})", text)
    if not match or int(match[1]) > 24 or int(match[2]) > 59:
        raise ValueError(f"{text!r} is not a time of day HH:MM")
    return int(match[1]) * 60 + int(match[2])
