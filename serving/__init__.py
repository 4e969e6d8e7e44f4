"""The published side. `read` opens a release, `publish` makes one, `research` works out what a release carries beside its tables."""
