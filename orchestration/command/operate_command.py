"""What the operator of a home does beside running it: tidy up. Thin, over the same functions the jobs of the UI call."""

from datetime import UTC, datetime

import typer

from ingest.settings import Settings
from orchestration.command.terminal import Output, console

operate_app = typer.Typer(rich_markup_mode=None)
out = console(Output("stdout"))


@operate_app.command()
def tidy() -> None:
    """Delete what retention.toml does not keep: old runs, their events and logs. Payloads, lake, releases and your own files stay."""
    from ingest.home import open_home
    from orchestration.home.tidy import tidy as delete
    from orchestration.instance.environment import opened

    settings = Settings()
    open_home(settings)
    with opened(settings) as instance:
        _say(str(delete(settings, instance, datetime.now(UTC))))


def _say(text: str) -> None:
    out.print(text, soft_wrap=True, markup=False, highlight=False)
