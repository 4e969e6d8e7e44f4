"""Configuration as data, and its only home: calendar, publication clock, contract facts, weights, thresholds.

The TOML files beside this module are payloads like any other: `ingest.sources.catalog` makes them rows of `raw.catalog__*` and SQL reads
them as tables. Each is read through a model (`models`, `scoring`, `metrics`); `files` says which there are and whose counts, `references`
what is wrong between them, `configuration` hands sources what a payload cannot be judged without. An operator extends them in
`$ALUMINA_HOME/catalog/`.
"""
