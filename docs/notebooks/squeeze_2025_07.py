"""The squeeze of July 2025: what the tables said, day by day. Open it with `marimo edit docs/notebooks/squeeze_2025_07.py`."""

import marimo

app = marimo.App(width="medium", app_title="The squeeze of July 2025")


@app.cell
def _():
    import altair as alt
    import duckdb
    import marimo as mo

    from ingest.settings import Settings

    # The resolved path names one release; a release swapped in later does not disturb this notebook.
    con = duckdb.connect(str((Settings().serving / "alumina.duckdb").resolve()), read_only=True)
    _ = con.execute("set TimeZone = 'Asia/Shanghai'")
    return alt, con, mo


@app.cell
def _(con, mo):
    ((origin,),) = con.execute("select distinct data_origin from serving.publication").fetchall()
    mo.md(f"""
    # The squeeze of July 2025

    On 18 July 2025 AO warehouse receipts fell by three quarters in a day. After every delivery some receipts leave.
    Was this more than that? Every row below is what was known at the decision of its day.

    `data_origin` is **{origin}**: in the sample some figures were published and the others are simulated.
    """)
    return (origin,)


@app.cell
def _(con, mo):
    days = con.sql("""
        select r.trade_date, r.receipts_t, r.receipts_change_t, r.withdrawn_t, r.withdrawn_usual_t, round(r.squeeze_ratio, 2) as squeeze_ratio, r.squeeze_floor_ratio,
            round(r.squeeze_percentile_ratio, 3) as squeeze_percentile_ratio, r.squeeze_state, r.off_warrant_t, a.answer, a.answer_en
        from marts.fct_delivery_risk_daily as r
        inner join serving.squeeze_answers as a on r.commodity_code = a.commodity_code and r.trade_date = a.trade_date
        where r.commodity_code = 'AO' and r.trade_date between date '2025-06-16' and date '2025-07-23'
        order by r.trade_date
    """).pl()
    mo.ui.table(days, page_size=8)
    return (days,)


@app.cell
def _(alt, days, mo):
    base = alt.Chart(days).encode(x=alt.X("trade_date:T", title=None))
    receipts = base.mark_bar().encode(y=alt.Y("receipts_t:Q", title="receipts, t"), color=alt.Color("squeeze_state:N", title="state"))
    ratio = base.mark_line(point=True).encode(y=alt.Y("squeeze_ratio:Q", title="open interest / receipts"))
    mo.vstack(
        [mo.md("## Receipts, and what is open against them"), receipts.properties(height=160, width=640) & ratio.properties(height=160, width=640)]
    )
    return


@app.cell
def _(days, mo):
    import polars as pl

    day = days.filter(pl.col("trade_date") == pl.date(2025, 7, 18)).row(0, named=True)
    usual = day["withdrawn_usual_t"]
    mo.md(f"""
    ## 18 July

    - {day["withdrawn_t"]:,.0f} t left since the delivery; the usual is {f"{usual:,.0f} t" if usual is not None else "not known"}.
    - The squeeze ratio of {day["squeeze_ratio"]:.2f} ranks at {day["squeeze_percentile_ratio"]:.0%} of earlier cycles; the floor is {day["squeeze_floor_ratio"]:.2f}.
    - The answer is **{day["answer"]}**: {day["answer_en"]}
    """)
    return (day,)


@app.cell
def _(con, mo):
    after = con.sql("""
        select trade_date, contract_code, close_cny_t, ret_cc_1d_pct
        from marts.fct_futures_daily
        where commodity_code = 'AO' and is_dominant and trade_date between date '2025-07-14' and date '2025-07-23'
        order by trade_date
    """).pl()
    mo.vstack([mo.md("## The price around it"), mo.ui.table(after)])
    return (after,)


if __name__ == "__main__":
    app.run()
