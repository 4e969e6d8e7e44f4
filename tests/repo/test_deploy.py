"""The files in orchestration/deploy are what systemd takes, start what they say, and label what nobody has tried."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from orchestration.definitions import defs

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "orchestration" / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("alumina*.service"))
SYSTEMD = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(SYSTEMD is None, reason="needs Debian's systemd")


def _here(folder: Path, **changed: str) -> list[str]:
    """Copy the units with the project's real place in them, for systemd to find the programs; `changed` are texts replaced in them."""
    for path in (DEPLOY / "systemd").glob("alumina*.*"):
        text = path.read_text(encoding="utf-8").replace("/opt/alumina", str(ROOT))
        for old, new in changed.items():
            text = text.replace(old, new)
        (folder / path.name).write_text(text, encoding="utf-8")
    return [str(path) for path in sorted(folder.iterdir()) if path.suffix in (".service", ".target")]


def _verify(folder: Path, **changed: str) -> str:
    units = _here(folder, **changed)
    environment = os.environ | {"SYSTEMD_UNIT_PATH": f"{folder}:"}
    done = subprocess.run([SYSTEMD or "", "verify", "--man=no", *units], env=environment, capture_output=True, text=True, check=False)
    ours = [line for line in done.stderr.splitlines() if str(folder) in line or "alumina" in line]
    return "\n".join(ours)


@needs_systemd
def test_systemd_takes_every_unit(tmp_path: Path) -> None:
    assert _verify(tmp_path) == ""


@needs_systemd
@pytest.mark.parametrize(("right", "wrong"), [("Restart=always", "Restart=allways"), ("bin/python", "bin/pithon"), ("MemoryMax=", "MemoryMost=")])
def test_a_slip_in_a_unit_is_seen(tmp_path: Path, right: str, wrong: str) -> None:
    assert _verify(tmp_path, **{right: wrong}) != ""


@needs_systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.stem)
def test_every_unit_is_hardened(unit: Path, tmp_path: Path) -> None:
    """systemd's own measure, 0 is locked away and 10 open."""
    _here(tmp_path)
    command = [SYSTEMD or "", "security", "--offline=true", "--threshold=25", str(tmp_path / unit.name)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout.splitlines()[-1]


def test_each_part_starts_again_alone_within_limits() -> None:
    assert {unit.stem for unit in UNITS} == {"alumina-code", "alumina-daemon", "alumina-ranges", "alumina-ui", "alumina-view", "alumina-web"}
    for unit in UNITS:
        text = unit.read_text(encoding="utf-8")
        for said in ("Restart=always", "MemoryMax=", "TasksMax=", "User=alumina", "EnvironmentFile=/etc/alumina/alumina.env"):
            assert said in text, (unit.name, said)
        # One part that ends must not take the others along.
        assert not re.search(r"^(BindsTo|Requires|Requisite)=", text, re.MULTILINE), unit.name


def test_the_queue_has_one_slot_for_jobs_that_write_and_room_for_ranges_beside_it() -> None:
    runs = yaml.safe_load((DEPLOY / "dagster.yaml").read_text(encoding="utf-8"))["concurrency"]["runs"]
    jobs = {limit["key"]: {job.name for job in defs.resolve_all_job_defs() if limit["key"] in job.tags} for limit in runs["tag_concurrency_limits"]}
    assert jobs == {"alumina/writer": {"daily", "fit_forecast", "tidy"}, "alumina/range": {"arrivals_by_day", "arrivals_by_month"}}
    assert [limit["limit"] for limit in runs["tag_concurrency_limits"]] == [1, 2]
    assert runs["max_concurrent_runs"] == 3


def test_the_units_name_no_secret() -> None:
    for path in (DEPLOY / "systemd").iterdir():
        assert "Environment=" not in path.read_text(encoding="utf-8"), path.name
    (address,) = re.findall(r"^ALUMINA_POSTGRES_URL=(.*)$", (DEPLOY / "systemd" / "alumina.env").read_text(encoding="utf-8"), re.MULTILINE)
    assert ":PASSWORD@" in address


@pytest.mark.parametrize("name", ["Containerfile", "compose.yaml"])
def test_what_nobody_has_started_says_so_first(name: str) -> None:
    assert (DEPLOY / name).read_text(encoding="utf-8").startswith("# UNCHECKED: ")
    if name.endswith(".yaml"):
        assert set(yaml.safe_load((DEPLOY / name).read_text(encoding="utf-8"))["services"]) == {"alumina", "database", "proxy"}


@pytest.mark.parametrize("missing", ["ALUMINA_HOME", "DAGSTER_HOME", "ALUMINA_POSTGRES_URL"])
def test_the_start_script_names_what_is_not_set(missing: str, tmp_path: Path) -> None:
    given = {"ALUMINA_HOME": str(tmp_path), "DAGSTER_HOME": str(tmp_path), "ALUMINA_POSTGRES_URL": "postgresql://nowhere", "PATH": os.environ["PATH"]}
    environment = {name: value for name, value in given.items() if name != missing}
    done = subprocess.run([DEPLOY / "start.sh"], env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, f"alumina: {missing} is not set; docs/operations.md says what belongs there\n")


def _started(tmp_path: Path, ports: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    """Run the script in a project whose programs only say how they were called; give what it said, and the calls."""
    shutil.copytree(DEPLOY, tmp_path / "orchestration" / "deploy")
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    for name in ("python", "alumina"):
        program = tmp_path / ".venv" / "bin" / name
        # All go on until the daemon, which is started last, ends.
        program.write_text(
            f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\ncase "$*" in *health-check*|upgrade) exit 0;; *_daemon*) exec sleep 1;; *) exec sleep 30;; esac\n'
        )
        program.chmod(0o755)
    environment = os.environ | {
        "ALUMINA_HOME": str(tmp_path / "home"), "DAGSTER_HOME": str(tmp_path / "dagster"), "ALUMINA_POSTGRES_URL": "x", "ALUMINA_PORTS": ports,
    }  # fmt: skip
    script = tmp_path / "orchestration" / "deploy" / "start.sh"
    done = subprocess.run([script], env=environment, capture_output=True, text=True, check=False, timeout=60)
    calls = tmp_path / "calls"
    return done, calls.read_text().splitlines() if calls.exists() else []


def test_ports_may_be_exchanged(tmp_path: Path) -> None:
    _, calls = _started(tmp_path, "3000 3001 4267 4266")
    told = ("orchestration.without_ranges", "orchestration.ranges", "webserver --port", "--read-only")
    assert {one: sorted(port for call in calls if one in call for port in re.findall(r"--port (\d+)", call)) for one in told} == {
        "orchestration.without_ranges": ["3000"], "orchestration.ranges": ["4266"], "webserver --port": ["3001", "4267"], "--read-only": ["4267"],
    }  # fmt: skip
    known = yaml.safe_load((tmp_path / "dagster" / "workspace.yaml").read_text())["load_from"]
    assert [one["grpc_server"]["port"] for one in known] == [3000, 4266]


@pytest.mark.parametrize(
    "ports", ["4266 3000", "4267 3000 3001", "4266 3000 3001 3000", "4266 3000 3001 4267 1", "4266 3000 3001 $(id)", "4266/x 3000 3001 4267"]
)
def test_ports_that_make_no_sense_are_refused_before_anything_starts(tmp_path: Path, ports: str) -> None:
    done, calls = _started(tmp_path, ports)
    assert (done.returncode, calls) == (1, [])
    assert "it takes four ports that differ" in done.stderr
