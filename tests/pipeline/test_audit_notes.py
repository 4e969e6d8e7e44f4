"""Ten notes of invented publishers: true claims are not accused, planted errors are caught, and the text gives the claims.

The figures are held by kind (`docs/claims.md` publishes them); both halves are tested, only the first was tuned on.
"""

import re
from collections import Counter
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest

from ingest.catalog.calendar import load_calendar
from serving.research.audit.claims import parse_period, read_note
from serving.research.audit.entities import resolve
from serving.research.audit.extract import Extractor, Found
from serving.research.audit.facts import Evidence, read_evidence
from serving.research.audit.interval import Interval
from serving.research.audit.meanings import load_catalog
from serving.research.audit.verdicts import Auditor, Judged, Verdict
from tests.pipeline.noted import Marked, Noted, as_if_real, is_held_out, notes

TRUE_CLAIMS, PLANTED_ERRORS = 282, 62
CATALOG, CALENDAR = load_catalog(), load_calendar()
PRECISION, RECALL = 0.95, 0.93


def test_the_notes_are_what_was_counted() -> None:
    claims = [claim for note in notes() for claim in note.claims]
    assert (sum(not claim.planted for claim in claims), sum(bool(claim.planted) for claim in claims)) == (TRUE_CLAIMS, PLANTED_ERRORS)
    assert [note.name[:3] for note in notes() if is_held_out(note.name)] == ["n02", "n04", "n06", "n08", "n10"]
    assert all(note.text[claim.start : claim.end] in claim.row["quote_zh"] for note in notes() for claim in note.claims)


@pytest.fixture(scope="module")
def figures(sample) -> Evidence:
    """All figures of the sample as evidence; none of them was printed by an invented publisher."""
    with as_if_real(sample.home) as con:
        return read_evidence(con, date(2025, 7, 23), "Nobody")


def audited(figures: Evidence, note: Noted, folder: Path) -> list[tuple[Marked, Judged]]:
    path = folder / f"{note.name}.csv"
    path.write_text(note.csv(), encoding="utf-8")
    read = read_note(path, CATALOG, CALENDAR)
    assert read.problems == []
    return list(zip(note.claims, Auditor(read, CATALOG, figures, CALENDAR).judge_all(), strict=True))


@pytest.mark.parametrize("note", notes(), ids=lambda note: note.name[:3])
def test_no_true_claim_is_accused_and_every_planted_error_is_caught(figures, note: Noted, tmp_path: Path) -> None:
    found = audited(figures, note, tmp_path)
    assert [one.claim_id for one, row in found if not one.planted and row.verdict is not Verdict.SUPPORTED] == []
    assert [(one.claim_id, one.planted) for one, row in found if one.planted and row.verdict is not Verdict.CONTRADICTED] == []
    planted = {one.claim_id for one, _ in found if one.planted}
    fails = {one.claim_id: row.self_consistency for one, row in found if not one.planted and row.self_consistency.startswith("fail")}
    assert [claim for claim, text in fails.items() if not planted & set(re.findall(r"N\d\d-\d\d", text))] == []


@pytest.mark.parametrize("held_out", [False, True], ids=["tuned", "held out"])
def test_the_text_gives_the_claims(held_out: bool) -> None:
    counts = Counter[str]()
    for note in (note for note in notes() if is_held_out(note.name) is held_out):
        heading = dict(re.findall(r"# (\w+): (.*)", note.heading))
        as_of = date.fromisoformat(heading["as_of"])
        found = [one for one in Extractor(CATALOG, CALENDAR).extract(note.text, as_of, heading["commodity"]) if one.is_confident]
        counts["said"] += len(note.claims)
        counts["told"] += len(found)
        counts["right"] += sum(any(says(one, claim, as_of, heading["commodity"]) for one in found) for claim in note.claims)
    assert counts["right"] / counts["told"] >= PRECISION, counts
    assert counts["right"] / counts["said"] >= RECALL, counts


def says(found: Found, claim: Marked, as_of: date, commodity: str) -> bool:
    """Tell whether what was found at a claim's place is the claim: metric, subject, period and figure."""
    if not (found.start < claim.end and claim.start < found.end) or claim.row["metric"] != found.metric:
        return False
    about, meant = (resolve(text, CATALOG.lexicon, commodity) for text in (found.entity, claim.row["entity"]))
    then, wanted = (parse_period(text, as_of, CALENDAR) for text in (found.period, claim.row["period"]))
    unit = CATALOG.unit_named(claim.row["unit"]) or ""
    stated = CATALOG.converted(Interval.of(Fraction(found.value)), found.unit, unit)
    return (
        (about.commodity, about.contracts, about.hs, about.region) == (meant.commodity, meant.contracts, meant.hs, meant.region)
        and (then.start, then.end, then.night) == (wanted.start, wanted.end, wanted.night)
        and stated == Interval.of(Fraction(claim.row["value"]))
        and found.value_high == claim.row["value_high"]
    )
