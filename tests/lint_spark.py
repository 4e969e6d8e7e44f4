"""The models as they render for Spark, and what is not portable in them. Needs neither Spark nor Java nor dbt's adapter.

    python -m tests.lint_spark          every model
    python -m tests.lint_spark FILE...  some of them

Jinja renders models and macros with the macros of one dialect chosen; sqlglot reads what comes of it as Spark's SQL. Refused are types,
syntax and functions that Spark has not, and those it has that give another figure than DuckDB. What a type or an order does to a figure
only rows can tell: `make spark` compares them.
"""

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from jinja2 import Environment
from sqlglot import exp, parse_one
from sqlglot.errors import ParseError

from ingest.settings import REPOSITORY

PROJECT = REPOSITORY / "dbt_project"
# Functions that both engines have and that give the same; and those that only the macros of Spark's dialect write.
BOTH = """abs array_contains avg ceil coalesce concat concat_ws count dayofmonth dayofweek dayofyear date_trunc exp first_value floor greatest
    lag last_value lead least length ln log10 lower lpad ltrim max md5 median min month nullif pow power rank dense_rank extract last_day position translate regexp_extract regexp_replace replace right round
    row_number rtrim sign split_part sqrt stddev_samp substr substring sum trim upper var_samp year array_append cume_dist percent_rank ntile"""
SPARK = """add_months aggregate array array_max array_min array_prepend array_sort collect_list date_add explode filter format_number
    get get_json_object listagg make_date max_by named_struct percentile sequence size slice struct
    timestamp_seconds transform unix_date unix_seconds zip_with"""
FUNCTIONS = {*BOTH.split(), *SPARK.split()}
FOREIGN = re.compile(r"(?i)\bas (varchar|text|timestamp with time zone|timestamptz|hugeint|ubigint|float4|float8)\b(?! *\()")
# In front of a bracket, and no function.
KEYWORDS = """all and any array as between by case cast decimal distinct else end except exists filter from group having if in intersect is join
    lateral like not on or order over partition range rows select struct then union using values when where window with within"""
WORDS = set(KEYWORDS.split())


def rendered(path: Path, dialect: str = "spark") -> str:
    """Give a model's SQL with the macros of a dialect, relations named by their schema and table."""
    return str(_environment(dialect)[0].from_string(path.read_text(encoding="utf-8")).render())


def dispatched(path: Path) -> set[str]:
    """Name the macros of the dialect that a model is made with, those that stand in other macros among them."""
    environment, asked = _environment("spark")
    asked.clear()
    environment.from_string(path.read_text(encoding="utf-8")).render()
    return set(asked)


def covering(paths: Iterable[Path]) -> list[str]:
    """Name a few models that together are made with every macro of the dialect that any is made with."""
    left = {path.stem: dispatched(path) for path in paths}
    wanted, found = set[str]().union(*left.values()), list[str]()
    while wanted:
        best = max(sorted(left), key=lambda name: len(left[name] & wanted))
        found.append(best)
        wanted -= left.pop(best)
    return found


@cache
def _environment(dialect: str) -> tuple[Environment, list[str]]:
    """Give Jinja with the project's macros, dispatched as dbt would, and what stands in for dbt itself; and a list that grows by what is dispatched."""
    environment = Environment(extensions=["jinja2.ext.do"], autoescape=False)  # noqa: S701 - SQL, no page
    macros: dict[str, Any] = {}
    asked: list[str] = []

    def dispatch(name: str, package: str) -> Callable[..., str]:
        asked.append(name)
        return macros.get(f"{dialect}__{name}") or macros[f"default__{name}"]

    environment.globals |= {
        "adapter": SimpleNamespace(dispatch=dispatch),
        "config": lambda **_: "",
        "none": None,
        "ref": lambda name: name,
        "return": lambda value: value,
        "source": lambda _, name: f"raw.{name}",
    }
    text = "".join(file.read_text(encoding="utf-8") for file in sorted((PROJECT / "macros").glob("*.sql")))
    macros |= vars(environment.from_string(text).make_module())
    environment.globals |= {name: macro for name, macro in macros.items() if not name.startswith("_")}
    return environment, asked


def faults(sql: str) -> Iterator[str]:
    """Say what of a model's SQL Spark cannot read, or reads otherwise than DuckDB."""
    bare = re.sub(r"--[^\n]*|'(?:[^']|'')*'", "''", sql)
    for name in sorted({name.lower() for name in re.findall(r"\b([A-Za-z_]\w*)\s*\(", bare)} - FUNCTIONS - WORDS - named(bare)):
        yield f"{name}: not known as a function of both engines"
    for name in sorted(set(FOREIGN.findall(bare))):
        yield f"{name}: no type of both engines; write string, bigint, double, or as_moment()"
    try:
        tree = parse_one(sql, read="spark")
    except ParseError as error:
        yield f"cannot be read as Spark's SQL: {str(error).splitlines()[0]}"
        return
    for rows in tree.find_all(exp.Explode):
        if not isinstance(rows.parent, exp.Alias):
            yield f"{rows.parent.sql()}: rows of a list are a column of their own in Spark"
    for mean in tree.find_all(exp.Avg):
        if isinstance(mean.this, exp.Case) and not mean.find(exp.Cast) and any(map(decimal, mean.find_all(exp.Literal))):
            yield f"{mean.sql()}: a mean of decimals, which Spark rounds; cast them to double"
    for ratio in tree.find_all(exp.Div):
        if decimal(ratio.expression.unnest()) and isinstance(ratio.this.unnest(), exp.Count | exp.Literal):
            yield f"{ratio.sql()}: a whole number over a decimal is one, which Spark rounds; cast to double"


def named(sql: str) -> set[str]:
    """Names of a query that brackets follow: its steps."""
    return {name.lower() for name in re.findall(r"\b(\w+) as \(", sql)}


def decimal(value: exp.Expression) -> bool:
    """Whether a literal is one that engines read as a decimal."""
    return isinstance(value, exp.Literal) and not value.is_string and re.fullmatch(r"\d+\.\d+", value.name) is not None


def models() -> list[Path]:
    """Every model that is written by hand."""
    return [path for path in sorted((PROJECT / "models").rglob("*.sql")) if "staging" not in path.parts]


def main(paths: list[Path]) -> int:
    """Tell every fault by its file; gives their number."""
    found = [f"{path.name}: {fault}" for path in paths for fault in faults(rendered(path))]
    print(*found, sep="\n", end="\n" if found else "")  # noqa: T201
    return len(found)


if __name__ == "__main__":
    sys.exit(bool(main([Path(name).resolve() for name in sys.argv[1:]] or models())))
