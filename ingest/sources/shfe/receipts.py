"""Warehouse receipts (`dailystock`), JSON until 2025-11-17 and HTML from 2025-11-13: one shape of rows from both."""

from functools import partial

from ingest.sources.shfe.stock import Form, parse_html, parse_json

TABLE = "shfe__warehouse_receipts"
_FORM = Form(
    TABLE,
    keys={"receipts_qty": "WRTWGHTS", "receipts_change_qty": "WRTCHANGE"},
    headings={("期货",): "receipts_qty", ("本日数量",): "receipts_qty", ("增减",): "receipts_change_qty"},
)

parse_receipts_json = partial(parse_json, _FORM)
parse_receipts_html = partial(parse_html, _FORM)
