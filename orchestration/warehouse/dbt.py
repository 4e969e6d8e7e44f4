"""dbt as this project runs it: one project, one manifest, one subprocess a run."""

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import dagster as dg
from filelock import FileLock

from ingest.files import write_atomic
from ingest.notes import NoteError, read_note, write_note
from ingest.settings import REPOSITORY, Settings
from orchestration.warehouse import staging
from orchestration.warehouse.dagster_dbt import DbtCliResource, DbtProject
from orchestration.warehouse.executable import WAREHOUSE
from orchestration.warehouse.load import READ_ONLY, connect
from serving.publish.release import CheckResult, PublishRefusedError
from serving.research.whatif import COMPILED, MANIFEST

PROJECT = REPOSITORY / "dbt_project"
# The test suite runs the unit tests of the models. Exposures only name readers; there is nothing to build.
PRODUCTION = ("--exclude-resource-type", "unit_test", "--exclude-resource-type", "exposure")
PARSED = "partial_parse.msgpack"
"""What dbt keeps of a project it has read."""
PARSED_NOTE = "partial_parse.json"
"""The hash of that, as dbt left it."""
ROWS_KEPT = 20
_PARSED = "Errors parsed from dbt logs:"
"""After this dagster-dbt gives what dbt said; before it, which command that was."""
_FIRST_CAUSE = re.compile(r'Original error: "?(.+?)"?$', re.MULTILINE)
# How the last build ended, or which run loaded rows since.
RESULTS = "dbt_results.json"
Stored = Sequence[dict[str, Any]] | str
"""Results as kept, or the run whose rows have none yet."""


def project() -> DbtProject:
    """Give the dbt project with its staging models as `quality.raw` has the tables, and a manifest that is not older than its files."""
    target = PROJECT / "target"
    manifest, aside = target / "manifest.json", target / "parse"
    try:
        target.mkdir(exist_ok=True)
        # Webserver, daemon and code server start at once: one of them reads the project, the others wait for what it wrote.
        with FileLock(target / "manifest.lock"):
            write_staging()
            if not _is_read(manifest):
                forget_stale_parse(aside)
                aside.mkdir(exist_ok=True)
                parse(Settings(), aside)
                remember_parse(aside)
                # Replaced in one step, because dbt writes the file piece by piece and others may be reading it.
                (aside / manifest.name).replace(manifest)
    except OSError as error:  # another user installed it, and read it then
        if error.errno not in READ_ONLY or not _is_read(manifest):
            raise
    return DbtProject(project_dir=PROJECT, profiles_dir=PROJECT)


def _is_read(manifest: Path) -> bool:
    return manifest.is_file() and manifest.stat().st_mtime >= _newest()


def write_staging() -> None:
    """Write the staging models where they are not there or not those of `quality.raw`."""
    staging.write(PROJECT / "models" / "staging")


def parse(settings: Settings, target: Path) -> None:
    """Write `manifest.json` in a folder anew; raises RuntimeError with dbt's own words when the project does not parse."""
    command = [_beside_python("alumina-dbt"), "parse", "--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT), "--target-path", str(target)]
    told = os.environ | environment(settings) | {WAREHOUSE: settings.warehouse.name}  # of no home in particular, and it is not opened
    done = subprocess.run(command, cwd=target, env=told, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"dbt cannot read the project:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


class DbtProcess(DbtCliResource):
    """dbt as a subprocess and nothing more.

    dagster-dbt also loads dbt and its adapter into the Dagster process before each run, to look up row counts when asked; this
    project does not ask, and saves the three to six seconds that takes. Should the method go away, the override is merely unused.
    """

    def _initialize_dbt_core_adapter(self, args: Any) -> Any:
        return None


def resource() -> dg.ResourceDefinition:
    """Give the Dagster resource that runs dbt, without configuration: a run must not choose which program is started, or which project."""
    dbt = DbtProcess(project_dir=str(PROJECT), profiles_dir=str(PROJECT), dbt_executable=_beside_python("alumina-dbt"))
    return dg.ResourceDefinition.hardcoded_resource(dbt)


def environment(settings: Settings) -> dict[str, str]:
    """Environment of a dbt process: where the warehouse is, and nothing leaves the machine."""
    return {
        WAREHOUSE: str(settings.warehouse),
        "ALUMINA_MEMORY_LIMIT": settings.memory_limit,
        "ALUMINA_THREADS": str(settings.threads),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }


def build_command(settings: Settings) -> list[str]:
    """Give the command that builds and tests every model in the settings' warehouse, without Dagster."""
    target = str(settings.workshop / "dbt")
    return [
        _beside_python("alumina-dbt"),
        "build",
        *PRODUCTION,
        "--project-dir",
        str(PROJECT),
        "--profiles-dir",
        str(PROJECT),
        "--target-path",
        target,
    ]


def _beside_python(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def forget_stale_parse(target: Path) -> None:
    """Delete what dbt kept of an older project: it reads only what changed since, and trips over a description that moved to another file."""
    kept = target / PARSED
    if kept.is_file() and kept.stat().st_mtime < _newest():
        kept.unlink()


def remember_parse(target: Path) -> None:
    """Note what dbt kept of the project, once it has ended. The file holds the SQL of the models, and dbt takes it as it finds it."""
    with suppress(FileNotFoundError):  # it ended before it had read the project
        write_note(target / PARSED_NOTE, {"sha256": _sha256((target / PARSED).read_bytes())}, durable=False)


def recall_parse(target: Path) -> None:
    """Let dbt begin with what it read of this very project before: in this folder, or when `project` read it. What has rotted since is read anew."""
    forget_stale_parse(target)
    kept, read = target / PARSED, PROJECT / "target" / "parse"
    if kept.is_file() and not _as_remembered(target, kept.read_bytes()):
        kept.unlink()
    with suppress(FileNotFoundError):  # nothing was read before, or it is being read anew
        if not kept.exists() and (read / PARSED).stat().st_mtime >= _newest() and _as_remembered(read, body := (read / PARSED).read_bytes()):
            write_atomic(kept, body, durable=False)  # with the rights of this home: all of a group may write it
            remember_parse(target)


def _as_remembered(target: Path, body: bytes) -> bool:
    try:
        return (read_note(target / PARSED_NOTE, "") or {}).get("sha256") == _sha256(body)
    except NoteError:
        return False


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _newest() -> float:
    """When the project last changed; a folder changes with the names in it, so a file that went away counts, too."""
    paths = (path for path in PROJECT.rglob("*") if path.relative_to(PROJECT).parts[0] not in {"target", "logs"})
    return max(path.stat().st_mtime for path in paths if path.suffix in {".sql", ".yml"} or path.is_dir())


def why(said: str) -> str:
    """Give the reason in what dbt printed when it ended without results, in one line: DuckDB's first cause, the end of a traceback, else all of it."""
    if first := first_cause(said):
        return first
    text = said.partition(_PARSED)[2] or said
    return text.strip().splitlines()[-1].strip() if "Traceback (most recent call last):" in text else " ".join(text.split())


def first_cause(said: str) -> str:
    """Give why DuckDB gave up the warehouse, which it repeats for every model after that; empty where it did not."""
    first = _FIRST_CAUSE.search(said)
    return first[1] if first else ""


def forget_results(settings: Settings, run_id: str) -> None:
    """Say that a run loads rows which dbt has not built and tested yet; a release is refused until it has."""
    write_note(settings.workshop / RESULTS, {"loaded_by": run_id})


def begin_build(settings: Settings, run_id: str) -> Stored:
    """Give what was known before; until this build has ended nothing is, so that a dbt which dies leaves nothing to publish."""
    before = _stored(settings)
    if not isinstance(before, str):
        forget_results(settings, run_id)
    return before


def record_results(settings: Settings, run_results: dict[str, Any], before: Stored = ()) -> list[CheckResult]:
    """Keep how every model and test of the last build ended; the release publishes them. Gives those of this build.

    A build of some models only (`before`: what was known of all) brings theirs up to date; it does not make up for rows that the others have
    not seen.
    """
    tables = _tables(settings)
    failing = _failing_rows(settings, [row for row in run_results["results"] if row["status"] in ("fail", "warn") and row.get("compiled_code")])
    results = [
        CheckResult(
            check_id=str(row["unique_id"]).split(".")[2],
            tool="dbt",
            result="pass" if row["status"] in ("pass", "success") else "finding" if row["status"] == "warn" else "fail",
            table_name=tables.get(row["unique_id"], ""),
            rows_failed=int(row.get("failures") or 0),
            message=str(row.get("message") or "") if row["status"] not in ("pass", "success") else "",
            rows=failing.get(row["unique_id"], ()),
        )
        for row in run_results["results"]
    ]
    if not isinstance(before, str):
        kept = {row["check_id"]: row for row in before} | {result.check_id: asdict(result) for result in results}
        write_note(settings.workshop / RESULTS, {"results": list(kept.values())})
    return results


def remember_compiled(settings: Settings, run_results: dict[str, Any]) -> None:
    """Note the hash of the SQL of each model of this build, which a what-if runs again; what a build of some models leaves out keeps its own."""
    target = settings.workshop / "dbt"
    try:
        before = read_note(target / COMPILED, "") or {}
    except NoteError:  # the next build of all models says the rest
        before = {}
    compiled = {row["unique_id"]: _sha256(row["compiled_code"].encode()) for row in run_results["results"] if row.get("compiled_code")}
    write_note(target / COMPILED, before | compiled | {MANIFEST: _sha256((target / MANIFEST).read_bytes())}, durable=False)


def _tables(settings: Settings) -> dict[str, str]:
    """Name the table of every model, and the one every test is about."""
    manifest = settings.workshop / "dbt" / "manifest.json"
    if not manifest.is_file():
        return {}
    nodes = {key: node for part in ("nodes", "sources") for key, node in json.loads(manifest.read_text())[part].items()}
    named = {
        key: f"{node['schema']}.{node.get('alias') or node['name']}" for key, node in nodes.items() if node["resource_type"] in ("model", "source")
    }
    told = {key: (node.get("config", {}).get("meta", {}).get("dagster", {}).get("ref", {}).get("name"), node) for key, node in nodes.items()}
    by_name = {node["name"]: named[key] for key, node in nodes.items() if key in named}
    about = {
        key: by_name.get(name) or next((named[up] for up in (node.get("attached_node"), *node["depends_on"]["nodes"]) if up in named), "")
        for key, (name, node) in told.items()
        if node["resource_type"] == "test"
    }
    return named | about


def _stored(settings: Settings) -> Stored:
    """Give the kept results, or the run whose rows have none yet."""
    try:
        found = read_note(settings.workshop / RESULTS, "alumina run") or {"loaded_by": "that was here before"}
    except NoteError:  # a damaged note counts as "not built"; the next build writes a new one
        found = {"loaded_by": f"that nobody can name, since {RESULTS} has changed on disk"}
    return list(found["results"]) if "results" in found else str(found["loaded_by"])


def _failing_rows(settings: Settings, tests: Sequence[dict[str, Any]]) -> dict[str, tuple[dict[str, Any], ...]]:
    """Read the first rows each failed test found; dbt has let go of the warehouse, and the caller holds the lock."""
    found: dict[str, tuple[dict[str, Any], ...]] = {}
    if tests:
        with connect(settings, read_only=True) as con:
            for test in tests:
                rows = con.execute(f"select * from ({test['compiled_code']}) limit {ROWS_KEPT}")
                names = [column[0] for column in rows.description or ()]
                found[test["unique_id"]] = tuple(dict(zip(names, row, strict=True)) for row in rows.fetchall())
    return found


def last_results(settings: Settings) -> list[CheckResult]:
    """Give the results of the last build; raises PublishRefusedError when rows were loaded since and not built."""
    found = _stored(settings)
    if isinstance(found, str):
        raise PublishRefusedError(
            f"dbt has not built and tested the rows loaded by run {found}; that run publishes them when it is through, else: alumina run"
        )
    return [CheckResult(**row) for row in found]
