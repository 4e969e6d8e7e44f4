"""A live run as Dagster shows it: a late payload passes its check, an overdue one fails it. Nothing is fetched; a function plays the exchange."""

import shutil
import socket
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import dagster as dg
import duckdb
import pytest

from ingest.catalog.calendar import load_calendar
from ingest.http import HttpClient, Pace
from ingest.origins import LiveOrigin
from ingest.source import Request, Response
from ingest.sources.shfe import Shfe
from orchestration.assets.arrivals import arrivals_asset, arrivals_key
from orchestration.assets.intake import lake_asset, lake_key
from orchestration.resources import Home, Intake

DAY = date(2025, 7, 16)


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run works in the home of its process."""
    monkeypatch.setenv("ALUMINA_HOME", str(tmp_path))


class At(Intake):
    """Asks for one day, at a given time, an exchange that has published nothing yet."""

    clock: str

    def origin(self, home: Home) -> LiveOrigin:
        now = datetime.fromisoformat(f"{DAY}T{self.clock}+08:00")

        def fetch(request: Request) -> Response:
            return Response(b"<html><title>404</title></html>", now, 404)

        return LiveOrigin(DAY, DAY, load_calendar(), fetch)


@pytest.mark.parametrize(
    ("clock", "overdue"),
    [
        ("15:30", []),
        ("16:45", ["kx20250716.dat", "js20250716.dat"]),
        ("20:30", [f"{name}20250716.dat" for name in ("kx", "js", "pm")] + ["20250716dailystock.dat", "Settlement20250716.dat"]),
    ],
)
def test_payloads_that_are_overdue_fail_their_check_and_late_ones_do_not(tmp_path: Path, clock: str, overdue: list[str]) -> None:
    result = dg.materialize([lake_asset(Shfe())], resources={"home": Home(path=str(tmp_path)), "intake": At(clock=clock)})
    assert result.success
    checks = {check.check_name: check for check in result.get_asset_check_evaluations()}
    arrived = checks["payloads_arrived"]
    assert arrived.passed is (overdue == [])
    assert arrived.severity is dg.AssetCheckSeverity.WARN
    shown = str(arrived.metadata["problems"].value)
    assert [name for name in overdue if name not in shown] == []
    assert shown.count("overdue since 2025-07-16") == arrived.metadata["count"].value
    assert checks["rows_keep_their_model"].passed
    (event,) = result.get_asset_materialization_events()
    assert "| not_published | 7 |" in str(event.materialization.metadata["outcomes"].value)


class Unreachable(Intake):
    """Asks an exchange whose address nobody listens at, on this machine."""

    def within(self, first: date, last: date) -> "Unreachable":
        return self

    def origin(self, home: Home) -> LiveOrigin:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            address = f"http://127.0.0.1:{probe.getsockname()[1]}/"
        client = HttpClient(Pace(seconds_between=0, retry_after=()))
        return LiveOrigin(DAY, DAY, load_calendar(), lambda request: client.fetch(replace(request, url=address)))


def test_an_exchange_that_cannot_be_reached_is_named_its_day_stays_open_and_the_rest_goes_on(tmp_path: Path) -> None:
    """The home may hold a release: nothing here touches it, and the next run asks again."""
    assets = [lake_asset(Shfe()), arrivals_asset(Shfe())]
    resources = {"home": Home(path=str(tmp_path)), "intake": Unreachable()}
    with dg.DagsterInstance.ephemeral() as instance:
        taken = dg.materialize(assets, selection=[lake_key("shfe")], resources=resources, instance=instance)
        day = dg.materialize(
            assets, selection=[arrivals_key("shfe")], resources=resources, instance=instance, partition_key=str(DAY), raise_on_error=False
        )
        assert taken.success
        (problems,) = [str(check.metadata["problems"].value) for check in taken.get_asset_check_evaluations() if not check.passed]
        assert "| kx20250716.dat | http_error | no answer: ConnectError" in problems
        assert "the next run asks again" in problems
        assert not day.success
        assert "1 of 1 partitions of shfe did not arrive: 2025-07-16" in str(day.failure_data_for_node("arrivals__shfe").error)
        assert instance.get_materialized_partitions(arrivals_key("shfe")) == set()


def test_what_is_late_is_no_failure_in_the_published_status_and_what_is_overdue_is(files, tmp_path: Path) -> None:
    """The models as they were compiled, on a log of attempts with one more feed: asked at 17:00, then past its deadline."""
    shutil.copy(files.home / "warehouse.duckdb", tmp_path)
    attempt = (
        "insert into raw.ingest__receipts by name select timestamptz '2025-07-16 {}:00+08' as attempted_at, 'x' as run_id, 'shfe' as source, "
        "'new' as feed, '20250716' as request_key, 'pm20250716.dat' as request_name, 'not_published' as outcome, '{}' as reason, "
        "'the address answers 404' as message, {} as is_failure, 'live' as data_origin"
    )
    with duckdb.connect(str(tmp_path / "warehouse.duckdb")) as con:

        def published(model: str) -> duckdb.DuckDBPyRelation:
            (sql,) = (files.home / "dbt").rglob(f"compiled/**/{model}.sql")
            return con.sql(sql.read_text())

        seen = []
        for row in (("17:00", "not_found", False), ("20:30", "overdue", True)):
            con.execute(attempt.format(*row))
            status = published("source_status").filter("feed = 'new'").select("attempts, attempts_failed, last_outcome, last_message").fetchall()
            findings = published("quality_results").filter("table_name = 'shfe/new'").select("check_id, result").fetchall()
            seen.append((status, findings))
    assert seen == [
        ([(1, 0, "not_published", "the address answers 404")], []),
        ([(2, 1, "not_published", "the address answers 404")], [("not_published:overdue", "finding")]),
    ]
