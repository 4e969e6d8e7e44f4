"""Why a figure of a mart may be null: for each figure, the condition on its row that explains it. A figure not listed here is never null.

A reason column (`null_reason` and the like) gives one word for the row's figure, or `figure:reason` joined by `;` where a row has several.
One reason may cover figures that are missing together. A figure that has no meaning on a row is explained by the row's key or flag.
"""

from collections.abc import Mapping

import duckdb

from quality.fields import FIELDS, Kind

Conditions = Mapping[str, str]
"""By column a condition in SQL that holds on every row on which the column is null."""


def _with(figures: str, *columns: str, by: str = "null_reason") -> Conditions:
    return dict.fromkeys(columns, " or ".join(f"';' || {by} like '%;{figure}:%'" for figure in figures.split()))


def _named(*columns: str, by: str = "null_reason") -> Conditions:
    return {column: condition for each in columns for column, condition in _with(each, each, by=by).items()}


def _said(*columns: str, by: str = "null_reason") -> Conditions:
    return dict.fromkeys(columns, f"{by} is not null")


def _where(condition: str, *columns: str) -> Conditions:
    return dict.fromkeys(columns, condition)


MISSING: Mapping[str, Conditions] = {
    "fct_basis_daily": {},
    "fct_capacity": {
        **_said(
            *("capacity_built_kt_a", "capacity_operating_kt_a", "capacity_idle_kt_a", "utilisation_pct", "d_operating_kt_a"),
            *("operating_change_pct", "utilisation_change_pp", "printed_rate_change_pp"),
        ),
        **_said("capacity_aged20_kt_a", "aged20_share_built_ratio", "aged20_share_operating_ratio", by="aged20_null_reason"),
        **_named("printed_rate_pct", by="other_null_reason"),
        **_with("output_kt", "output_kt", "output_kt_day", by="other_null_reason"),
    },
    "fct_carry_daily": {
        **_said(
            "gross_cny_t", "carry_cny_t", "vat_adj_cny_t", "net_cny_t", "gross_ann_pct", "net_ann_pct", "carry_state", "break_even_premium_cny_t"
        ),
        **_named("reverse_net_cny_t", "free_capacity_t", by="other_null_reason"),
    },
    "fct_delivery_risk_daily": {
        **_named("receipts_t", "receipts_change_norm", "on_warrant_t", "off_warrant_t", "capacity_free_t"),
        **_named("expiring_30d_t", "expiring_60d_t", "expiring_90d_t", "days_since_ltd", "delivered_t", "withdrawn_t", "withdrawn_usual_t"),
        **_named("near_open_interest_t", "next_open_interest_t", "squeeze_deliverable_ratio", "cover_days"),
        **_with("receipts_t receipts_change_t", "receipts_change_t"),
        **_with("off_warrant_t on_warrant_t", "deliverable_t"),
        **_with("days_since_ltd", "days_since_delivery"),
        **_with("near_open_interest_t", "near_sessions"),
        **_with("next_open_interest_t", "next_sessions"),
        **_with("squeeze_ratio", "squeeze_ratio", "squeeze_state", "squeeze_cycles", "squeeze_floor_ratio"),
        **_with("squeeze_ratio squeeze_percentile_ratio", "squeeze_percentile_ratio"),
        **_with("cover_days", "delivery_demand_t_day"),
    },
    "fct_futures_daily": {
        **_where("not coalesce(is_traded, false)", "open_cny_t", "high_cny_t", "low_cny_t", "close_cny_t"),
        **_where("not is_final", "settle_cny_t"),
        **_named(
            "ret_cc_1d_pct", "ret_cc_2d_pct", "ret_cc_5d_pct", "ret_ss_2d_pct", "ret_c_ps_pct", "ret_s_ps_pct", "ret_n_ps_pct", "ret_c_night_pct"
        ),
        **_named(
            "sessions_to_last_trading_day",
            "volume_ratio_20d",
            "volume_oi_ratio",
            "limit_up_cny_t",
            "limit_down_cny_t",
            "ma20_cny_t",
            "sigma20_pct",
            "trend_state",
        ),
    },
    "fct_futures_session": {
        **_where("session <> 'am2' or null_reason is not null", "last_1130_cny_t"),
        **_said("price_change_cny_t", "price_change_pct", "open_interest_start_lots", "open_interest_moved_lots"),
    },
    "fct_import_parity_daily": {
        **_said("parity_cny_t", "import_profit_cny_t", "window_state", "is_best_leg"),
        **_where("import_leg = 'none'", "inland_freight_cny_t"),
        **_said("vendor_parity_cny_t", by="vendor_null_reason"),
        **_where("coalesce(vendor_null_reason, null_reason) is not null", "parity_gap_cny_t"),
        **_named("vendor_gap_cny_t", by="other_null_reason"),
    },
    "fct_inventory": {
        **_said("stock_change_kt"),
        **_named("surplus_kt", by="other_null_reason"),
        **_where("coalesce(null_reason, other_null_reason) is not null", "reconciliation_gap_kt", "is_reconciled"),
    },
    "fct_margin_daily": {
        **_said("spot_cny_t", "cost_full_cny_t", "profit_cny_t", "margin_pct"),
        **_named("profit_printed_cny_t", "cost_cash_cny_t", "d_cost20_pct", "bauxite_chg20_pct", by="other_null_reason"),
        "margin_futures_pct": "null_reason is not null or ';' || other_null_reason like '%;profit_futures_cny_t:%'",
        **_where("model_id <> 'public'", "cost_low_cny_t", "cost_high_cny_t"),
        **_where(
            "model_id <> 'public' or ';' || other_null_reason like '%;profit_futures_cny_t:%'",
            "profit_futures_low_cny_t",
            "profit_futures_high_cny_t",
        ),
        "profit_futures_cny_t": "null_reason is not null or ';' || other_null_reason like '%;profit_futures_cny_t:%'",
        **_where("region <> 'national' or underwater_null_reason is not null", "underwater_share_ratio", "underwater_regions_ratio"),
        **_where("model_id <> 'build_up'", "ore_cost_cny_t", "caustic_cost_cny_t", "energy_cost_cny_t", "other_cost_cny_t"),
    },
    "fct_members_daily": _named("position_change_lots", "open_interest_share_pct", "both_lists_net_lots"),
    "fct_policy_events": _said("phase_ratio", "intensity", "half_life_sessions"),
    "fct_positioning_daily": {
        **_with("quadrant", "price_change_pct", "quadrant", "open_interest_moved_lots", "signed_turnover_ratio"),
        **_named("turnover_ratio"),
        **_with("quadrant open_interest_change_pct", "open_interest_change_pct", "position_pressure_ratio"),
        **_named("capital_flow_cny", "capital_flow_all_cny"),
        **_with("capital_flow_cny capital_flow_ratio", "capital_flow_ratio"),
        **_with("members", "top20_long_lots", "top20_short_lots", "top20_net_lots", "top20_net_pct", "top20_short_change_lots"),
        **_with("members", "cr5_long_pct", "cr5_short_pct"),
        **_with("members net_long_change_5d_lots", "net_long_change_5d_lots"),
        **_with("members net_index_250d", "net_index_250d"),
    },
    "fct_price_levels": _said("prior_high_20d_cny_t", "is_broken"),
    "fct_receipts_daily": {
        **_named(
            "receipts_t",
            "published_change_t",
            "warehouse_count",
            "receipts_change_t",
            "receipts_change_3d_pct",
            "receipts_usual_t",
            "receipts_change_norm",
            "percentile_since_listing_ratio",
            "percentile_since_first_nonzero_ratio",
        ),
        **_named("days_since_ltd", "cycle_ratio", "squeeze_ratio", "squeeze_percentile_ratio", "squeeze_dominant_ratio", "cover_days"),
        **_named("expiry_30d_ratio", "expiry_60d_ratio", "expiry_90d_ratio"),
        **_with("days_since_ltd", "days_since_delivery"),
        **_with("receipts_t", "warrants", "is_warrant_multiple"),
        **_with("squeeze_ratio", "squeeze_state", "squeeze_sessions", "squeeze_cycles", "squeeze_floor_ratio"),
        **_with("cover_days", "delivery_demand_t_day"),
        **_with("squeeze_dominant_ratio squeeze_dominant_percentile_ratio", "squeeze_dominant_percentile_ratio"),
    },
    "fct_receipts_warehouse_daily": _said("region_share_ratio", "region_receipts_t"),
    "fct_sentiment_daily": {
        **_where("coverage = 0.0", "score", "score_band_low", "score_band_high", "score_equal_blocks", "score_equal_weights"),
        **{f"contribution_{block}": f"missing_blocks like '%{block}%'" for block in ("policy", "receipts", "money", "fundamentals")},
        **_named("policy_intensity", "policy_intensity_change", "breadth_5d", "sector_breadth"),
    },
    "fct_spot_daily": {
        **_named("spot_change_cny_t", "region_up_share_ratio", "region_spread_cny_t"),
        **_with("spot_change_cny_t", "spot_change_pct"),
    },
    "fct_supply_demand": {
        **_said("demand_kt_a", "surplus_kt_a", "surplus_pct", "net_import_kt_a", "surplus_after_trade_kt_a", "surplus_after_trade_pct"),
        **_where("frequency <> 'monthly' or null_reason is not null", "surplus_kt"),
    },
    "fct_term_structure_daily": {
        **_named("shape"),
        **_with("slope_pct_month", "dominant_cny_t", "sub_dominant_cny_t", "slope_pct_month", "roll_yield_cny_t_month", "days_same_sign"),
        **_with("shape", "curve_slope_pct_month"),
    },
    "fct_trade_balance_monthly": {
        **_where(
            "flow = 'net' or null_reason is not null", "qty_t", "value_usd", "unit_value_usd_t", "partner_share_ratio", "partner_share_ytd_ratio"
        ),
        **_where("flow <> 'net' or null_reason is not null", "net_import_t"),
        **_said("mom_pct", by="mom_null_reason"),
        **_said("yoy_pct", by="yoy_null_reason"),
        **_said("ytd_t"),
    },
}

AS_PRINTED: Mapping[str, Mapping[str, str]] = {
    "dim_contract": {"base_price_cny_t": "what the exchange's own list prints; a contract that is in no list has none"},
    "fct_policy_events": {"n_industries": "what the event says of itself; most name no number"},
    "fct_spot_daily": dict.fromkeys(("spot_low_cny_t", "spot_high_cny_t"), "an index is one price, the vendor prints no range of it"),
}
"""Exceptions, by mart and column, with their cause: figures that are shown as printed."""


def unexplained(con: duckdb.DuckDBPyConnection) -> dict[str, dict[str, int]]:
    """Count, by mart and figure, the rows on which it is null without an explanation. A mart without such rows has an empty entry.

    Every number of a mart is checked, including one that is not listed above.
    """
    asked: dict[str, dict[str, str]] = {}
    for mart, column in con.execute(
        "select table_name, column_name from information_schema.columns where table_catalog = current_database() and table_schema = 'marts' order by all"
    ).fetchall():
        told = MISSING.get(mart, {})
        figure = column in FIELDS and FIELDS[column].kind in (Kind.NUMBER, Kind.INTEGER)
        conditions = asked.setdefault(mart, {})
        if column in told or (figure and column not in AS_PRINTED.get(mart, {})):
            conditions[column] = f'count(*) filter (where "{column}" is null and not coalesce({told.get(column, "false")}, false))'
    found: dict[str, dict[str, int]] = {}
    for mart, conditions in asked.items():
        (counts,) = con.execute(f"select {', '.join(conditions.values())} from marts.{mart}").fetchall() if conditions else [()]
        found[mart] = {column: rows for column, rows in zip(conditions, counts, strict=True) if rows}
    return found
