"""Whether two tables are the same: columns, types, and rows as multisets. Knows DuckDB, not who made the rows."""

import duckdb

FLOATS = ("DOUBLE", "FLOAT")
TOLERANCE = 1e-9
"""Relative; of figures below one it is absolute."""


def difference(con: duckdb.DuckDBPyConnection, expected: str, found: str) -> str | None:
    """Say in one sentence how the rows of one query differ from those of another; None where they do not.

    Columns and types are equal by name. Texts, dates, whole numbers and flags are equal as multisets; among rows that are alike in these,
    floats are paired in their order and differ by at most 1e-9 of the figure; a null is like a null only. Rows count both ways.
    """
    columns, others = _columns(con, expected), _columns(con, found)
    if columns.keys() != others.keys():
        return f"columns differ: {', '.join(sorted(columns.keys() ^ others.keys()))} in one of them only"
    if kinds := [f"{name} is {others[name]}, not {kind}" for name, kind in columns.items() if others[name] != kind]:
        return f"types differ: {'; '.join(kinds)}"
    floats = [name for name, kind in columns.items() if kind in FLOATS]
    keys = [name for name in columns if name not in floats]
    key = ", ".join(f'"{name}"' for name in keys) or "1"
    # Figures that differ within the tolerance must not change places: they are ordered by what both have of them.
    order = ", ".join(
        f'round("{name}", greatest(0, 6 - cast(ceil(log10(greatest(abs("{name}"), 1e-300))) as integer))) nulls first' for name in floats
    )
    place = f"row_number() over (partition by {key}{f' order by {order}' if order else ''})"
    same = " and ".join([*(f'a."{name}" is not distinct from b."{name}"' for name in keys), "a._place = b._place"])
    apart = {
        name: f'(a."{name}" is null) <> (b."{name}" is null) or abs(a."{name}" - b."{name}") > {TOLERANCE} * greatest(abs(a."{name}"), abs(b."{name}"), 1.0)'
        for name in floats
    }
    counts = [
        "count(*) filter (where b._place is null)",
        "count(*) filter (where a._place is null)",
        *(f"count(*) filter (where a._place is not null and b._place is not null and ({condition}))" for condition in apart.values()),
    ]
    missing, added, *figures = con.execute(
        f"select {', '.join(counts)} from (select *, {place} as _place from ({expected})) as a "
        f"full join (select *, {place} as _place from ({found})) as b on {same}"
    ).fetchall()[0]
    told = [f"{missing} rows are missing"] * bool(missing) + [f"{added} rows are not to be there"] * bool(added)
    told += [f"{name} differs in {count} rows" for name, count in zip(floats, figures, strict=True) if count]
    return "; ".join(told) or None


def _columns(con: duckdb.DuckDBPyConnection, query: str) -> dict[str, str]:
    """Give name and type of each column of a query."""
    return {name: kind for name, kind, *_ in con.execute(f"describe {query}").fetchall()}
