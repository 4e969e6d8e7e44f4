"""Daily quotes (`kx`): which rows are contracts, which are sums, and when a file is final."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from functools import lru_cache
from itertools import chain, starmap
from operator import itemgetter
from typing import Any, cast

import orjson
import polars as pl

from ingest import values
from ingest.answer import extra_of, frame_of, require, rows_of, stated_time, text_of
from ingest.labels import UnknownSumError, is_whole, sum_label
from ingest.source import Outcome, Parsed, PayloadError, Reject, Request
from quality.raw import TABLES

FUTURES_AT = "https://www.shfe.com.cn/data/tradedata/future/dailydata"
# Turnover is printed per contract since this day; older files have no such column.
TURNOVER_FROM = date(2021, 7, 28)

_PRICES = {
    "open_price": "OPENPRICE",
    "high_price": "HIGHESTPRICE",
    "low_price": "LOWESTPRICE",
    "close_price": "CLOSEPRICE",
    "settle_price": "SETTLEMENTPRICE",
    "pre_settle_price": "PRESETTLEMENTPRICE",
}
_QUOTES: dict[str, tuple[str, Callable[[Any], Any]]] = {
    **{column: (key, lambda value: values.number(value) or None) for column, key in _PRICES.items()},  # 0 is never a price
    "close_change": ("ZD1_CHG", values.number),
    "settle_change": ("ZD2_CHG", values.number),
    "turnover_10k_cny": ("TURNOVER", values.number),
    "volume_lots": ("VOLUME", values.whole),
    "open_interest_lots": ("OPENINTEREST", values.whole),
    "open_interest_change_lots": ("OPENINTERESTCHG", values.whole),
}
_TEXTS = ("PRODUCTID", "DELIVERYMONTH", "PRODUCTNAME", "PRODUCTCLASS")
_TEXTS_OF, _FIGURES_OF = itemgetter(*_TEXTS), itemgetter(*(key for key, _ in _QUOTES.values()))
_QUOTES_KNOWN = {*_TEXTS, *(key for key, _ in _QUOTES.values())}
_QUOTES_UNUSED = {"PRODUCTGROUPID", "PRODUCTSORTNO", "ORDERNO", "ORDERNO2", "TASVOLUME"}
_QUOTES_SCHEMA, _TOTALS_SCHEMA = TABLES["shfe__daily_quotes"].schema, TABLES["shfe__daily_totals"].schema
# Columns only option quotes have; the exchange serves them under the same file name in another folder.
_OF_OPTIONS = {"STRIKEPRICE", "OPTIONSTYPE", "UNDERLYINGINSTRID"}
_PLACE = ("total_scope", "product_id", "product_name", "product_class", "delivery_month_code")


def read_quotes(day: date, body: bytes) -> Parsed | None:
    """Read a file by columns; None where anything in it is unusual, so that `parse_quotes` decides.

    The result is the same as that of `parse_quotes`, in a third of the time.
    """
    try:
        envelope = orjson.loads(body)
        rows = envelope["o_curinstrument"]
        keys = set().union(*rows)
        is_usual = "o_code" in envelope and text_of(envelope["report_date"]) == f"{day:%Y%m%d}"
        if not is_usual or not _required(day) <= keys <= _QUOTES_KNOWN | _QUOTES_UNUSED:
            return None
        if absent := dict.fromkeys(_QUOTES_KNOWN - keys, ""):  # columns that files of that time do not have
            rows = [absent | row for row in rows]
        places = list(starmap(_place, map(_TEXTS_OF, rows)))
        contracts = [pair for pair in zip(places, rows, strict=True) if pair[0][0] == "contract"]
        sums = [pair for pair in zip(places, rows, strict=True) if pair[0][0] in ("product", "exchange")]
        read, printed = zip(*contracts, *sums, strict=True)
        figures = dict(zip(_QUOTES, zip(*map(_FIGURES_OF, printed), strict=True), strict=True))
        unsettled = [place for place, price in enumerate(figures["settle_price"][: len(contracts)]) if price in ("", None)]
        if not contracts or any(figures["volume_lots"][place] not in ("", None, 0) for place in unsettled):
            return None  # no quotes, or perhaps not final ones
        frame = pl.DataFrame(
            [
                pl.Series("trade_date", [day]).new_from_index(0, len(read)),
                *(pl.Series(column, cells, pl.String) for column, cells in zip(_PLACE, zip(*read, strict=True), strict=True)),
                *_typed(figures, pl.Float64()),
                *_typed(figures, pl.Int64()),
                pl.Series("extra", [None], pl.String).new_from_index(0, len(read)),
            ]
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        return None
    quotes, totals = frame[list(_QUOTES_SCHEMA)].head(len(contracts)), frame[list(_TOTALS_SCHEMA)].slice(len(contracts))
    return Parsed({"shfe__daily_quotes": quotes, "shfe__daily_totals": totals}, (), stated_time(envelope))


@lru_cache(maxsize=4096)
def _place(product: str, month: str, name: str, kind: str) -> tuple[str, str, str | None, str | None, str]:
    """Give scope, product, name, class and month of a row from its texts; raises ValueError where its scope is unknown."""
    product, month = product.strip(), month.strip()
    scope = _scope(product, month)
    if scope is None:
        raise ValueError(f"row {product!r} {month!r} is neither a contract nor a known sum")
    return scope, "" if scope == "exchange" else product.removesuffix("_f"), name.strip() or None, kind.strip() or None, month


def _typed(figures: Mapping[str, Sequence[Any]], kind: pl.DataType) -> Iterator[pl.Series]:
    """Type all columns of one kind in one stroke; raises TypeError or ValueError where a cell is neither blank nor a JSON number of that kind."""
    columns = [column for column in figures if _QUOTES_SCHEMA[column] == kind]
    cells = list(chain.from_iterable(figures[column] for column in columns))
    if bool in map(type, cells):
        raise TypeError("true and false are no figures")
    if "" in cells:
        cells = [None if cell == "" else cell for cell in cells]
    series = pl.Series(None, cells, kind)
    if kind == pl.Int64 and max(abs(cast("int | None", bound) or 0) for bound in (series.min(), series.max())) > values.LARGEST_COUNT:
        raise ValueError("a count of a size that is not counted here")
    length = len(cells) // len(columns)
    for place, column in enumerate(columns):
        part = series.slice(place * length, length).alias(column)
        yield part.set(part == 0, None) if column in _PRICES and 0 in figures[column] else part  # 0 is never a price


def parse_quotes(request: Request, day: date, envelope: Mapping[str, Any], remarks: list[str]) -> Parsed:
    """Read the quotes of every contract and the printed sums; refuses a file that is not final."""
    rows = rows_of(request, envelope, "o_curinstrument")
    keys = set().union(*rows)
    if keys & _OF_OPTIONS or any(text_of(row.get("PRODUCTID")).endswith("_o") for row in rows):
        raise PayloadError(
            Outcome.NOT_DATA,
            "options",
            f"{request.name} holds quotes of options, which this warehouse does not read; the futures quotes of {day} are wanted, which the exchange "
            f"gives under the same name, {FUTURES_AT}/kx{day:%Y%m%d}.dat",
        )
    required = {"PRODUCTID", "DELIVERYMONTH", "SETTLEMENTPRICE"}
    if "o_code" in envelope:  # the exchange's own answer is complete; an extract somebody made of it may hold fewer columns
        required = _required(day)
    else:
        remarks.append(f"extract: without {', '.join(sorted(_QUOTES_KNOWN - keys))}")
    require(request, keys, required, remarks, _QUOTES_KNOWN | _QUOTES_UNUSED)
    quotes: list[dict[str, Any]] = []
    totals: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    traded: list[Mapping[str, Any]] = []
    for row in rows:
        product, month = text_of(row.get("PRODUCTID")), text_of(row.get("DELIVERYMONTH"))
        scope = _scope(product, month)
        if scope == "unread":
            continue
        is_contract = scope == "contract"
        table = "shfe__daily_quotes" if is_contract else "shfe__daily_totals"
        if scope is None:
            rejects.append(Reject(table, "unknown_row", f"row {product!r} {month!r} is neither a contract nor a known sum", row))
            continue
        if is_contract and _positive(row.get("VOLUME")):
            traded.append(row)
        try:
            figures = _figures(row)
        except ValueError as error:
            rejects.append(Reject(table, "not_a_number", str(error), row))
            continue
        product_id = "" if scope == "exchange" else product.removesuffix("_f")
        if is_contract:
            quotes.append(
                {
                    "trade_date": day,
                    "product_id": product_id,
                    "product_name": text_of(row.get("PRODUCTNAME")) or None,
                    "product_class": text_of(row.get("PRODUCTCLASS")) or None,
                    "delivery_month_code": month,
                    **figures,
                    "extra": extra_of(row, _QUOTES_KNOWN | _QUOTES_UNUSED),
                }
            )
        else:
            totals.append({"trade_date": day, "total_scope": scope, "product_id": product_id, **figures})
    # A settlement of 0 is a hole in a final file. A blank one of a contract that traded means the file is intraday.
    blank = [row for row in traded if text_of(row.get("SETTLEMENTPRICE")) in values.BLANKS]
    if blank:
        raise PayloadError(
            Outcome.NOT_PUBLISHED,
            "unsettled",
            f"{request.name} is not final: {len(blank)} of {len(traded)} traded contracts have no settlement price yet",
        )
    if not quotes:
        raise PayloadError(Outcome.NOT_DATA, "no_rows", f"{request.name} holds no contract")
    return Parsed(
        {"shfe__daily_quotes": frame_of("shfe__daily_quotes", quotes), "shfe__daily_totals": frame_of("shfe__daily_totals", totals)},
        tuple(rejects),
        stated_time(envelope),
        tuple(remarks),
    )


def _required(day: date) -> set[str]:
    """Give the columns a full answer of the exchange has; the class came later and the name is for people only."""
    return _QUOTES_KNOWN - {"PRODUCTCLASS", "PRODUCTNAME"} - ({"TURNOVER"} if day < TURNOVER_FROM else set())


@lru_cache(maxsize=4096)
def _scope(product: str, month: str) -> str | None:
    """Say what a row speaks of: a contract, the sum of a product or of the exchange, or nothing that is read; None where it is unknown."""
    if product.endswith("_f") and re.fullmatch(r"\d{4}", month):
        return "contract"
    if "efp" in (month.lower(), product[-3:].lower()) or product.endswith("_tas"):
        return "unread"  # exchanges of futures for physicals and trade-at-settlement orders are not contracts; the archive keeps them
    if is_whole(product):
        return "exchange"
    try:
        found = sum_label(month)
    except UnknownSumError:
        return None
    return "product" if found and found.word in ("小计", "subtotal") else None


def _figures(row: Mapping[str, Any]) -> dict[str, Any]:
    return {column: read(row.get(key)) for column, (key, read) in _QUOTES.items()}


def _positive(value: Any) -> bool:
    try:
        return (values.number(value) or 0) > 0
    except ValueError:
        return False
