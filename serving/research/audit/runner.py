"""Auditing a note on the published release, as the command does: it writes beside the release and changes nothing in it."""

import io
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from pathlib import Path

import duckdb
import polars as pl

from ingest.catalog.calendar import Calendar
from ingest.catalog.configuration import Configuration
from ingest.files import write_atomic
from ingest.settings import Settings
from ingest.source import SHANGHAI
from serving.read import connect
from serving.research.audit.claims import Note, read_note
from serving.research.audit.extract import Found
from serving.research.audit.facts import read_evidence
from serving.research.audit.meanings import Catalog, load_catalog, load_days
from serving.research.audit.report import render
from serving.research.audit.texts import SUFFIXES, extracted, read_text
from serving.research.audit.verdicts import Auditor, Judged, Verdict


@dataclass(frozen=True)
class Audit:
    """A note's audit: what was found and where it was written."""

    note: Note
    judged: tuple[Judged, ...]
    is_real: bool
    as_of: tuple[Judged, ...] = ()
    """The same on what was known on the note's day; empty on a sample, whose figures have no history."""
    folder: Path | None = None
    numbers: int = 0
    """Numbers of the text the claims were read out of."""

    @property
    def totals(self) -> dict[str, int]:
        """Claims by verdict."""
        return {str(verdict): sum(row.verdict is verdict for row in self.judged) for verdict in Verdict}

    @property
    def turned(self) -> list[tuple[Judged, Judged]]:
        """Claims whose verdict on what was known on the note's day is another than on what is known now: (then, now)."""
        return [(then, now) for then, now in zip(self.as_of, self.judged, strict=False) if then.verdict is not now.verdict]


def audit_note(settings: Settings, path: Path, stated: Mapping[str, str | None]) -> Audit:
    """Audit a claims file, or the claims of a text, on the published release and write `audits/<name>/` (table and page) into the home.

    `stated` says publisher, and of a text as_of and commodity, where the file does not. Raises ClaimsError for a file that cannot be
    audited and CatalogError for a catalogue that cannot be read, before anything but `review.csv` is written, CalendarHorizonError for a
    claim the calendar does not reach, and NothingPublishedError without a release.
    """
    overlay = settings.catalog_overlay
    catalog, calendar = load_catalog(overlay), load_days(overlay)
    folder = settings.root / "audits" / (re.sub(r"[^\w.-]+", "_", path.stem).strip(".") or "claims")
    found = list[Found]()
    with connect(settings) as con:
        if path.suffix.lower() in SUFFIXES:
            text = read_text(path, Configuration(overlay).limits.paper)
            note, found, review = extracted(path, text, stated, catalog, calendar)
            write_atomic(folder / "review.csv", review)
        else:
            note = read_note(path, catalog, calendar, publisher=stated.get("publisher"))
        audit = judge(con, note, catalog, calendar)
        if audit.is_real:
            audit = replace(audit, as_of=judge_as_of(con, note, catalog, calendar))
        release_id = con.execute("select release_id from serving.publication").fetchall()[0][0]
    body, then = io.BytesIO(), [str(row.verdict) for row in audit.as_of or audit.judged]
    table_of(audit).with_columns(pl.Series("verdict_as_of", then, pl.String)).write_parquet(body)
    write_atomic(folder / "claim_audit.parquet", body.getvalue())
    write_atomic(folder / "claim_audit.html", render(note, audit.judged, audit.as_of, audit.totals, release_id, is_real=audit.is_real).encode())
    return replace(audit, folder=folder, numbers=len(found))


def judge(con: duckdb.DuckDBPyConnection, note: Note, catalog: Catalog, calendar: Calendar) -> Audit:
    """Hold a note's claims against `serving.claim_facts` of the open database."""
    evidence = read_evidence(con, note.as_of, note.publisher, catalog.publishers)
    return Audit(note, tuple(Auditor(note, catalog, evidence, calendar).judge_all()), evidence.is_real)


def judge_as_of(con: duckdb.DuckDBPyConnection, note: Note, catalog: Catalog, calendar: Calendar) -> tuple[Judged, ...]:
    """Hold the claims against the figures as they stood at the end of the note's day, revised since or not."""
    day_end = datetime.combine(note.as_of + timedelta(days=1), time(), SHANGHAI)
    then = read_evidence(con, note.as_of, note.publisher, catalog.publishers, known_by=day_end)
    return tuple(Auditor(note, catalog, then, calendar).judge_all())


def table_of(audit: Audit) -> pl.DataFrame:
    """One row per claim, as `serving.claim_audit` has them."""
    rows = [
        {
            "note_name": audit.note.name,
            "claim_id": row.claim.claim_id,
            "section": row.claim.section,
            "quote_zh": row.claim.quote,
            "kind": row.claim.kind,
            "metric": row.claim.metric,
            "entity": row.claim.entity,
            "period": row.claim.period_text,
            "claimed": row.claim.claimed_text,
            "unit": row.claim.unit,
            "verdict": str(row.verdict),
            "value_found": row.value_found,
            "value_found_unit": row.value_unit or None,
            "self_consistency": row.self_consistency,
            "evidence": row.evidence,
            "reconciling_definition": row.reconciling_definition.en,
            "reconciling_definition_zh": row.reconciling_definition.zh,
        }
        for row in audit.judged
    ]
    return pl.DataFrame(rows, schema_overrides={"value_found": pl.Float64}, infer_schema_length=None)
