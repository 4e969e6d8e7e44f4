"""`python -m orchestration.spark`: the rows of Spark against those of DuckDB, and a cluster to try them on. `make spark` runs it.

identity    each model alone on DuckDB's tables
chain       every model from the lake, on a cluster that is started and stopped for it, and a release of its tables
start, stop a cluster that stays
"""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ingest.settings import Settings
from ingest.source import HomeError
from orchestration.spark import aside, chain, cluster, identity
from orchestration.spark.engine import SparkError, lacking

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__)
MODELS = Annotated[list[str] | None, typer.Argument(help="Models to compare; all where none is named.")]


def _folder(settings: Settings) -> Path:
    """Give the folder that holds all of Spark's in a home, made where it is not there; raises SparkError where Spark cannot run."""
    if why := lacking():
        raise SparkError(f"{why}; Spark is not needed for anything else")
    folder = settings.root / "spark"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _tell(found: dict[str, str | None]) -> None:
    """Say which tables differ, and end with a code that says whether any does."""
    for name, difference in found.items():
        if difference:
            typer.echo(f"{name}: {difference}")
    differing = sum(difference is not None for difference in found.values())
    typer.echo(f"{len(found) - differing} of {len(found)} tables have the rows of DuckDB")
    if differing or not found:
        raise typer.Exit(1)


@app.command("identity")
def compare_each(models: MODELS = None) -> None:
    """Give each model DuckDB's tables and compare what Spark makes of them."""
    settings = Settings()
    _tell(identity.differences(settings.warehouse, _folder(settings), only=models or ()))


@app.command("chain")
def compare_all(memory: str = "1g") -> None:
    """Build and test every model from the lake on a cluster of two workers, compare all tables, publish them aside and compare the release."""
    settings = Settings()
    folder = _folder(settings)
    with cluster.started(folder / "cluster", memory=memory) as there:
        built = chain.build(settings, folder, there.master, memory, there.has_workers)
    typer.echo(f"dbt on Spark: {built.count('model')} models built, {built.count('test')} data tests held")
    _tell(chain.differences(settings.warehouse, built.parquet))
    made = aside.published(settings, built, folder / "release")
    typer.echo(f"a release of these tables: {made.path}")
    _tell(aside.differing(settings, made))


@app.command("start")
def start_cluster(workers: int = 2, memory: str = "1g") -> None:
    """Start a cluster on this machine's loopback."""
    typer.echo(cluster.start(_folder(Settings()) / "cluster", workers, memory).master)


@app.command("stop")
def stop_cluster() -> None:
    """Stop that cluster."""
    typer.echo(f"{cluster.stop(Settings().root / 'spark' / 'cluster')} processes ended")


if __name__ == "__main__":
    try:
        app()
    except HomeError as error:
        sys.exit(str(error))
