"""Views and macros a release adds to its tables. They are created in the built file, so they refer to no other file. They compute nothing new."""

from quality.fields import LOCAL

# A rejected day has no score.
_SCORE = "case when status = 'rejected' then null else sentiment_score end"
# The columns of the first outlook table, taken from the second, for readers that depend on them.
_V1 = (
    "commodity_code, as_of_date, decision_at, horizon, stance, direction, case when call <> 0 then greatest(probability_up, 1.0 - probability_up) end as confidence, "
    f"{_SCORE} as score, score_band_low, score_band_high, coverage, contribution_policy, contribution_receipts, contribution_money, "
    "contribution_fundamentals, missing_blocks, case status when 'fallback' then 'validated' else status end as status, status_reason, rule_ids, "
    "risk_flags, weakened_flags, conflicts, watchlist, tail, volatility_regime, support_levels, resistance_levels, trigger_level_cny_t, headline_en, "
    "headline_zh, dominant_contract, close_cny_t, settle_cny_t, ret_cc_1d_pct, ret_cc_2d_pct, trend_state, receipts_t, squeeze_ratio, spot_cny_t, "
    "premium_rate_pct, cost_full_cny_t, profit_cny_t, import_profit_cny_t, quotes_date, receipts_date, spot_date, valid_until, model_version, "
    "inputs_hash, data_origin, disclaimer, ret_c_ps_pct"
)
_LOCAL_OF_THE_OUTLOOK = tuple(f"{name}{LOCAL}" for name in ("decision_at", "valid_until"))
VIEWS: dict[str, tuple[str, str, str | None]] = {
    "serving.outlook_v1": (
        "serving.outlook_v2",
        f"select {_V1} from serving.outlook_v2",
        "One row per commodity_code, as_of_date and horizon. The columns of the first outlook, a view of outlook_v2 since 2025-12-01: score is sentiment_score and null on a rejected day, stance is where the evidence leans, fallback reads validated, confidence is null without a call. | 每个品种、交易日与期限一行。初版展望的列，自 2025-12-01 起为 outlook_v2 的视图：score 即 sentiment_score（不作判断日为空），stance 为证据倾向，fallback 显示为 validated，无方向判断时 confidence 为空。",
    ),
    "serving.outlook": (
        "serving.outlook_v2",
        f"select * exclude ({', '.join(_LOCAL_OF_THE_OUTLOOK)}), {_SCORE} as score, case when call <> 0 then greatest(probability_up, 1.0 - probability_up) end as confidence, "
        f"status is distinct from 'rejected' as is_valid, {', '.join(_LOCAL_OF_THE_OUTLOOK)} from serving.outlook_v2",
        "One row per commodity_code, as_of_date and horizon. The stable name of the outlook; columns are only ever added. score is null on a rejected day, sentiment_score is what was computed all the same; desk.outlook_daily has one row a day. | 每个品种、交易日与期限一行。展望表的固定名称，只增列。不作判断日 score 为空，sentiment_score 为计算原值；desk.outlook_daily 每日一行。",
    ),
    "serving.outlook_latest": (
        "serving.outlook_v2",
        "select * from serving.outlook as o where as_of_date = (select max(as_of_date) from serving.outlook_v2 as l where l.commodity_code = o.commodity_code)",
        "One row per commodity_code and horizon. The newest outlook of each commodity. | 每个品种与期限一行。各品种最新展望。",
    ),
    **{f"serving.{table}": (f"technical.{table}", f"from technical.{table}", None) for table in ("payloads", "quality_results", "claim_facts")},
    "desk.metrics": (
        "serving.data_dictionary",
        "select table_name, column_name, unit, over_time, over_rows, description_en, description_zh, position from serving.data_dictionary "
        "where schema_name = 'desk' and over_time is not null",
        "One row per table_name and column_name. Figures of the desk and how they may be put together: over days, and over the rows of one day. | 每张表每个数值列一行。交易台各数值的单位与允许的汇总方式（跨日与同日各行）。",
    ),
    "desk.outlook_now": (
        "desk.outlook_daily",
        "select commodity_code, as_of_date, valid_until < now() as is_stale, * exclude (commodity_code, as_of_date, is_newest) from desk.outlook_daily where is_newest",
        "One row per commodity_code. The newest outlook of each commodity, and whether it is stale at the moment the query runs. | 每个品种一行。各品种最新展望，以及查询时刻是否已过期。",
    ),
}
"""By view name: the table it shows, its query, and its description."""
# Columns of the views that the table has by another name, or makes of another.
RENAMED = {"score": "sentiment_score", "confidence": "probability_up", "is_valid": "status", "is_stale": "valid_until"}

_FACTS = {
    "close of the dominant contract": ("desk.futures_dominant", "contract_code", "trade_date", "close_cny_t", "CNY/t"),
    "settlement of the dominant contract": ("desk.futures_dominant", "contract_code", "trade_date", "settle_cny_t", "CNY/t"),
    "spot, national": ("desk.spot_national", "provider", "trade_date", "spot_cny_t", "CNY/t"),
    "receipts, all": ("desk.receipts_total", "'all'", "trade_date", "receipts_t", "t"),
    "premium of the close": ("desk.premium_close", "contract_code", "trade_date", "premium_rate_pct", "pct"),
    "profit by the daily model": ("desk.margin_daily", "model_id", "trade_date", "profit_cny_t", "CNY/t"),
    "stocks, all": ("desk.stocks_total", "provider", "period_end", "stock_kt", "kt"),
    "net imports of the month": ("desk.trade_monthly", "hs_code", "month", "net_import_t", "t"),
}
_TOLD = " union all ".join(
    f"select commodity_code, '{fact}' as fact, {subject} as subject, {day} as day, {figure} as value, '{unit}' as unit, available_at{LOCAL} from {table}"
    for fact, (table, subject, day, figure, unit) in _FACTS.items()
)
MACROS = {
    # A time without a zone is read as Shanghai time, whatever the zone of the session.
    "desk.known_at": (
        frozenset(table for table, *_ in _FACTS.values()),
        "create macro desk.known_at(moment) as table select commodity_code, fact, subject, day, value, unit, available_at_sh "
        f"from ({_TOLD}) where available_at_sh <= cast(moment as timestamp) "
        "qualify row_number() over (partition by commodity_code, fact order by day desc, subject) = 1 order by commodity_code, fact",
    ),
}
"""By name the tables a macro reads and the statement that makes it: `from desk.known_at(timestamp '2025-07-22 15:05')`."""
