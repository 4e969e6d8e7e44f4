"""Dagster's instance of a home: its environment and event log, which process runs what, what people are told. No assets, no jobs."""
