"""What the UI shows of a run besides its events: the code location it belongs to, and why it failed.

Dagster's UI and failure sensors leave out a run without a code location. A run made on the command line is executed in its own process, so
nothing gives it one; it is set here. The same place is that of schedules and sensors that are switched on the command line.
"""

from typing import Any

# The code location, as workspace.yaml names it.
MODULE, LOCATION = "orchestration.definitions", "alumina"
REASON, REASON_CHARACTERS = "why", 300
"""The tag that says in the list of runs why one failed, and how much of it is kept; its name is short, since the list shows some forty characters of both."""
ASSETS_NAMED = 3
TAGS = {".dagster/repository": f"__repository__@{LOCATION}", "alumina/cause": "command line"}


def attribute(instance: Any, run_id: str, job: str) -> None:
    """Set the origin of a run to the code location that workspace.yaml names."""
    from dagster._core.remote_origin import RemoteJobOrigin

    instance.run_storage.replace_job_origin(instance.get_run_by_id(run_id), RemoteJobOrigin(_repository(), job))


def instigator_origin(name: str) -> Any:
    """Give the origin of a schedule or sensor in that code location."""
    from dagster._core.remote_origin import RemoteInstigatorOrigin

    return RemoteInstigatorOrigin(_repository(), name)


def _repository() -> Any:
    from dagster._core.remote_origin import ManagedGrpcPythonEnvCodeLocationOrigin, RemoteRepositoryOrigin
    from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

    location = ManagedGrpcPythonEnvCodeLocationOrigin(LoadableTargetOrigin(module_name=MODULE), location_name=LOCATION)
    return RemoteRepositoryOrigin(location, "__repository__")


def job_of(run: Any) -> str:
    """Name what a run does: its job, or the assets somebody picked, which Dagster gives one hidden job's name, whichever they are."""
    if not run.job_name.startswith("__"):
        return str(run.job_name)
    picked = sorted(key.to_user_string() for key in run.asset_selection or ())
    return ", ".join(picked[:ASSETS_NAMED]) + (f" and {len(picked) - ASSETS_NAMED} more" if len(picked) > ASSETS_NAMED else "") or str(run.job_name)


def give_reason(instance: Any, run_id: str, sentence: str) -> None:
    """Put the sentence that says why a run failed beside it in the list of runs."""
    instance.add_run_tags(run_id, {REASON: sentence if len(sentence) <= REASON_CHARACTERS else f"{sentence[: REASON_CHARACTERS - 1]}…"})
