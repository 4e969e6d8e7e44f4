"""What a daily run pays so that nothing is lost and nothing is believed unread: processor seconds within the code that is there for it.

    python -m tests.benchmarks --part withstand

`alumina run` of one more session of the sample, in a process in which each function of `GUARDS` counts what it takes, once where one calls another.
The whole of each counts, also what a home without them would do as well (a file has to be written, a journal to be read): the share is the most
they can cost.
"""

import json
import shutil
import statistics
import sys
from datetime import date
from pathlib import Path

from tests.benchmarks.bench_ingest import in_limited_process, whole_exchange
from tests.benchmarks.bench_run import BEFORE, LAST, alumina
from tests.benchmarks.processes import spent
from tests.benchmarks.results import Result, at_most, shown

GUARDS: dict[str, tuple[str, ...]] = {
    "ingest.storable": ("storable", "storable_lines", "storable_row", "healed"),
    "ingest.files": ("sync_folder", "make_folder", "write_atomic", "append_lines"),
    "ingest.journal": ("Journal.append", "Journal.read"),
    "ingest.notes": ("read_note", "write_note"),
    "ingest.within": ("require_within", "is_within_depth"),
    "ingest.confined": ("ask",),
    "ingest.home": ("open_home", "dedicate"),
    "ingest.archive": ("Archive.put", "Archive.get", "Archive.record"),
    "ingest.lake": ("Lake.verified",),
    "serving.seal": ("seal", "remove", "faults", "sealed"),
}
"""Text made storable, durable and atomic writes, journals that prove themselves, limits of payloads, hashes of files before they are read, seals."""
ROUNDS, MOST_PCT = 2, 5.0
# Assumed: a live day has some ten files of SHFE and ten of all others; each is measured as one of quotes.
DAILY_PAYLOADS = 20
RUN = """
import functools, importlib, json, sys, threading, time
from pathlib import Path
guards, told = json.loads(sys.argv.pop(1)), Path(sys.argv.pop(1))
held, lock, taken = threading.local(), threading.Lock(), {}

def counted(name, work):
    @functools.wraps(work)
    def counting(*given, **named):
        if getattr(held, "inside", False):
            return work(*given, **named)
        held.inside, cpu, clock = True, time.thread_time(), time.perf_counter()
        try:
            return work(*given, **named)
        finally:
            held.inside = False
            with lock:
                before = taken.get(name, (0, 0, 0))
                taken[name] = (before[0] + time.thread_time() - cpu, before[1] + time.perf_counter() - clock, before[2] + 1)
    return counting

made = {}
for module, names in guards.items():
    for name in names:
        *of, last = name.split(".")
        owner = functools.reduce(getattr, of, importlib.import_module(module))
        made[getattr(owner, last)] = counted(f"{module}.{name}", getattr(owner, last))
        setattr(owner, last, made[owner.__dict__[last]])
for module in [module for name, module in sys.modules.items() if name.split(".")[0] in ("ingest", "quality", "serving", "orchestration")]:
    for name, value in list(vars(module).items()):
        if callable(value) and getattr(value, "__hash__", None) and value in made:
            setattr(module, name, made[value])
from orchestration.command.start import main
began = time.perf_counter()
try:
    main()
finally:
    told.write_text(json.dumps({"taken": taken, "clock": time.perf_counter() - began}))
"""


def measured(home: Path, told: Path) -> tuple[float, float, dict[str, list[float]], float]:
    """Run the last session: the guards' share of processor seconds and of the clock in per cent, what each took, and the run's processor seconds."""
    command = [sys.executable, "-c", RUN, json.dumps(GUARDS), str(told), "run", "--source", "sample", "--from", LAST, "--to", LAST]
    run = spent(command, {"ALUMINA_HOME": str(home)})
    found = json.loads(told.read_text(encoding="utf-8"))
    cpu, clock = (sum(one[place] for one in found["taken"].values()) for place in (0, 1))
    return 100 * cpu / run.cpu_s, 100 * clock / found["clock"], found["taken"], run.cpu_s


def results(folder: Path) -> list[Result]:
    """Measure, and give the results."""
    base, home = folder / "before", folder / "home"
    alumina(base, "run", "--source", "sample", "--to", BEFORE)
    rounds = []
    for number in range(ROUNDS):
        shutil.rmtree(home, ignore_errors=True)
        shutil.copytree(base, home, symlinks=True)
        rounds.append(measured(home, folder / f"{number}.json"))
    cpu, clock = (statistics.median(one[place] for one in rounds) for place in (0, 1))
    # The sample is parsed in the run itself; what comes from outside is not.
    day = whole_exchange(date.fromisoformat(LAST), date.fromisoformat(LAST)) * DAILY_PAYLOADS
    start, there = in_limited_process(day)
    limited = 100 * (start + there) / statistics.median(one[3] for one in rounds)
    taken = rounds[-1][2]
    dearest = sorted(taken, key=lambda name: -taken[name][0])[:3]
    how = (
        f"{len(taken)} of {sum(map(len, GUARDS.values()))} guards were called, {sum(one[2] for one in taken.values()):,.0f} times; most by "
        + ", ".join(f"`{name}` ({taken[name][0]:.2f} s)" for name in dearest)
    )
    return [
        at_most("withstand: share of a daily run's processor seconds", cpu, "%", MOST_PCT, how),
        at_most(
            "withstand: parsing a day in the limited process ÷ a daily run",
            limited,
            "%",
            MOST_PCT,
            f"{start:.2f} cpu s to start it, {there:.2f} for {len(day)} files of quotes, all of which a run would parse itself without it",
        ),
        shown("withstand: share of its clock", clock, "%", "with waiting for the disk, on which other work may write"),
    ]
