"""One asset per source: its payloads taken in, archived, parsed, validated, committed to the lake. A factory; no source is named here."""

import sys
import time

import dagster as dg

from ingest.dropped import refuse_inbox, take_in
from ingest.flow import Report, ingest
from ingest.home import dedicate
from ingest.origins import CatalogOrigin, Origin
from ingest.source import DataOrigin, Outcome, Source
from orchestration.assets.arrivals import mark
from orchestration.assets.partitions import days_of
from orchestration.assets.pictures import failures
from orchestration.assets.pictures import markdown as _table
from orchestration.assets.preflight import PREFLIGHT
from orchestration.assets.publication import FRESH
from orchestration.assets.retries import tried_again
from orchestration.home.conditions import settle_source
from orchestration.resources import Home, Intake

HASHES_SHOWN = 20


def lake_key(source_name: str) -> dg.AssetKey:
    """Asset key of a source's part of the lake."""
    return dg.AssetKey(["lake", source_name])


def lake_asset(source: Source) -> dg.AssetsDefinition:
    """Make the asset of one source, with two checks: did the payloads arrive, and did their rows keep the model."""
    key = lake_key(source.name)
    is_catalog = bool(source.tables) and source.tables[0].startswith("catalog__")
    page = sys.modules[type(source).__module__].__doc__ or ""

    @dg.asset(
        key=key,
        group_name="lake",
        kinds={"python", "parquet"},
        owners=["team:data-engineering"],
        tags={"layer": "lake", "source": source.name},
        freshness_policy=FRESH,
        deps=[PREFLIGHT],
        description=f"{page.strip()}\n\nFills: {', '.join(source.tables) or 'no table'}.",
        check_specs=[
            dg.AssetCheckSpec("payloads_arrived", asset=key, description="Every payload asked for came and could be used.", blocking=is_catalog),
            dg.AssetCheckSpec(
                "rows_keep_their_model", asset=key, description="No row was refused by its pandera model (refused rows are in quarantine)."
            ),
        ],
    )
    def build(context: dg.AssetExecutionContext, home: Home, intake: Intake) -> dg.MaterializeResult:
        started = time.perf_counter()
        origin: Origin
        if is_catalog:
            origin = CatalogOrigin(home.settings.catalog_overlay)
        else:
            origin = intake.origin(home)
            if origin.data_origin is DataOrigin.SAMPLE:
                refuse_inbox(home.settings)
            dedicate(home.settings, origin.data_origin)
        known = home.sources(origin.data_origin)
        read_by = [one for one in known if one.name == source.name]
        limits = None if is_catalog else home.configuration.limits  # a limits.toml that is wrong is the catalogue's to report
        with tried_again():
            report = ingest(read_by, origin, home.archive, home.lake, context.run.run_id, record=not intake.is_replay, limits=limits)
        if origin.data_origin in (DataOrigin.LIVE, DataOrigin.FILES) and not intake.is_replay:
            report.absorb(take_in(read_by, known, home.settings, context.run.run_id))
        if is_catalog and (report.problems or report.configuration_error):
            reason = "; ".join(problem.message for problem in report.problems) or report.configuration_error
            raise dg.Failure(f"the catalogue cannot be used: {reason}", allow_retries=False)
        if not is_catalog and not intake.is_replay:
            settle_source(home.settings, source.name, report.fetch_log, report.quarantined, home.configuration.feeds, context.run.run_id)
        mark(context, source, home, intake, report)
        context.log.info(f"{source.name}: {report.attempts} payloads, {sum(report.rows.values())} new rows, {len(report.problems)} problems")
        for note in report.notes:
            context.log.warning(note)
        return dg.MaterializeResult(metadata=_metadata(report, origin.data_origin, time.perf_counter() - started), check_results=_checks(report))

    return build


def _metadata(report: Report, origin: DataOrigin, seconds: float) -> dict[str, dg.MetadataValue]:
    counts = {outcome: report.count(outcome) for outcome in Outcome}
    return {
        "payloads": dg.MetadataValue.int(report.attempts),
        "new_payloads": dg.MetadataValue.int(len(report.payloads)),
        "new_rows": dg.MetadataValue.int(sum(report.rows.values())),
        "data_origin": dg.MetadataValue.text(str(origin)),
        "seconds": dg.MetadataValue.float(round(seconds, 2)),
        "outcomes": dg.MetadataValue.md(_table(("outcome", "payloads"), [(str(outcome), count) for outcome, count in counts.items() if count])),
        "date_range": dg.MetadataValue.text(_days(report)),
        "payload_sha256": dg.MetadataValue.md(_table(("new payload",), [(sha,) for sha in report.payloads[:HASHES_SHOWN]])),
        "tables": dg.MetadataValue.md(_table(("table", "new rows"), sorted(report.rows.items()))),
    }


def _days(report: Report) -> str:
    spans = [span for attempt in report.fetch_log if (span := days_of(attempt.request_key))]
    return f"{min(first for first, _ in spans)} to {max(last for _, last in spans)}" if spans else "no dated payload"


def _checks(report: Report) -> list[dg.AssetCheckResult]:
    problems = [(attempt.request_name, str(attempt.outcome), attempt.message) for attempt in report.problems[:50]]
    refused = [(table, reason, count) for (table, reason), count in sorted(report.quarantined.items())]
    return [
        dg.AssetCheckResult(
            check_name="payloads_arrived",
            passed=not report.problems,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"problems": dg.MetadataValue.md(_table(("payload", "outcome", "what happened"), problems)), "count": len(report.problems)},
        ),
        dg.AssetCheckResult(
            check_name="rows_keep_their_model",
            passed=not refused,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={
                "refused": dg.MetadataValue.md(_table(("table", "reason", "rows"), refused)),
                "count": sum(count for *_, count in refused),
                **failures(report.refused_rows),
            },
        ),
    ]
