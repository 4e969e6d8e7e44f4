"""Small payloads made by hand, and a home to ingest them into. The numbers are invented; the shapes are the feeds'."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from ingest.archive import Archive, Attempt
from ingest.catalog.configuration import Configuration
from ingest.flow import Report, ingest
from ingest.lake import Lake
from ingest.parser import apart
from ingest.settings import Settings
from ingest.source import DataOrigin, Request, Response, Source
from ingest.sources import sources

DAY = date(2025, 7, 16)
NOON = datetime(2025, 7, 16, 12, 0, tzinfo=UTC)


def feeds(overlay: Path | None = None) -> tuple[Source, ...]:
    """Every source but the catalogue, reading by the catalogue of a home, in this process."""
    return sources(Configuration(overlay))[1:]


def feeds_apart(overlay: Path | None = None) -> tuple[Source, ...]:
    """The same, each payload parsed in the limited process, as a run does with all that come from outside."""
    return apart(feeds(overlay), Configuration(overlay))


FEEDS = feeds()
Row = dict[str, Any]


def quote(product: str = "ao", month: str = "2509", **changes: Any) -> Row:
    """One contract of a full `kx` answer, all of its relations kept."""
    row: Row = {
        "PRODUCTID": f"{product}_f", "PRODUCTGROUPID": product, "PRODUCTCLASS": "1", "PRODUCTNAME": "测试", "DELIVERYMONTH": month,
        "OPENPRICE": 3010, "HIGHESTPRICE": 3060, "LOWESTPRICE": 2990, "CLOSEPRICE": 3020, "SETTLEMENTPRICE": 3025, "PRESETTLEMENTPRICE": 3000,
        "ZD1_CHG": 20, "ZD2_CHG": 25, "VOLUME": 1000, "OPENINTEREST": 5000, "OPENINTERESTCHG": -70, "TURNOVER": 6050.5, "TASVOLUME": "",
    }  # fmt: skip
    return row | changes


def warrant(name: str = "甲库", level: str = "0", qty: Any = 300, change: Any = 0, **changes: Any) -> Row:
    """One row of a `dailystock` answer: an alumina warehouse unless told otherwise."""
    row: Row = {
        "VARID": "ao", "VARNAME": "氧化铝仓库$$Alumina Warehouse", "WHTYPE": "1", "REGNAME": "新疆$$Xinjiang", "WHABBRNAME": f"{name}$$X",
        "WHROWS": 1, "WGHTUNIT": "2", "WRTWGHTS": qty, "WRTCHANGE": change, "ROWSTATUS": level,
    }  # fmt: skip
    return row | changes


def rank(instrument: str = "ao2509", place: int = 1, lots: Sequence[Any] = (30, 20, 10), **changes: Any) -> Row:
    """One row of a `pm` answer: three boards side by side."""
    row: Row = {"INSTRUMENTID": instrument, "RANK": place, "PRODUCTNAME": "氧化铝"}
    for board, number in zip("123", lots, strict=True):
        row |= {f"PARTICIPANTID{board}": f"000{board}", f"PARTICIPANTABBR{board}": f"会员{board}", f"CJ{board}": number, f"CJ{board}_CHG": -1}
    return row | changes


def answer(rows: Iterable[Row], key: str = "o_curinstrument", day: date = DAY, **envelope: Any) -> bytes:
    """The exchange's envelope around rows."""
    stamp = f"{day:%Y%m%d}"
    head = {"o_code": "0000", "o_msg": "查询成功", "report_date": stamp, "update_date": f"{stamp} 15:29:40"}
    return json.dumps(head | {key: list(rows)} | envelope, ensure_ascii=False).encode()


def extract(rows: Iterable[Row], day: date = DAY) -> bytes:
    """Rows somebody cut out of an answer, without its status."""
    return json.dumps({"report_date": f"{day:%Y%m%d}", "o_curinstrument": list(rows)}, ensure_ascii=False).encode()


def toml(document: Mapping[str, Any]) -> str:
    """A document of texts, numbers, lists and tables as TOML, what stands in one line first."""
    tables = {key: value for key, value in document.items() if isinstance(value, list) and value and isinstance(value[0], dict)}
    lines = [f"{json.dumps(key, ensure_ascii=False)} = {_inline(value)}" for key, value in document.items() if key not in tables]
    for key, entries in tables.items():
        for entry in entries:
            lines += [f"[[{key}]]", *(f"{json.dumps(name, ensure_ascii=False)} = {_inline(value)}" for name, value in entry.items())]
    return "\n".join([*lines, ""])


def _inline(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(key, ensure_ascii=False)} = {_inline(held)}" for key, held in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return json.dumps(value, ensure_ascii=False)


QUOTE_HEADER = "日期,名称,最低价,最高价,均价,涨跌,单位,指标ID,数据来源,地区,频率,发布时间"
VALUE_HEADER = "日期,名称,数值,单位,指标ID,数据来源,地区,频率,发布时间"


def csv_file(*lines: str, header: str = VALUE_HEADER, encoding: str = "utf-8") -> bytes:
    return "\r\n".join([header, *lines, ""]).encode(encoding)


def request_for(name: str, sources: Sequence[Source] = FEEDS) -> Request:
    return next(request for source in sources if (request := source.recognise(name)))


def delivery(name: str, body: bytes, at: datetime = NOON) -> tuple[Request, Response]:
    """What a folder holding one file of this name would deliver."""
    return request_for(name), Response(body, at)


@dataclass
class Deliveries:
    """An origin that delivers what it is given, in the order it is given."""

    items: Sequence[tuple[Request, Response]]
    data_origin: DataOrigin = DataOrigin.FILES

    def deliveries(self, sources: Sequence[Source]) -> Iterator[tuple[Request, Response]]:
        yield from self.items


@dataclass
class Home:
    """Archive and lake of one test."""

    settings: Settings
    archive: Archive = field(init=False)
    lake: Lake = field(init=False)

    def __post_init__(self) -> None:
        self.archive, self.lake = Archive(self.settings.archive), Lake(self.settings.lake)

    def take(self, *items: tuple[Request, Response], sources: Sequence[Source] | None = None, run_id: str = "run", **options: Any) -> Report:
        return ingest(sources or feeds(self.settings.catalog_overlay), Deliveries(items), self.archive, self.lake, run_id, **options)

    def rows(self, table: str) -> pl.DataFrame:
        """Every committed row of a table, over all batches."""
        paths = [self.lake.verified(file) for batch in self.lake.batches() for file in batch.files if file.table == table]
        return pl.concat([pl.read_parquet(path) for path in paths]) if paths else pl.DataFrame()

    def refused(self) -> list[tuple[str, str]]:
        """(table, reason) of every row in quarantine."""
        frame = self.rows("ingest__quarantine")
        return sorted(frame.select("table_name", "reason").iter_rows()) if frame.height else []

    def fetch_log(self) -> list[Attempt]:
        return list(self.archive.fetch_log())
