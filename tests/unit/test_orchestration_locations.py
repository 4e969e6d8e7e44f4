"""The two code locations of the production profile have together what the one of `make ui` has, each thing once."""

from collections import Counter

import dagster as dg

from orchestration import ranges, without_ranges
from orchestration.definitions import defs


def names(*locations: dg.Definitions) -> Counter[str]:
    """Count what the locations have, by name."""
    found = [key.to_user_string() for location in locations for key in location.resolve_asset_graph().get_all_asset_keys()]
    found += [f"job {job.name}" for location in locations for job in location.resolve_all_job_defs() if not job.name.startswith("__")]
    found += [f"tick {one.name}" for location in locations for one in (*(location.schedules or ()), *(location.sensors or ()))]
    return Counter(found)


def test_each_asset_job_schedule_and_sensor_is_in_one_location() -> None:
    for location in (without_ranges.defs, ranges.defs):
        dg.Definitions.validate_loadable(location)
    apart = names(without_ranges.defs, ranges.defs)
    assert apart == names(defs)
    assert max(apart.values()) == 1
