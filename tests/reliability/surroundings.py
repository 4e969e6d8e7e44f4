"""The surroundings of a run: secrets in its environment, which must appear nowhere afterwards, and a missing network."""

from collections.abc import Iterator
from pathlib import Path

import duckdb

from tests.pipeline.conftest import ALUMINA, apart, content, copied, guarded
from tests.reliability.case import Bench, NotHereError, Step
from tests.reliability.flips import flip
from tests.reliability.kills import SCHEMAS

CANARY = "canary-5e2f"
SECRETS = {
    "ALUMINA_ALERT_WEBHOOK": "http://127.0.0.1:9/hooks/{}",
    "ALUMINA_POSTGRES_URL": "postgresql://alumina:{}@127.0.0.1:9/dagster",
    "PGPASSWORD": "{}",
    "AWS_SECRET_ACCESS_KEY": "{}",
    "DBT_ENV_SECRET_TOKEN": "{}",
    "HTTPS_PROXY": "http://user:{}@127.0.0.1:9",
    "MOTHERDUCK_TOKEN": "{}",
    "GITHUB_TOKEN": "{}",
}
"""Variables of the environment that hold one, and how."""


def canaries() -> dict[str, str]:
    """Give the secrets of an environment, each to be told from the others."""
    return {name: form.format(f"{CANARY}-{number}") for number, (name, form) in enumerate(SECRETS.items())}


def secrets(bench: Bench, steps: range) -> Iterator[Step]:
    """Step N gives a command secrets in its environment, and looks for them in what it printed and in every file of its home."""
    house = bench.small("secrets")
    commands = (("run", *bench.days), ("doctor", "--deep"), ("outlook",), ("export", "outlook_latest"), ("run", *bench.days))
    for number in steps:
        command = commands[number % len(commands)]
        if number % len(commands) == len(commands) - 1:  # a run that fails tells the webhook
            flip(house.home / "lake" / "manifest.jsonl")
        done = house.run(*command, **canaries())
        bad = [f"printed: {line[:120]}" for line in (done.stdout + done.stderr).splitlines() if CANARY in line]
        bad += holders(house.root) + holders(house.home)
        yield Step(len(SECRETS), tuple(f"`alumina {command[0]}`: {what}" for what in bad))


def holders(folder: Path) -> list[str]:
    """Name the files of a folder that hold a canary; in DuckDB and Parquet the values are asked, which may lie there compressed."""
    return [
        f"it stands in {path.relative_to(folder)}" for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink() and holds(path)
    ]


def holds(path: Path) -> bool:
    """Tell whether a file holds a canary."""
    if CANARY.encode() in path.read_bytes():
        return True
    if path.suffix == ".parquet":
        with duckdb.connect() as con:
            return _any(con, f"read_parquet('{path}')")
    if path.suffix == ".duckdb":
        with duckdb.connect(str(path), read_only=True) as con:
            tables = con.execute("select format('{}.\"{}\"', schema_name, table_name) from duckdb_tables()").fetchall()
            return any(_any(con, name) for (name,) in tables)
    return False


def _any(con: duckdb.DuckDBPyConnection, rows: str) -> bool:
    return con.execute(f"select count(*) from {rows} as t where contains(t::varchar, ?)", [CANARY]).fetchall() != [(0,)]


def network(bench: Bench, steps: range) -> Iterator[Step]:
    """Each step runs over a copy of a finished home where there is no network, not even this machine's own, and notes who asked for an address."""
    if not (alone := apart()):
        raise NotHereError("no empty network can be made: `unshare --net --map-root-user` is not permitted")
    for number in steps:
        folder = bench.fresh(f"network {number}")
        home, calls = copied(bench.home(), folder / "home"), folder / "calls.txt"
        before = {schema: content(home, schema) for schema in SCHEMAS}
        bad = apart_run([*alone, str(ALUMINA), "run", *bench.days], home, calls)
        if not bad:
            bad = [f"{schema} is another" for schema in SCHEMAS if content(home, schema) != before[schema]]
        yield Step(1, tuple(bad))


def apart_run(command: list[str], home: Path, calls: Path) -> list[str]:
    """Run a command under the guard that notes in `calls` who asks for an address, and say what went wrong."""
    done = guarded(calls, home, *command)
    asked = calls.read_text(encoding="utf-8").splitlines() if calls.exists() else []
    return [f"asked for an address: {line}" for line in asked] + ([f"failed: {done.stderr.strip()[-500:]}"] if done.returncode else [])
