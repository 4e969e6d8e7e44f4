"""Installation on a new machine: which Python `make` takes, and a lock file that fits each of them."""

import importlib.metadata
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
SUPPORTED = ("3.11", "3.12", "3.13")
LOCK = [
    Requirement(line.removesuffix(" \\"))
    for line in (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    if line and not line.startswith(" ")
]
PLATFORMS = {
    "Linux": {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix", "platform_machine": "x86_64"},
    "macOS": {"sys_platform": "darwin", "platform_system": "Darwin", "os_name": "posix", "platform_machine": "arm64"},
}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def installed_by(python: str, platform: str) -> list[Requirement]:
    """What of the lock is for one Python on one platform."""
    there = default_environment() | {"python_version": python, "python_full_version": f"{python}.0"} | PLATFORMS[platform]
    return [pin for pin in LOCK if pin.marker is None or pin.marker.evaluate(there)]  # type: ignore[arg-type]


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("python", SUPPORTED)
def test_the_lock_has_each_package_once_and_all_we_ask_for(python: str, platform: str) -> None:
    pins = installed_by(python, platform)
    assert [name for name, times in Counter(normal(pin.name) for pin in pins).items() if times > 1] == []
    versions = {normal(pin.name): str(pin.specifier).removeprefix("==") for pin in pins}
    asked = [
        Requirement(text) for text in [*PROJECT["dependencies"], *(text for extra in PROJECT["optional-dependencies"].values() for text in extra)]
    ]
    assert [str(one) for one in asked if not one.specifier.contains(versions.get(normal(one.name), "0"), prereleases=True)] == []


def test_what_is_installed_is_what_the_lock_says() -> None:
    here = [pin for pin in LOCK if pin.marker is None or pin.marker.evaluate()]
    wrong = [f"{pin} is {found}" for pin in here if (found := importlib.metadata.version(pin.name)) not in pin.specifier]
    assert wrong == []


def test_one_range_of_pythons_everywhere() -> None:
    asked = SpecifierSet(PROJECT["requires-python"])
    assert [minor for minor in range(8, 20) if asked.contains(f"3.{minor}.5")] == [int(version.removeprefix("3.")) for version in SUPPORTED]
    stated = [text.rpartition(" ")[2] for text in PROJECT["classifiers"] if text.startswith("Programming Language :: Python :: 3.")]
    assert tuple(stated) == SUPPORTED
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert set(re.findall(r"python(3\.\d+)", re.search(r"^PYTHONS := (.*)$", makefile, re.MULTILINE).group(1))) == set(SUPPORTED)  # type: ignore[union-attr]
    assert "(3, 11) <= v < (3, 14)" in makefile
    assert "--universal -p 3.11 " in makefile


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A PATH with what the choice needs, and no Python."""
    for name in ("bash", "sort", "head"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    return tmp_path


def python(folder: Path, name: str, says: str | None) -> str:
    """An interpreter that works and says its version, or a shim of one that is not there."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!{shutil.which('bash')}\n" + (f"echo {says}\n" if says else "echo 'no such version' >&2; exit 127\n"))
    path.chmod(0o755)
    return str(path)


def chosen(*path: Path, **given: str) -> subprocess.CompletedProcess[str]:
    command = [
        str(shutil.which("make")),
        "--no-print-directory",
        "-C",
        str(ROOT),
        "which-python",
        *(f"{name}={value}" for name, value in given.items()),
    ]
    return subprocess.run(command, env={"PATH": ":".join(map(str, path))}, capture_output=True, text=True, check=False)


def test_make_takes_the_newest_python_that_works(machine: Path) -> None:
    python(machine, "python3.13", None)
    newest = python(machine, "python3.12", "3.12")
    python(machine, "python3.11", "3.11")
    assert chosen(machine).stdout.split() == [newest]


def test_a_broken_shim_hides_no_python_behind_it(machine: Path) -> None:
    python(machine / "shims", "python3.13", None)
    python(machine, "python3.11", "3.11")
    behind = python(machine, "python3.13", "3.13")
    assert chosen(machine / "shims", machine).stdout.split() == [behind]


def test_a_python_without_a_number_is_taken_when_it_is_in_range(machine: Path) -> None:
    plain = python(machine, "python3", "3.13")
    python(machine, "python3.11", "3.11")
    assert chosen(machine).stdout.split() == [plain]


def test_the_python_that_is_named_is_the_one_taken(machine: Path) -> None:
    python(machine, "python3.13", "3.13")
    named = python(machine / "elsewhere", "python", "3.12")
    assert chosen(machine, PYTHON=named).stdout.split() == [named]


@pytest.mark.parametrize("given", [{}, {"PYTHON": "python3.13"}], ids=["none", "named"])
def test_without_a_python_that_works_make_says_what_to_do(machine: Path, given: dict[str, str]) -> None:
    python(machine, "python3.13", None)
    done = chosen(machine, **given)
    assert done.returncode != 0
    assert done.stdout == ""
    assert done.stderr.startswith("alumina needs Python 3.11, 3.12 or 3.13 with ensurepip and venv.")
    assert "make PYTHON=" in done.stderr


def test_this_python_would_do(machine: Path) -> None:
    assert chosen(machine, PYTHON=sys.executable).stdout.split() == [sys.executable]
