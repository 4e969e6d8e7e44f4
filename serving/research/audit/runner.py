"""Auditing a note on the published release, as the command does: it writes beside the release and changes nothing in it."""

import io
import re
from dataclasses import dataclass
from pathlib import Path

import duckdb
import polars as pl

from ingest.catalog.calendar import Calendar
from ingest.files import write_atomic
from ingest.settings import Settings
from serving.read import connect
from serving.research.audit.claims import Note, read_note
from serving.research.audit.facts import read_evidence
from serving.research.audit.meanings import Catalog, load_catalog, load_days
from serving.research.audit.report import render
from serving.research.audit.verdicts import Auditor, Judged, Verdict


@dataclass(frozen=True)
class Audit:
    """A note's audit: what was found and where it was written."""

    note: Note
    judged: tuple[Judged, ...]
    is_real: bool
    folder: Path | None = None

    @property
    def totals(self) -> dict[str, int]:
        """Claims by verdict."""
        return {str(verdict): sum(row.verdict is verdict for row in self.judged) for verdict in Verdict}


def audit_note(settings: Settings, path: Path, publisher: str | None) -> Audit:
    """Audit a claims file on the published release and write `audits/<name>/` (table and page) into the home.

    Raises ClaimsError for a file that cannot be audited and CatalogError for a catalogue that cannot be read, before anything is
    written, CalendarHorizonError for a claim the calendar does not reach, and NothingPublishedError without a release.
    """
    overlay = settings.catalog_overlay
    catalog, calendar = load_catalog(overlay), load_days(overlay)
    note = read_note(path, catalog, calendar, publisher=publisher)
    with connect(settings) as con:
        audit = judge(con, note, catalog, calendar)
        release_id = con.execute("select release_id from serving.publication").fetchall()[0][0]
    folder = settings.root / "audits" / (re.sub(r"[^\w.-]+", "_", path.stem).strip(".") or "claims")
    body = io.BytesIO()
    table_of(audit).write_parquet(body)
    write_atomic(folder / "claim_audit.parquet", body.getvalue())
    write_atomic(folder / "claim_audit.html", render(note, audit.judged, audit.totals, release_id, is_real=audit.is_real).encode())
    return Audit(note, audit.judged, audit.is_real, folder)


def judge(con: duckdb.DuckDBPyConnection, note: Note, catalog: Catalog, calendar: Calendar) -> Audit:
    """Hold a note's claims against `serving.claim_facts` of the open database."""
    evidence = read_evidence(con, note.as_of, note.publisher, catalog.publishers)
    return Audit(note, tuple(Auditor(note, catalog, evidence, calendar).judge_all()), evidence.is_real)


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
