"""A headless Chromium over its own debugging protocol, to see a page as a reader does."""

import json
import os
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PATIENCE = 300
"""Seconds after which a browser is taken to hang."""
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@dataclass
class Tab:
    """One tab: what it was told, what it asked the network for and what it complained of."""

    socket: Any
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    sent: int = 0

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send one command and read events until its answer."""
        self.sent += 1
        self.socket.send(json.dumps({"id": self.sent, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.recv(timeout=PATIENCE))
            if message.get("id") == self.sent:
                assert "error" not in message, message
                return message["result"]
            self._hear(message)

    def evaluate(self, expression: str) -> Any:
        """Give the value of an expression in the page."""
        return self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)["result"].get("value")

    def open(self, address: str, width: int, *, scheme: str = "light") -> None:
        """Open an address at a width and wait until its charts are drawn."""
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 500)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        deadline = time.monotonic() + PATIENCE
        # Away first: the same page with another mark would count as drawn before it is drawn anew.
        self.call("Page.navigate", url="about:blank")
        while self.evaluate("location.href") != "about:blank":
            assert time.monotonic() < deadline, "the page before is still there"
            time.sleep(0.1)
        self.call("Page.navigate", url=address)
        while not self.evaluate(
            "location.href !== 'about:blank' && document.readyState === 'complete' && [...document.querySelectorAll('.chart')].every(c => ['drawn', 'failed'].includes(c.dataset.state))"
        ):
            assert time.monotonic() < deadline, f"{address} is not drawn: {self.complaints}"
            time.sleep(0.1)
        assert not self.evaluate("document.querySelectorAll('.chart[data-state=failed]').length"), f"{address} is not drawn: {self.complaints}"

    def _hear(self, message: dict[str, Any]) -> None:
        method, said = message.get("method"), message.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(said["request"]["url"])
        elif method == "Runtime.exceptionThrown" or (method == "Runtime.consoleAPICalled" and said["type"] in ("error", "warning", "assert")):
            self.complaints.append(json.dumps(said)[:500])
        elif method == "Log.entryAdded" and said["entry"]["level"] in ("error", "warning"):
            self.complaints.append(said["entry"]["text"])


@contextmanager
def tab(folder: Path, reachable: str = "") -> Iterator[Tab]:
    """Start a browser with its profile in a folder of its own; no name resolves in it but `reachable`."""
    from websockets.sync.client import connect

    command = [
        str(CHROMIUM),
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--remote-debugging-port=0",
        f"--host-resolver-rules=MAP * ~NOTFOUND{f', EXCLUDE {reachable}' if reachable else ''}",
        f"--user-data-dir={folder}",
        "about:blank",
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ | {"HOME": str(folder)}) as browser:
        try:
            port, deadline = folder / "DevToolsActivePort", time.monotonic() + PATIENCE
            while not (port.is_file() and port.read_text().count("\n")):
                assert time.monotonic() < deadline, "the browser does not start"
                time.sleep(0.1)
            with urllib.request.urlopen(f"http://127.0.0.1:{port.read_text().splitlines()[0]}/json") as answer:
                target = next(one for one in json.load(answer) if one["type"] == "page")
            with connect(target["webSocketDebuggerUrl"], max_size=None, ping_interval=None) as socket:
                yield Tab(socket)
        finally:
            browser.terminate()
