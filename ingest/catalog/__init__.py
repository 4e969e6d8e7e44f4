"""Configuration as data, and its only home: calendar, publication clock, contract facts, weights, thresholds.

The TOML files beside this module are payloads like any other: `ingest.sources.catalog` parses them into
`raw.catalog__*` and SQL reads them as tables. Python reads them directly only where a payload cannot be judged
without them (the calendar, the product names of an exchange). An operator extends them in `$ALUMINA_HOME/catalog/`.
"""
