"""A note as the file it came in, and the claims that are read out of it: `review.csv` for a person, the confident ones for the audit."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

from ingest import paper
from ingest.catalog.calendar import Calendar
from ingest.values import iso_day
from serving.cells import safe
from serving.research.audit.claims import COLUMNS, ClaimsError, Note, note_of, short
from serving.research.audit.entities import same_publisher
from serving.research.audit.extract import Extractor, Found, TooManyNumbersError
from serving.research.audit.meanings import Catalog

SUFFIXES = (".txt", ".html", ".htm", ".pdf")
REVIEW_COLUMNS = (*COLUMNS, "span", "shown", "candidates", "confidence", "reason")
_DAY = re.compile(r"(20\d\d)\s*(?:[-/.]|年)\s*(\d{1,2})\s*(?:[-/.]|月)\s*(\d{1,2})\s*日?")


def read_text(path: Path, limits: paper.Limits) -> str:
    """Give a note's text; raises ClaimsError with one sentence where there is none that can be read within the limits."""
    if not path.is_file():
        raise ClaimsError(f"{path.name}: there is no such file")
    if path.stat().st_size > limits.bytes:
        raise ClaimsError(f"{path.name}: the file is larger than the {limits.bytes:,} bytes that are read")
    body = path.read_bytes()
    if path.suffix.lower() != ".txt":
        try:
            return paper.read(body, "pdf" if path.suffix.lower() == ".pdf" else "html", limits)
        except paper.UnreadableDocumentError as error:
            raise ClaimsError(f"{path.name}: {error}") from None
    text = _decoded(path, body)
    if len(text) > limits.characters:
        raise ClaimsError(f"{path.name}: the text holds more than the {limits.characters:,} characters that are read")
    if not text.strip():
        raise ClaimsError(f"{path.name}: the file is empty")
    return text


def _decoded(path: Path, body: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = body.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" not in text:
            return text
    raise ClaimsError(f"{path.name}: the file is neither UTF-8 nor GB18030 text; save it as UTF-8")


def heading_of(name: str, text: str, stated: Mapping[str, str | None], catalog: Catalog) -> tuple[date, str]:
    """Give the note's day and commodity: as stated, else the first full date of the text and the commodity it names most.

    Raises ClaimsError where the text says neither.
    """
    if given := stated.get("as_of"):
        try:
            as_of = iso_day(given)
        except ValueError:
            raise ClaimsError(f"--as-of: {short(given)} is not a day; write it as 2025-07-22") from None
    elif match := _DAY.search(text):
        try:
            as_of = date(*map(int, match.groups()))
        except ValueError:
            raise ClaimsError(f"{name}: {short(match[0])} is not a day; state the note's day with --as-of 2025-07-22") from None
    else:
        raise ClaimsError(f"{name}: the text prints no full date; state the note's day with --as-of 2025-07-22")
    commodities = catalog.lexicon.commodities
    named = [code for match in catalog.lexicon.pattern.finditer(text) if (code := commodities.get((match["product"] or match[0]).lower(), ""))]
    commodity = stated.get("commodity") or max(sorted(set(named)), key=named.count, default="")
    if commodity not in catalog.commodities:
        raise ClaimsError(f"{name}: the text names no commodity of the catalogue; state it with --commodity AO")
    return as_of, commodity


def publisher_of(text: str, catalog: Catalog) -> str | None:
    """Give the publisher that the head of the text names, where the catalogue knows one."""
    head = text[:200]
    return next((names[0] for names in catalog.publishers for pattern in same_publisher(names[0], [names]) if pattern.search(head)), None)


def extracted(path: Path, text: str, stated: Mapping[str, str | None], catalog: Catalog, calendar: Calendar) -> tuple[Note, list[Found], bytes]:
    """Give the note of the confident claims, all numbers of the text and the review file; raises ClaimsError where nothing is confident."""
    as_of, commodity = heading_of(path.name, text, stated, catalog)
    try:
        found = Extractor(catalog, calendar).extract(text, as_of, commodity)
    except TooManyNumbersError as error:
        raise ClaimsError(f"{path.name}: {error}") from None
    publisher = stated.get("publisher") or publisher_of(text, catalog)
    review = _review(found, {"publisher": publisher, "as_of": as_of.isoformat(), "commodity": commodity})
    rows = [(number, one.row(_claim_id(number)), "") for number, one in enumerate(found, 1) if one.is_confident]
    if not rows:
        raise ClaimsError(
            f"{path.name}: no claim can be told with confidence in its {len(found)} numbers; write a claims file, docs/claims.md says how"
        )
    heading = {"publisher": publisher, "as_of": as_of.isoformat(), "commodity": commodity}
    return note_of(path.name, rows, heading, catalog, calendar), found, review


def _claim_id(number: int) -> str:
    return f"T{number:03}"


def _review(found: Sequence[Found], heading: Mapping[str, str | None]) -> bytes:
    """Write what was found as a claims file with more columns: it can be corrected and audited as it is."""
    out = io.StringIO()
    out.writelines(f"# {name}: {value}\n" for name, value in heading.items() if value)
    writer = csv.DictWriter(out, REVIEW_COLUMNS, lineterminator="\n")
    writer.writeheader()
    for number, one in enumerate(found, 1):
        row = one.row(_claim_id(number)) | {
            "span": f"{one.start}-{one.end}", "shown": one.shown, "candidates": " ".join(one.candidates),
            "confidence": "high" if one.is_confident else "low", "reason": one.reason,
        }  # fmt: skip
        if not one.is_confident and one.metric:
            row["kind"] = "conditional" if "forecast" in one.reason else row["kind"]
        row |= {"section": row["section"] or "text", "period": row["period"] or (heading["as_of"] or ""), "cmp": row["cmp"] if row["value"] else ""}
        writer.writerow({name: safe(value) for name, value in row.items()})
    return out.getvalue().encode("utf-8")
