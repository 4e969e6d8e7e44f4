"""Dagster's UI on this machine: its processes, and the guard in front of its webserver. Knows no asset and no job."""
