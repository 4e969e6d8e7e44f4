"""What is printed never acts on the terminal and never ends the work: asked of the real command where it costs little."""

import contextlib
import io
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from feeds import QUOTE_HEADER, csv_file
from rich.table import Table
from rich.text import Text

from ingest.settings import Settings
from orchestration.command import cli, run, terminal
from orchestration.command.catalog_command import catalog_calendar, catalog_check
from orchestration.instance.alerts import alert

ALUMINA = Path(sys.executable).with_name("alumina")
CONSOLES = [{"PYTHONIOENCODING": "gbk"}, {"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}]
ACTING = "\x1b]0;owned\x07\x1b[2J\x9b31m\ud800\u202e"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def command(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[bytes]]:
    """The real command in a new home, with the environment of a console."""

    def call(*arguments: str | Path, console: dict[str, str] | None = None, **options: Any) -> subprocess.CompletedProcess[bytes]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "LC_", "LANG", "ALUMINA_"))}
        environment = kept | {"ALUMINA_HOME": str(tmp_path / "home")} | (console or {})
        piped = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        return subprocess.run([ALUMINA, *arguments], env=environment, check=False, timeout=120, **(piped | options))

    return call


@pytest.mark.parametrize("console", CONSOLES, ids=str)
def test_the_doctor_speaks_to_every_console(command: Callable[..., subprocess.CompletedProcess[bytes]], console: dict[str, str]) -> None:
    told = command("doctor", console=console)
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith(b"  + versions: as locked")
    assert told.stderr == b""


@pytest.mark.parametrize("console", CONSOLES, ids=str)
def test_a_file_is_examined_on_every_console(
    command: Callable[..., subprocess.CompletedProcess[bytes]], console: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "smm_spot_price_20250716.csv"
    bad = "2025-07-13,山东\x1b[31m\u00e9,3080,3120,3100,,元/吨,SD2,SMM,山东,日,"  # a Sunday, an escape, a letter GBK has and one it lacks
    file.write_bytes(csv_file("2025-07-16,山东,3080,3120,3100,,元/吨,SD,SMM,山东,日,", bad, header=QUOTE_HEADER))
    told = command("inbox", "check", file, console=console)
    assert told.returncode == 0, told.stderr
    said = told.stdout.decode("gbk" if console == CONSOLES[0] else "ascii")
    assert "no_session: line 3: 2025-07-13 is not a trading day" in said
    assert "\x1b" not in said
    refused = command("inbox", "check", os.fsencode(tmp_path) + b"/\xff\x1b[2J.csv", console=console)
    assert refused.returncode == 1
    assert b"\\u001b[2J.csv cannot be read: No such file or directory" in refused.stderr
    assert b"Traceback" not in refused.stderr


def test_a_reader_that_leaves_and_a_full_disk_cost_the_words_only(command: Callable[..., subprocess.CompletedProcess[bytes]]) -> None:
    read, write = os.pipe()
    os.close(read)
    left = command("doctor", stdout=write)
    os.close(write)
    assert (left.returncode, left.stderr) == (0, b"")
    for arguments in (["doctor"], ["schedule"], ["catalog", "check"], ["releases"]):  # each prints from a module of its own
        with Path("/dev/full").open("wb") as full:
            lost = command(*arguments, stdout=full)
        told = b"alumina: the stdout of this command could not be written: No space left on device\n"
        assert (lost.returncode, lost.stderr) == (1, told), arguments


INTERRUPTED = """
import os, signal, sys

class Interrupting:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "typer":  # the command is being loaded
            os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, {handler})
sys.meta_path.insert(0, Interrupting)
sys.argv = ["alumina", "--help"]
from orchestration.command.start import main
main()
"""


@pytest.mark.parametrize(("handler", "code", "is_helped"), [("signal.default_int_handler", -signal.SIGINT, False), ("signal.SIG_IGN", 0, True)])
def test_ctrl_c_while_the_command_loads_ends_it_without_a_word_and_one_in_the_background_goes_on(handler: str, code: int, is_helped: bool) -> None:
    done = subprocess.run([sys.executable, "-c", INTERRUPTED.format(handler=handler)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr, "doctor" in done.stdout) == (code, "", is_helped)


def test_nothing_printed_acts_on_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stdout", shown)
    out = terminal.console(terminal.Output("stdout"))
    table = Table(title=ACTING)
    table.add_column(ACTING)
    table.add_row(Text(ACTING))
    out.print(table)
    out.print(f"two\nlines {ACTING}", markup=False, soft_wrap=True)
    with out.status(ACTING):
        pass
    assert not set(shown.getvalue()) & {"\x1b", "\x9b", "\x07", "\ud800", "\u202e"}
    # rich itself leaves the bell out
    assert "two\nlines \\u001b]0;owned\\u001b[2J\\u009b31m\\ud800\\u202e\n" in shown.getvalue()


def test_brackets_in_a_text_are_no_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stdout", shown)
    table = Table(title="[/b]")
    table.add_column("[red]", min_width=10)
    table.add_row("[/]")
    terminal.console(terminal.Output("stdout")).print(table)
    assert all(text in shown.getvalue() for text in ("[/b]", "[red]", "[/]"))


def test_what_is_said_while_others_print_elsewhere_is_still_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stdout", shown)
    out = terminal.console(terminal.Output("stdout"))
    with contextlib.redirect_stdout(io.StringIO()):
        out.print("a step")
    assert shown.getvalue() == "a step\n"


def test_a_mistake_of_ours_is_shown_without_acting(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stderr", shown)
    with terminal.prepared():
        sys.excepthook(ValueError, ValueError(ACTING), None)
    assert "ValueError: \\u001b]0;owned" in shown.getvalue()
    assert "\x1b" not in shown.getvalue()


def test_a_listener_that_fails_is_not_the_runs_failure() -> None:
    heard = []

    def listen(step: str, state: str) -> None:
        heard.append(step)
        raise UnicodeEncodeError("gbk", "✓", 0, 1, "illegal multibyte sequence")

    steps = [SimpleNamespace(dagster_event=SimpleNamespace(step_key=name, event_type_value="STEP_START")) for name in ("one", "two")]
    records = [SimpleNamespace(event_log_entry=step) for step in steps]

    def after(run_id: str, cursor: str | None, of_type: object) -> SimpleNamespace:
        place = int(cursor or 0)
        return SimpleNamespace(records=records[place : place + 1], cursor=str(min(place + 1, len(records))))

    watcher = run._Watcher(SimpleNamespace(get_records_for_run=after), "run", listen)
    for _ in range(2):
        watcher._look()
    watcher.start()
    watcher.stop()
    assert heard == ["one", "two"]  # each once, however often it looks
    assert not [thread for thread in threading.enumerate() if thread is watcher]


def test_an_alert_can_be_written_whatever_its_words(tmp_path: Path) -> None:
    alert(Settings(home=tmp_path), "run_failed", ACTING, run_id="1")
    assert not set((tmp_path / "alerts.jsonl").read_text(encoding="utf-8")) & {"\x1b", "\x9b", "\x07", "\u202e"}


def test_an_exported_cell_does_not_act_on_a_terminal_and_is_whole_in_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    block = "a,\x1b[31m\r\nb,\x00氧\r\n".encode()
    terminal_stream = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal_stream)
    terminal.Output("stdout").write_bytes(block)
    assert terminal_stream.getvalue() == "a,\\u001b[31m\nb,\\u0000氧\n"
    file = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stdout", file)
    terminal.Output("stdout").write_bytes(block)
    assert file.buffer.getvalue() == block


def test_a_notice_and_a_catalogue_do_not_act_on_a_terminal(monkeypatch: pytest.MonkeyPatch, settings: Settings, tmp_path: Path) -> None:
    monkeypatch.setenv("ALUMINA_HOME", str(settings.root))
    shown = Terminal()
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, shown)
    (tmp_path / "notice.txt").write_text("二〇二七年元旦：1月99日\x1b]0;owned\x07（星期五）至1月3日（星期日）休市", encoding="utf-8")
    settings.catalog_overlay.mkdir(parents=True)
    (settings.catalog_overlay / "own\x1b[2J.toml").write_text("x = 1")
    (settings.catalog_overlay / os.fsdecode("自己.toml".encode("gbk"))).write_text("x = 1")
    for command in (partial(catalog_calendar, tmp_path / "notice.txt"), catalog_check):
        with contextlib.suppress(typer.Exit):
            command()
    assert r"own\u001b[2J.toml" in shown.getvalue()
    assert not set(shown.getvalue()) & {"\x1b", "\x07"}


def test_what_a_run_could_not_use_is_shown_without_acting(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(sys, "stdout", shown)
    monkeypatch.setattr(cli, "out", terminal.console(terminal.Output("stdout")))
    said = {"source": "shfe", "feed": "kx", "request_name": ACTING, "outcome": "not_data", "reason": "", "message": ACTING, "data_origin": "files"}
    attempt = SimpleNamespace(run_id="1", is_failure=True, http_status=None, **said)
    monkeypatch.setattr("ingest.archive.Archive.fetch_log", lambda _: iter([attempt]))
    cli._show_problems(settings, "1")
    assert shown.getvalue().startswith("  ! shfe/kx (no price, basis, score or outlook of the day): not_data: \\u001b]0;owned")
    assert "\x1b" not in shown.getvalue()
