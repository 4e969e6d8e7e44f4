"""Generated panels with known truth: rows for the fit, and quotes in the exchanges' form for the models.

One copy, for tests and benchmarks. Every panel follows from its seed. Nothing here resembles a real market more than a test needs.
"""

from dataclasses import fields
from datetime import date

import numpy as np
import polars as pl

from ingest.catalog.calendar import trading_days
from ingest.catalog.documents import load
from ingest.catalog.schemas import PanelFile
from ingest.sample.quotes import expiry, month_label, month_number
from serving.research.panel.protocol import NEVER, Horizon, Protocol, Rows, Span, rows

SHORT = Horizon("short", 5, ("mom12", "carry"))
MEDIUM = Horizon("medium", 30, ("mom12", "carry", "bmom", "rcpt"))
WARM_UP = 500
"""Sessions of a panel before its first rows."""
PROVENANCE = ("data_origin", "payload_sha256", "fetched_at", "published_at")
NORMAL_SIXTIETH = 0.2533
"""Below it lie 60 % of a normal distribution."""


def configured() -> Protocol:
    """Give the shipped figures of the protocol, without a warehouse."""
    figures = {row.name: row.value for row in load(PanelFile).parameter}
    return Protocol(**{field.name: (int if field.type is int else float)(figures[f"panel_{field.name}"]) for field in fields(Protocol)})


def generated_rows(
    seed: int, horizon: Horizon, sessions: int, products: int = 15, *, planted: float = 0.0, correlation: float = 0.23
) -> tuple[Rows, Span]:
    """Give the rows of a panel: signals that last for months, returns of each day with a common part.

    `planted` is how far a rise goes with the sign of the first signal, in standard deviations over the horizon: NORMAL_SIXTIETH makes 60 of
    100 rises. With 0 nothing can be known, which is what permuted outcomes are: signals and outcomes of two worlds.
    """
    rng = np.random.default_rng(seed)
    h, k = horizon.sessions, len(horizon.signals)
    signals = np.empty((sessions, products, k))
    signals[0] = rng.normal(size=(products, k))
    for t in range(1, sessions):
        signals[t] = 0.98 * signals[t - 1] + np.sqrt(1 - 0.98**2) * rng.normal(size=(products, k))
    returns = np.sqrt(correlation) * rng.normal(size=(sessions, 1)) + np.sqrt(1 - correlation) * rng.normal(size=(sessions, products))
    level = np.vstack([np.zeros(products), np.cumsum(returns, axis=0)])
    outcome = np.full((sessions, products), np.nan)
    outcome[: sessions - h] = (level[h + 1 :] - level[1:-h]) / np.sqrt(h)
    outcome += planted * np.sign(signals[:, :, 0])
    session, product = np.divmod(np.arange(sessions * products), products)
    counts = session >= WARM_UP
    known = np.where(session + h < sessions, session + h, NEVER)
    told = rows(session[counts], product[counts], list(np.clip(signals, -2, 2).reshape(-1, k)[counts].T), outcome.reshape(-1)[counts], known[counts])
    return told, Span(0, sessions - 1)


def generated_quotes(seed: int, products: int, sessions: int, *, first: date = date(2014, 1, 2), drift: float = 0.0) -> pl.DataFrame:
    """Give quotes of three contracts a product in the shape of `int_exchange__quotes`: independent products, volatility that comes in spells.

    Contracts of one product move alike and stand apart by a slope, so that whoever splices them sees a jump at each change of contract.
    `drift` is added to the daily return in the direction of the last year, in standard deviations: a momentum that can be found.
    """
    days = [day for day in trading_days(first, date(2026, 12, 31)) if day >= first]
    calendar, days = days, days[:sessions]
    frames = [
        _product(np.random.default_rng([seed, number]), f"p{chr(97 + number // 26)}{chr(97 + number % 26)}", days, calendar, drift)
        for number in range(products)
    ]
    return pl.concat(frames).sort("trade_date", "product_id", "delivery_month_code")


def _product(rng: np.random.Generator, code: str, days: list[date], calendar: list[date], drift: float) -> pl.DataFrame:
    count = len(days)
    spells = np.zeros(count)
    for t in range(1, count):
        spells[t] = 0.97 * spells[t - 1] + 0.1 * rng.normal()
    sigma = rng.uniform(0.008, 0.02) * np.exp(spells)
    returns = sigma * rng.normal(size=count)
    if drift:
        for t in range(1, count):
            returns[t] += drift * sigma[t] * np.sign(returns[max(0, t - 250) : t].sum())
    level = np.log(rng.uniform(2_000, 60_000)) + np.cumsum(returns)
    opening = level - returns * rng.uniform(0.5, 1.0, size=count)
    slope = rng.uniform(-0.01, 0.01)
    rows: dict[str, list[object]] = {name: [] for name in ("trade_date", "month", "open", "close", "pre", "held", "high", "low")}
    months = [month for month in range(month_number(f"{days[0]:%y%m}"), month_number(f"{days[-1]:%y%m}") + 24) if month % 12 in (0, 4, 8)]
    ends = {month: expiry(month, calendar) for month in months}
    for t, day in enumerate(days):
        for place, month in enumerate([month for month in months if ends[month] >= t][:3]):
            shift, left = slope * month, ends[month] - t
            prices = np.exp(np.array([opening[t], level[t], level[t - 1] if t else opening[t]]) + shift)
            told = (day, month_label(month), prices[0], prices[1], prices[2], int(300_000 / (1 + ((left - 70) / 40) ** 2)) + place)
            for name, value in zip(rows, (*told, max(prices[:2]) * 1.001, min(prices[:2]) * 0.999), strict=True):
                rows[name].append(value)
    return pl.DataFrame(rows).select(
        exchange=pl.lit("SHFE"),
        dataset=pl.lit("shfe__daily_quotes"),
        trade_date="trade_date",
        product_id=pl.lit(code),
        delivery_month_code="month",
        open_price="open",
        high_price="high",
        low_price="low",
        close_price="close",
        settle_price="close",
        pre_settle_price="pre",
        volume_lots=pl.lit(40_000, pl.Int64),
        open_interest_lots=pl.col("held").cast(pl.Int64),
        open_interest_change_lots=pl.lit(0, pl.Int64),
        data_origin=pl.lit("sample"),
        payload_sha256=pl.lit("generated"),
        fetched_at=pl.lit("2014-01-01 00:00:00+08:00").str.to_datetime(time_zone="UTC"),
        published_at=pl.lit(None, pl.Datetime("us", "UTC")),
    )


def generated_receipts(seed: int, quotes: pl.DataFrame) -> pl.DataFrame:
    """Give receipts of the same products in the shape of `int_exchange__receipts`, in lots: a walk that stays above zero."""
    rng = np.random.default_rng([seed, 99])
    keys = quotes.select("trade_date", "product_id").unique().sort("product_id", "trade_date")
    return keys.with_columns(
        exchange=pl.lit("SHFE"),
        dataset=pl.lit("shfe__warehouse_receipts"),
        row_level=pl.lit("detail"),
        warehouse_type=pl.lit("warehouse"),
        receipts_qty=pl.Series(np.abs(np.cumsum(rng.normal(size=keys.height))) * 300 + 300),
        quantity_unit=pl.lit("lot"),
        data_origin=pl.lit("sample"),
        payload_sha256=pl.lit("generated"),
        fetched_at=pl.lit("2014-01-01 00:00:00+08:00").str.to_datetime(time_zone="UTC"),
        published_at=pl.lit(None, pl.Datetime("us", "UTC")),
    )


def generated_limits(quotes: pl.DataFrame) -> pl.DataFrame:
    """Give limits and margins of the same contracts in the shape of `int_exchange__limits`: of each product raised for five sessions of 37."""
    place = (pl.col("trade_date").rank("dense") + 11 * pl.col("product_id").rank("dense")).cast(pl.Int64) % 37
    raised = pl.when(place < 5).then(0.02).otherwise(0.0)
    return quotes.select("exchange", "trade_date", "product_id", "delivery_month_code", *PROVENANCE).with_columns(
        dataset=pl.lit("shfe__price_limits"),
        upper_limit_ratio=0.07 + raised,
        lower_limit_ratio=0.07 + raised,
        spec_long_margin_ratio=pl.lit(0.12),
        published_at=(pl.col("trade_date").cast(pl.Datetime("us")) + pl.duration(hours=16, minutes=21)).dt.replace_time_zone("Asia/Shanghai"),
    )
