"""The catalogue as a source: each TOML file is a payload, its rows go to `raw.catalog__*` and reach SQL as tables.

`ingest.catalog` says which files there are and what each may hold; this module turns its models into rows.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import polars as pl

from ingest.catalog import leaning, scoring
from ingest.catalog.calendar import Calendar, parse_calendar
from ingest.catalog.documents import CALENDAR, EXTENSION, parsed
from ingest.catalog.languages import WordsFile
from ingest.catalog.roles import ROLES
from ingest.catalog.schemas import (
    ClockFile,
    CommodityFile,
    ExchangesFile,
    HeldFile,
    LexiconFile,
    LicencesFile,
    PanelFile,
    Parameter,
    ParametersFile,
    RegionsFile,
    ReleasesFile,
    ReviewsFile,
    Series,
    SeriesFile,
    Term,
    TermsFile,
    Timetable,
)
from ingest.catalog.tone import lexicon_rows
from ingest.inspect import inspect, kind_of
from ingest.source import SHANGHAI, Cadence, ConfigurationError, Outcome, Parsed, PayloadError, Request, Response, Verdict
from quality.raw import TABLES
from quality.typed import Document


class Catalog:
    """Configuration rows. Their payloads are files of the project, so nothing is fetched and nothing recognised elsewhere."""

    name = "catalog"
    parser_version = "12"
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
        """Read one file; raises PayloadError with everything that is wrong with it."""
        try:
            if request.name == CALENDAR:
                rows = _days(parse_calendar(body.decode("utf-8").split(EXTENSION)))
            else:
                rows = _rows(parsed(request.name, body), body)
        except UnicodeDecodeError:
            raise PayloadError(Outcome.FORMAT_CHANGED, "unreadable", f"catalogue file {request.name} is not text in UTF-8") from None
        except ConfigurationError as error:
            raise PayloadError(Outcome.FORMAT_CHANGED, "unreadable", str(error)) from None
        return Parsed({name: pl.DataFrame(items, schema=TABLES[name].schema, strict=True) for name, items in rows.items() if items})


def _rows(file: Document, body: bytes) -> scoring.Rows:
    match file:
        case CommodityFile():
            return _commodity(file)
        case SeriesFile():
            return {"catalog__series": [_series(series.commodity, series) for series in file.series]}
        case RegionsFile():
            return {
                "catalog__regions": [{"region": code, "region_name_zh": names.zh, "region_name_en": names.en} for code, names in file.regions.items()]
            }
        case WordsFile():
            return {
                "catalog__words": [
                    {"word_kind": kind, "word": word, "word_zh": said["zh"], "word_en": said["en"]}
                    for kind, words in file.model_dump().items()
                    for word, said in words.items()
                ]
            }
        case ClockFile():
            return {
                "catalog__publication_clock": [
                    {
                        "dataset": row.dataset,
                        "day_offset": row.day_offset,
                        "earliest_minute": row.earliest,
                        "latest_minute": row.latest,
                        "grace_minutes": file.grace(row),
                        "label": row.label,
                        "source_note": row.source,
                    }
                    for row in file.clock
                ]
            }
        case LicencesFile():
            return {
                "catalog__licences": [
                    {
                        "licensed_source": row.of,
                        "licence": row.licence,
                        "may_redistribute": row.may_redistribute,
                        "label": row.label,
                        "source_note": row.source,
                    }
                    for row in file.licence
                ]
            }
        case ReleasesFile():
            return {"catalog__release_days": [row for table in file.timetable for row in _release_days(table)]}
        case ParametersFile():
            return {"catalog__parameters": _parameters(file.parameter)}
        case PanelFile():
            return _panel(file)
        case TermsFile():
            return {"catalog__terms": _terms("*", file.term)}
        case ExchangesFile():
            return {"catalog__products": _products(file)}
        case HeldFile():
            return {"catalog__quantities": list(_quantities(file))}
        case ReviewsFile():
            return {
                "catalog__reviews": [
                    {"held_id": row.id, "review": row.verdict, "review_reason": row.reason, "reviewed_at": row.at.astimezone(UTC)}
                    for row in file.review
                ]
            }
        case scoring.ScoreFile():
            return scoring.score_rows(file, _said(body))
        case scoring.RulesFile():
            return scoring.rule_rows(file, _said(body))
        case leaning.ProfilesFile():
            return leaning.profile_rows(file)
        case leaning.StancesFile():
            return leaning.stance_rows(file, _said(body))
        case LexiconFile():
            return {"catalog__lexicon": list(lexicon_rows(body))}
    return {}


def _said(body: bytes) -> Mapping[str, Any]:
    return tomllib.loads(body.decode("utf-8"))


def _days(calendar: Calendar) -> scoring.Rows:
    """Sessions, and those expected after each day up to which closures count as known somewhere, numbered on from it."""
    sessions = [(day, n, calendar.known_until(day)) for n, day in enumerate(calendar.sessions, start=1)]
    newest = {known: n for _, n, known in sessions}
    return {
        "catalog__trading_days": [{"trade_date": day, "session_index": n, "known_until": known} for day, n, known in sessions],
        "catalog__expected_days": [
            {"known_until": known, "expected_date": day, "expected_index": n}
            for known, last in newest.items()
            for n, day in enumerate(calendar.expected(known), start=last + 1)
        ],
    }


def _commodity(file: CommodityFile) -> scoring.Rows:
    head = file.commodity
    code = head.commodity_code
    return {
        "catalog__commodities": [
            {name: getattr(head, name) for name in ("commodity_code", "name_en", "name_zh", "exchange", "product_id", "listing_date")}
            | {"profile_setting": head.profile}
            | {"source_note": head.source}
        ],
        "catalog__contract_specs": [
            {"commodity_code": code, "source_note": spec.source}
            | {
                name: getattr(spec, name)
                for name in ("valid_from", "contract_size_t", "tick_cny_t", "warrant_unit_t", "last_trading_day_rule", "last_trading_day_value")
            }
            for spec in file.contract_spec
        ],
        "catalog__series": [_series(code, series) for series in file.series],
        "catalog__bounds": [
            {"commodity_code": code, "role": role, "source_note": row.source}
            | {name: getattr(row, name) for name in ("unit", "lowest", "highest", "day_step", "label")}
            for row in file.bounds
            for role in row.roles
        ],
        "catalog__customs_codes": [
            {"commodity_code": code, "source_note": row.source}
            | {name: getattr(row, name) for name in ("hs_code", "role", "lowest_usd_t", "highest_usd_t")}
            for row in file.customs
        ],
        "catalog__terms": _terms(code, file.term),
        "catalog__policy_topics": [
            {"commodity_code": code, "topic": topic.name.lower(), "relation": topic.relation, "source_note": topic.source} for topic in file.topic
        ],
    }


def _series(code: str, series: Series) -> dict[str, Any]:
    own = {
        "commodity_code": code,
        "unit": ROLES[series.role].unit if series.role in ROLES else "",
        "model_id": series.model_id or "",
        "source_note": series.source,
    }
    return own | {name: getattr(series, name) for name in ("role", "provider", "series_id", "region")}


def _parameters(parameters: Iterable[Parameter]) -> list[dict[str, Any]]:
    return [
        {
            "commodity_code": row.commodity,
            "parameter": row.name,
            "parameter_value": row.value,
            "unit": row.unit,
            "source_note": row.source,
        }
        for row in parameters
    ]


def _panel(file: PanelFile) -> scoring.Rows:
    """Parameters, horizons (those of events are named by their sessions), last trading days, months of cancellation."""
    forecast = [
        {
            "horizon": row.name,
            "horizon_sessions": row.sessions,
            "ewma_weight": row.ewma_weight,
            "signals": ";".join(row.signals),
            "source_note": row.source,
        }
        for row in file.horizon
    ]
    events = [{"horizon": f"event_{sessions}", "horizon_sessions": sessions, "source_note": file.event.source} for sessions in file.event.sessions]
    return {
        "catalog__parameters": _parameters(file.parameter),
        "catalog__panel_horizons": [*forecast, *events],
        "catalog__expiry_rules": [
            {
                "exchange": row.exchange,
                "product_id": row.product,
                "months_before": row.months_before,
                "last_trading_day_rule": row.rule,
                "last_trading_day_value": row.value,
                "source_note": row.source,
            }
            for row in file.last_trading_day
        ],
        "catalog__receipt_expiries": [
            {"exchange": row.exchange, "product_id": row.product, "expiry_month": month, "source_note": row.source}
            for row in file.receipt_expiry
            for month in row.months
        ],
    }


def _products(file: ExchangesFile) -> list[dict[str, Any]]:
    """Contract facts of the exchanges' products; the product names beside them are read where payloads are parsed."""
    return [
        {
            "exchange": name,
            "product_id": product,
            "valid_from": exchange.contracts_valid_from,
            "contract_size_qty": contract.size,
            "quantity_unit": contract.unit,
            "tick_price": contract.tick,
            "sector": contract.sector,
            "settlement_rounding": exchange.settlement,
            "turnover_step_cny": exchange.turnover_step_cny,
            "source_note": exchange.contracts_source,
        }
        for name, exchange in file.exchanges.items()
        for product, contract in exchange.contracts.items()
    ]


def _quantities(file: HeldFile) -> Iterator[dict[str, Any]]:
    """One row for each role and word an entry speaks of, or one for every series of its unit."""
    for row in file.quantity:
        said = row.model_dump(exclude={"name", "roles", "words", "source"}) | {"quantity": row.name, "source_note": row.source}
        matches = [("role", role) for role in row.roles] + [("word", word) for word in row.words]
        for kind, match in matches or [("any", "")]:
            yield said | {"match_kind": kind, "match_value": match, "prints_remembered": file.memory.prints}


def _terms(code: str, terms: Iterable[Term]) -> list[dict[str, Any]]:
    """Dated terms: what the exchange, the tax office or a forwarder sets, or what is assumed in its place; scope by scope."""
    return [
        {
            "commodity_code": code,
            "term": row.name,
            "scope": scope,
            "valid_from": row.valid_from,
            "term_value": value,
            "unit": row.unit,
            "label": row.label,
            "source_note": row.source,
        }
        for row in terms
        for scope, value in row.scopes.items()
    ]


def _release_days(table: Timetable) -> list[dict[str, Any]]:
    """One timetable: when each month's figures of a dataset came out."""
    return [
        {
            "dataset": table.dataset,
            "month": month,
            "out_at": (datetime.combine(day, time(), SHANGHAI) + timedelta(minutes=table.at)).astimezone(UTC),
            "label": table.label,
            "source_note": table.source,
        }
        for month, day in table.released.items()
    ]
