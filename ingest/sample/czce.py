"""The simulated third exchange: its text files of quotes and ranking. Format knowledge only; every number comes from the market."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ingest.sample import ranking
from ingest.sample.history import Market
from ingest.sample.quotes import Quote, month_label
from ingest.sums import added

TITLE, SUBTOTAL, TOTAL, SUM = "郑州商品交易所期货", "小计", "总计", "合计"
HEADER = (
    "合约代码", "昨结算", "今开盘", "最高价", "最低价", "今收盘", "今结算", "涨跌1", "涨跌2", "成交量(手)", "持仓量", "增减量", "成交额(万元)", "交割结算价",
)  # fmt: skip
PLACES = ("名次", "会员简称", "交易量（手）", "增减量", "会员简称", "持买仓量", "增减量", "会员简称", "持卖仓量", "增减量")
TEN_THOUSAND = 10_000  # turnover is in units of 10,000 CNY
WIDTH = 10


def daily_quotes(market: Market, t: int) -> bytes:
    """Write the daily quotes of all products: contracts, the sum under each product, the sum of all."""
    lines = [_line(HEADER)]
    everything: list[tuple[int, int, int, int]] = []
    for code, days in market.quotes.items():
        spec, sums = market.spec["quotes"][code], []
        for month, quote in days[t].items():
            turnover = _turnover(quote, spec["tick"] * spec["lot_t"])
            sums.append((quote.volume, quote.open_interest, quote.open_interest_change, turnover))
            lines.append(_contract(contract_code(code, month), quote, turnover))
        lines.append(_sum(SUBTOTAL, sums))
        everything += sums
    lines.append(_sum(TOTAL, everything))
    return _file(f"每日行情表({market.days[t]})", lines)


def contract_code(product: str, month: int) -> str:
    """Write a contract as the exchange does: one digit of the year."""
    return f"{product.upper()}{month_label(month)[1:]}"


def _turnover(quote: Quote, lot_cny: int) -> int:
    """Give a turnover in CNY, printed to the hundred, whose average lies around the settlement: this exchange rounds, it does not cut."""
    return round((quote.turnover_cny - quote.volume * lot_cny / 2) / 100) * 100 if quote.volume else 0


def _contract(code: str, quote: Quote, turnover: int) -> str:
    # An untraded contract has zeros for prices, and closes at zero.
    prices = [quote.pre_settle, *(price or 0 for price in (quote.open, quote.high, quote.low, quote.close)), quote.settle]
    close = quote.settle if quote.close is None else quote.close
    changes = [close - quote.pre_settle, quote.settle - quote.pre_settle]
    counts = [quote.volume, quote.open_interest, quote.open_interest_change]
    cells = [code, *(f"{price:,.2f}" for price in (*prices, *changes)), *(f"{count:,}" for count in counts), f"{turnover / TEN_THOUSAND:,.2f}"]
    return _line([*cells, ""])


def _sum(label: str, sums: Sequence[tuple[int, int, int, int]]) -> str:
    volume, held, change, turnover = (added(column) for column in zip(*sums, strict=True))
    return _line([label, *[""] * 8, f"{volume:,}", f"{held:,}", f"{change:,}", f"{turnover / TEN_THOUSAND:,.2f}", ""])


def member_ranking(market: Market, t: int) -> bytes:
    """Write the ranking of the largest contracts, block by block."""
    rules, lines = market.spec["ranking"], []
    for code, days in market.quotes.items():
        today, before = days[t], days[max(t - 1, 0)]
        largest = sorted(today, key=lambda month: (-today[month].open_interest, month))[: rules["contracts"]]
        for month in sorted(largest):
            lines += ["", f"合约：{contract_code(code, month):<16}日期：{market.days[t]}", _line(PLACES)]
            boards = [
                ranking.board(
                    market.spec["seed"], f"{code}{month}", which, t, _totals(rules, which, today[month], before.get(month)), rules["members"], 20
                )
                for which in (1, 2, 3)
            ]
            for place, row in enumerate(zip(*boards, strict=True), start=1):
                cells = (cell for one in row for cell in (f"样本会员{one.member + 1:02d}（代客）", f"{one.lots:,}", f"{one.change:,}"))
                lines.append(_line([str(place), *cells]))
            sums = (cell for board in boards for cell in ("", f"{added(one.lots for one in board):,}", f"{added(one.change for one in board):,}"))
            lines.append(_line([SUM, *sums]))
    return _file(f"持仓排名表({market.days[t]})", lines)


def _totals(rules: Mapping[str, Any], which: int, today: Quote, before: Quote | None) -> tuple[int, int]:
    share = rules["volume_share"] * 2 if which == 1 else rules["position_share"]
    today_lots, lots_before = ((quote.volume if which == 1 else quote.open_interest) if quote else 0 for quote in (today, before))
    return int(share * today_lots), int(share * lots_before)


def _line(cells: Iterable[str]) -> str:
    return "|".join(f"{cell:<{WIDTH}}" for cell in cells)


def _file(title: str, lines: Sequence[str]) -> bytes:
    return "\r\n".join([f"\t\t\t\t\t{TITLE}{title}", *lines, ""]).encode()
