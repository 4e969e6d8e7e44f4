"""The release: marts and serving tables audited and published, or refused with the reason. Readers never see a part of one."""

import dagster as dg

from orchestration.dbt import last_results
from orchestration.resources import Home
from orchestration.warehouse import write_lock
from serving.release import PublishRefusedError, publish

KEY = dg.AssetKey(["release", "alumina"])


def release_asset(upstream: list[dg.AssetKey]) -> dg.AssetsDefinition:
    """Make the asset that publishes; `upstream` are the tables it copies."""

    @dg.asset(
        key=KEY,
        deps=upstream,
        group_name="release",
        kinds={"duckdb", "parquet"},
        description="The published file `serving/alumina.duckdb` with its Parquet twins and Data Docs: what analysts and BI tools read.",
        check_specs=[dg.AssetCheckSpec("release_gate", asset=KEY, description="Great Expectations on the very file that is published.")],
    )
    def alumina_release(context: dg.AssetExecutionContext, home: Home) -> dg.MaterializeResult:
        settings = home.settings
        with write_lock(settings, f"publishing (run {context.run_id})"):
            try:
                release = publish(settings, context.run_id, last_results(settings))
            except PublishRefusedError as error:
                raise dg.Failure(str(error), allow_retries=False) from None
        gate = [check for check in release.checks if check.tool == "gx"]
        return dg.MaterializeResult(
            metadata={
                "release_id": release.release_id,
                "path": dg.MetadataValue.path(str(settings.serving / "alumina.duckdb")),
                "data_docs": dg.MetadataValue.path(str(settings.serving / "data_docs" / "index.html")),
                "checks": len(release.checks),
                "gate_seconds": round(release.seconds["gate"], 2),
                "publish_seconds": round(release.seconds["publish"], 2),
                "rows": dg.MetadataValue.json(release.rows),
            },
            check_results=[dg.AssetCheckResult(check_name="release_gate", passed=True, metadata={"rules": len(gate)})],
        )

    return alumina_release
