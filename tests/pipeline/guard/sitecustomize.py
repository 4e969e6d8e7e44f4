"""Put on PYTHONPATH by a test: whatever a Python process tries to reach beyond this machine is noted and refused."""

import os
import socket
import sys
from pathlib import Path
from typing import Any

NOTES = Path(os.environ["ALUMINA_TEST_CALLS"])
LOCAL = ("127.", "::1", "localhost", "0.0.0.0")  # noqa: S104


def _note(what: str) -> None:
    with NOTES.open("a") as file:
        file.write(f"{what} by {' '.join(sys.argv[:3])}\n")


def _guard(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple) and not str(arguments[1][0]).startswith(LOCAL):
        _note(f"connect {arguments[1]}")
        raise ConnectionRefusedError("this test keeps to the machine")
    if event in ("socket.getaddrinfo", "socket.gethostbyname") and not str(arguments[0]).startswith((*LOCAL, socket.gethostname())):
        _note(f"{event} {arguments[0]}")
        raise socket.gaierror("this test keeps to the machine")


sys.addaudithook(_guard)
