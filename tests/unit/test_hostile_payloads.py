"""Every parser against payloads that were damaged, mislabelled or made to hurt: a typed outcome, never another exception.

The seeds are payloads of the sample, and golden payloads of what the sample does not carry, so every source that has either is
here without being named. Two thousand mutations a parser: of bytes, of JSON structure, of cells, of tags.
"""

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import sample
from ingest.source import Outcome, Parsed, PayloadError, Request, Source
from ingest.sources import SOURCES
from quality.raw import TABLES

EXAMPLES = [100, pytest.param(2_000, marks=pytest.mark.full)]
GOLDEN = Path(__file__).parents[1] / "payloads"
BY_NAME: dict[str, Source] = {source.name: source for source in SOURCES}

# What feeds print when they go wrong, and what people do to files.
ODD_VALUES: list[Any] = [
    "", None, "---", 0, -1, -5.5, 1e308, float("nan"), float("inf"), 10**400, 2**63, True, [], {}, [1], {"a": 1}, "abc", "1,234", "８８６３", " 7 ",
    "2025-13-45", "99999999", "\x00", "\u202e", "a" * 5000, "=1+1", "小计", "总计", "efp",
]  # fmt: skip


def _seeds() -> dict[str, tuple[Request, bytes]]:
    """One payload a feed: the smallest of the sample's last weeks, else the first readable golden one."""
    found: dict[str, tuple[Request, bytes]] = {}
    for request, response in sample.deliveries(date(2025, 6, 2), date(2025, 7, 23)):
        name = _feed(request)
        if name not in found or len(response.body) < len(found[name][1]):
            found[name] = (request, response.body)
    for case in sorted(GOLDEN.rglob("expected.json")):
        readable = {name for name, (outcome, _) in json.loads(case.read_text(encoding="utf-8"))["outcomes"].items() if outcome == Outcome.OK}
        for file in sorted(path for path in case.parent.rglob("*") if path.name in readable):
            path = file.relative_to(GOLDEN).as_posix()
            request = next(request for source in SOURCES if (request := source.recognise(path)))
            found.setdefault(_feed(request), (request, file.read_bytes()))
    return found


def _feed(request: Request) -> str:
    return f"{request.source}/{request.feed}/{request.name.rsplit('.', 1)[-1]}"


SEEDS = _seeds()


def _bytes(draw: Callable[[Any], Any], body: bytes) -> bytes:
    place = draw(st.integers(0, len(body) - 1))
    length = draw(st.integers(1, 200))
    kind = draw(st.sampled_from(["flip", "cut", "drop", "repeat", "insert", "bom", "utf16", "gbk", "controls", "nothing"]))
    match kind:
        case "flip":
            return body[:place] + bytes([body[place] ^ (1 << draw(st.integers(0, 7)))]) + body[place + 1 :]
        case "cut":
            return body[:place]
        case "drop":
            return body[:place] + body[place + length :]
        case "repeat":
            return body[:place] + body[place : place + length] * 2 + body[place + length :]
        case "insert":
            return body[:place] + draw(st.binary(min_size=1, max_size=20)) + body[place:]
        case "bom":
            return b"\xef\xbb\xbf" + body
        case "utf16":
            return body.decode("utf-8", "replace").encode("utf-16")
        case "gbk":
            return body.decode("utf-8", "replace").encode("gb18030", "replace")
        case "controls":
            return body[:place] + b"\x00\x1f\x0b" + body[place:]
    return body


def _document(draw: Callable[[Any], Any], body: bytes) -> bytes:
    """Change one place of a JSON document: drop, rename, replace, scale, swap."""
    document = json.loads(body)
    places: list[tuple[Any, Any]] = []

    def walk(node: Any) -> None:
        children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for key, child in children:
            places.append((node, key))
            walk(child)

    walk(document)
    for _ in range(draw(st.integers(1, 3))):
        node, key = draw(st.sampled_from(places))
        kind = draw(st.sampled_from(["drop", "rename", "odd", "scale", "swap", "copy"]))
        try:
            if kind == "drop":
                del node[key]
            elif kind == "rename" and isinstance(node, dict):
                node[f"{key}X"] = node.pop(key)
            elif kind == "odd":
                node[key] = draw(st.sampled_from(ODD_VALUES))
            elif kind == "scale" and isinstance(node[key], int | float):
                node[key] *= draw(st.sampled_from([10, 1000, -1, 0.1]))
            elif kind == "swap":
                other_node, other = draw(st.sampled_from(places))
                node[key], other_node[other] = other_node[other], node[key]
            elif kind == "copy" and isinstance(node, list):
                node.append(node[key])
        except (KeyError, IndexError, TypeError, OverflowError):
            continue  # an earlier change took the place away
    try:
        return json.dumps(document, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")
    except (ValueError, RecursionError):
        return body  # a swap made the document contain itself


def _cells(draw: Callable[[Any], Any], body: bytes) -> bytes:
    """Change a table: drop, repeat, rename, swap columns; odd or scaled cells; repeated or missing rows."""
    encoding = "utf-8-sig" if body.startswith(b"\xef\xbb\xbf") else "gb18030"
    try:
        rows = list(csv.reader(io.StringIO(body.decode(encoding))))
    except (UnicodeDecodeError, csv.Error):
        return body
    width = len(rows[0])
    a, b, r = draw(st.integers(0, width - 1)), draw(st.integers(0, width - 1)), draw(st.integers(1, len(rows) - 1))
    match draw(st.sampled_from(["drop", "swap", "rename", "repeat", "odd", "scale", "row twice", "row away", "ragged", "empty"])):
        case "drop":
            rows = [row[:a] + row[a + 1 :] for row in rows]
        case "swap":
            for row in rows[draw(st.integers(0, 1)) :]:
                if max(a, b) < len(row):
                    row[a], row[b] = row[b], row[a]
        case "rename":
            rows[0][a] += "（新）"
        case "repeat":
            rows[0][a] = rows[0][b]
        case "odd":
            rows[r][a % len(rows[r])] = str(draw(st.sampled_from(ODD_VALUES)))[:200]
        case "scale":
            cell = rows[r][a % len(rows[r])].replace(",", "")
            if cell.replace(".", "").isdigit():
                rows[r][a % len(rows[r])] = str(float(cell) * draw(st.sampled_from([10, 1000, -1])))
        case "row twice":
            rows.append(rows[r])
        case "row away":
            del rows[r]
        case "ragged":
            rows[r] = rows[r][:a]
        case "empty":
            rows = rows[:1]
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode(draw(st.sampled_from([encoding, "utf-8", "utf-8-sig"])), "replace")


def _page(draw: Callable[[Any], Any], body: bytes) -> bytes:
    """Change one to three tags or texts of an HTML page: drop, repeat, exchange, stretch over cells, odd texts."""
    parts = re.split(rb"(<[^>]*>)", body)
    for _ in range(draw(st.integers(1, 3))):
        a, b = draw(st.integers(0, len(parts) - 1)), draw(st.integers(0, len(parts) - 1))
        match draw(st.sampled_from(["drop", "repeat", "swap", "span", "odd"])):
            case "drop":
                parts[a] = b""
            case "repeat":
                parts[a] += parts[a]
            case "swap":
                parts[a], parts[b] = parts[b], parts[a]
            case "span" if parts[a].startswith((b"<td", b"<th")):
                span = draw(st.sampled_from(["0", "2", "3", "-1", "99999", "1e9", "x", ""]))
                parts[a] = parts[a][:3] + f' {draw(st.sampled_from(["colspan", "rowspan"]))}="{span}"'.encode() + parts[a][3:]
            case "odd" if not parts[a].startswith(b"<"):
                parts[a] = str(draw(st.sampled_from(ODD_VALUES)))[:200].encode("utf-8", "replace")
    return b"".join(parts)


def mutate(draw: Callable[[Any], Any], body: bytes) -> bytes:
    if draw(st.booleans()):
        return _bytes(draw, body)
    head = body.lstrip()[:1]
    return _document(draw, body) if head in (b"{", b"[") else _page(draw, body) if head == b"<" else _cells(draw, body)


def test_every_source_that_is_sent_payloads_is_attacked() -> None:
    assert {request.source for request, _ in SEEDS.values()} == BY_NAME.keys() - {"catalog", "unread"}  # configuration; read by nobody
    assert {feed for feed in SEEDS if feed.startswith(("shfe/", "gfex/", "bars/"))} == {
        "shfe/kx/dat", "shfe/js/dat", "shfe/pm/dat", "shfe/dailystock/dat", "shfe/dailystock_html/html", "shfe/settlement/dat", "shfe/limits/dat",
        "shfe/trading_day/dat", "gfex/day_quotes/json", "gfex/wbill/json", "bars/bars/csv",
    }  # fmt: skip


def _read(source: Source, request: Request, body: bytes) -> Parsed | Outcome:
    try:
        return source.parse(request, body)
    except PayloadError as error:
        return error.verdict.outcome if error.verdict.message else Outcome.OK  # an outcome without a sentence is none


@pytest.mark.parametrize("examples", EXAMPLES)
@pytest.mark.parametrize("name", SEEDS, ids=str)
def test_a_damaged_payload_has_a_typed_outcome(name: str, examples: int) -> None:
    request, body = SEEDS[name]
    source = BY_NAME[request.source]
    assert isinstance(_read(source, request, body), Parsed), "the seed itself must be readable"
    refused = 0

    @settings(max_examples=examples)
    @given(st.data())
    def attack(data: st.DataObject) -> None:
        nonlocal refused
        result = _read(source, request, mutate(data.draw, body))
        if isinstance(result, Outcome):
            refused += 1
            assert result in (Outcome.NOT_DATA, Outcome.FORMAT_CHANGED, Outcome.NOT_PUBLISHED)
            return
        for table, frame in result.frames.items():
            assert isinstance(frame, pl.DataFrame)
            assert dict(frame.schema) == TABLES[table].schema
        assert all(reject.table in TABLES and reject.message for reject in result.rejects)

    attack()
    assert refused > examples / 100, "the mutations no longer hurt"
