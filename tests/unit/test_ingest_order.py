"""The same payloads in any order, twice, or in several runs give the same `raw`: what is held never depends on how it came."""

import os
import random
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from feeds import Deliveries

from ingest import sample
from ingest.archive import Archive
from ingest.flow import ingest
from ingest.lake import Lake
from ingest.origins import Delivery
from ingest.settings import Settings
from ingest.source import Request, Response
from ingest.sources import SOURCES
from orchestration.warehouse.load import load_raw
from quality.raw import TABLES


@pytest.fixture(scope="module")
def payloads() -> list[Delivery]:
    """Two days of the sample, a revised file, a file that cannot be read and one with a bad row; without the largest feed and two like the limits."""
    days = sample.deliveries(date(2025, 7, 21), date(2025, 7, 22))
    found = [(request, response.body) for request, response in days if request.feed not in ("pm", "js", "settlement")]
    kx = next((request, body) for request, body in found if request.feed == "kx")
    found.append((kx[0], kx[1].replace(b'"update_date":"20250721 15', b'"update_date":"20250721 19')))
    spot = next((request, body) for request, body in found if request.feed == "spot_price")
    found.append(
        (Request("spot", "spot_price", "smm_spot_price_20250722_r1.csv", "smm_spot_price_20250722_r1.csv"), spot[1].replace(b"3199.18", b"31991.8"))
    )
    found.append((kx[0], kx[1][:500]))
    return [(request, Response(body, datetime(2025, 7, 22, 10, tzinfo=UTC), 200)) for request, body in found]


def _raw(home: Path, runs: list[list[Delivery]]) -> dict[str, tuple[int, int]]:
    """Rows and an order-free hash of every raw table after these runs, without what tells when the bytes came."""
    settings = Settings(home=home)
    settings.root.mkdir(parents=True)
    for number, deliveries in enumerate(runs):
        at = datetime(2025, 7, 22, 10, tzinfo=UTC) + timedelta(hours=number)
        arrived = [(request, Response(response.body, at + timedelta(seconds=n), response.status)) for n, (request, response) in enumerate(deliveries)]
        ingest(SOURCES, Deliveries(arrived), Archive(settings.archive), Lake(settings.lake), f"run {number}")
    load_raw(settings)
    with duckdb.connect(str(settings.warehouse), read_only=True) as con:
        tables = [name for name in TABLES if name != "ingest__receipts"]  # the log of attempts is the log of how it came
        found = {}
        for table in tables:
            columns = ", ".join(f'"{name}"' for name in TABLES[table].stored_schema if name != "fetched_at")
            found[table] = con.execute(f'select count(*), coalesce(sum(hash({columns})), 0) from raw."{table}"').fetchall()[0]
        return found


ORDERS = int(os.environ.get("STRESS_ORDERS", "10"))
"""Orders in `make test-full`; `make battery` asks for a hundred."""


@pytest.mark.parametrize("orders", [5, pytest.param(ORDERS, marks=pytest.mark.full, id="many")])
def test_any_order_twice_or_in_several_runs_gives_the_same_raw(payloads: list[Delivery], tmp_path: Path, orders: int) -> None:
    chance = random.Random(20250722)
    expected = _raw(tmp_path / "straight", [payloads])
    assert expected["shfe__daily_quotes"][0] > 50
    assert expected["ingest__quarantine"][0] > 0
    for number in range(orders):
        shuffled = chance.sample(payloads, len(payloads))
        twice = [*shuffled, *chance.sample(payloads, 3)]
        cut = chance.randrange(1, len(twice))
        assert _raw(tmp_path / str(number), [twice[:cut], twice[cut:]]) == expected, f"order {number}"
