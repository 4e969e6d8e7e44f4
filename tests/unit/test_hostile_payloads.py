"""Every parser against payloads that were damaged, mislabelled or made to hurt: a typed outcome, never another exception."""

import pytest

from ingest.source import Parsed
from tests.reliability.mutations import BY_NAME, SEEDS, attack, read

EXAMPLES = [100, pytest.param(500, marks=pytest.mark.full)]


def test_every_source_that_is_sent_payloads_is_attacked() -> None:
    assert {request.source for request, _ in SEEDS.values()} == BY_NAME.keys() - {"catalog", "unread"}  # configuration; read by nobody
    assert {feed for feed in SEEDS if feed.startswith(("shfe/", "gfex/", "bars/"))} == {
        "shfe/kx/dat", "shfe/js/dat", "shfe/pm/dat", "shfe/dailystock/dat", "shfe/dailystock_html/html", "shfe/settlement/dat", "shfe/limits/dat",
        "shfe/trading_day/dat", "shfe/weeklystock/dat", "shfe/weeklystock_html/html", "shfe/contracts/dat", "gfex/day_quotes/json", "gfex/wbill/json", "bars/bars/csv",
    }  # fmt: skip


@pytest.mark.parametrize("examples", EXAMPLES)
@pytest.mark.parametrize("name", SEEDS, ids=str)
def test_a_damaged_payload_has_a_typed_outcome(name: str, examples: int) -> None:
    request, body = SEEDS[name]
    assert isinstance(read(BY_NAME[request.source], request, body), Parsed), "the seed itself must be readable"
    found = attack(name, range(examples))
    assert found.bad == []
    assert found.refused > examples / 100, "the mutations no longer hurt"
