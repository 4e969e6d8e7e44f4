"""Zhengzhou Commodity Exchange: daily quotes and member ranking, each one text file of the day with every product.

The plain files (`.txt`) are open; their `.htm` twins and the yearly archives answer with a challenge. Cells stand apart by `|`, padded
with blanks, the day stands in the title. Files of 2016 and 2017 are in the exchange's own encoding, some with stray bytes before the title.
A contract's code ends in one digit of the year (`SH509`), so the decade follows from the day. A price of a contract that did not trade is
printed as 0 and means none. Volume and open interest count both sides until the end of 2019.
"""

import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from ingest import values
from ingest.answer import frame_of
from ingest.inspect import inspect
from ingest.labels import UnknownSumError, is_whole, sum_label
from ingest.source import Cadence, Outcome, Parsed, PayloadError, Reject, Request, Response, Verdict
from ingest.table import BAR, decoded, part_of, repeats, tidy

QUOTES, TOTALS, RANKING = "czce__daily_quotes", "czce__daily_totals", "czce__member_ranking"
FILES_AT = "https://www.czce.com.cn/cn/DFSStaticFiles/Future"
_FEEDS = {"quotes": ("FutureDataDaily", QUOTES), "ranking": ("FutureDataHolding", RANKING)}
_NAME = re.compile(
    r"(?:^|/)(?:(?P<folder>\d{8})/)?(?P<file>FutureDataDaily|FutureDataHolding)(?:_[A-Za-z]+)*(?:_(?P<day>\d{8}))?(?:_[A-Za-z]\w*)?\.txt$"
)
# Quotes are there since 2015-11-12, all files since this day.
FILES_FROM = date(2016, 1, 4)
CONTRACT = re.compile(r"([A-Z]{1,2})(\d)(0[1-9]|1[0-2])")
_NO_DATA = "当日无数据"


def _price(value: Any) -> float | None:
    return values.number(value) or None  # 0 is never a price


_COLUMNS: dict[str, tuple[tuple[str, ...], Callable[[Any], Any]]] = {
    "pre_settle_price": (("昨结算",), _price),
    "open_price": (("今开盘",), _price),
    "high_price": (("最高价",), _price),
    "low_price": (("最低价",), _price),
    "close_price": (("今收盘",), _price),
    "settle_price": (("今结算",), _price),
    "close_change": (("涨跌1",), values.number),
    "settle_change": (("涨跌2",), values.number),
    "volume_lots": (("成交量(手)",), values.whole),
    "open_interest_lots": (("持仓量", "空盘量"), values.whole),
    "open_interest_change_lots": (("增减量",), values.whole),
    "turnover_10k_cny": (("成交额(万元)",), values.number),
    "delivery_settle_price": (("交割结算价",), _price),
}
_CODE = ("合约代码", "品种月份")
# Only the newer form has it; older files end with the turnover.
_OPTIONAL = {"delivery_settle_price"}
_MEASURES = ("volume_lots", "open_interest_lots", "open_interest_change_lots", "turnover_10k_cny")

_BOARDS = ("volume", "long", "short")
_RANKING_WIDTH = 1 + 3 * len(_BOARDS)
_BLOCK = re.compile(r"(?P<kind>品种|合约)[:：]\s*(?P<of>\S+)\s+日期[:：]\s*(?P<day>\S+)")
_PRODUCT = re.compile(r".*?([A-Z]{1,2})$")
# A heading has some 40 characters, so five times that is assumed to hold any; a search takes the square of what it looks through.
_HEADING_CHARACTERS = 200


class Czce:
    """The exchange's daily text files, live or from disk."""

    name = "czce"
    parser_version = "1"
    tables = (QUOTES, TOTALS, RANKING)
    cadence = Cadence.SESSIONS

    def requests(self, day: date) -> Iterable[Request]:
        """Give the two files of one day."""
        if day < FILES_FROM:
            return []
        stamp = f"{day:%Y%m%d}"
        return [
            Request(self.name, feed, stamp, f"{file}_{stamp}.txt", day, f"{FILES_AT}/{day:%Y}/{stamp}/{file}.txt", dataset=dataset)
            for feed, (file, dataset) in _FEEDS.items()
        ]

    def recognise(self, path: str) -> Request | None:
        """Recognise a file by the exchange's name. Its day is in the name or is the name of its folder, else the file states it inside."""
        match = _NAME.search(path)
        if match is None:
            return None
        name, stamp = path.rsplit("/", 1)[-1], match["day"] or match["folder"]
        feed = next(feed for feed, (file, _) in _FEEDS.items() if file == match["file"])
        try:
            day = values.day(stamp) if stamp else None
        except ValueError:
            return None
        return Request(self.name, feed, stamp or name.removesuffix(".txt"), name, day)

    def inspect(self, request: Request, response: Response) -> Verdict:
        """Expect text."""
        return inspect(response, "text")

    def parse(self, request: Request, body: bytes) -> Parsed:
        """Read one file; the day of its title must be the day asked for."""
        # Only the day of the title is read, because old files have stray bytes before it.
        head, _, rest = body.partition(b"\n")
        title, text = head.decode("utf-8", "replace"), decoded(rest)
        stated = re.search(r"\((\d{4}-\d{2}-\d{2})\)", title)
        if stated is None:
            if any(_NO_DATA.encode(encoding) in body for encoding in ("utf-8", "gb18030")):
                raise PayloadError(Outcome.NOT_PUBLISHED, "no_data", f"{request.name} says {_NO_DATA}: the exchange has nothing for that day yet")
            raise PayloadError(Outcome.FORMAT_CHANGED, "no_date", f"{request.name} states no day in its title")
        try:
            day = values.day(stated[1])
        except ValueError as error:
            raise PayloadError(Outcome.FORMAT_CHANGED, "no_date", f"{request.name} states no day in its title: {error}") from None
        if request.day is not None and day != request.day:
            raise PayloadError(Outcome.NOT_DATA, "wrong_date", f"{request.name} is about {day}, not {request.day}")
        if not body.endswith(b"\n"):
            raise PayloadError(Outcome.NOT_DATA, "truncated", f"{request.name} breaks off: its last line has no end; it must be got again")
        # A line ends as the limits count lines; `splitlines` also ends it at eight other characters.
        rows = ([tidy(cell) for cell in line.split(BAR)] for line in io.StringIO(text, newline=None) if line.strip())
        return _quotes(request, day, rows) if request.feed == "quotes" else _ranking(request, day, rows)


def month_code(day: date, digit: str, month: str) -> str:
    """Give the delivery month YYMM of a code with one digit of the year, as seen on a day: of the ten years from the one before."""
    year = next(year for year in range(day.year - 1, day.year + 9) if year % 10 == int(digit))
    return f"{year % 100:02d}{month}"


def _header(request: Request, cells: Sequence[str]) -> tuple[dict[str, int], list[str]]:
    """Give the place of each column in the header, the code's as `code`, and the headers nobody knows."""
    if twice := repeats(cell for cell in cells if cell):
        raise PayloadError(Outcome.FORMAT_CHANGED, "repeated_header", f"{request.name} names a column twice: {', '.join(twice)}")
    named = {"code": _CODE} | {column: names for column, (names, _) in _COLUMNS.items()}
    places = {column: cells.index(name) for column, names in named.items() for name in names if name in cells}
    if missing := named.keys() - places.keys() - _OPTIONAL:
        wanted = ", ".join(names[0] for column, names in named.items() if column in missing)
        raise PayloadError(Outcome.FORMAT_CHANGED, "missing_column", f"{request.name} has no column {wanted}")
    known = {name for names in named.values() for name in names}
    return places, [f"unknown_column:{cell}" for cell in cells if cell and cell not in known]


def _quotes(request: Request, day: date, rows: Iterator[list[str]]) -> Parsed:
    header = next(rows, [])
    places, remarks = _header(request, header)
    quotes: list[dict[str, Any]] = []
    totals: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    above: str | None = None  # the product of the rows a 小计 closes
    unsettled = 0
    for cells in rows:
        if len(cells) < len(header):
            raise PayloadError(
                Outcome.NOT_DATA, "truncated", f"{request.name} has a line of {len(cells)} cells under {len(header)} columns; it must be got again"
            )
        printed = {column: cells[place] for column, place in places.items()}
        code = printed.pop("code")
        match = CONTRACT.fullmatch(code)
        scope = None if match else _scope(code)
        if match is None and scope is None:
            rejects.append(Reject(QUOTES, "unknown_row", f"row {code!r} is neither a contract nor a known sum", {"code": code} | printed))
            continue
        table = QUOTES if match else TOTALS
        try:
            figures = {column: _COLUMNS[column][1](text) for column, text in printed.items()}
        except ValueError as error:
            rejects.append(Reject(table, "not_a_number", str(error), {"code": code} | printed))
            above = match[1].lower() if match else None
            continue
        if match:
            above = match[1].lower()
            unsettled += bool(figures["volume_lots"]) and printed["settle_price"] in values.BLANKS
            contract = {"trade_date": day, "product_id": above, "delivery_month_code": month_code(day, match[2], match[3])}
            quotes.append(contract | figures)
        elif scope == "exchange" or above is not None:
            total = {"trade_date": day, "total_scope": scope, "product_id": above if scope == "product" else ""}
            totals.append(total | {column: figures[column] for column in _MEASURES})
            above = None
        elif any(figures[column] for column in _MEASURES):
            rejects.append(Reject(TOTALS, "unknown_row", f"row {code!r} closes no product and is not zero", {"code": code} | printed))
    if unsettled:
        raise PayloadError(
            Outcome.NOT_PUBLISHED, "unsettled", f"{request.name} is not final: {unsettled} traded contracts have no settlement price yet"
        )
    if not quotes:
        raise PayloadError(Outcome.NOT_DATA, "no_rows", f"{request.name} holds no contract")
    if not any(total["total_scope"] == "exchange" for total in totals) and not any(reject.table == TOTALS for reject in rejects):
        raise PayloadError(Outcome.NOT_DATA, "truncated", f"{request.name} breaks off: the sum of all products is missing; it must be got again")
    return Parsed({QUOTES: frame_of(QUOTES, quotes), TOTALS: frame_of(TOTALS, totals)}, tuple(rejects), remarks=tuple(remarks))


def _scope(label: str) -> str | None:
    """Say what a sum row sums: a product or the exchange; None for an unknown label."""
    if is_whole(label):
        return "exchange"
    try:
        found = sum_label(label)
    except UnknownSumError:
        return None
    return "product" if found is not None and found.word == "小计" else None


def _ranking(request: Request, day: date, rows: Iterator[list[str]]) -> Parsed:
    kept: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    block: Mapping[str, Any] | None = None
    for cells in rows:
        if len(cells[0]) > _HEADING_CHARACTERS:  # passed over, a heading would leave its rows to the block before
            told = f"{request.name} has a line that begins with {len(cells[0]):,} characters without a bar; it must be got again"
            raise PayloadError(Outcome.NOT_DATA, "oversized", told)
        if match := _BLOCK.search(cells[0]):
            block = _block(request, day, match)
            if block is None:
                whole = part_of({"block": cells[0]}, instrument=match["of"])
                rejects.append(Reject(RANKING, "unknown_row", f"{match['of']!r} is neither a contract nor a product", whole))
            continue
        if cells[0] == "名次" or block is None:
            continue
        row = {str(place): cell for place, cell in enumerate(cells)}
        part = part_of(row, instrument=block["instrument"], row_kind="member")
        try:
            kept += _boards(cells, block)
        except ValueError as error:
            rejects.append(Reject(RANKING, "not_a_ranking_row", str(error), part))
    if not kept:
        raise PayloadError(Outcome.NOT_DATA, "no_rows", f"{request.name} holds no row of a ranking")
    return Parsed({RANKING: frame_of(RANKING, kept)}, tuple(rejects))


def _block(request: Request, day: date, match: re.Match[str]) -> Mapping[str, Any] | None:
    """Give the fields that all rows of a block share; its day must be that of the file."""
    if match["day"] != f"{day}":
        raise PayloadError(Outcome.NOT_DATA, "wrong_date", f"{request.name} is about {day}, and its block {match['of']} about {match['day']}")
    contract, product = CONTRACT.fullmatch(match["of"]), _PRODUCT.fullmatch(match["of"])
    if match["kind"] == "合约" and contract:
        month = month_code(day, contract[2], contract[3])
        return {
            "trade_date": day,
            "instrument": f"{contract[1].lower()}{month}",
            "product_id": contract[1].lower(),
            "delivery_month_code": month,
        }
    if match["kind"] == "品种" and product:
        return {"trade_date": day, "instrument": f"{product[1].lower()}all", "product_id": product[1].lower(), "delivery_month_code": None}
    return None


def _boards(cells: Sequence[str], block: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give the three boards of a printed row, less those on which nobody holds the place."""
    if len(cells) != _RANKING_WIDTH:
        raise ValueError(f"a row of {len(cells)} cells, not {_RANKING_WIDTH}, is no row of a ranking")
    try:
        is_sum = sum_label(cells[0]) is not None
    except UnknownSumError:
        is_sum = False
    rank = None if is_sum else values.whole(cells[0])
    if not is_sum and (rank is None or not 1 <= rank <= 20):
        raise ValueError(f"{cells[0]!r} of {block['instrument']!r} is not a place of a ranking")
    boards = []
    for number, board in enumerate(_BOARDS):
        member, lots, change = cells[1 + 3 * number : 4 + 3 * number]
        held = values.whole(lots)
        if held is None:
            continue
        boards.append(
            {
                **block,
                "board": board,
                "row_kind": "top20_sum" if is_sum else "member",
                "rank": rank,
                "participant": None if is_sum else member or None,
                "position_lots": held,
                "position_change_lots": values.whole(change),
            }
        )
    return boards
