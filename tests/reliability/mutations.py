"""Payloads that were damaged, mislabelled or made to hurt, and what every parser must make of them: a typed outcome.

The seeds are payloads of the sample, and golden payloads of what the sample does not carry, so every source that has either is
here without being named. A mutation is of bytes, of JSON structure, of cells or of tags, and is made again from its number.
"""

import csv
import io
import json
import multiprocessing
import re
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import polars as pl

from ingest import sample
from ingest.source import Outcome, Parsed, PayloadError, Request, Source
from ingest.sources import SOURCES
from quality.raw import TABLES
from tests.reliability.case import Bench, Step

TOGETHER = 250
"""Mutations of each payload in a step of the battery."""
ROWS = 12
"""Rows of a table that is mutated: more take longer to read and are read by the same code."""
GOLDEN = Path(__file__).parents[1] / "payloads"
BY_NAME: dict[str, Source] = {source.name: source for source in SOURCES}

# What feeds print when they go wrong, and what people do to files.
ODD_VALUES: list[Any] = [
    "", None, "---", 0, -1, -5.5, 1e308, float("nan"), float("inf"), 10**400, 2**63, True, [], {}, [1], {"a": 1}, "abc", "1,234", "８８６３", " 7 ",
    "2025-13-45", "99999999", "\x00", "\u202e", "a" * 5000, "=1+1", "小计", "总计", "efp",
]  # fmt: skip

# Runs of these in one place: an expression that tries what it may give back takes the square or the cube of such a run.
ATOMS = ["(", " ", "1", "1,", "a", "合约：", "年", "T ", "AM ", "计(", "[", "_", "-", "/吨", "来源：", "、", "|", "\x0b"]
RUN = 20_000


def _run(chance: Random) -> str:
    return chance.choice(["", "1"]) + (chance.choice(ATOMS) * RUN)[:RUN] + chance.choice(["", "x"])


def _seeds() -> dict[str, tuple[Request, bytes]]:
    """One payload a feed: the smallest of the sample's last weeks, else the first readable golden one."""
    found: dict[str, tuple[Request, bytes]] = {}
    for request, response in sample.deliveries(date(2025, 6, 2), date(2025, 7, 23)):
        name = _feed(request)
        if name not in found or len(response.body) < len(found[name][1]):
            found[name] = (request, _shortened(name, response.body))
    for case in sorted(GOLDEN.rglob("expected.json")):
        readable = {name for name, (outcome, _) in json.loads(case.read_text(encoding="utf-8"))["outcomes"].items() if outcome == Outcome.OK}
        for file in sorted(path for path in case.parent.rglob("*") if path.name in readable):
            path = file.relative_to(GOLDEN).as_posix()
            request = next(request for source in SOURCES if (request := source.recognise(path)))
            found.setdefault(_feed(request), (request, _shortened(_feed(request), file.read_bytes())))
    return found


def _shortened(name: str, body: bytes) -> bytes:
    return b"".join(body.splitlines(keepends=True)[: ROWS + 1]) if name.endswith("/csv") else body


def _feed(request: Request) -> str:
    return f"{request.source}/{request.feed}/{request.name.rsplit('.', 1)[-1]}"


SEEDS = _seeds()
_DIGIT = re.compile(rb"[0-9]")


def _bytes(chance: Random, body: bytes) -> bytes:
    place = chance.randint(0, len(body) - 1)
    length = chance.randint(1, 200)
    kind = chance.choice(["flip", "cut", "drop", "repeat", "insert", "bom", "utf16", "gbk", "controls", "digit", "stretch", "nothing"])
    match kind:
        case "flip":
            return body[:place] + bytes([body[place] ^ (1 << chance.randint(0, 7))]) + body[place + 1 :]
        case "cut":
            return body[:place]
        case "drop":
            return body[:place] + body[place + length :]
        case "repeat":
            return body[:place] + body[place : place + length] * 2 + body[place + length :]
        case "insert":
            return body[:place] + bytes(chance.choices(range(256), k=chance.randint(1, 20))) + body[place:]
        case "bom":
            return b"\xef\xbb\xbf" + body
        case "utf16":
            return body.decode("utf-8", "replace").encode("utf-16")
        case "gbk":
            return body.decode("utf-8", "replace").encode("gb18030", "replace")
        case "controls":
            return body[:place] + b"\x00\x1f\x0b" + body[place:]
        case "stretch":
            return body[:place] + _run(chance).encode() + body[place:]
        case "digit" if found := _DIGIT.search(body, place):  # a day that never was, a figure that is not that
            return body[: found.start()] + chance.choice("0123456789").encode() + body[found.end() :]
    return body


def _document(chance: Random, body: bytes) -> bytes:
    """Change one place of a JSON document: drop, rename, replace, scale, swap."""
    document = json.loads(body)
    places: list[tuple[Any, Any]] = []

    def walk(node: Any) -> None:
        children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for key, child in children:
            places.append((node, key))
            walk(child)

    walk(document)
    for _ in range(chance.randint(1, 3)):
        node, key = chance.choice(places)
        kind = chance.choice(["drop", "rename", "odd", "stretch", "scale", "swap", "copy"])
        try:
            if kind == "drop":
                del node[key]
            elif kind == "rename" and isinstance(node, dict):
                node[f"{key}X"] = node.pop(key)
            elif kind == "odd":
                node[key] = chance.choice(ODD_VALUES)
            elif kind == "stretch":
                node[key] = _run(chance)
            elif kind == "scale" and isinstance(node[key], int | float):
                node[key] *= chance.choice([10, 1000, -1, 0.1])
            elif kind == "swap":
                other_node, other = chance.choice(places)
                node[key], other_node[other] = other_node[other], node[key]
            elif kind == "copy" and isinstance(node, list):
                node.append(node[key])
        except (KeyError, IndexError, TypeError, OverflowError):
            continue  # an earlier change took the place away
    try:
        return json.dumps(document, ensure_ascii=chance.choice((True, False))).encode("utf-8", "surrogatepass")
    except (ValueError, RecursionError):
        return body  # a swap made the document contain itself


def _cells(chance: Random, body: bytes) -> bytes:
    """Change a table: drop, repeat, rename, swap columns; odd or scaled cells; repeated or missing rows."""
    encoding = "utf-8-sig" if body.startswith(b"\xef\xbb\xbf") else "gb18030"
    try:
        rows = list(csv.reader(io.StringIO(body.decode(encoding))))
    except (UnicodeDecodeError, csv.Error):
        return body
    width = len(rows[0])
    a, b, r = chance.randint(0, width - 1), chance.randint(0, width - 1), chance.randint(1, len(rows) - 1)
    match chance.choice(["drop", "swap", "rename", "repeat", "odd", "stretch", "scale", "row twice", "row away", "ragged", "empty"]):
        case "drop":
            rows = [row[:a] + row[a + 1 :] for row in rows]
        case "swap":
            for row in rows[chance.randint(0, 1) :]:
                if max(a, b) < len(row):
                    row[a], row[b] = row[b], row[a]
        case "rename":
            rows[0][a] += "（新）"
        case "repeat":
            rows[0][a] = rows[0][b]
        case "odd":
            rows[r][a % len(rows[r])] = str(chance.choice(ODD_VALUES))[:200]
        case "stretch":
            rows[r][a % len(rows[r])] = _run(chance)
        case "scale":
            cell = rows[r][a % len(rows[r])].replace(",", "")
            if cell.replace(".", "").isdigit():
                rows[r][a % len(rows[r])] = str(float(cell) * chance.choice([10, 1000, -1]))
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
    return text.getvalue().encode(chance.choice([encoding, "utf-8", "utf-8-sig"]), "replace")


def _page(chance: Random, body: bytes) -> bytes:
    """Change one to three tags or texts of an HTML page: drop, repeat, exchange, stretch over cells, odd texts."""
    parts = re.split(rb"(<[^>]*>)", body)
    for _ in range(chance.randint(1, 3)):
        a, b = chance.randint(0, len(parts) - 1), chance.randint(0, len(parts) - 1)
        match chance.choice(["drop", "repeat", "swap", "span", "odd", "stretch"]):
            case "drop":
                parts[a] = b""
            case "repeat":
                parts[a] += parts[a]
            case "swap":
                parts[a], parts[b] = parts[b], parts[a]
            case "span" if parts[a].startswith((b"<td", b"<th")):
                span = chance.choice(["0", "2", "3", "-1", "99999", "1e9", "x", ""])
                parts[a] = parts[a][:3] + f' {chance.choice(["colspan", "rowspan"])}="{span}"'.encode() + parts[a][3:]
            case "stretch" if not parts[a].startswith(b"<"):
                parts[a] = _run(chance).encode()
            case "odd" if not parts[a].startswith(b"<"):
                parts[a] = str(chance.choice(ODD_VALUES))[:200].encode("utf-8", "replace")
    return b"".join(parts)


def mutate(chance: Random, body: bytes) -> bytes:
    """Damage a payload: its bytes, or what it says in its own form."""
    if chance.choice((True, False)):
        return _bytes(chance, body)
    head = body.lstrip()[:1]
    return _document(chance, body) if head in (b"{", b"[") else _page(chance, body) if head == b"<" else _cells(chance, body)


def read(source: Source, request: Request, body: bytes) -> Parsed | Outcome:
    """Parse a payload; gives the outcome of one that is refused with a sentence."""
    try:
        return source.parse(request, body)
    except PayloadError as error:
        return error.verdict.outcome if error.verdict.message else Outcome.OK  # an outcome without a sentence is none


def is_week_without_report(request: Request, body: bytes, outcome: Outcome) -> bool:
    """Tell whether a mutation made the whole answer that the exchange gives for a week without a stock report."""
    return outcome == Outcome.NO_SESSION and request.feed == "weeklystock" and json.loads(body)["o_cursor"] == []


@dataclass
class Attacked:
    """How many mutations of one payload were refused whole, and what was wrong with the answer to which."""

    refused: int = 0
    bad: list[str] = field(default_factory=list)


def attack(name: str, numbers: range) -> Attacked:
    """Let the parser of a feed read its seed after each of these mutations."""
    request, body = SEEDS[name]
    source, found = BY_NAME[request.source], Attacked()
    for number in numbers:
        try:
            damaged = mutate(Random(number), body)
            result = read(source, request, damaged)
        except Exception as error:
            found.bad.append(f"{name} mutation {number}: {type(error).__name__}: {error}")
            continue
        if isinstance(result, Outcome):
            found.refused += 1
            if result not in (Outcome.NOT_DATA, Outcome.FORMAT_CHANGED, Outcome.NOT_PUBLISHED) and not is_week_without_report(
                request, damaged, result
            ):
                found.bad.append(f"{name} mutation {number}: refused as {result}")
            continue
        wrong = [table for table, frame in result.frames.items() if not isinstance(frame, pl.DataFrame) or dict(frame.schema) != TABLES[table].schema]
        wrong += [reject.table for reject in result.rejects if reject.table not in TABLES or not reject.message]
        found.bad += [f"{name} mutation {number}: a wrong row or frame of {table}" for table in wrong]
    return found


def payloads(bench: Bench, steps: range) -> Iterator[Step]:
    """Attack every parser with the next mutations, on all processors."""
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as processes:
        for step in steps:
            numbers = range(step * TOGETHER, (step + 1) * TOGETHER)
            found = dict(zip(SEEDS, processes.map(attack, SEEDS, [numbers] * len(SEEDS)), strict=True))
            bad = [told for one in found.values() for told in one.bad]
            bad += [f"{name}: the mutations no longer hurt" for name, one in found.items() if one.refused <= TOGETHER / 100]
            yield Step(TOGETHER * len(SEEDS), tuple(bad))
