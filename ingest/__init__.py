"""From a payload to a typed, validated Parquet file. No Dagster, no dbt; never opens the warehouse."""
