"""The models on Spark against DuckDB's tables: each alone, and the whole chain from the lake on a cluster of two workers, published at its end.

    make spark
    python -m tests.benchmarks --part cluster [--home HOME]

Nothing here is a time: what is counted are tables with the same rows. One that differs ends the part.
"""

from collections.abc import Mapping
from pathlib import Path

from ingest.settings import Settings
from orchestration.spark import aside, chain, cluster, identity
from tests.benchmarks.results import Result, shown

MEMORY = "1g"


def results(folder: Path, home: Path) -> list[Result]:
    """Compare, and give how much was alike; raises RuntimeError that names what is not."""
    settings = Settings(home=home)
    (folder / "identity").mkdir()
    alone = identity.differences(settings.warehouse, folder / "identity")
    told = [shown("cluster: models that make DuckDB's rows of DuckDB's tables", alike(alone), "models", "each alone, in one session")]
    with cluster.started(folder / "cluster", memory=MEMORY) as there:
        built = chain.build(settings, folder / "chain", there.master, MEMORY, there.has_workers)
    told += chained(built, chain.differences(settings.warehouse, built.parquet))
    published = aside.differing(settings, aside.published(settings, built, folder / "release"))
    return [
        *told,
        shown("cluster: published tables of a release made of them", alike(published), "tables", "the same as those of the home's release"),
    ]


def chained(built: chain.Chain, found: Mapping[str, str | None]) -> list[Result]:
    """Make results of a chain and of what differs in it."""
    how = "from the lake, by dbt, on a master and two workers"
    return [
        shown("cluster: tables and views of the whole chain that are DuckDB's", alike(found), "tables", how),
        shown("cluster: models built, staging and keys among them", built.count("model"), "models", "a model that breaks its key fails"),
        shown("cluster: data tests that held", built.count("test"), "tests", "between the models, as on DuckDB"),
    ]


def alike(found: Mapping[str, str | None]) -> int:
    """Count what does not differ; raises RuntimeError that names what does."""
    if differing := [f"{name}: {difference}" for name, difference in found.items() if difference] or ["nothing was compared"] * (not found):
        raise RuntimeError("; ".join(differing))
    return len(found)
