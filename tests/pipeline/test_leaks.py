"""Each of twelve known leaks of the future into the past is injected once. Its test must pass without the leak and fail with it.

The models are compiled once; a leak is a patch of the compiled SQL (or of a parser's source), and only what stands on it runs again,
on a slice of the sample in which files are mended, months restated and receipts late.
"""

import json
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import duckdb
import pytest

from ingest.origins import SampleOrigin
from ingest.settings import REPOSITORY
from ingest.source import SHANGHAI, DataOrigin, PayloadError, Request, Response, Source
from ingest.sources import shfe
from ingest.sources.shfe import quotes
from tests.pipeline.conftest import Model, at_work, query, upstream
from tests.pipeline.test_futures_figures import test_levels_are_never_back_adjusted as levels_are_never_back_adjusted
from tests.pipeline.test_futures_figures import test_no_settlement_is_known_before_a_quarter_past_three as no_settlement_is_known_early
from tests.pipeline.test_point_in_time import DECIDED, Revising, compared_tables, differences, scoring_house, untimely
from tests.pipeline.test_policy_figures import (
    test_tone_is_the_mean_of_the_flashes_of_five_sessions_by_the_time_they_were_pushed as tone_is_by_time_pushed,
)

FIRST, DAY, LAST = date(2025, 5, 6), date(2025, 6, 30), date(2025, 7, 23)
DECISION = datetime.combine(DAY, time(17, 30), SHANGHAI)

PRINTED = "marts.fct_capacity"
"""A mart whose prints are compared, too."""

Patches = dict[str, tuple[str, str]]


@dataclass(frozen=True)
class TheDay:
    """What came on the day of the decision: the receipts, which were late, or all the rest."""

    receipts: bool
    data_origin: DataOrigin = DataOrigin.SAMPLE

    def deliveries(self, sources: Sequence[Source]) -> Iterator[tuple[Request, Response]]:
        for request, response in Revising(DAY, DAY).deliveries(sources):
            if (request.feed == "dailystock" and response.fetched_at > DECISION) == self.receipts:
                yield request, response


@dataclass(frozen=True)
class World:
    """Two warehouses: of the archive as it was at the decision, and of the one that went on; the patched models run when asked for."""

    root: Path
    at_decision: Path
    afterwards: Path
    models: list[Model]
    patches: Patches

    @cached_property
    def then(self) -> Path:
        return self._patched(self.at_decision, "then")

    @cached_property
    def now(self) -> Path:
        return self._patched(self.afterwards, "now")

    def published(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        return query(self.now, sql, *parameters)

    working = published

    def leaking(self, root: Path, patches: Patches, seen_by: Callable[[Any], None]) -> "World":
        """Give the same worlds with a leak in the models; only what the test looks at is built anew."""
        looked_at = LOOKED_AT.get(seen_by)
        models = self.models if looked_at is None else upstream(self.models, *looked_at(self.models))
        return replace(self, root=root, models=models, patches=patches)

    def sql(self, model: str) -> str:
        (sql,) = [sql for name, _, sql in self.models if name == model]
        if model not in self.patches:
            return sql
        honest, leaking = self.patches[model]
        if sql.count(honest) != 1:  # no assertion: a leak that was never put in must not count as seen
            raise ValueError(f"{model} reads differently now: {honest!r} stands in it {sql.count(honest)} times")
        return sql.replace(honest, leaking)

    def _patched(self, built: Path, side: str) -> Path:
        if not self.patches:
            return built
        copy = self.root / side / built.name
        copy.parent.mkdir(parents=True)
        shutil.copy(built, copy)
        stale: set[str] = set()
        with at_work(copy) as con:
            for name, kind, sql in self.models:
                if name in self.patches or any(above in sql for above in stale):
                    stale.add('"{}"."{}"'.format(*name.split(".")))
                    con.execute(f"create or replace {kind} {name} as {self.sql(name)}")
        return copy


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory, models: list[Model]) -> World:
    root = tmp_path_factory.mktemp("leaks")
    house = scoring_house(root)
    house.take(Revising(FIRST, DAY - timedelta(days=1)))
    house.take(TheDay(receipts=False))
    at_decision = root / "then" / house.settings.warehouse.name
    at_decision.parent.mkdir()
    shutil.copy(house.build(models), at_decision)
    house.take(TheDay(receipts=True))
    house.take(Revising(DAY + timedelta(days=1), LAST))
    return World(root, at_decision, house.build(models), models, {})


@pytest.fixture(scope="module")
def holds(honest: World) -> Callable[[Callable[[Any], None]], None]:
    """Ask a test once whether it holds without a leak, however many leaks it must see."""
    return cache(lambda seen_by: seen_by(honest))


# ---- what sees a leak: the tests that name it, those that need no world of their own called as they stand elsewhere -----------------


def history_is_as_it_was_lived(world: World) -> None:
    """Master test (b), cut at the decision itself: what was decided, and what a print showed, is what it was before the rest came."""
    found = differences(world.then, world.now, list(DECIDED), "as_of_date <= ?", DAY)
    found |= differences(world.then, world.now, [PRINTED], "available_at <= ?", DECISION)
    assert not found, found


def a_day_has_no_say_in_its_own_dominance(world: World) -> None:
    """Ten times the open interest of every other contract on the last day leaves that day's dominant contract what it was."""
    dominant = f"select commodity_code, contract_code from ({world.sql('intermediate.int_contracts__dominant')}) where trade_date = ? order by 1"
    with duckdb.connect(str(world.now)) as con:
        before = con.execute(dominant, [LAST]).fetchall()
        con.begin()
        con.execute(
            "update intermediate.int_contracts__quotes set open_interest_lots = 10 * open_interest_lots where trade_date = ? and not list_contains(?, contract_code)",
            [LAST, [contract for _, contract in before]],
        )
        after = con.execute(dominant, [LAST]).fetchall()
        con.rollback()
    assert before
    assert before == after


def an_intraday_file_is_not_taken(_: World) -> None:
    """The day's quotes as they stand before the settlement, which is blank then."""
    source = shfe.Shfe()
    ((request, response),) = [delivery for delivery in SampleOrigin(DAY, DAY).deliveries([source]) if delivery[0].feed == "kx"]
    document = json.loads(response.body)
    for row in document["o_curinstrument"]:
        row["SETTLEMENTPRICE"] = ""
    with pytest.raises(PayloadError, match="is not final"):
        source.parse(request, json.dumps(document).encode())


@dataclass(frozen=True)
class Leak:
    """A leak of the methodology: what is patched where, and the test that must see it."""

    number: int
    name: str
    patches: Patches
    seen_by: Callable[[Any], None]


def stamped(column: str, moment: str) -> tuple[str, str]:
    """Take a moment for the time of publication, whatever is stated and whatever the clock says."""
    return f"when {column} is null then", f"when true then {moment} when {column} is null then"


RESTATED_AS_FIRST_SAID = ("else greatest(clock_at, fetched_at)", "else clock_at")
ROLLED_LATER = (
    "(select sum(r.roll_diff_cny_t) from marts.fct_contract_rolls as r where r.commodity_code = f.commodity_code and r.roll_date > f.trade_date)"
)
LEAKS = [
    Leak(1, "revised customs used historically", {"intermediate.int_customs__trade": RESTATED_AS_FIRST_SAID}, history_is_as_it_was_lived),
    Leak(
        2,
        "dominance from the day's own open interest",
        {"intermediate.int_contracts__dominant": ("then lag(quotes.open_interest_lots)", "then last_value(quotes.open_interest_lots)")},
        a_day_has_no_say_in_its_own_dominance,
    ),
    Leak(
        3,
        "percentile from the full sample",
        {"intermediate.int_outlook__signals": ("current row) as at_most_ratio", "unbounded following) as at_most_ratio")},
        history_is_as_it_was_lived,
    ),
    Leak(
        4,
        "back-adjusted levels",
        {
            "intermediate.int_price__chain": (
                'select * from "warehouse"."intermediate"."int_futures__daily"\n',
                f'select f.* replace (f.high_cny_t + coalesce({ROLLED_LATER}, 0.0) as high_cny_t) from "warehouse"."intermediate"."int_futures__daily" as f\n',
            )
        },
        levels_are_never_back_adjusted,
    ),
    Leak(5, "backfilled vendor history", {"intermediate.int_series__dated": RESTATED_AS_FIRST_SAID}, history_is_as_it_was_lived),
    Leak(
        6,
        "restated capacity denominators",
        {"marts.fct_capacity": ("coalesce(prints.operating_available_at, prints.available_at) >= built.available_at", "built.is_latest")},
        history_is_as_it_was_lived,
    ),
    Leak(
        7,
        "settlement known at 15:00",
        {"intermediate.int_contracts__quotes": stamped("quotes.published_at", "timezone('Asia/Shanghai', quotes.trade_date + interval 15 hour)")},
        no_settlement_is_known_early,
    ),
    Leak(
        8,
        "receipts published after the run",
        {
            "intermediate.int_receipts__totals": ("or warehouses.available_at <= sessions.decided_by", "or true"),
            "intermediate.int_outlook__known": ("greatest(available_at, ", "greatest("),
        },
        history_is_as_it_was_lived,
    ),
    Leak(9, "crawl time for news time", {"intermediate.int_policy__news": stamped("tones.published_at", "tones.fetched_at")}, tone_is_by_time_pushed),
    Leak(
        10,
        "vendor date stamp for publication time",
        {"intermediate.int_series__dated": stamped("printed.published_at", "timezone('Asia/Shanghai', cast(printed.obs_date as timestamp))")},
        history_is_as_it_was_lived,
    ),
    Leak(11, "empty-settle file as final", {"ingest/sources/shfe/quotes.py": ("    if blank:", "    if not blank:")}, an_intraday_file_is_not_taken),
    Leak(
        12,
        "follow-up document before its date",
        {
            "intermediate.int_policy__known": (
                "and decisions.decision_at >= events.available_at",
                "and (events.followup_of is not null or decisions.decision_at >= events.available_at)",
            )
        },
        history_is_as_it_was_lived,
    ),
]


def no_row_claims_what_came_later(world: World) -> None:
    """Master test (c), cut at the decision itself: a mart's row that says it was known then is one of the warehouse of then."""
    assert not (found := untimely(world.then, world.now, world.models, DECISION)), found


LOOKED_AT: dict[Callable[[Any], None], Callable[[list[Model]], Iterable[str]]] = {
    history_is_as_it_was_lived: lambda _: (*DECIDED, PRINTED),
    no_row_claims_what_came_later: lambda models: compared_tables(models, decided=False),
}
"""What these tests look at; the others look at models of many kinds."""

# Looks ahead within the marts, where no decision stands on them: the next row for the one before, a clock that runs early, an input without its time.
MART_LEAKS: dict[str, Patches] = {
    "next spot price for the one before": {"marts.fct_spot_daily": ("value - lag(value)", "value - lead(value)")},
    "next stock for the one before": {"marts.fct_inventory": ("lag(stock_kt)", "lead(stock_kt)")},
    "next capacity for the one before": {"marts.fct_capacity": ("lag(capacity_operating)", "lead(capacity_operating)")},
    "members five sessions later": {"intermediate.int_positioning__daily": ("then top20_net_lots - lag(", "then top20_net_lots - lead(")},
    "receipts three sessions later": {"intermediate.int_receipts__daily": ("then lag(totals.receipts_t, 3)", "then lead(totals.receipts_t, 3)")},
    "a vendor's series visible a day early": {
        "intermediate.int_series__dated": stamped(
            "printed.published_at", "timezone('Asia/Shanghai', cast(printed.obs_date as timestamp) - interval 1 day)"
        )
    },
    "a price at 11:30 before its contract is known": {
        "intermediate.int_basis__prices": ("greatest(midday.available_at, decided.available_at)", "midday.available_at")
    },
    "the best pair before all pairs are known": {
        "intermediate.int_carry__daily": ("compared_at as available_at", "greatest(available_at, legs_available_at) as available_at")
    },
    "the close before, revised later, at the start of a session": {"intermediate.int_futures__session": ("known_at as available_at", "available_at")},
    "a change whose close before was revised later": {
        "intermediate.int_positioning__moves": ("greatest(known_at, limits_available_at)", "greatest(available_at, limits_available_at)")
    },
}


def put_into_parser(patches: Patches, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the exchange's quotes be read by a parser with the leak."""
    source = Path(quotes.__file__).read_text(encoding="utf-8")
    ((honest, leaking),) = patches.values()
    assert source.count(honest) == 1
    namespace = vars(quotes) | {}
    exec(compile(source.replace(honest, leaking), quotes.__file__, "exec"), namespace)  # noqa: S102
    monkeypatch.setitem(shfe._PARSERS, "kx", namespace["parse_quotes"])


@pytest.mark.full
@pytest.mark.parametrize("leak", LEAKS, ids=lambda leak: f"{leak.number}: {leak.name}")
def test_a_leak_put_in_is_seen(
    leak: Leak, honest: World, holds: Callable[[Callable[[Any], None]], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    holds(leak.seen_by)
    if any(place.endswith(".py") for place in leak.patches):
        put_into_parser(leak.patches, monkeypatch)
        leaking = honest
    else:
        leaking = honest.leaking(tmp_path, leak.patches, leak.seen_by)
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        leak.seen_by(leaking)


@pytest.mark.full
@pytest.mark.parametrize("leak", MART_LEAKS)
def test_a_look_ahead_in_a_mart_is_seen(leak: str, honest: World, holds: Callable[[Callable[[Any], None]], None], tmp_path: Path) -> None:
    holds(no_row_claims_what_came_later)
    with pytest.raises(AssertionError):
        no_row_claims_what_came_later(honest.leaking(tmp_path, MART_LEAKS[leak], no_row_claims_what_came_later))


def test_all_twelve_leaks_are_put_in_and_told_in_the_docs() -> None:
    told = (REPOSITORY / "docs" / "reliability.md").read_text(encoding="utf-8")
    assert [leak.number for leak in LEAKS] == [*range(1, 13)]
    for leak in LEAKS:
        assert f"| {leak.number} | {leak.name} |" in told
