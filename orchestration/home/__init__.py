"""The home as a whole: is it in order (`doctor`), and how it is copied and put back (`backup`). No Dagster."""
