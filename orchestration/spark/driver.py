"""Runs queries on Spark, in the environment `.venv-spark`: a program of its own that knows SQL and folders, nothing of models or of the lake.

Reads one job as JSON from stdin: `settings` of the session, `schemas`, `tables` (name -> folder of Parquet and its columns as DDL),
`statements` to run first, and `queries` (name, SQL, folder for the rows where they are wanted). Writes a line of JSON for each query to the file
it is told: its name, and the first line of Spark's error where there was one. Not to stdout, where Java puts its own warnings. A query that
fails lets the next ones run.
"""

import json
import sys
from pathlib import Path
from typing import Any, TextIO

from pyspark.sql import SparkSession


def main(job: dict[str, Any], answers: TextIO) -> None:
    """Run a job; what the cluster cannot do ends the program with Spark's own words on stderr."""
    builder = SparkSession.builder
    for name, value in job["settings"].items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    try:
        for schema in job["schemas"]:
            spark.sql(f"create database if not exists `{schema}`")
        for name, (folder, columns) in job["tables"].items():
            spark.sql(f"create table {name} ({columns}) using parquet location '{folder}'")
        for statement in job.get("statements", ()):
            spark.sql(statement)
        for query in job["queries"]:
            told = {"name": query["name"], "error": None}
            try:
                rows = spark.sql(query["sql"])
                if "folder" in query:
                    rows.write.mode("overwrite").parquet(query["folder"])
            except Exception as error:  # whatever Spark refuses is told of its query
                told["error"] = str(error).strip().splitlines()[0]
            print(json.dumps(told, ensure_ascii=False), file=answers, flush=True)
    finally:
        spark.stop()


if __name__ == "__main__":
    with Path(sys.argv[1]).open("w", encoding="utf-8") as file:
        main(json.load(sys.stdin), file)
