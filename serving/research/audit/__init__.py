"""The claim audit: is what a published note says borne out by figures that do not come from the note?

`claims` reads a note's claims, `meanings` says what each metric means (data, `ingest/catalog/metrics.toml`), `facts` is the evidence,
`formulas` evaluates a definition on it with rounded figures as intervals, `checks` are the automatic ones (A1 to A11), `verdicts` judges,
`report` shows, `runner` does it all for a release or a note. Nothing here knows a claim, a date or a number of any note; no simulated figure is ever evidence.
"""
