"""The shape of every raw table: one pandera model each, built from `quality.fields`.

A rule about one source frame lives here (types, bounds, nulls, relations inside a row or a series). Relations between
tables belong to dbt, the audit of what is published to `quality.gate`. Frames must be eager: pandera checks only
the schema of a lazy one.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from quality.fields import FIELDS, PROVENANCE, Kind

if TYPE_CHECKING:
    import pandera.polars as pa

POLARS_TYPES: dict[Kind, pl.DataType] = {
    Kind.TEXT: pl.String(),
    Kind.DATE: pl.Date(),
    Kind.TIMESTAMP: pl.Datetime("us", "UTC"),
    Kind.LOCAL: pl.Datetime("us"),
    Kind.INTEGER: pl.Int64(),
    Kind.NUMBER: pl.Float64(),
    Kind.FLAG: pl.Boolean(),
}


@dataclass(frozen=True)
class Rule:
    """A relation inside a row (or a row and its series). `holds` is true or null where the rule is kept."""

    name: str
    message: str
    holds: pl.Expr


@dataclass(frozen=True)
class RawTable:
    """One raw table: what it holds, columns (provenance aside), which may be null, its key, its period column and its rules."""

    name: str
    about: str
    """What its rows are, in a sentence or two; the key says what one row is."""
    columns: tuple[str, ...]
    required: tuple[str, ...]
    key: tuple[str, ...]
    period: str | None
    """Date column that says which month's file a row goes to; None for small tables kept in one file."""
    rules: tuple[Rule, ...] = ()
    replace: bool = False
    """True for configuration and logs: `raw` holds their newest state only. False for facts: all vintages."""
    staged: bool = True
    """False for a table no dbt model reads: it is in `raw`, without a staging model."""

    @cached_property
    def schema(self) -> dict[str, pl.DataType]:
        """Polars types of the parsed frame, in column order."""
        return {name: POLARS_TYPES[FIELDS[name].kind] for name in self.columns}

    @cached_property
    def stored_schema(self) -> dict[str, pl.DataType]:
        """Polars types with the provenance columns, as kept in the lake and in `raw`."""
        extra = [name for name in PROVENANCE if name not in self.columns]
        return self.schema | {name: POLARS_TYPES[FIELDS[name].kind] for name in extra}

    @property
    def row_key(self) -> tuple[str, ...]:
        """What no two stored rows share: the key, and the payload where several payloads may speak of one fact."""
        return tuple(dict.fromkeys(self.key if self.replace else (*self.key, "payload_sha256")))

    @property
    def description(self) -> str:
        """What one row is, and what the table holds."""
        *others, last = ("payload" if name == "payload_sha256" else name for name in self.row_key)
        grain = f"{', '.join(others)} and {last}" if others else last
        return f"One row per {grain}. {self.about}"

    @property
    def every_rule(self) -> tuple[Rule, ...]:
        """The table's own rules, and that a payload gives one row per key."""
        unique = Rule(
            "duplicate_key",
            f"the payload holds more than one row for the key ({', '.join(self.key)})",
            pl.len().over(sorted({"payload_sha256", *self.key})) == 1,
        )
        return (*self.rules, unique)

    @cached_property
    def model(self) -> "pa.DataFrameSchema":
        """The pandera model of the frame with its provenance: nothing enters the lake without it."""
        import pandera.polars as pa  # a second of import that reading the catalogue or the lake does not need

        def column(name: str) -> "pa.Column":
            field = FIELDS[name]
            checks = [*([] if field.ge is None else [pa.Check.ge(field.ge)]), *([] if field.le is None else [pa.Check.le(field.le)])]
            return pa.Column(self.stored_schema[name], checks, nullable=name not in required)

        def relation(rule: Rule) -> "pa.Check":
            select: Callable[[pa.PolarsData], pl.LazyFrame] = lambda data: data.lazyframe.select(rule.holds.fill_null(True).alias(rule.name))  # noqa: E731
            return pa.Check(select, name=rule.name, error=rule.message)

        required = {*self.required, *PROVENANCE} - {"published_at"}
        return pa.DataFrameSchema(
            {name: column(name) for name in self.stored_schema},
            checks=[relation(rule) for rule in self.every_rule],
            strict=True,
            name=self.name,
        )


@dataclass(frozen=True)
class Failure:
    """A rule that some rows broke: which rule, in words, and the row numbers (0-based) in the frame."""

    check: str
    message: str
    rows: tuple[int, ...]


@dataclass(frozen=True)
class Validated:
    """Rows that keep every rule, rows that broke one, and the failures that say which."""

    good: pl.DataFrame
    bad: pl.DataFrame
    failures: tuple[Failure, ...]


def validate(table: RawTable, frame: pl.DataFrame) -> Validated:
    """Split an eager frame, provenance included, into rows that keep the table's model and rows that do not.

    Raises TypeError for a lazy frame and ValueError when the frame as a whole has other columns or types than the
    table: that is a programming error of a parser, not bad data.
    """
    import pandera.errors

    if not isinstance(frame, pl.DataFrame):
        raise TypeError("validate needs an eager frame: pandera does not look at the values of a lazy one")
    if dict(frame.schema) != table.stored_schema:
        raise ValueError(f"{table.name}: the frame has {dict(frame.schema)}, the table is {table.stored_schema}")
    try:
        if not frame.is_empty():  # most runs refuse nothing, so their quarantine is empty
            table.model.validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as errors:
        cases = errors.failure_cases.with_columns(pl.col("check").cast(pl.String), pl.col("column").cast(pl.String))
        if cases["index"].null_count():
            raise ValueError(f"{table.name}: {cases}") from errors
        messages = {rule.name: rule.message for rule in table.every_rule} | {rule.message: rule.message for rule in table.every_rule}
        names = {rule.message: rule.name for rule in table.every_rule}
        failures = tuple(
            Failure(
                check=names.get(check, check) if column is None or check in names else f"{column}:{check}",
                message=messages.get(check, f"{column} breaks {check}"),
                rows=tuple(sorted(set(group["index"].to_list()))),
            )
            for (column, check), group in cases.group_by("column", "check", maintain_order=True)
        )
        broken = pl.Series("broken", sorted({row for failure in failures for row in failure.rows}), dtype=pl.Int64)
        numbered = frame.with_row_index("_row").with_columns(pl.col("_row").cast(pl.Int64))
        return Validated(
            good=numbered.filter(~pl.col("_row").is_in(broken.implode())).drop("_row"),
            bad=numbered.filter(pl.col("_row").is_in(broken.implode())),
            failures=failures,
        )
    return Validated(frame, frame.clear().with_columns(pl.lit(None, pl.Int64).alias("_row")), ())


def _ordered(low: str, high: str, name: str, message: str) -> Rule:
    return Rule(name, message, pl.col(low) <= pl.col(high))


# Only these schemes may become links on a page: `javascript:` and the like could run in a reader's browser.
WEB_ADDRESS = r"""^(?i:https?)://[^\s"'<>\\]+$"""
_WEB_ADDRESS = Rule("source_url_is_no_web_address", "the address of the source is not http or https", pl.col("source_url").str.contains(WEB_ADDRESS))
_TRADED = pl.col("volume_lots") > 0
_IS_YYMM = pl.col("delivery_month_code").str.contains(r"^[0-9]{2}(0[1-9]|1[0-2])$")
# Crude oil is listed furthest ahead: quarterly contracts three years out (INE contract text).
_MONTHS_LISTED = 36
_MONTHS_AWAY = (2000 + pl.col("delivery_month_code").str.slice(0, 2).cast(pl.Int64, strict=False) - pl.col("trade_date").dt.year()) * 12 + (
    pl.col("delivery_month_code").str.slice(2, 2).cast(pl.Int64, strict=False) - pl.col("trade_date").dt.month()
)
# Assumed: the widest limit ever set on a Chinese exchange stays well below a half; the limit in force belongs to the marts.
_WIDEST_LIMIT = 0.5
# Rows are compared within their payload, so that the verdict does not depend on what else was delivered.
_SERIES = ("payload_sha256", "provider", "series_id")
_PREVIOUS = pl.col("value").shift(1).over(_SERIES, order_by="obs_date")
# Published changes are rounded like the averages they join: half a unit of the second decimal on each side.
_CHANGE_TOLERANCE = 0.011
# Quantities are printed to 0.001 at the finest: half a unit of the last digit.
_LAST_DIGIT = 0.0005
# A jump of three times between neighbours is a slipped unit or a lost digit, not a price move (a daily limit is below 20 %).
_JUMP = 3.0
_SPREAD_NAMES = "价差|基差|升贴水|利润|盈亏"
# The scale of each row, counted in jumps from the first row: jumps there and back cancel out, a lasting change adds up to one.
_LOG = pl.when(pl.col("value") > 0).then(pl.col("value").log())
_STEP = (_LOG - _LOG.forward_fill().shift(1)).fill_null(0.0)
_SCALE = (pl.when(_STEP.abs() >= math.log(_JUMP)).then(_STEP).otherwise(0.0).cum_sum() / math.log(_JUMP)).round()
_ON_SCALE = _SCALE.rank("max") - _SCALE.rank("min") + 1
# The file does not say which of two scales is right: that of its first rows, unless another has more than twice as many.
_IS_OF_SCALE = (
    pl.when(2 * _ON_SCALE.first() >= _ON_SCALE.max()).then(_SCALE == 0).otherwise(_ON_SCALE.max() == _ON_SCALE).over(_SERIES, order_by="obs_date")
)

_VENDOR_COLUMNS = (
    "feed", "provider", "series_id", "series_name", "region", "frequency", "obs_date", "low_value", "high_value",
    "value", "change_value", "unit", "basis_note", "published_at", "is_time_estimated", "extra",
)  # fmt: skip
_VENDOR_REQUIRED = ("feed", "provider", "series_id", "series_name", "frequency", "obs_date", "value", "unit", "is_time_estimated")
_VENDOR_KEY = ("provider", "series_id", "obs_date")
_VENDOR_RULES = (
    _ordered("low_value", "high_value", "low_above_high", "the low end of the range is above the high end"),
    Rule(
        "average_outside_range",
        "the average lies outside the quoted range",
        (pl.col("low_value") > pl.col("high_value")) | pl.col("value").is_between(pl.col("low_value"), pl.col("high_value")),
    ),
    Rule(
        "change_is_not_the_difference",
        "the printed change is not the difference of the published averages",
        ((pl.col("value") - _PREVIOUS) - pl.col("change_value")).abs() <= _CHANGE_TOLERANCE,
    ),
    Rule(
        "jump_of_a_power_of_ten",
        "the value is three times or more, or a third or less, of the series' other values in the file: a slipped unit or a lost digit",
        # Spreads change sign and pass through zero; only levels can jump by a factor.
        pl.col("series_name").str.contains(_SPREAD_NAMES) | (_IS_OF_SCALE & ~((pl.col("value") <= 0) & (_PREVIOUS > 0))),
    ),
)


_MODEL = pl.concat_str("frequency", pl.col("basis_note").fill_null(""), separator="|")
_ONE_MODEL = Rule(
    "one_series_two_models",
    "the frequency or cost model is not that of the series' first row in the file; two models are two series with two ids",
    _MODEL.first().over("payload_sha256", "provider", "series_id", order_by="obs_date") == _MODEL,
)


def _vendor(name: str, about: str, *rules: Rule) -> RawTable:
    return RawTable(name, about, _VENDOR_COLUMNS, _VENDOR_REQUIRED, _VENDOR_KEY, "obs_date", (*_VENDOR_RULES, *rules))


_QUOTE_COLUMNS = (
    "open_price", "high_price", "low_price", "close_price", "settle_price", "pre_settle_price", "close_change", "settle_change",
    "volume_lots", "open_interest_lots", "open_interest_change_lots", "turnover_10k_cny", "extra",
)  # fmt: skip
_QUOTE_KEY = ("trade_date", "product_id", "delivery_month_code")
_QUOTE_RULES = (
    Rule("open_outside_range", "the open lies outside low and high", ~_TRADED | pl.col("open_price").is_between(pl.col("low_price"), pl.col("high_price"))),
    Rule("close_outside_range", "the close lies outside low and high", ~_TRADED | pl.col("close_price").is_between(pl.col("low_price"), pl.col("high_price"))),
    Rule("settle_outside_range", "the settlement lies outside low and high", ~_TRADED | pl.col("settle_price").is_between(pl.col("low_price"), pl.col("high_price"))),
    Rule("delivery_month_is_not_yymm", "the delivery month is not YYMM", _IS_YYMM),
    Rule("delivery_month_out_of_reach", "the contract would have expired or is further away than any exchange lists", ~_IS_YYMM | _MONTHS_AWAY.is_between(0, _MONTHS_LISTED)),
    Rule(
        "price_far_from_previous_settlement",
        "a price is more than half away from the previous settlement, beyond any limit of the exchange",
        pl.col("high_price").le(pl.col("pre_settle_price") * (1 + _WIDEST_LIMIT)) & pl.col("low_price").ge(pl.col("pre_settle_price") * (1 - _WIDEST_LIMIT)),
    ),
)  # fmt: skip
_ONE_UNIT = Rule(
    "unit_differs_inside_the_product",
    "the row's unit is not that of the product's other rows",
    pl.col("quantity_unit") == pl.col("quantity_unit").first().over("payload_sha256", "product_id"),
)
_RECEIPTS_RULES = (
    Rule("receipts_below_their_change", "the level is smaller than the day's increase", pl.col("receipts_qty") >= pl.col("receipts_change_qty")),
    _ONE_UNIT,
)
_WEEKLY_LEVELS = ("deliverable", "on_warrant", "capacity_free")
_RANKING_COLUMNS = (
    "trade_date",
    "instrument",
    "product_id",
    "delivery_month_code",
    "board",
    "row_kind",
    "rank",
    "participant_id",
    "participant",
    "position_lots",
    "position_change_lots",
    "extra",
)
_RANKING_REQUIRED = ("trade_date", "instrument", "product_id", "board", "row_kind", "position_lots")
_RANKING_KEY = ("trade_date", "instrument", "board", "row_kind", "rank")


def _change_is_the_difference(level: str) -> Rule:
    """Say that a weekly report's change of a level is this week's less last week's, where all three are printed."""
    return Rule(
        f"{level}_change_is_not_the_difference",
        f"the printed change of {level} is not this week's figure less last week's",
        ((pl.col(f"{level}_qty") - pl.col(f"previous_{level}_qty")) - pl.col(f"{level}_change_qty")).abs() <= _LAST_DIGIT,
    )


_TOTALS_COLUMNS = ("trade_date", "total_scope", "product_id", "volume_lots", "open_interest_lots", "open_interest_change_lots", "turnover_10k_cny")
_TOTALS_KEY = ("trade_date", "total_scope", "product_id")


def _by_contract(name: str, about: str, columns: tuple[str, ...]) -> RawTable:
    contract = ("trade_date", "instrument", "product_id", "delivery_month_code")
    return RawTable(name, about, (*contract, *columns, "extra"), contract, ("trade_date", "instrument"), "trade_date")


def _config(
    name: str, about: str, columns: tuple[str, ...], key: tuple[str, ...], optional: tuple[str, ...] = (), *, staged: bool = True
) -> RawTable:
    required = tuple(column for column in columns if column not in optional)
    return RawTable(name, about, columns, required, key, None, replace=True, staged=staged)


TABLES: dict[str, RawTable] = {
    table.name: table
    for table in (
        RawTable(
            "shfe__daily_quotes",
            "Daily quotes of every product in the exchange file, in its own quote unit.",
            ("trade_date", "product_id", "product_name", "product_class", "delivery_month_code", *_QUOTE_COLUMNS),
            _QUOTE_KEY,
            _QUOTE_KEY,
            "trade_date",
            _QUOTE_RULES,
        ),
        RawTable("shfe__daily_totals", "Sum rows (小计, 总计) of the quotes file, for checks.", _TOTALS_COLUMNS, _TOTALS_KEY, _TOTALS_KEY, "trade_date"),
        _by_contract(
            "shfe__settlement_parameters",
            "Settlement parameters (结算参数): margins as fractions, fees in per mille.",
            (
                "settle_price", "spec_long_margin_ratio", "spec_short_margin_ratio", "hedge_long_margin_ratio", "hedge_short_margin_ratio",
                "trade_fee_permille", "trade_fee_cny_lot", "hedge_trade_fee_permille", "hedge_trade_fee_cny_lot",
                "delivery_fee_permille", "delivery_fee_cny", "unidirect_code", "unit_today_code",
            ),
        ),
        _by_contract(
            "shfe__margins_fees",
            "Margins and fees that hold from the settlement of the day, as plain fractions.",
            (
                "settle_price", "spec_long_margin_ratio", "spec_short_margin_ratio", "hedge_long_margin_ratio", "hedge_short_margin_ratio",
                "trade_fee_ratio", "trade_fee_cny_lot", "hedge_trade_fee_ratio", "hedge_trade_fee_cny_lot",
                "delivery_fee_ratio", "delivery_fee_cny", "close_today_fee_multiple",
            ),
        ),
        _by_contract(
            "shfe__price_limits",
            "Price limits and margins in force during the day.",
            (
                "upper_limit_ratio", "lower_limit_ratio",
                "spec_long_margin_ratio", "spec_short_margin_ratio", "hedge_long_margin_ratio", "hedge_short_margin_ratio",
            ),
        ),
        RawTable("shfe__trading_day", "The session the exchange says it is in, and the one before.", ("trade_date", "previous_trade_date", "extra"), ("trade_date", "previous_trade_date"), ("trade_date",), "trade_date"),
        RawTable(
            "shfe__warehouse_receipts",
            "Warehouse receipts (仓单) of every product; sum rows kept for checks.",
            (
                "trade_date", "product_id", "product_name", "warehouse_type", "region", "warehouse", "row_level",
                "receipts_qty", "receipts_change_qty", "quantity_unit", "payload_form", "extra",
            ),
            ("trade_date", "product_id", "product_name", "warehouse_type", "region", "warehouse", "row_level", "receipts_qty", "quantity_unit", "payload_form"),
            ("trade_date", "product_id", "warehouse_type", "region", "warehouse", "row_level"),
            "trade_date",
            _RECEIPTS_RULES,
        ),
        RawTable(
            "shfe__weekly_stock",
            "Weekly stock report (库存周报), dated by the last session of its week, with sum rows.",
            (
                "trade_date", "product_id", "product_name", "warehouse_type", "region", "warehouse", "row_level",
                *(name for level in _WEEKLY_LEVELS for name in (f"{level}_qty", f"previous_{level}_qty", f"{level}_change_qty")),
                "quantity_unit", "payload_form", "extra",
            ),
            ("trade_date", "product_id", "product_name", "warehouse_type", "region", "warehouse", "row_level", "on_warrant_qty", "quantity_unit", "payload_form"),
            ("trade_date", "product_id", "warehouse_type", "region", "warehouse", "row_level"),
            "trade_date",
            (_ONE_UNIT, *map(_change_is_the_difference, _WEEKLY_LEVELS)),
        ),
        RawTable(
            "shfe__contracts",
            "Contract base data: when each contract was listed, trades last and is delivered, as the exchange's own list of the day says.",
            (
                "trade_date", "instrument", "product_id", "delivery_month_code", "listing_date", "last_trading_day",
                "delivery_start_date", "delivery_end_date", "base_price", "extra",
            ),
            ("trade_date", "instrument", "product_id", "delivery_month_code", "listing_date", "last_trading_day"),
            _QUOTE_KEY,
            "trade_date",
            (
                Rule("delivery_month_is_not_yymm", "the delivery month is not YYMM", _IS_YYMM),
                _ordered("listing_date", "last_trading_day", "expires_before_it_is_listed", "the last trading day lies before the listing"),
                _ordered("delivery_start_date", "delivery_end_date", "delivery_ends_before_it_starts", "the delivery ends before it starts"),
                Rule("delivered_before_it_expires", "the delivery starts before the last trading day", pl.col("delivery_start_date") >= pl.col("last_trading_day")),
            ),
        ),
        RawTable("shfe__member_ranking", "Member ranking, one board a row.", _RANKING_COLUMNS, _RANKING_REQUIRED, _RANKING_KEY, "trade_date"),
        RawTable(
            "expiry__receipts",
            "Warrants by the month in which they expire, as a terminal prints them, warehouse and factory apart.",
            (
                "provider", "trade_date", "exchange", "product_id", "product_name", "warehouse_type",
                "expiring_0m_qty", "expiring_1m_qty", "expiring_2m_qty", "quantity_unit", "extra",
            ),
            (
                "provider", "trade_date", "exchange", "product_id", "product_name", "warehouse_type",
                "expiring_0m_qty", "expiring_1m_qty", "expiring_2m_qty", "quantity_unit",
            ),
            ("provider", "trade_date", "exchange", "product_id", "warehouse_type"),
            "trade_date",
            (_ONE_UNIT,),
        ),
        RawTable(
            "gfex__daily_quotes",
            "Daily quotes of every product asked for, in its own quote unit.",
            ("trade_date", "product_id", "product_name", "delivery_month_code", *_QUOTE_COLUMNS),
            _QUOTE_KEY,
            _QUOTE_KEY,
            "trade_date",
            _QUOTE_RULES,
        ),
        RawTable("gfex__daily_totals", "Sum rows (小计, 总计) of the quotes answer, for checks.", _TOTALS_COLUMNS, _TOTALS_KEY, _TOTALS_KEY, "trade_date"),
        RawTable(
            "gfex__warehouse_receipts",
            "Warehouse receipts (仓单) in lots; sum rows kept for checks.",
            (
                "trade_date", "product_id", "product_name", "warehouse_id", "warehouse", "warehouse_type_code", "trademark", "row_level",
                "receipts_qty", "receipts_change_qty", "previous_receipts_qty", "quantity_unit", "extra",
            ),
            ("trade_date", "product_id", "product_name", "warehouse_id", "warehouse", "trademark", "row_level", "receipts_qty", "quantity_unit"),
            ("trade_date", "product_id", "warehouse_id", "warehouse", "trademark", "row_level"),
            "trade_date",
            _RECEIPTS_RULES,
        ),
        RawTable(
            "czce__daily_quotes",
            "Daily quotes of every product in its own quote unit; the price of an untraded contract is null, where the file prints 0.",
            (*_QUOTE_KEY, *_QUOTE_COLUMNS[:-1], "delivery_settle_price", "extra"),
            _QUOTE_KEY,
            _QUOTE_KEY,
            "trade_date",
            _QUOTE_RULES,
        ),
        RawTable("czce__daily_totals", "Sum rows (小计, 总计) of the quotes file, for checks.", _TOTALS_COLUMNS, _TOTALS_KEY, _TOTALS_KEY, "trade_date"),
        RawTable("czce__member_ranking", "Member ranking of contracts and of products, one board a row.", _RANKING_COLUMNS, _RANKING_REQUIRED, _RANKING_KEY, "trade_date"),
        _vendor("spot__quotes", "Vendor spot prices."),
        _vendor("spot__overseas", "Vendor prices abroad, freight by route, CIF and selling FX."),
        _vendor("cost__series", "Vendor cost, profit and input prices; basis_note carries the model.", _ONE_MODEL),
        _vendor("capacity__series", "Vendor capacity, rate, output and stock series."),
        RawTable(
            "bars__prices",
            "Minute and session bars of single contracts.",
            (
                "provider", "product_id", "delivery_month_code", "event_at", "trade_date", "session", "bar_length",
                "open_price", "high_price", "low_price", "close_price", "volume_lots", "open_interest_lots", "extra",
            ),
            (
                "provider", "product_id", "delivery_month_code", "event_at", "trade_date", "session", "bar_length",
                "open_price", "high_price", "low_price", "close_price", "volume_lots",
            ),
            ("provider", "product_id", "delivery_month_code", "bar_length", "event_at"),
            "trade_date",
            (
                Rule("open_outside_range", "the open lies outside low and high", pl.col("open_price").is_between(pl.col("low_price"), pl.col("high_price"))),
                Rule("close_outside_range", "the close lies outside low and high", pl.col("close_price").is_between(pl.col("low_price"), pl.col("high_price"))),
                Rule("zero_is_no_price", "a price of zero is a hole, not a price", pl.col("low_price") != 0),
                Rule("delivery_month_is_not_yymm", "the delivery month is not YYMM", _IS_YYMM),
                Rule("no_such_session", "the session is not night, am1, am2 or pm", pl.col("session").is_in(["night", "am1", "am2", "pm"])),
            ),
        ),
        RawTable(
            "customs__monthly_trade",
            "Foreign trade by customs code.",
            (
                "month", "reporter", "flow", "hs_code", "hs_scope", "commodity_name", "partner_scheme", "partner_code", "partner_name",
                "qty_t", "is_qty_estimated", "is_net_weight_estimated", "currency", "value_usd", "value_cny", "second_qty", "second_unit",
            ),
            ("month", "reporter", "flow", "hs_code", "hs_scope", "partner_scheme", "partner_code", "currency"),
            ("month", "reporter", "flow", "hs_code", "hs_scope", "partner_scheme", "partner_code", "currency"),
            "month",
            (
                Rule("month_is_not_its_first_day", "the month is not given by its first day", pl.col("month").dt.day() == 1),
                Rule(
                    "scope_is_not_the_codes",
                    "the scope is not the level of the code",
                    pl.concat_str(pl.col("hs_code").str.len_chars(), pl.col("hs_scope")).is_in(["4heading", "6subheading", "8item"]),
                ),
                Rule(
                    "value_in_another_currency",
                    "the row has a value in another currency than its own",
                    pl.when(pl.col("currency") == "USD").then(pl.col("value_cny").is_null()).when(pl.col("currency") == "CNY").then(pl.col("value_usd").is_null()).otherwise(pl.col("currency").is_null()),
                ),
            ),
        ),
        RawTable(
            "fx__central_parity",
            "RMB central parity.",
            ("obs_date", "currency_pair", "rate", "rate_unit"),
            ("obs_date", "currency_pair", "rate", "rate_unit"),
            ("obs_date", "currency_pair"),
            "obs_date",
            (Rule("rate_is_not_positive", "an exchange rate is above zero", pl.col("rate") > 0),),
            staged=False,
        ),
        RawTable(
            "policy__events",
            "Policy events the desk keeps.",
            (
                "event_id", "event_date", "date_precision", "published_at", "lang", "theme", "authority", "event_type", "sectors", "n_industries",
                "followup_of", "summary", "event_source", "source_url", "is_desk_override", "extra",
            ),
            ("event_id", "event_date", "date_precision", "theme", "authority", "summary", "event_source", "is_desk_override"),
            ("event_id",),
            "event_date",
            (
                Rule("month_is_not_its_first_day", "an event known to the month is not dated by its first day", (pl.col("date_precision") != "month") | (pl.col("event_date").dt.day() == 1)),
                Rule("follows_itself", "the event follows up on itself", pl.col("followup_of") != pl.col("event_id")),
                _WEB_ADDRESS,
            ),
        ),
        RawTable(
            "policy__newsflash",
            "Newsflashes by title, time and hash; their text is not stored.",
            ("event_date", "flash_id", "published_at", "title", "text_sha256", "source_url", "flash_tag"),
            ("event_date", "flash_id", "published_at", "text_sha256", "source_url"),
            ("flash_id",),
            "event_date",
            (
                Rule(
                    "day_is_not_the_times",
                    "the day is not the day of the time in Shanghai",
                    pl.col("event_date") == pl.col("published_at").dt.convert_time_zone("Asia/Shanghai").dt.date(),
                ),
                _WEB_ADDRESS,
            ),
            staged=False,
        ),
        RawTable(
            "policy__tone",
            "Tone of newsflashes by the lexicon.",
            (
                "event_date", "flash_id", "published_at", "perspective", "tone", "positive_weight", "negative_weight", "hits", "participant_roles",
                "lexicon_version",
            ),
            ("event_date", "flash_id", "published_at", "perspective", "tone", "positive_weight", "negative_weight", "lexicon_version"),
            ("flash_id", "perspective"),
            "event_date",
        ),
        _config("catalog__lexicon", "Words and signs by which news tone is scored.", ("entry_kind", "entry", "entry_meaning", "entry_effect", "lexicon_version", "source_note"), ("entry_kind", "entry", "entry_meaning"), optional=("entry_effect",), staged=False),
        _config("catalog__policy_topics", "How the topics of policy events relate to each commodity.", ("commodity_code", "topic", "relation", "source_note"), ("commodity_code", "topic")),
        _config("catalog__trading_days", "Sessions of the exchange calendar.", ("trade_date", "session_index", "known_until"), ("trade_date",)),
        _config(
            "catalog__expected_days",
            "Sessions expected by rule after the days whose closures count as known.",
            ("known_until", "expected_date", "expected_index"),
            ("known_until", "expected_date"),
        ),
        _config(
            "catalog__commodities",
            "Configured commodities.",
            ("commodity_code", "name_en", "name_zh", "exchange", "product_id", "listing_date", "profile_setting", "source_note"),
            ("commodity_code",),
        ),
        _config(
            "catalog__contract_specs",
            "Dated contract facts.",
            ("commodity_code", "valid_from", "contract_size_t", "tick_cny_t", "warrant_unit_t", "last_trading_day_rule", "last_trading_day_value", "source_note"),
            ("commodity_code", "valid_from"),
            optional=("warrant_unit_t",),
        ),
        _config(
            "catalog__expiry_rules",
            "How last trading days follow from the delivery month, by product or for a whole exchange (`*`).",
            ("exchange", "product_id", "months_before", "last_trading_day_rule", "last_trading_day_value", "source_note"),
            ("exchange", "product_id"),
        ),
        _config(
            "catalog__receipt_expiries",
            "Months at whose last session a product's receipts are cancelled by rule.",
            ("exchange", "product_id", "expiry_month", "source_note"),
            ("exchange", "product_id", "expiry_month"),
        ),
        _config(
            "catalog__panel_horizons",
            "Horizons at which outcomes of the panel are taken: of the forecast by name, of events as event_ and their sessions.",
            ("horizon", "horizon_sessions", "ewma_weight", "signals", "source_note"),
            ("horizon",),
            optional=("ewma_weight", "signals"),
        ),
        _config(
            "catalog__products",
            "Contract facts of every product, configured or not.",
            ("exchange", "product_id", "valid_from", "contract_size_qty", "quantity_unit", "tick_price", "sector", "settlement_rounding", "turnover_step_cny", "source_note"),
            ("exchange", "product_id"),
        ),
        _config("catalog__series", "Vendor series the marts read, by role.", ("commodity_code", "role", "provider", "series_id", "region", "model_id", "unit", "source_note"), ("commodity_code", "role", "provider", "series_id")),
        _config(
            "catalog__quantities",
            "What figures of a unit may be, and how far they go; a figure outside is held.",
            (
                "quantity", "unit", "match_kind", "match_value", "form", "lowest", "highest", "day_step", "most_step", "scale_ratio", "spread_multiple",
                "range_ratio", "prints_remembered", "label", "source_note",
            ),
            ("unit", "match_kind", "match_value"),
            optional=("scale_ratio", "range_ratio"),
        ),
        _config(
            "catalog__bounds",
            "Between which figures a commodity's series are believed, by role.",
            ("commodity_code", "role", "unit", "lowest", "highest", "day_step", "label", "source_note"),
            ("commodity_code", "role", "unit"),
            optional=("day_step",),
        ),
        _config("catalog__reviews", "Held figures that people accepted or rejected.", ("held_id", "review", "review_reason", "reviewed_at"), ("held_id",)),
        _config(
            "catalog__terms",
            "Dated fees, freights, premiums, limits and coefficients.",
            ("commodity_code", "term", "scope", "valid_from", "term_value", "unit", "label", "source_note"),
            ("commodity_code", "term", "scope", "valid_from"),
        ),
        _config("catalog__customs_codes", "Customs codes and what they are to the commodity.", ("commodity_code", "hs_code", "role", "lowest_usd_t", "highest_usd_t", "source_note"), ("commodity_code", "hs_code"), optional=("lowest_usd_t", "highest_usd_t")),
        _config(
            "catalog__words",
            "What is said in two languages: sentences of the outlook and names of codes.",
            ("word_kind", "word", "word_zh", "word_en"),
            ("word_kind", "word"),
        ),
        _config("catalog__regions", "Region codes and names.", ("region", "region_name_zh", "region_name_en"), ("region",)),
        _config(
            "catalog__publication_clock",
            "When each dataset can be known.",
            ("dataset", "day_offset", "earliest_minute", "latest_minute", "grace_minutes", "label", "source_note"),
            ("dataset",),
        ),
        _config("catalog__licences", "On what terms each source may be used.", ("licensed_source", "licence", "may_redistribute", "label", "source_note"), ("licensed_source",)),
        _config("catalog__release_days", "When a month's figures came out, by timetable.", ("dataset", "month", "out_at", "label", "source_note"), ("dataset", "month")),
        _config("catalog__parameters", "Thresholds, windows and assumptions with their source.", ("commodity_code", "parameter", "parameter_value", "unit", "source_note"), ("commodity_code", "parameter")),
        _config(
            "catalog__score_components",
            "Components and weights of the score.",
            (
                "commodity_code", "component", "valid_from", "component_name", "component_name_zh", "block", "signal", "unit", "weight", "sign", "profile",
                "maximum_age_sessions", "fingerprint", "config_version", "source_note",
            ),
            ("commodity_code", "component", "valid_from"),
        ),
        _config("catalog__weight_draws", "Fixed draws of weight factors for the score's band.", ("draw", "component", "factor"), ("draw", "component")),
        _config("catalog__rule_metrics", "Figures the rules may read.", ("metric", "metric_name", "metric_name_zh", "unit"), ("metric",)),
        _config("catalog__rules", "Rules of the outlook.", ("rule_id", "valid_from", "rule_name", "rule_name_zh", "fingerprint", "config_version", "source_note"), ("rule_id", "valid_from")),
        _config(
            "catalog__rule_conditions",
            "Conditions of the rules.",
            ("rule_id", "valid_from", "line", "alternative", "metric", "comparator", "threshold"),
            ("rule_id", "valid_from", "line", "alternative"),
        ),
        _config(
            "catalog__rule_effects",
            "What each rule does.",
            ("rule_id", "valid_from", "effect_index", "effect", "horizon", "effect_text"),
            ("rule_id", "valid_from", "effect_index"),
            optional=("horizon", "effect_text"),
        ),
        _config(
            "catalog__scenarios",
            "What may follow where a rule holds, if and then, and what would end it.",
            (
                "rule_id", "valid_from", "scenario", "scenario_level", "if_text_en", "if_text_zh", "then_text_en", "then_text_zh", "invalidated_by_en",
                "invalidated_by_zh", "study", "no_study",
            ),
            ("rule_id", "valid_from"),
            optional=("study", "no_study"),
        ),
        _config("catalog__scenario_figures", "Figures a scenario prints.", ("rule_id", "valid_from", "place", "metric"), ("rule_id", "valid_from", "place")),
        _config("catalog__profile_inputs", "Inputs that the coverage of a profile counts.", ("input", "input_name", "input_name_zh", "profile", "signal", "maximum_age_sessions", "source_note"), ("input",)),
        _config(
            "catalog__stances",
            "How the parts of a horizon become a stance.",
            (
                "horizon", "valid_from", "stance_method", "first_step", "second_step", "evidence_minimum", "profile", "capped_by", "divided_by", "divided_from",
                "fingerprint", "config_version", "source_note",
            ),
            ("horizon", "valid_from"),
            optional=("second_step", "capped_by", "divided_by", "divided_from"),
        ),
        _config(
            "catalog__stance_parts",
            "What a stance reads, and beyond which dead-bands it leans.",
            (
                "horizon", "part", "valid_from", "part_name", "part_name_zh", "metric", "weight", "up_comparator", "up_threshold", "down_comparator",
                "down_threshold", "maximum_age_sessions", "fingerprint", "config_version", "source_note",
            ),
            ("horizon", "part", "valid_from"),
            optional=("up_comparator", "up_threshold", "down_comparator", "down_threshold"),
        ),
        RawTable(
            "ingest__quarantine",
            "Rows that were refused, with their reason.",
            ("table_name", "request_name", "reason", "message", "row_json"),
            ("table_name", "request_name", "reason", "message", "row_json"),
            ("payload_sha256", "table_name", "reason", "row_json"),
            None,
        ),
        RawTable(
            "outlook__model",
            "What the fits of the forecast came to, as `alumina fit` left them in the home: coefficients, licence, the figures it stands on.",
            ("refit_date", "horizon", "term", "model_value"),
            ("refit_date", "horizon", "term"),
            ("refit_date", "horizon", "term"),
            None,
            replace=True,
        ),
        RawTable("ingest__horizon", "How far this build knows the world; null in a normal build.", ("as_of",), (), ("payload_sha256",), None, replace=True),
        RawTable(
            "ingest__receipts",
            "Attempts to obtain a payload, with their outcome.",
            ("attempted_at", "run_id", "source", "feed", "request_key", "request_name", "outcome", "reason", "message", "is_failure", "http_status", "payload_bytes", "payload_sha256", "data_origin"),
            ("attempted_at", "run_id", "source", "feed", "request_key", "request_name", "outcome", "is_failure", "data_origin"),
            ("attempted_at", "run_id", "source", "feed", "request_key", "request_name"),
            None,
            replace=True,
        ),
    )
}  # fmt: skip
