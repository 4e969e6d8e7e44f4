"""When and in what order: Dagster assets, jobs, checks and the `alumina` command. No parsing, no meaning of data."""
