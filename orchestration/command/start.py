"""Where the `alumina` command begins: before anything that takes time to load. Imports nothing else at the top."""

import signal

from ingest.garbage import collect_seldom


def main() -> None:
    """Load the command and run it. Until it is loaded Ctrl-C ends the process without a word: there is nothing to tell or to tidy yet."""
    collect_seldom()
    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.default_int_handler:  # a shell starts what it puts into the background with Ctrl-C ignored
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from orchestration.command import cli

    signal.signal(signal.SIGINT, handler)
    cli.main()
