"""Golden payloads: each folder of `tests/payloads` goes the whole way, and what is written in its `expected.json` comes out.

The inputs are made by hand, no third party's content stands in them; the expectations are written by hand too, never
copied from a run. A case is `payloads/<source>/<case>/`: the files as they would lie in a drop folder, and `expected.json`
with `outcomes` (file -> outcome, reason), `rows` (table -> rows, in the columns the case speaks of) and `refused`.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from feeds import FEEDS, Home, feeds

from ingest.flow import ingest
from ingest.origins import FilesOrigin
from ingest.settings import Settings
from ingest.source import SHANGHAI, PayloadError, Request, Source
from quality.raw import TABLES

PAYLOADS = Path(__file__).parents[1] / "payloads"
CASES = sorted(path.parent.relative_to(PAYLOADS).as_posix() for path in PAYLOADS.rglob("expected.json"))


def printable(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(SHANGHAI).isoformat()
    return value.isoformat() if hasattr(value, "isoformat") else value


def sorted_rows(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))


def test_there_are_cases_for_every_source_of_payload_files() -> None:
    assert {case.split("/")[0] for case in CASES} == {"shfe", "gfex", "spot", "capacity", "customs", "fx", "policy", "cost", "bars", "czce", "expiry"}


@pytest.mark.parametrize("case", CASES)
def test_a_golden_payload_gives_what_was_written_down_for_it(case: str, home: Home) -> None:
    expected = json.loads((PAYLOADS / case / "expected.json").read_text(encoding="utf-8"))
    ingest(FEEDS, FilesOrigin(PAYLOADS / case, FEEDS), home.archive, home.lake, "run")
    outcomes = {
        receipt.request_name: [str(receipt.outcome), receipt.reason] for receipt in home.fetch_log() if receipt.request_name != "expected.json"
    }
    # A reason of null stands where the case says nothing about it.
    assert outcomes == {name: [outcome, outcomes[name][1] if reason is None else reason] for name, (outcome, reason) in expected["outcomes"].items()}
    for table in sorted(TABLES.keys() - {"ingest__quarantine", "ingest__receipts"}):
        wanted = expected["rows"].get(table, [])
        held = home.rows(table)
        columns = list(wanted[0]) if wanted else held.columns
        found = [{name: printable(value) for name, value in row.items()} for row in held.select(columns).to_dicts()]
        assert sorted_rows(found) == sorted_rows(wanted), table
    quarantine = home.rows("ingest__quarantine")
    refused = [list(row) for row in quarantine.select("request_name", "table_name", "reason").iter_rows()] if quarantine.height else []
    assert sorted(refused) == sorted(expected["refused"])


@pytest.mark.parametrize("case", CASES)
def test_a_parser_reads_no_home_but_the_catalogue_it_was_given(case: str, settings: Settings) -> None:
    given = [(source, request, body) for source, request, body in _payloads(case)]
    before = [_read(source, request, body) for source, request, body in given]
    settings.catalog_overlay.mkdir(parents=True)  # the home the environment names
    closed = '[closures]\n2025 = ["2025-01-01/2025-12-31"]\n2024 = ["2024-01-01/2024-12-31"]\n'
    (settings.catalog_overlay / "calendar.toml").write_text(closed, encoding="utf-8")
    (settings.catalog_overlay / "lexicon.toml").write_text("not a lexicon", encoding="utf-8")
    (settings.catalog_overlay / "commodities").mkdir()
    (settings.catalog_overlay / "commodities" / "xx.toml").write_text("not a commodity", encoding="utf-8")
    made_now = {source.name: source for source in feeds()}
    assert [_read(made_now[source.name], request, body) for source, request, body in given] == before


def _payloads(case: str) -> Iterator[tuple[Source, Request, bytes]]:
    for path in sorted((PAYLOADS / case).rglob("*")):
        name = path.relative_to(PAYLOADS / case).as_posix()
        for source in FEEDS:
            if path.is_file() and (request := source.recognise(name)):
                yield source, request, path.read_bytes()
                break


def _read(source: Source, request: Request, body: bytes) -> object:
    try:
        parsed = source.parse(request, body)
    except PayloadError as error:
        return error.verdict
    return {table: frame.rows() for table, frame in parsed.frames.items()}, [(reject.reason, reject.message) for reject in parsed.rejects]
