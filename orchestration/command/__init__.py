"""The `alumina` command and the run it starts in its own process. Thin: what a command does lives in the room it concerns."""
