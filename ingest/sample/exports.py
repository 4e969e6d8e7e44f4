"""How people's exports and the public web answers are written: vendor CSV, customs, fixings, events, flashes. Format knowledge only."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from ingest.sample.history import History
from ingest.sample.news import Event
from ingest.sample.trade import Reported, Trade
from ingest.sample.vendor import Point, Series
from ingest.source import SHANGHAI

VALUE_HEADER = ("日期", "名称", "数值", "单位", "口径", "指标ID", "数据来源", "地区", "频率", "发布时间")
CUSTOMS_HEADER = "数据年月,商品编码,商品名称,贸易伙伴编码,贸易伙伴名称,第一数量,第一计量单位,第二数量,第二计量单位,美元"
BARS_HEADER = ("contract", "event_ts", "open", "high", "low", "close", "volume", "oi")
FLASH_TAG = "1003"  # aluminium
COMTRADE_FLOWS = {"import": "M", "export": "X"}
EVERY_WITHOUT_TEXT = 7  # of so many flashes one carries its text as HTML only

MonthWriter = Callable[[History, Sequence[int]], bytes]


def vendor_values(rows: Iterable[tuple[Series, Point]]) -> bytes:
    """Write single values (layout B) the way a person exports them: a spreadsheet's CSV with a mark and DOS line ends."""
    lines = [VALUE_HEADER]
    for series, point in rows:
        labels = (series.unit, series.basis, series.series_id, series.provider, series.region, series.frequency)
        lines.append((f"{point.obs_date}", series.name, point.text, *labels, f"{point.published:%Y-%m-%d %H:%M}"))
    return ("\ufeff" + _csv(lines)).encode()


def bars(history: History, positions: Sequence[int]) -> bytes:
    """Write the session bars of a month, each stamped with its end."""
    rows = ((bar.contract, f"{bar.ended_at:%Y-%m-%d %H:%M}", *map(str, bar[2:])) for t in positions for bar in history.bars[t])
    return _csv([BARS_HEADER, *rows]).encode()


def customs(month: date, trades: Iterable[Trade]) -> bytes:
    """Write the detail of one month and flow as the customs portal exports it."""
    lines = [CUSTOMS_HEADER]
    for row in trades:
        cells = (f"{month:%Y%m}", row.code, row.name, row.partner_code, row.partner, f"{row.kilograms:,}", "千克", "0", "-", f"{row.usd:,}")
        lines.append(",".join(f'"{cell}"' for cell in cells))
    return ("\r\n".join(lines) + "\r\n").encode("gb18030")


def comtrade(answer: Reported) -> bytes:
    """Write the answer of UN Comtrade about one heading, month and flow, all partners together; it describes nothing in words."""
    described = dict.fromkeys(("reporterISO", "reporterDesc", "flowDesc", "partnerISO", "partnerDesc", "partner2ISO", "partner2Desc", "cmdDesc"))
    imported = answer.flow == "import"
    row: dict[str, Any] = {
        **{
            "typeCode": "C",
            "freqCode": "M",
            "refPeriodId": int(f"{answer.month:%Y%m%d}"),
            "refYear": answer.month.year,
            "refMonth": answer.month.month,
        },
        **{"period": f"{answer.month:%Y%m}", "reporterCode": 156, "flowCode": COMTRADE_FLOWS[answer.flow], "partnerCode": 0, "partner2Code": 0},
        **described,
        **{"classificationCode": "H6", "classificationSearchCode": "HS", "isOriginalClassification": True, "cmdCode": answer.code},
        **{"customsCode": "C00", "mosCode": "0", "motCode": 0, "qtyUnitCode": 8},  # 8 is the kilogram
        **{"qty": float(answer.kilograms), "isQtyEstimated": answer.is_estimated, "netWgt": float(answer.kilograms)},
        **{"isNetWgtEstimated": answer.is_estimated, "grossWgt": 0.0, "isGrossWgtEstimated": False},
        **{"cifvalue": float(answer.usd) if imported else None, "fobvalue": None if imported else float(answer.usd)},
        **{"primaryValue": float(answer.usd), "isReported": False, "isAggregate": True},
    }
    return _json({"elapsedTime": "0.1 secs", "count": 1, "data": [row], "error": ""})


def fixings(history: History, positions: Sequence[int]) -> bytes:
    """Write the answer to a query of the central parity's history, newest day first."""
    pairs = list(history.spec["fx"]["pairs"])
    records = [{"date": f"{history.days[t]}", "values": history.fixings[t]} for t in reversed(positions)]
    data = {
        "startDate": f"{history.days[positions[0]]}",
        "endDate": f"{history.days[positions[-1]]}",
        "currency": ",".join(pairs),
        "pageNum": 1,
        "pageTotal": 1,
        "total": len(records),
        "head": pairs,
        "searchlist": pairs,
        "flagMessage": "",
    }
    return _json({"head": {"rep_code": "200", "rep_message": ""}, "data": data, "records": records})


def latest_fixing(history: History, t: int) -> bytes:
    """Write the newest central parity, which alone states when it was fixed; the change is unsigned once and signed once."""
    today, before = history.fixings[t], history.fixings[t - 1]
    records = []
    for pair, price, earlier in zip(history.spec["fx"]["pairs"], today, before, strict=True):
        change = f"{(Decimal(price) - Decimal(earlier)) * 10_000:.2f}"
        records.append({"vrtEName": pair, "price": price, "bp": change.lstrip("-"), "bpDouble": change, "foreignCName": pair[:3]})
    data = {"lastDate": f"{history.days[t]} 9:15", "lastDateEn": f"{history.days[t]:%d/%m/%Y} 9:15"}
    return _json({"head": {"rep_code": "200", "rep_message": ""}, "data": data, "records": records})


def events(rows: Sequence[Event]) -> bytes:
    """Write the events file."""
    return _csv([tuple(rows[0]), *(tuple(row.values()) for row in rows)]).encode()


def newsflash(history: History, positions: Sequence[int]) -> bytes:
    """Write the flashes of a month as the agency's feed answers, newest first; each says in title and text that it is invented."""
    items: list[dict[str, Any]] = []
    for t in positions:
        for place, flash in enumerate(history.flashes[t]):
            number = 10 * t + place
            text = f"【样本：{flash.title}】SHMET{flash.pushed:%m月%d日}讯，【样本】模拟快讯，并非真实消息。"
            content = f"<p>{text[:-1]}&nbsp;。</p>" if number % EVERY_WITHOUT_TEXT == 0 else f"<p>{text}</p>"
            item = {"id": 9_000_000 + number, "pushTime": _epoch_ms(flash.pushed), "contentText": text, "content": content, "flashTag": FLASH_TAG}
            items.append(item | ({"contentText": ""} if number % EVERY_WITHOUT_TEXT == 0 else {}))
    data = {"currentPage": 1, "pageSize": 100, "dataList": items[::-1]}
    return _json({"code": 200, "msg": "success", "data": data})


def _epoch_ms(moment: datetime) -> int:
    return int(moment.replace(tzinfo=SHANGHAI).timestamp()) * 1000


def _csv(lines: Iterable[Sequence[str]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerows(lines)
    return text.getvalue()


def _json(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
