"""Basis on three clocks, and what the carry earns. Open it with `marimo edit docs/notebooks/basis_and_carry.py`."""

import marimo

app = marimo.App(width="medium", app_title="Basis by clock, and the carry")


@app.cell
def _():
    import altair as alt
    import duckdb
    import marimo as mo

    from ingest.settings import Settings

    con = duckdb.connect(str((Settings().serving / "alumina.duckdb").resolve()), read_only=True)
    _ = con.execute("set TimeZone = 'Asia/Shanghai'")
    return alt, con, mo


@app.cell
def _(mo):
    mo.md("""
    # Basis by clock, and the carry

    Spot is assessed in the late morning, futures close at 15:00 and settle on the day's average. So "the basis" is three numbers.
    `basis_cny_t` is spot less futures; `premium_rate_pct` is futures over spot, with the opposite sign.
    """)
    return


@app.cell
def _(con, mo):
    basis = con.sql("""
        select trade_date, futures_leg, spot_cny_t, futures_cny_t, basis_cny_t, premium_rate_pct
        from marts.fct_basis_daily
        where commodity_code = 'AO' and spot_leg = 'natl' and price_source <> 'bars' and trade_date >= date '2025-05-06' and basis_cny_t is not null
        order by trade_date, futures_leg
    """).pl()
    mo.md(f"{basis.height} rows, clocks {', '.join(sorted(set(basis['futures_leg'])))}")
    return (basis,)


@app.cell
def _(alt, basis, mo):
    lines = (
        alt.Chart(basis)
        .mark_line()
        .encode(x=alt.X("trade_date:T", title=None), y=alt.Y("basis_cny_t:Q", title="spot less futures, CNY/t"), color="futures_leg:N")
    )
    mo.vstack([mo.md("## Three clocks"), lines.properties(height=240, width=640)])
    return


@app.cell
def _(con, mo):
    pairs = con.sql("""
        select trade_date, contract_role, contract_code, origin_region, warehouse_region, gross_cny_t, net_cny_t, net_ann_pct, carry_state
        from marts.fct_carry_daily
        where commodity_code = 'AO' and origin_region <> 'national' and trade_date = (select max(trade_date) from marts.fct_carry_daily where commodity_code = 'AO')
        order by net_cny_t desc nulls last
    """).pl()
    mo.vstack([mo.md("## What the carry earns on the newest day, by origin and warehouse"), mo.ui.table(pairs, page_size=10)])
    return (pairs,)


@app.cell
def _(con, mo):
    # How often the best pair paid, and what followed: a first look, no study.
    best = con.sql("""
        select trade_date, max(net_cny_t) as best_net_cny_t
        from marts.fct_carry_daily
        where commodity_code = 'AO' and origin_region <> 'national' and net_cny_t is not null
        group by trade_date order by trade_date
    """).pl()
    share = (best["best_net_cny_t"] > 0).mean()
    mo.md(f"On {best.height} days the best pair earned something on **{share:.0%}** of them.")
    return best, share


if __name__ == "__main__":
    app.run()
