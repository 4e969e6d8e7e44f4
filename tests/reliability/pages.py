"""Pages of past days, each against the page made of what was known at its decision: byte for byte, but for what names the release."""

import shutil
from collections.abc import Iterator

import duckdb

from tests.pipeline.conftest import compiled, empty
from tests.pipeline.test_page_of_the_past import as_it_was, as_of_release, differing
from tests.reliability.case import Bench, Step

COMMODITY = "AO"


def past(bench: Bench, steps: range) -> Iterator[Step]:
    """Each step takes one session of the home, from the newest back, every second one."""
    folder, home = bench.fresh("pages"), bench.home()
    models = compiled(empty(folder / "compiled"))
    with duckdb.connect(str((home / "serving" / "alumina.duckdb").resolve()), read_only=True) as con:
        days = con.execute("select distinct as_of_date from serving.outlook_v2 where commodity_code = ? order by 1 desc", [COMMODITY]).fetchall()
    for number in steps:
        (day,) = days[(1 + 2 * number) % len(days)]
        then = as_it_was(home, folder / f"then-{number}", models, day, COMMODITY)
        found = differing(as_of_release(home, day, COMMODITY), then[0])
        shutil.rmtree(folder / f"then-{number}")
        yield Step(1, tuple(f"{day}: {now!r} is not {was!r}" for now, was in found))
