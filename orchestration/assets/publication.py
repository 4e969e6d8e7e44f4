"""The release: marts and serving tables audited and published, or refused with the reason. Readers never see a part of one."""

from collections.abc import Iterator, Sequence

import dagster as dg

from ingest.catalog.calendar import load_calendar
from orchestration.assets.pictures import failures, keep_failures, markdown
from orchestration.assets.timetable import grace, longest_pause
from orchestration.home.conditions import settle_published
from orchestration.instance.completeness import unmade
from orchestration.resources import Home, Intake
from orchestration.warehouse import lineage
from orchestration.warehouse.dbt import last_results
from orchestration.warehouse.load import write_lock
from quality.gate import GATES
from serving.publish.release import CheckResult, PublishRefusedError, publish, refuse

KEY = dg.AssetKey(["release", "alumina"])
COMPLETE = "everything_selected_was_made"
# Dagster's own policy knows no holidays, so it allows for the longest there is; the check `published_in_time` is exact.
FRESH = dg.FreshnessPolicy.time_window(fail_window=longest_pause(load_calendar()) + grace())


def gate_name(table: str) -> str:
    """Name of the check that shows the gate's verdict on one published table."""
    return f"gate_{table.replace('.', '_')}"


def release_asset(upstream: list[dg.AssetKey]) -> dg.AssetsDefinition:
    """Make the asset that publishes; `upstream` are the tables it copies."""

    @dg.asset(
        key=KEY,
        deps=upstream,
        group_name="release",
        kinds={"duckdb", "parquet", "greatexpectations"},
        owners=["team:data-engineering"],
        tags={"layer": "release"},
        freshness_policy=FRESH,
        description=(
            "The published file `serving/alumina.duckdb` with its Parquet twins and Data Docs: what analysts and BI tools read. "
            "Failed means refused: the release before stays, and its id and rows stand below."
        ),
        check_specs=[
            dg.AssetCheckSpec(COMPLETE, asset=KEY, blocking=True, description="Every asset this run set out to make was made; nothing was skipped."),
            *(
                dg.AssetCheckSpec(
                    gate_name(table), asset=KEY, blocking=True, description=f"Great Expectations on `{table}` in the very file that is published."
                )
                for table in GATES
            ),
        ],
    )
    def alumina_release(context: dg.AssetExecutionContext, home: Home, intake: Intake) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult]:
        settings = home.settings
        intake.refuse_half_a_lake(home)
        missing = [key.to_user_string() for key in unmade(context.instance, context.run.run_id) if key != KEY]
        complete = dg.AssetCheckResult(check_name=COMPLETE, passed=not missing, metadata={"skipped": ", ".join(missing) or "none"})
        if missing:
            yield complete
            raise dg.Failure(f"release refused, the published one stays: this run did not make {', '.join(missing[:5])}", allow_retries=False)
        with write_lock(settings, f"publishing (run {context.run.run_id})"):
            try:
                told = last_results(settings), lineage.sources(settings)
            except PublishRefusedError as error:
                refuse(settings, context.run.run_id, str(error))
                yield complete
                raise dg.Failure(str(error), allow_retries=False) from None
            try:
                release = publish(settings, context.run.run_id, *told)
            except PublishRefusedError as error:
                keep_failures(settings, context.run.run_id, error.checks)
                yield complete
                yield from _gate(error.checks)
                raise dg.Failure(str(error), allow_retries=False) from None
        try:
            settle_published(settings, context.run.run_id)
        except OSError as error:  # the release is served, so the run did not fail
            context.log.warning(f"{release.release_id} is published, but what stands wrong in it could not be told: {error}")
        if release.waits_for:
            context.log.warning(f"{release.release_id} is built and waits: {release.waits_for}")
        yield dg.MaterializeResult(
            metadata={
                "served": "no: " + release.waits_for if release.waits_for else "yes",
                "release_id": release.release_id,
                "path": dg.MetadataValue.path(str(settings.serving / "alumina.duckdb")),
                "data_docs": dg.MetadataValue.path(str(settings.serving / "data_docs" / "index.html")),
                "note": dg.MetadataValue.path(str(settings.serving / "note.html")),
                "checks": len(release.checks),
                **{f"{part}_seconds": round(seconds, 2) for part, seconds in release.seconds.items()},
                "dagster/row_count": sum(release.rows.values()),
                "rows": dg.MetadataValue.md(markdown(("table", "rows"), sorted(release.rows.items()))),
            },
        )
        # After the release, so that they refer to this one.
        yield complete
        yield from _gate(release.checks)

    return alumina_release


def _gate(checks: Sequence[CheckResult]) -> Iterator[dg.AssetCheckResult]:
    """Show each gated table's rules as one check; nothing when the gate was not reached."""
    for table in GATES:
        rules = [check for check in checks if check.tool == "gx" and check.table_name == table]
        if rules:
            broken = [rule for rule in rules if rule.result == "fail"]
            said = [(rule.check_id, rule.rows_failed, rule.message) for rule in broken]
            yield dg.AssetCheckResult(
                check_name=gate_name(table),
                passed=not broken,
                metadata={
                    "rules": len(rules),
                    "broken": dg.MetadataValue.md(markdown(("rule", "rows", "why"), said)),
                    **failures([row for rule in broken for row in rule.rows]),
                },
            )
