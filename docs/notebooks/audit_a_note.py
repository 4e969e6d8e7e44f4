"""Auditing a note: from its text to claims, and from claims to verdicts. Open it with `marimo edit docs/notebooks/audit_a_note.py`."""

import marimo

app = marimo.App(width="medium", app_title="Auditing a note")


@app.cell
def _():
    import duckdb
    import marimo as mo

    from ingest.settings import Settings

    con = duckdb.connect(str((Settings().serving / "alumina.duckdb").resolve()), read_only=True)
    return con, mo


@app.cell
def _(mo):
    mo.md("""
    # Auditing a note

    The release carries the audit of one published note about the sample's days (`serving.claim_audit`). A note of yours is audited with
    `alumina audit NOTE.txt`, which writes the same columns beside the release. A note's own figures are never evidence.
    """)
    return


@app.cell
def _(con, mo):
    claims = con.sql("""
        select claim_id, quote_zh, metric, claimed, unit, value_found, verdict, self_consistency, reconciling_definition, evidence
        from serving.claim_audit order by claim_id
    """).pl()
    verdicts = claims.group_by("verdict").len().sort("len", descending=True)
    mo.vstack([mo.md(f"## {claims.height} claims, by verdict"), mo.ui.table(verdicts)])
    return claims, verdicts


@app.cell
def _(claims, mo):
    import polars as pl

    wrong = claims.filter(pl.col("verdict").is_in(["contradicted", "definition_dependent"]))
    mo.vstack(
        [
            mo.md(
                "## Contradicted, or true by one definition only\n\n`value_found` is the published figure; `reconciling_definition` is a reading under which the claim holds."
            ),
            mo.ui.table(wrong, page_size=10),
        ]
    )
    return (wrong,)


@app.cell
def _(con, mo, wrong):
    # What stands behind one verdict: the figures that could be held against it.
    (first,) = wrong.head(1).to_dicts()
    facts = con.execute("select * from serving.claim_facts where obs_date = date '2025-07-22' order by all limit 20").pl()
    mo.vstack(
        [mo.md(f"## Evidence\n\n{first['claim_id']}: {first['evidence']}\n\nFigures of 22 July that claims can be held against:"), mo.ui.table(facts)]
    )
    return facts, first


if __name__ == "__main__":
    app.run()
