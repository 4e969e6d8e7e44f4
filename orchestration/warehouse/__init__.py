"""The working warehouse: loading `raw`, running dbt, tracing columns. Only these modules write it, each under one lock. No Dagster jobs or assets."""
