"""Private names of Dagster that this project stands on: an upgrade that takes or changes one fails here, with a sentence that names it.

Dagster is pinned exactly for their sake. To go to another version, read what each of the failures names.
"""

import ast
import importlib.metadata
import inspect
import tomllib
from collections.abc import Iterator
from functools import reduce
from pathlib import Path
from typing import Any

import pytest

from orchestration.warehouse.dagster_dbt import DbtCliResource
from orchestration.warehouse.dbt import DbtProcess

ROOT = Path(__file__).parents[2]
ORCHESTRATION = [ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "orchestration").rglob("*.py")]
PACKAGES = ("dagster", "dagster-webserver", "dagster-dbt", "dagster-postgres")
LOG = "dagster._core.storage.event_log SqliteEventLogStorage"
ANY = None
"""Used as it is, not called by us."""
# Module and name in it; the parameters it is called with, or overridden with, by us.
USED: dict[str, tuple[str, ...] | None] = {
    # the event log: batches in one transaction, connections that stay open
    "dagster _check": ANY,
    "dagster _check.not_none": ("value",),
    "dagster._core.events ASSET_EVENTS": ANY,
    "dagster._core.events DagsterEvent": ("event_type_value", "job_name", "step_key", "event_specific_data"),
    "dagster._core.events DagsterEventBatchMetadata": ("id", "is_end"),
    "dagster._core.events DagsterEventType": ANY,
    "dagster._core.events StepMaterializationData": ("materialization",),
    "dagster._core.execution.plan.outputs StepOutputData": ANY,
    "dagster._core.events.log EventLogEntry": ANY,
    "dagster._core.events.log EventLogEntry.get_dagster_event": ("self",),
    "dagster._core.events.log EventLogEntry.is_dagster_event": ANY,
    "dagster._core.storage.asset_check_execution_record AssetCheckExecutionRecordStatus": ANY,
    "dagster._core.storage.event_log.schema AssetCheckExecutionsTable": ANY,
    "dagster._core.storage.event_log.schema AssetKeyTable": ANY,
    "dagster._core.storage.event_log.schema SqlEventLogStorageTable": ANY,
    "dagster._core.storage.sqlite SQLITE_BUSY_TIMEOUT_SECONDS": ANY,
    "dagster._serdes ConfigurableClassData": ANY,
    "dagster._core.storage.event_log SqliteEventLogStorage": ("base_dir", "inst_data"),
    f"{LOG}.from_config_value": ("inst_data", "config_value"),
    f"{LOG}._connect": ("self", "shard"),
    f"{LOG}._initdb": ("self", "engine"),
    f"{LOG}.conn_string_for_shard": ("self", "shard_name"),
    f"{LOG}.has_table": ("self", "table_name"),
    f"{LOG}.watch": ("self", "run_id", "cursor", "callback"),
    f"{LOG}.end_watch": ("self", "run_id", "handler"),
    "dagster._core.storage.event_log SqlPollingEventWatcher": ("event_log_storage",),
    "dagster._core.storage.event_log SqlPollingEventWatcher.watch_run": ("self", "run_id", "cursor", "callback"),
    "dagster._core.storage.event_log SqlPollingEventWatcher.unwatch_run": ("self", "run_id", "handler"),
    "dagster._core.storage.event_log SqlPollingEventWatcher.close": ("self",),
    "dagster._core.event_api EventHandlerFn": ANY,
    f"{LOG}.wipe": ("self",),
    f"{LOG}.dispose": ("self",),
    f"{LOG}.store_event": ("self", "event"),
    f"{LOG}.store_event_batch": ("self", "events"),
    f"{LOG}._event_to_row": ("self", "event"),
    f"{LOG}.run_connection": ("self", "run_id"),
    f"{LOG}.index_transaction": ("self",),
    f"{LOG}.prepare_insert_event": ("self", "event"),
    f"{LOG}._store_asset_event_tags": ("self", "conn", "events", "event_ids"),
    f"{LOG}._store_asset_event": ("self", "conn", "event", "event_id"),
    f"{LOG}.path_for_shard": ("self", "run_id"),
    "dagster._core.storage.event_log.sqlite.sqlite_event_log INDEX_SHARD_NAME": ANY,
    # the logs of steps: what keeps them is not reached by Ctrl-C
    "dagster._core.storage.compute_log_manager CapturedLogContext": ANY,
    "dagster._core.storage.local_compute_log_manager LocalComputeLogManager": ("base_dir", "inst_data"),
    "dagster._core.storage.local_compute_log_manager LocalComputeLogManager.from_config_value": ("inst_data", "config_value"),
    "dagster._core.storage.local_compute_log_manager LocalComputeLogManager.capture_logs": ("self", "log_key"),
    # what the record may forget
    "dagster._core.storage.event_log SqlEventLogStorage": ANY,
    "dagster._core.storage.event_log SqlEventLogStorage.index_connection": ("self",),
    "dagster._core.storage.event_log.schema AssetEventTagsTable": ANY,
    "dagster._core.storage.runs RunStorage.delete_run": ("self", "run_id"),
    "dagster._serdes serialize_value": ("val", "json_kwargs"),
    "dagster._serdes deserialize_value": ("val", "as_type"),
    "dagster AssetExecutionContext.get_step_execution_context": ("self",),
    "dagster DagsterInstance.report_dagster_event": ("self", "dagster_event", "run_id", "batch_metadata"),
    # whose run it was, as the UI's timeline asks
    "dagster._core.remote_origin ManagedGrpcPythonEnvCodeLocationOrigin": ("loadable_target_origin", "location_name"),
    "dagster._core.remote_origin RemoteRepositoryOrigin": ("code_location_origin", "repository_name"),
    "dagster._core.remote_origin RemoteJobOrigin": ("repository_origin", "job_name"),
    # schedules and sensors switched on the command line
    "dagster._core.remote_origin RemoteInstigatorOrigin": ("repository_origin", "instigator_name"),
    "dagster._core.definitions.run_request InstigatorType": ANY,
    "dagster._core.storage.schedules.schema InstigatorsTable": ANY,
    "dagster._core.storage.schedules.schema JobTable": ANY,
    "dagster._core.storage.schedules.sqlite SqliteScheduleStorage": ANY,
    "dagster._core.storage.schedules.sqlite SqliteScheduleStorage.connect": ("self",),
    "dagster._core.scheduler.instigation InstigatorState": ("origin", "instigator_type", "status", "instigator_data"),
    "dagster._core.scheduler.instigation InstigatorStatus": ANY,
    "dagster._core.scheduler.instigation ScheduleInstigatorData": ("cron_schedule", "start_timestamp"),
    "dagster._core.scheduler.instigation SensorInstigatorData": ("min_interval", "cursor", "last_sensor_start_timestamp", "sensor_type"),
    "dagster._core.types.loadable_target_origin LoadableTargetOrigin": ("module_name",),
    "dagster._core.storage.runs RunStorage.replace_job_origin": ("self", "run", "job_origin"),
    # the webserver behind the guard
    "dagster._core.workspace.context WorkspaceProcessContext": ("instance", "workspace_load_target", "version", "read_only"),
    "dagster._core.workspace.load_target WorkspaceFileTarget": ("paths",),
    # dbt as a subprocess and nothing more
    "dagster_dbt DbtCliResource._initialize_dbt_core_adapter": ("self", "args"),
}
# Made by the log's own __init__, so no attribute of the class.
OF_AN_OBJECT = ("_db_lock", "_initialized_dbs")


def changed(used: str, parameters: tuple[str, ...] | None) -> str | None:
    """Say what is no longer as we use it; None where all is."""
    module, name = used.split()
    here = f"dagster {importlib.metadata.version('dagster')}"
    try:
        found: Any = reduce(getattr, name.split("."), importlib.import_module(module))
    except (ImportError, AttributeError) as error:
        return f"{here} has no {module}.{name} any more, which orchestration uses ({error})"
    if parameters is None:
        return None
    # A record's fields are the annotations its decorator read; its signature says nothing.
    record = getattr(found, "__record_annotations__", None)
    there = list(record or inspect.signature(found).parameters)
    asked = [] if record else [name for name, one in inspect.signature(found).parameters.items() if one.default is one.empty]
    if not set(asked) <= set(parameters) <= set(there):
        return f"{here} calls {module}.{name} with ({', '.join(there)}); orchestration knows ({', '.join(parameters)})"
    return None


@pytest.mark.parametrize(("used", "parameters"), USED.items(), ids=USED)
def test_dagster_still_has_what_we_use_of_it(used: str, parameters: tuple[str, ...] | None) -> None:
    assert (sentence := changed(used, parameters)) is None, sentence


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Any]:
    from dagster._core.storage.event_log import SqliteEventLogStorage

    storage = SqliteEventLogStorage(str(tmp_path))
    yield storage
    storage.dispose()


def test_the_logs_own_attributes_are_there(log: Any) -> None:
    assert [name for name in OF_AN_OBJECT if not hasattr(log, name)] == []


def test_dagster_asks_for_the_override_of_dbts_adapter() -> None:
    assert DbtProcess._initialize_dbt_core_adapter is not DbtCliResource._initialize_dbt_core_adapter
    assert "_initialize_dbt_core_adapter(" in inspect.getsource(inspect.getmodule(DbtCliResource))  # type: ignore[arg-type]


def test_the_states_dagster_dbt_goes_by_without_dbt_are_those_of_dbt() -> None:
    from dagster_dbt import compat
    from dbt.artifacts.schemas.results import NodeStatus
    from dbt.node_types import REFABLE_NODE_TYPES

    assert {state.value for state in NodeStatus} <= {state.value for state in compat.NodeStatus}
    assert {"model", "seed", "snapshot"} & set(REFABLE_NODE_TYPES) <= set(compat.REFABLE_NODE_TYPES)


@pytest.mark.parametrize(
    ("used", "parameters", "sentence"),
    [
        ("dagster._core.gone Nothing", ANY, "has no dagster._core.gone.Nothing any more"),
        ("dagster DagsterInstance.gone", ANY, "has no dagster.DagsterInstance.gone any more"),
        ("dagster DagsterInstance.report_dagster_event", ("self", "event", "run_id"), "orchestration knows (self, event, run_id)"),
        ("dagster DagsterInstance.report_dagster_event", ("self", "dagster_event"), "orchestration knows (self, dagster_event)"),
    ],
)
def test_what_went_away_or_changed_is_said_in_a_sentence(used: str, parameters: tuple[str, ...] | None, sentence: str) -> None:
    assert sentence in (changed(used, parameters) or "")


def test_every_private_name_that_is_imported_stands_in_the_list() -> None:
    found = {
        f"{node.module} {name.name}"
        for tree in ORCHESTRATION
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("dagster")
        for name in node.names
        if "._" in f"{node.module}.{name.name}"
    }
    assert found
    assert sorted(found - set(USED)) == []


def test_every_inherited_name_the_log_uses_stands_in_the_list(log: Any) -> None:
    classes = (node for tree in ORCHESTRATION for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    (ours,) = (node for node in classes if node.name == "BatchedSqliteEventLogStorage")
    said = {node.attr for node in ast.walk(ours) if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"}
    said |= {node.name for node in ours.body if isinstance(node, ast.FunctionDef)}
    inherited = {name for name in said if hasattr(log, name)} - {"__init__"}
    assert inherited
    assert sorted(inherited - {used.rpartition(".")[2] for used in USED if used.startswith(f"{LOG}.")} - set(OF_AN_OBJECT)) == []


def test_dagster_is_pinned_exactly_and_is_the_one_installed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    stated = [*project["dependencies"], *project["optional-dependencies"]["production"]]
    assert {f"{name}=={importlib.metadata.version(name)}" for name in PACKAGES} <= set(stated)
