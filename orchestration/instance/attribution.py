"""Which code location a run belongs to. Dagster's UI and failure sensors leave out a run without one.

A run made on the command line is executed in its own process, so nothing gives it an origin; it is set here.
"""

from typing import Any

# The code location, as workspace.yaml names it.
MODULE, LOCATION = "orchestration.definitions", "alumina"
TAGS = {".dagster/repository": f"__repository__@{LOCATION}", "alumina/cause": "command line"}


def attribute(instance: Any, run_id: str, job: str) -> None:
    """Set the origin of a run to the code location that workspace.yaml names."""
    from dagster._core.remote_origin import ManagedGrpcPythonEnvCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
    from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

    location = ManagedGrpcPythonEnvCodeLocationOrigin(LoadableTargetOrigin(module_name=MODULE), location_name=LOCATION)
    origin = RemoteJobOrigin(RemoteRepositoryOrigin(location, "__repository__"), job)
    instance.run_storage.replace_job_origin(instance.get_run_by_id(run_id), origin)
