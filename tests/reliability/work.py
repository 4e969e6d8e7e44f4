"""Work that takes a second and touches everything: payloads are taken in, loaded and a release is published, with no dbt between.

What breaks into that work (kills, failing calls, a full disk, flipped bits) is elsewhere; here is what must hold afterwards.
"""

import hashlib
from datetime import date
from pathlib import Path

from ingest.archive import Archive
from ingest.flow import ingest
from ingest.home import dedicate
from ingest.lake import Lake
from ingest.origins import FilesOrigin
from ingest.settings import Settings
from ingest.source import DataOrigin
from ingest.sources import SOURCES
from orchestration.warehouse.load import connect, load_raw
from quality.raw import TABLES
from serving.publish.release import FILE_NAME
from serving.seal import faults
from tests.reliability import readers
from tests.reliability.one_reader import look
from tests.unit.feeds import FEEDS, QUOTE_HEADER, answer, csv_file, quote, rank

DAYS = [day for number in range(1, 32) if (day := date(2025, 7, number)).weekday() < 5]
LINE = "{0},山东氧化铝,3080,3120,3100,,元/吨,SD,SMM,山东,日,{1} 11:40"


def write_payloads(folder: Path, days: list[date]) -> Path:
    """Write what a run takes in: of each day an exchange file and a spot file with one wrong row; of the first a ranking that was cut off."""
    folder.mkdir(parents=True, exist_ok=True)
    for day in days:
        (folder / f"kx{day:%Y%m%d}.dat").write_bytes(answer([quote(), quote(month="2510")], day=day))
        (folder / f"smm_spot_price_{day:%Y%m%d}.csv").write_bytes(csv_file(LINE.format(day, day), LINE.format(day, "soon"), header=QUOTE_HEADER))
    (folder / f"pm{days[0]:%Y%m%d}.dat").write_bytes(answer([rank()])[:99])
    return folder


def new_home(home: Path) -> Settings:
    """Make a home with one release and nothing taken in."""
    settings = readers.small_home(home)
    dedicate(settings, DataOrigin.FILES)
    readers.publish(settings, 0)
    return settings


def commit(settings: Settings, payloads: Path) -> None:
    """Archive a folder, parse it and commit it to the lake."""
    ingest(FEEDS, FilesOrigin(payloads, SOURCES), Archive(settings.archive), Lake(settings.lake), "run")


def take_in(settings: Settings, payloads: Path) -> None:
    """Commit a folder and load it."""
    commit(settings, payloads)
    load_raw(settings)


def raw_content(settings: Settings) -> str:
    """Hash of everything in `raw` but when it came and the log of how it came."""
    with connect(settings, read_only=True) as con:
        held = {}
        for name, table in TABLES.items():
            if name != "ingest__receipts":
                columns = ", ".join(f'"{column}"' for column in table.stored_schema if column != "fetched_at")
                held[name] = sorted(con.execute(f'select {columns} from raw."{name}"').fetchall(), key=repr)
    return hashlib.sha256(repr(held).encode()).hexdigest()


def damage(settings: Settings) -> list[str]:
    """Say what is not whole in a home somebody was thrown out of: archive, lake, and what readers have before their eyes."""
    found = [str(fault) for fault in (*Archive(settings.archive).faults(), *Lake(settings.lake).faults())]
    served = settings.serving.resolve()
    found += faults(served)
    _, torn = look(settings.serving / FILE_NAME)
    return found + ([torn] if torn else [])


def after_the_next(settings: Settings, payloads: Path, golden: str, number: int) -> list[str]:
    """Do the work once more, undisturbed, and say what is then not as if nothing had happened."""
    try:
        take_in(settings, payloads)
        release = readers.publish(settings, number)
    except Exception as error:
        return [f"the work after it fails: {type(error).__name__}: {error}", *damage(settings)]
    found = damage(settings)
    if settings.serving.resolve().name != release.release_id:
        found.append(f"{release.release_id} was published and is not served")
    if raw_content(settings) != golden:
        found.append("the warehouse holds something else than after an undisturbed run")
    return found + [f"{path.name} was left behind" for path in settings.releases.glob(".building-*")]


def golden_content(folder: Path, payloads: Path) -> str:
    """Give what the warehouse holds after one undisturbed run over a folder of payloads."""
    settings = Settings(home=folder)
    dedicate(settings, DataOrigin.FILES)
    take_in(settings, payloads)
    return raw_content(settings)
