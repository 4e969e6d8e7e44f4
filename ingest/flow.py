"""The one path of a payload: inspect, archive, parse, validate, lake. Every source and every origin goes through here.

Nothing is lost on the way. Bytes are kept before they are parsed. Every attempt gets a line in the fetch log, with a typed outcome, as soon as
the payload is judged, every refused row a quarantine row with its reason. What the lake already holds is not parsed again; whether
it does is asked of the lake, not of the fetch log, and what the log accepts and the lake lacks is read from the archive first, so
a run that was cut off between the two heals by itself. Whatever ends a run, what came before it is kept.
"""

import hashlib
import json
import logging
import traceback
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any, Protocol, runtime_checkable

import polars as pl

from ingest.archive import UNREAD, Archive, Attempt
from ingest.catalog.calendar import horizon_of
from ingest.catalog.configuration import SHIPPED_ONLY, Configuration
from ingest.catalog.limits import Limits
from ingest.catalog.schemas import TextLimits
from ingest.deadline import judged
from ingest.inspect import lacks_bytes
from ingest.lake import Lake
from ingest.origins import Delivery, Origin, ReplayOrigin, WaitingOrigin
from ingest.source import (
    ACCEPTED,
    REFUSED,
    ConfigurationError,
    DataOrigin,
    HomeError,
    Outcome,
    Parsed,
    PayloadError,
    Reject,
    Request,
    Response,
    Source,
    UnforeseenError,
    Verdict,
)
from ingest.storable import storable, storable_lines, storable_row
from ingest.within import require_within
from quality import corrections
from quality.fields import FIELDS, PROVENANCE
from quality.raw import POLARS_TYPES, TABLES, RawTable, validate

logger = logging.getLogger(__name__)

# Payloads parsed before their frames are validated and written together; bounds memory in a long backfill.
FLUSH_PAYLOADS = 2_000
# A batch is also written once its frames hold so many bytes. 2,000 payloads of usual size make 30 MB. One payload may make 64 MB (`limits.toml`), and
# to judge eight of 14 MB at once took 1.2 GB (measured).
FLUSH_BYTES = 2**25
_Pair = tuple[tuple[str, str, str], str]
"""A request and the sha256 of a payload that answered it."""
# Refused rows a report shows; all of them are in quarantine.
ROWS_SHOWN = 5


@dataclass
class Report:
    """What one ingestion did, for people and for Dagster's metadata."""

    outcomes: Counter[tuple[str, str, Outcome]] = field(default_factory=Counter)
    problems: list[Attempt] = field(default_factory=list)
    """The attempts that failed."""
    fetch_log: list[Attempt] = field(default_factory=list)
    """One per delivery, in the order of the deliveries."""
    rows: Counter[str] = field(default_factory=Counter)
    quarantined: Counter[tuple[str, str]] = field(default_factory=Counter)
    refused_rows: list[dict[str, Any]] = field(default_factory=list)
    """The first rows that went to quarantine, each with table and reason."""
    payloads: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """Remarks about dropped files that were accepted."""
    configuration_error: str | None = None
    """Why the new configuration was refused; the one before stays in force."""

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
        self.fetch_log += other.fetch_log
        self.refused_rows += other.refused_rows
        self.payloads += other.payloads
        self.notes += other.notes
        self.configuration_error = self.configuration_error or other.configuration_error


@dataclass
class _Pending:
    """Frames of payloads parsed but not yet committed."""

    limits: Limits
    frames: dict[str, list[tuple[str, pl.DataFrame]]] = field(default_factory=dict)
    provenance: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By sha256, so that a payload under two names is parsed once."""
    payloads: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    fetch_log: list[Attempt] = field(default_factory=list)
    """Attempts that wait to be written."""
    frame_bytes: int = 0
    """What the frames hold together."""
    refused: dict[str, list[tuple[str, Reject]]] = field(default_factory=dict)
    """By sha256: rows that broke a rule of their table, each with the name of its payload."""


class ClockError(HomeError):
    """The machine's clock is earlier than the newest line of the fetch log, so times no longer tell the order of events."""


def ingest(
    sources: Sequence[Source],
    origin: Origin,
    archive: Archive,
    lake: Lake,
    run_id: str,
    *,
    record: bool = True,
    progress: Callable[[int], None] = lambda _: None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    limits: Limits | None = None,
) -> Report:
    """Take everything an origin delivers for these sources into archive and lake.

    With `record=False` (rebuilding from the archive) attempts are written only of payloads that were refused before and
    are accepted now. Bad payloads and rows never raise; only failures of the machine do (disk full, a rotted archive, ClockError), and
    a catalogue that cannot be read. `limits` are those payloads are held to, the shipped ones where none are given.
    """
    limits = limits or SHIPPED_ONLY.limits
    by_name = {source.name: source for source in sources}
    clock, caught_up = Clock(archive, now), Report()
    if waiting := [attempt for attempt in archive.waiting() if attempt.source in by_name]:
        logger.warning("%d payloads were in hand and not judged when a run was cut off; they are read from the archive", len(waiting))
        caught_up.absorb(_ingest(by_name, WaitingOrigin(archive, waiting, origin.data_origin), archive, lake, run_id, limits, lambda _: True))
    if not record:
        # Otherwise the next run would take them for new payloads, with a later time.
        mended = set(_pairs(archive.refused(by_name))) - set(_pairs(archive.accepted(by_name)))
        is_mended = lambda attempt: attempt.outcome in ACCEPTED and (attempt.request, attempt.payload_sha256) in mended  # noqa: E731
        report = _ingest(by_name, origin, archive, lake, run_id, limits, is_mended, mended, progress)
        report.absorb(_told_before(caught_up))
        return report
    # The sample can be generated again. Other payloads may never come again, so those of a cut-off run are read first.
    if origin.data_origin is not DataOrigin.SAMPLE and (missing := _not_in_lake(by_name, archive, lake)):
        logger.warning(
            "%d payloads of a run that did not come to its end are in the archive and not in the lake; they are read from there", len(missing)
        )
        is_refused = lambda attempt: attempt.outcome not in ACCEPTED  # noqa: E731
        caught_up.absorb(_ingest(by_name, ReplayOrigin(archive, frozenset(missing)), archive, lake, run_id, limits, is_refused))
    if origin.data_origin is not DataOrigin.SAMPLE:
        caught_up.absorb(_read_what_waited(by_name, archive, lake, run_id, limits))
    # A payload that was asked for may never be given again. Of everything else the origin still has the bytes, an inbox until this has
    # ended: those attempts are written together, before the lake has the rows.
    is_asked = origin.data_origin is DataOrigin.LIVE
    report = _ingest(by_name, origin, archive, lake, run_id, limits, lambda _: True, progress=progress, look_at_clock=clock.look, is_asked=is_asked)
    report.absorb(_told_before(caught_up))
    return report


def _told_before(caught_up: Report) -> Report:
    """Leave out the attempts, of which a report has one for each delivery of the origin."""
    return replace(caught_up, fetch_log=[], outcomes=Counter())


class Clock:
    """Times are taken from it in the order of what happens, or the run ends; raises ClockError also when it is made."""

    def __init__(self, archive: Archive, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now, self._newest = now, archive.newest()
        self._before = f"but the newest attempt in {archive.root} is of"
        self.look()

    def look(self) -> None:
        """Raise ClockError where it stands before the newest attempt, or before it stood when it was looked at last."""
        at = self._now()
        if self._newest is not None and at < self._newest:
            raise ClockError(
                f"the clock of this machine says {at:%Y-%m-%d %H:%M} UTC, {self._before} {self._newest:%Y-%m-%d %H:%M}: nothing is taken in; "
                "set the clock right (docs/operations.md says what to do where it was wrong before)"
            )
        self._newest, self._before = at, "and said before"


def _ingest(
    by_name: Mapping[str, Source],
    origin: Origin,
    archive: Archive,
    lake: Lake,
    run_id: str,
    limits: Limits,
    is_told: Callable[[Attempt], bool],
    mended: AbstractSet[_Pair] = frozenset(),
    progress: Callable[[int], None] = lambda _: None,
    look_at_clock: Callable[[], None] = lambda: None,
    is_asked: bool = False,
) -> Report:
    """Do the work of `ingest`; `is_told` says which attempts are written, `mended` which payloads have the time of their first coming.

    With `is_asked` each payload is acknowledged by itself, before anything looks at it.
    """
    parsed_before = lake.parsed()
    before = archive.accepted(by_name)
    pairs, shas, times = _pairs(before), before["payload_sha256"].to_list(), before["attempted_at"].to_list()
    accepted, taken = dict(pairs), set(pairs)
    first_seen = dict(zip(reversed(shas), reversed(times), strict=True))
    durable = origin.data_origin is not DataOrigin.SAMPLE  # the sample can be generated again
    report, pending = Report(), _Pending(limits)
    deliveries = origin.deliveries(list(by_name.values()))
    # Configuration counts as a whole: it is read again, all of it, unless all of it is what stands in force.
    in_force: frozenset[str] = frozenset()
    if all(map(_is_state, by_name.values())):
        deliveries = iter(given := list(deliveries))
        in_force = _in_force(by_name, given, lake)

    def acknowledge(attempt: Attempt) -> None:
        if is_told(attempt):
            pending.fetch_log.append(attempt)
            if is_asked and attempt.payload_sha256:
                archive.record(pending.fetch_log)
                pending.fetch_log.clear()

    try:
        for number, (request, response) in enumerate(deliveries, start=1):
            look_at_clock()
            source, label = by_name[request.source], response.data_origin or origin.data_origin
            sha = archive.put(response.body, durable=durable) if response.body else None
            request_id = (request.source, request.feed, request.key)
            # What lacks bytes is judged at once: the archive does not keep the headers that show it.
            if is_asked and sha is not None and (request_id, sha) not in taken and not lacks_bytes(response):
                # It is in hand. Whatever ends this run from here on, the next one reads it from the archive.
                unread = Verdict(Outcome.OK, UNREAD, f"{request.name} is kept and waits to be read")
                acknowledge(_attempt(request, response, run_id, label, sha, unread, limits.text))
            verdict = _inspect(source, request, response)
            readable = sha if verdict.outcome is Outcome.OK else None
            if readable is not None:
                held = pending.payloads.get(readable) or parsed_before.get(readable)
                # The same bytes under another name claim to be another file: read them again, so that a wrong name is noticed.
                if held != source.parser_version or (request_id, readable) not in taken or (_is_state(source) and readable not in in_force):
                    seen = datetime.fromisoformat(first_seen[readable]) if readable in first_seen else response.fetched_at
                    if (request_id, readable) in mended:  # the time the fetch log will state
                        seen = min(seen, response.fetched_at)
                    verdict = _take(source, request, response, readable, seen, label, pending, report)
            if readable is not None:
                if verdict.outcome is Outcome.OK and accepted.get(request_id) == readable:
                    verdict = Verdict(Outcome.UNCHANGED, verdict.reason, verdict.message)
                if verdict.outcome in ACCEPTED:
                    accepted[request_id] = readable
                    taken.add((request_id, readable))
            attempt = _attempt(request, response, run_id, label, sha, judged(verdict, request.due, response.fetched_at), limits.text)
            acknowledge(attempt)
            report.fetch_log.append(attempt)
            report.outcomes[(request.source, request.feed, attempt.outcome)] += 1
            if attempt.is_failure:
                report.problems.append(attempt)
            if len(pending.payloads) >= FLUSH_PAYLOADS or pending.frame_bytes >= FLUSH_BYTES:
                parsed_before |= pending.payloads
                full, pending = pending, _Pending(limits)
                _flush(full, archive, lake, report, durable=durable)
            progress(number)
    except BaseException:
        try:
            if any(TABLES[table].replace for table in pending.frames):  # otherwise a part of a configuration would replace the whole
                pending = _Pending(limits, fetch_log=pending.fetch_log)
            _flush(pending, archive, lake, report, durable=durable)
        except Exception:  # what went wrong first is what is told; the next run reads from the archive what this one could not commit
            logger.exception("what was taken in before could not be committed either")
        raise
    _flush(pending, archive, lake, report, durable=durable)
    return report


def _attempt(request: Request, response: Response, run_id: str, label: DataOrigin, sha: str | None, verdict: Verdict, limits: TextLimits) -> Attempt:
    return Attempt(
        attempted_at=response.fetched_at,
        run_id=run_id,
        source=request.source,
        feed=request.feed,
        request_key=request.key,
        request_name=request.name,
        outcome=verdict.outcome,
        reason=storable(verdict.reason, limits.message_characters),
        message=storable(verdict.message, limits.message_characters),
        http_status=response.status,
        payload_bytes=len(response.body),
        payload_sha256=sha,
        data_origin=label,
    )


def _not_in_lake(by_name: Mapping[str, Source], archive: Archive, lake: Lake) -> set[_Pair]:
    """Give request and sha256 of the payloads that were last accepted and that the lake never saw: a run was cut off in between."""
    observed = [name for name, source in by_name.items() if not _is_state(source)]
    held = lake.parsed()
    if held.keys() >= set(archive.accepted(observed)["payload_sha256"].to_list()):
        return set()
    judged_last = archive.ended(observed, (*ACCEPTED, *REFUSED))
    last = dict(zip(_pairs(judged_last), judged_last["outcome"].to_list(), strict=True))
    return {pair for pair, outcome in last.items() if outcome in ACCEPTED and pair[1] not in held}


@runtime_checkable
class _Configured(Protocol):
    """A source that needs the catalogue for parsing."""

    configuration: Configuration


def _read_what_waited(by_name: Mapping[str, Source], archive: Archive, lake: Lake, run_id: str, limits: Limits) -> Report:
    """Read again the payloads with rows that lay outside the calendar, of the sources whose calendar has been extended since."""
    report = Report()
    waiting = _outside_calendar(lake)
    for name in sorted({source for source, _, _ in waiting} & by_name.keys()):
        source = by_name[name]
        if not isinstance(source, _Configured):
            continue
        last_day = source.configuration.calendar.last_day
        shas = {sha for of, sha, horizon in waiting if of == name and horizon < last_day}
        only = frozenset(pair for pair in _pairs(archive.accepted([name])) if pair[1] in shas)
        if not only:
            continue
        logger.warning(
            "%d payloads of %s have rows that waited for the calendar, which now reaches to %s; they are read again", len(only), name, last_day
        )
        again = copy(source)
        # Another version: what the lake has read by the same one it does not take again.
        object.__setattr__(again, "parser_version", f"{source.parser_version}+{last_day}")  # a copy: some sources are frozen
        is_told = lambda attempt: attempt.outcome not in ACCEPTED  # noqa: E731
        report.absorb(_ingest({name: again}, ReplayOrigin(archive, only), archive, lake, run_id, limits, is_told))
    report.fetch_log, report.outcomes = [], Counter()
    return report


def _outside_calendar(lake: Lake) -> set[tuple[str, str, date]]:
    """Give source, payload and the calendar's end, as it was then, of the rows in quarantine that lay outside the calendar."""
    batches = list(lake.batches())
    newest = {sha: batch.batch_id for batch in batches for sha in batch.payloads}
    found: set[tuple[str, str, date]] = set()
    for batch in batches:
        for file in (file for file in batch.files if file.table == "ingest__quarantine"):
            rows = pl.read_parquet(lake.verified(file), columns=["source", "payload_sha256", "reason", "message"])
            for source, sha, message in rows.filter(pl.col("reason") == "outside_calendar").select("source", "payload_sha256", "message").iter_rows():
                if newest[sha] == batch.batch_id and (horizon := horizon_of(message)):
                    found.add((source, sha, horizon))
    return found


def _is_state(source: Source) -> bool:
    """Tell whether a source's payloads are configuration, which counts as a whole."""
    return bool(source.tables) and TABLES[source.tables[0]].replace


def _in_force(by_name: Mapping[str, Source], deliveries: Sequence[Delivery], lake: Lake) -> frozenset[str]:
    """Give the payloads of the configuration delivered where it is, as a whole and by today's parser, the one in force; none otherwise."""
    if any(response.verdict is not None for _, response in deliveries):
        return frozenset()
    delivered = {hashlib.sha256(response.body).hexdigest(): by_name[request.source].parser_version for request, response in deliveries}
    return frozenset(delivered if delivered == lake.configuration() else ())


def _pairs(attempts: pl.DataFrame) -> list[_Pair]:
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
    """Judge a payload whose parser raised an unforeseen error. The other payloads go on; its bytes are kept and the traceback is logged."""
    if isinstance(error, UnforeseenError):
        told, place = str(error), error.place
    else:
        told, place = f"{type(error).__name__}: {error}", "".join(traceback.format_exception(error))
    logger.error("%s: the page of %s did not foresee this payload\n%s", request.name, source.name, storable_lines(place))
    return Verdict(Outcome.FORMAT_CHANGED, "parser_failed", f"{request.name} cannot be read: {told}")


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
        refused = _quarantined(request.name, parsed.rejects, pending.limits.text) if parsed.rejects else None
        published = parsed.published_at.astimezone(UTC) if parsed.published_at else None
    except PayloadError as error:
        return error.verdict
    except (ConfigurationError, HomeError):  # the payload is not at fault: it waits until the catalogue or the machine is mended
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
        pending.frame_bytes += int(frame.estimated_size())
    pending.provenance.setdefault(sha, provenance)
    pending.payloads[sha] = source.parser_version
    pending.names[sha] = request.name
    report.payloads.append(sha)
    notes = [*parsed.remarks, *([f"{len(rejects)} rows in quarantine"] if rejects else [])]
    reason = parsed.remarks[0].split(":")[0] if parsed.remarks else "quarantined_rows" if rejects else ""
    return Verdict(Outcome.OK, reason, "; ".join(notes))


def _may_be_empty(parsed: Parsed) -> bool:
    """A payload that feeds no table (a catalogue file that is read elsewhere) does not count as empty."""
    return not parsed.frames


def _flush(pending: _Pending, archive: Archive, lake: Lake, report: Report, *, durable: bool) -> None:
    """Write the attempts that wait, then validate what is pending and commit it as one batch."""
    archive.record(pending.fetch_log)
    # With one unreadable file, a part of the configuration would replace the whole: keep the one before.
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
    # A payload under two names was read twice; a row that was refused both times is quarantined once.
    frame = frame.unique(table.key if table.name == "ingest__quarantine" else None, keep="first", maintain_order=True)
    own = [name for name in PROVENANCE if name in table.columns]  # a vendor's row states its own publication time
    return frame.join(provenance.drop(own), on="payload_sha256", how="left", maintain_order="left").select(list(table.stored_schema))


def _quarantined(name: str, rejects: Sequence[Reject], limits: TextLimits) -> pl.DataFrame:
    """Give the rows for quarantine of one payload; raises PayloadError where they would repeat one long text again and again."""
    rows, left = [], limits.refused_characters
    for reject in rejects:
        rows.append(row := _quarantine_row(name, reject, limits))
        left -= len(row["message"]) + len(row["row_json"])
        if left < 0:
            told = f"the first {len(rows):,} rows of {name} that cannot be read hold more than {limits.refused_characters:,} characters, the first: {rejects[0].message}"
            raise PayloadError(Outcome.NOT_DATA, "too_many_refused", told)
    return pl.DataFrame(rows, schema=TABLES["ingest__quarantine"].schema)


def _quarantine(rejects: Iterable[tuple[str, Reject]], limits: TextLimits) -> pl.DataFrame:
    """Give the rows for quarantine of one payload that was taken: from so many characters on, the reasons without the cells, which the archive holds."""
    rows, left = [], limits.refused_characters
    for number, (name, reject) in enumerate(rejects, start=1):
        told = (
            reject
            if left > 0
            else replace(reject, row={"…": f"refusal {number:,}; {limits.refused_characters:,} characters of {name} stand here already"})
        )
        rows.append(row := _quarantine_row(name, told, limits))
        left -= len(row["row_json"])
    return pl.DataFrame(rows, schema=TABLES["ingest__quarantine"].schema)


def _quarantine_row(name: str, reject: Reject, limits: TextLimits) -> dict[str, str]:
    return {
        "table_name": reject.table,
        "request_name": name,
        "reason": storable(reject.reason, limits.message_characters),
        "message": storable(reject.message, limits.message_characters),
        "row_json": json.dumps(storable_row(reject.row, limits.cell_characters, limits.row_cells), ensure_ascii=False),
    }
