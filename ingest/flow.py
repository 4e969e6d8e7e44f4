"""The one path of a payload: inspect, archive, parse, validate, lake. Every source and every origin goes through here.

Nothing is lost on the way: bytes are kept before they are parsed, every attempt leaves a receipt with a typed outcome,
every refused row a quarantine row with its reason. What the lake already holds is not parsed again; whether it does is
asked of the lake, not of the receipts, so a run that was cut off between the two heals by itself.
"""

import json
import logging
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import polars as pl

from ingest.archive import Archive, Receipt
from ingest.catalog.limits import Limits, TextLimits, load_limits
from ingest.deadline import judged
from ingest.lake import Lake
from ingest.origins import Origin
from ingest.settings import Settings
from ingest.source import ACCEPTED, ConfigurationError, DataOrigin, Outcome, Parsed, PayloadError, Reject, Request, Response, Source, Verdict
from ingest.storable import storable, storable_lines, storable_row
from ingest.within import require_within
from quality import corrections
from quality.fields import FIELDS, PROVENANCE
from quality.raw import POLARS_TYPES, TABLES, RawTable, validate

logger = logging.getLogger(__name__)

# Payloads parsed before their frames are validated and written together; bounds memory in a long backfill.
FLUSH_PAYLOADS = 2_000
# Refused rows a report shows; all of them are in quarantine.
ROWS_SHOWN = 5


@dataclass
class Report:
    """What one ingestion did, for people and for Dagster's metadata."""

    outcomes: Counter[tuple[str, str, Outcome]] = field(default_factory=Counter)
    problems: list[Receipt] = field(default_factory=list)
    """Receipts of the attempts that failed."""
    receipts: list[Receipt] = field(default_factory=list)
    """One per delivery, in the order of the deliveries."""
    rows: Counter[str] = field(default_factory=Counter)
    quarantined: Counter[tuple[str, str]] = field(default_factory=Counter)
    refused_rows: list[dict[str, Any]] = field(default_factory=list)
    """The first rows that went to quarantine, each with table and reason."""
    payloads: list[str] = field(default_factory=list)
    configuration_error: str | None = None
    """Why the configuration delivered was not taken; the one before stays in force."""

    @property
    def attempts(self) -> int:
        """How many payloads were asked for."""
        return sum(self.outcomes.values())

    def count(self, *outcomes: Outcome) -> int:
        """How many attempts ended in one of these."""
        return sum(count for (_, _, outcome), count in self.outcomes.items() if outcome in outcomes)

    def absorb(self, other: "Report") -> None:
        """Add what another ingestion of the same run did."""
        self.outcomes.update(other.outcomes)
        self.rows.update(other.rows)
        self.quarantined.update(other.quarantined)
        self.problems += other.problems
        self.receipts += other.receipts
        self.refused_rows += other.refused_rows
        self.payloads += other.payloads
        self.configuration_error = self.configuration_error or other.configuration_error


@dataclass
class _Pending:
    """Frames of payloads parsed but not yet committed."""

    limits: Limits
    frames: dict[str, list[tuple[str, pl.DataFrame]]] = field(default_factory=dict)
    provenance: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By sha256: a payload that came under two names has one."""
    payloads: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    receipts: list[Receipt] = field(default_factory=list)
    refused: dict[str, list[tuple[str, Reject]]] = field(default_factory=dict)
    """By sha256: rows that did not keep their model, each with the name of its payload."""


def ingest(
    sources: Sequence[Source],
    origin: Origin,
    archive: Archive,
    lake: Lake,
    run_id: str,
    *,
    record: bool = True,
    progress: Callable[[int], None] = lambda _: None,
) -> Report:
    """Take everything an origin delivers for these sources into archive and lake.

    With `record=False` (rebuilding from the archive) receipts are written only of payloads that were refused before and
    are accepted now. Bad payloads and rows never raise; only failures of the machine do (disk full, a rotted archive), and a catalogue that cannot be read.
    """
    by_name = {source.name: source for source in sources}
    parsed_before = lake.parsed()
    before = archive.accepted(by_name)
    pairs, shas, times = _pairs(before), before["payload_sha256"].to_list(), before["attempted_at"].to_list()
    accepted, taken = dict(pairs), set(pairs)
    first_seen = dict(zip(reversed(shas), reversed(times), strict=True))
    # Else the next run would take what a rebuild accepted for new, with a later time.
    mended = set() if record else set(_pairs(archive.refused(by_name))) - taken
    durable = origin.data_origin is not DataOrigin.SAMPLE  # the sample can be made again
    report, pending = Report(), _Pending(load_limits(Settings().catalog_overlay))

    for number, (request, response) in enumerate(origin.deliveries(sources), start=1):
        source, label = by_name[request.source], response.data_origin or origin.data_origin
        sha = archive.put(response.body, durable=durable) if response.body else None
        verdict = _inspect(source, request, response)
        if verdict.outcome is Outcome.OK and sha is not None:
            request_id = (request.source, request.feed, request.key)
            held = pending.payloads.get(sha) or parsed_before.get(sha)
            is_state = TABLES[source.tables[0]].replace  # configuration counts as a whole, so all of it is read every time
            # The same bytes under another name are another claim: they are read again, so that a wrong one is found out.
            if held != source.parser_version or (request_id, sha) not in taken or is_state:
                seen = datetime.fromisoformat(first_seen[sha]) if sha in first_seen else response.fetched_at
                if (request_id, sha) in mended:  # its receipt will say that it came then
                    seen = min(seen, response.fetched_at)
                verdict = _take(source, request, response, sha, seen, label, pending, report)
            if verdict.outcome is Outcome.OK and accepted.get(request_id) == sha:
                verdict = Verdict(Outcome.UNCHANGED, verdict.reason, verdict.message)
            if verdict.outcome in ACCEPTED:
                accepted[request_id] = sha
                taken.add((request_id, sha))
        verdict = judged(verdict, request.due, response.fetched_at)
        receipt = Receipt(
            attempted_at=response.fetched_at,
            run_id=run_id,
            source=request.source,
            feed=request.feed,
            request_key=request.key,
            request_name=request.name,
            outcome=verdict.outcome,
            reason=storable(verdict.reason, pending.limits.text.message_characters),
            message=storable(verdict.message, pending.limits.text.message_characters),
            http_status=response.status,
            payload_bytes=len(response.body),
            payload_sha256=sha,
            data_origin=label,
        )
        if record or (receipt.outcome in ACCEPTED and (receipt.request, sha) in mended):
            pending.receipts.append(receipt)
        report.receipts.append(receipt)
        report.outcomes[(request.source, request.feed, verdict.outcome)] += 1
        if receipt.is_failure:
            report.problems.append(receipt)
        if len(pending.payloads) >= FLUSH_PAYLOADS:
            parsed_before |= pending.payloads
            pending = _flush(pending, archive, lake, report, durable=durable)
        progress(number)
    _flush(pending, archive, lake, report, durable=durable)
    return report


def _pairs(attempts: pl.DataFrame) -> list[tuple[tuple[str, str, str], str]]:
    """Give the request and sha256 of every attempt."""
    *requests, shas = (attempts[name].to_list() for name in ("source", "feed", "request_key", "payload_sha256"))
    return list(zip(zip(*requests, strict=True), shas, strict=True))


def _inspect(source: Source, request: Request, response: Response) -> Verdict:
    if response.verdict is not None:
        return response.verdict
    if response.error is not None and response.status is None and response.body == b"" and request.url is None:
        return Verdict(Outcome.NOT_DATA, "unreadable_file", f"{request.name}: {response.error}")
    try:
        return source.inspect(request, response)
    except Exception as error:
        return _unforeseen(source, request, error)


def _unforeseen(source: Source, request: Request, error: Exception) -> Verdict:
    """Judge a payload nobody foresaw: it must not end the others; its bytes are kept, its receipt says so, and the log says where."""
    place = storable_lines("".join(traceback.format_exception(error)))
    logger.error("%s: the page of %s did not foresee this payload\n%s", request.name, source.name, place)
    return Verdict(Outcome.FORMAT_CHANGED, "parser_failed", f"{request.name} cannot be read: {type(error).__name__}: {error}")


def _take(
    source: Source, request: Request, response: Response, sha: str, seen: datetime, origin: DataOrigin, pending: _Pending, report: Report
) -> Verdict:
    """Parse one payload into the pending batch and say how it went."""
    try:
        feed = pending.limits.of(source.name, request.feed)
        if origin is not DataOrigin.CONFIG:  # the operator's own files
            require_within(request.name, response.body, feed)
        parsed = source.parse(request, response.body)
        if len(parsed.rejects) > feed.refused_rows:
            raise PayloadError(
                Outcome.NOT_DATA,
                "too_many_refused",
                f"{len(parsed.rejects):,} rows of {request.name} cannot be read, the first: {parsed.rejects[0].message}",
            )
        refused = _quarantine(((request.name, reject) for reject in parsed.rejects), pending.limits.text) if parsed.rejects else None
        published = parsed.published_at.astimezone(UTC) if parsed.published_at else None
    except PayloadError as error:
        return error.verdict
    except ConfigurationError:  # the payload is as good as it was: it waits until the catalogue is mended
        raise
    except Exception as error:
        return _unforeseen(source, request, error)
    provenance = {
        "payload_sha256": sha,
        "source": source.name,
        "fetched_at": seen.astimezone(UTC),
        "published_at": published,
        "parser_version": source.parser_version,
        "data_origin": str(origin),
    }
    frames = {table: frame for table, frame in parsed.frames.items() if frame.height}
    rejects = parsed.rejects
    if refused is not None:
        frames["ingest__quarantine"] = refused
        report.quarantined.update((reject.table, reject.reason) for reject in rejects)
        for reject in rejects:
            _show(report, reject, pending.limits.text)
    if not frames and not _may_be_empty(parsed):
        return Verdict(Outcome.NOT_DATA, "no_rows", f"{request.name} was readable but gave no row")
    for table, frame in frames.items():
        pending.frames.setdefault(table, []).append((sha, frame))
    pending.provenance.setdefault(sha, provenance)
    pending.payloads[sha] = source.parser_version
    pending.names[sha] = request.name
    report.payloads.append(sha)
    notes = [*parsed.remarks, *([f"{len(rejects)} rows in quarantine"] if rejects else [])]
    reason = parsed.remarks[0].split(":")[0] if parsed.remarks else "quarantined_rows" if rejects else ""
    return Verdict(Outcome.OK, reason, "; ".join(notes))


def _may_be_empty(parsed: Parsed) -> bool:
    """A payload that feeds no table at all (a catalogue file read elsewhere) is not an empty one."""
    return not parsed.frames


def _flush(pending: _Pending, archive: Archive, lake: Lake, report: Report, *, durable: bool) -> _Pending:
    """Validate what is pending, commit it as one batch, then record the receipts."""
    # Configuration with one unreadable file would replace the whole by a part: keep what there was.
    half = report.problems and any(TABLES[table].replace for table in pending.frames)
    if pending.payloads and not half:
        provenance = pl.DataFrame(list(pending.provenance.values()), schema={name: POLARS_TYPES[FIELDS[name].kind] for name in PROVENANCE})
        good: dict[str, pl.DataFrame] = {}
        # Quarantine comes last: validating the other tables adds to it.
        for table in sorted(pending.frames.keys() | {"ingest__quarantine"}, key=lambda table: (table == "ingest__quarantine", table)):
            if table == "ingest__quarantine":
                pending.frames.setdefault(table, []).extend(
                    (sha, _quarantine(refused, pending.limits.text)) for sha, refused in pending.refused.items()
                )
            corrected = corrections.apply(table, _joined(TABLES[table], pending.frames.get(table, []), provenance), corrections.load())
            for reason, entries in (("corrected", corrected.originals), ("stale_correction", corrected.stale)):
                for entry, row in entries:
                    message = (
                        entry.reason if reason == "corrected" else f"the source no longer says {entry.expect}; remove the correction: {entry.reason}"
                    )
                    _refuse(pending, report, Reject(table, reason, message, _shown(row)), row["payload_sha256"])
            checked = validate(TABLES[table], corrected.frame)
            good[table] = checked.good
            report.rows[table] += checked.good.height
            by_row = {row["_row"]: row for row in checked.bad.iter_rows(named=True)}
            for failure in checked.failures:
                for row in (by_row[number] for number in failure.rows):
                    _refuse(pending, report, Reject(table, failure.check, failure.message, _shown(row)), row["payload_sha256"])
        refused = sorted({f"{table}: {reason}" for table, reason in report.quarantined if TABLES[table].replace})
        if refused:
            report.configuration_error = f"configuration rows were refused, the one before stays: {', '.join(refused)}"
        else:
            lake.commit(pending.payloads, good, durable=durable)
    archive.record(pending.receipts)
    return _Pending(pending.limits)


def _refuse(pending: _Pending, report: Report, reject: Reject, sha: str) -> None:
    """Put one row into the pending quarantine."""
    report.quarantined[(reject.table, reject.reason)] += 1
    _show(report, reject, pending.limits.text)
    pending.refused.setdefault(sha, []).append((pending.names[sha], reject))


def _show(report: Report, reject: Reject, limits: TextLimits) -> None:
    if len(report.refused_rows) < ROWS_SHOWN:
        row = storable_row(reject.row, limits.cell_characters, limits.row_cells)
        report.refused_rows.append({"table": reject.table, "reason": storable(reject.reason, limits.message_characters), **row})


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in PROVENANCE and name != "_row"}


def _joined(table: RawTable, parts: Sequence[tuple[str, pl.DataFrame]], provenance: pl.DataFrame) -> pl.DataFrame:
    """Put the frames of many payloads together, each row with its payload's provenance; rows printed twice count once."""
    if not parts:
        return pl.DataFrame(schema=table.stored_schema)
    shas = pl.concat([pl.Series([sha], dtype=pl.String).new_from_index(0, frame.height) for sha, frame in parts])
    frame = pl.concat([frame for _, frame in parts]).with_columns(shas.alias("payload_sha256"))
    # A payload that came under two names was read twice: what it refused under both is refused once.
    frame = frame.unique(table.key if table.name == "ingest__quarantine" else None, keep="first", maintain_order=True)
    own = [name for name in PROVENANCE if name in table.columns]  # a vendor's row states its own publication time
    return frame.join(provenance.drop(own), on="payload_sha256", how="left", maintain_order="left").select(list(table.stored_schema))


def _quarantine(rejects: Iterable[tuple[str, Reject]], limits: TextLimits) -> pl.DataFrame:
    rows = [
        {
            "table_name": reject.table,
            "request_name": name,
            "reason": storable(reject.reason, limits.message_characters),
            "message": storable(reject.message, limits.message_characters),
            "row_json": json.dumps(storable_row(reject.row, limits.cell_characters, limits.row_cells), ensure_ascii=False),
        }
        for name, reject in rejects
    ]
    return pl.DataFrame(rows, schema=TABLES["ingest__quarantine"].schema)
