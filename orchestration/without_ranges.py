"""`definitions` without what `ranges` has: the first code location of the production profile, where an asset is in one location only."""

from orchestration.definitions import build_defs

defs = build_defs(ranges=False)
