"""What a case of the battery is, and what it is given. Which cases there are, and when they run, is `battery`'s business."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.pipeline.conftest import SLICE, alumina, copied
from tests.pipeline.small import Small, furnish


class NotHereError(Exception):
    """This machine cannot try a case; the message says why."""


@dataclass(frozen=True)
class Step:
    """How one step of a case went: what was tried, and one sentence for each that ended as it must not."""

    tried: int
    bad: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bench:
    """Where a battery works, and the days of the sample its whole runs take."""

    folder: Path
    days: tuple[str, ...] = SLICE
    finished: Path | None = None
    """A home that was run over those days; made where there is none."""
    furnished: Small | None = None
    """A small house whose home was run over those days; made where there is none."""

    def home(self) -> Path:
        """Give the home that was run once; who changes it takes a copy."""
        if self.finished is not None:
            return self.finished
        home, made = self.folder / "finished" / "home", self.folder / "finished" / "made"
        if not made.exists():
            self.fresh("finished")
            done = alumina(home, "run", *self.days)
            if done.returncode:
                raise RuntimeError(f"the home the battery starts from cannot be made: {done.stdout}{done.stderr}")
            made.touch()
        return home

    def fresh(self, name: str) -> Path:
        """Give an empty folder of a case; what a battery that was killed left there is gone."""
        folder = self.folder / name
        if folder.exists():
            subprocess.run(["chmod", "-R", "u+w", str(folder)], check=True)  # releases are read-only
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        return folder

    def small(self, name: str) -> Small:
        """Furnish a small house whose home was run once in it."""
        folder = self.fresh(name)
        if self.furnished is not None:
            return self.furnished.copied(folder)
        house = furnish(folder / "house", copied(self.home(), folder / "home"))
        done = house.run("run", *self.days)
        if done.returncode:
            raise RuntimeError(f"the small house cannot be run: {done.stdout}{done.stderr}")
        return house


@dataclass(frozen=True)
class Case:
    """One kind of trial.

    `run` takes the numbers of the steps to do and yields once for each; a step depends on its number alone, so a battery that was killed
    goes on with the next one. A step that raises is a bad one.
    """

    name: str
    what: str
    """What one trial is, in a few words for a table."""
    run: Callable[[Bench, range], Iterator[Step]]
    full: int
    """Steps of a full battery."""
    short: int = 1
    """Steps of a short one."""
    minutes: float = 1
    """What all steps of a full battery take on one quiet processor, about: long cases are dealt to jobs of their own."""
