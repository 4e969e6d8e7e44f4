"""Paths and credentials: the only reader of the environment."""

import importlib.metadata
import os
import re
import unicodedata
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from pydantic import AwareDatetime, Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

REPOSITORY = Path(__file__).resolve().parent.parent
PACKAGE_VERSION = importlib.metadata.version("alumina-warehouse")
DEFAULT_AGENT = f"alumina-warehouse/{PACKAGE_VERSION}"
# Characters a path may not hold. Each was tried: a tool writes the file elsewhere, or does not find it again.
UNUSABLE = {
    "?": "SQLite's address ends there",
    "%": "SQLite's address takes it for an escaped character",
    "#": "dbt takes what follows for a part of an address",
    "$": "Great Expectations takes what follows for a variable",
    "*": "DuckDB takes it for a pattern of names",
    "[": "DuckDB takes it for a pattern of names",
}
# Control characters, lone surrogates (a name that is not UTF-8) and line separators: a path with one cannot be printed on one line.
UNPRINTABLE = {"Cc", "Cs", "Zl", "Zp"}
# Linux takes paths of 4095 bytes; the longest of ours below the home has 160 (Data Docs of a release), twice that is kept free.
HOME_BYTES = 4095 - 320
HOST = re.compile(r"[A-Za-z0-9.-]+(:\d{1,5})?|\[[0-9A-Fa-f:]+\](:\d{1,5})?")


def variables() -> frozenset[tuple[str, str]]:
    """Give the variables that settings are read from: as long as they are the same, what was read of them holds."""
    return frozenset((name, value) for name, value in os.environ.items() if name.upper().startswith("ALUMINA_"))


class _Environment(EnvSettingsSource):
    """The environment without `as_of`: a forgotten variable would move workshop and lock of every command."""

    def __call__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__call__().items() if name != "as_of"}


class Settings(BaseSettings):
    """Where state lives and how much of the machine may be used. Every field but `as_of` can be set as `ALUMINA_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix="ALUMINA_", frozen=True, extra="ignore")

    home: Path = Field(default=REPOSITORY / ".alumina", description="All state: archive, lake, warehouse, releases.")
    memory_limit: str = Field(default="4GB", pattern=r"^\d+(\.\d+)?\s?[KMGT]i?B$", description="DuckDB's memory limit.")
    # At most what the largest machines have, assumed: with 5,000 DuckDB still opened, with a million it hung.
    threads: int = Field(default=1, ge=1, le=1024, description="DuckDB's threads.")
    releases_kept: int = Field(default=10, ge=2, description="Published releases kept for rollback.")
    as_of_kept: int = Field(default=3, ge=1, description="Builds as of a past time that are kept.")
    lock_wait_seconds: float = Field(default=600, ge=0, description="How long a writer waits for another one.")
    inbox_settle_seconds: float = Field(default=2, ge=0, description="How long a dropped file must be left alone before it counts.")

    user_agent: str = Field(
        default=DEFAULT_AGENT,
        pattern=r"^[!-~]([ -~]*[!-~])?$",
        description="What the HTTP client calls itself to exchanges: one line of ASCII; add an address where you can be asked.",
    )
    payload_root: Path | None = Field(default=None, description="Folder below which a run may read payloads, beside the inbox.")
    ui_hosts: str = Field(default="", description="Names a proxy gives the UI, with port unless it is 80 or 443, separated by commas.")
    alert_webhook: SecretStr | None = Field(default=None, description="Address that hears of failed runs: https, or http on this machine.")

    alert_urls: SecretStr | None = Field(
        default=None, description="Addresses of chat systems and mail, separated by blanks, as apprise writes them; a name before = says which route."
    )

    lang: Literal["en", "zh"] = Field(default="en", description="Language of what the commands say.")
    as_of: AwareDatetime | None = Field(default=None, description="Build what was known at this time, aside; such a build is never published.")

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: PydanticBaseSettingsSource, **__: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read what the caller says, then the environment."""
        return init_settings, _Environment(settings_cls)

    @field_validator("home", mode="before")
    @classmethod
    def _named(cls, home: Any) -> Any:
        """Refuse an empty name: it would make the current folder the home."""
        if home == "":
            raise ValueError("is set but empty; name the folder that holds all state, or unset it")
        return home

    @field_validator("home")
    @classmethod
    def _usable(cls, home: Path) -> Path:
        """Refuse a path that one of the tools would misread, before anything is written."""
        if problem := path_problem(home):
            raise ValueError(problem)
        return home

    @field_validator("ui_hosts")
    @classmethod
    def _hosts(cls, hosts: str) -> str:
        """Refuse anything but host names; with a scheme or a path nobody could open the UI, and nothing would say why."""
        for host in _listed(hosts):
            if not HOST.fullmatch(host):
                raise ValueError(f"{host!r} is not a name such as alumina.example or alumina.example:8443")
        return hosts

    @property
    def duckdb(self) -> dict[str, Any]:
        """How every DuckDB of the project is opened: with the share of the machine it may use, and nothing loaded from the network."""
        return {"autoinstall_known_extensions": "false", "memory_limit": self.memory_limit, "threads": self.threads}

    @property
    def proxy_hosts(self) -> tuple[str, ...]:
        """Names under which a proxy shows the UI, as a browser sends them."""
        return _listed(self.ui_hosts)

    @cached_property
    def root(self) -> Path:
        """Absolute path of the home."""
        return self.home.expanduser().resolve()

    @property
    def archive(self) -> Path:
        """Payload bytes and receipts."""
        return self.root / "archive"

    @property
    def lake(self) -> Path:
        """Validated Parquet files and their manifest."""
        return self.root / "lake"

    @property
    def turns(self) -> Path:
        """When each host may be asked next, by whatever process of this home."""
        return self.root / "turns"

    @property
    def inbox(self) -> Path:
        """Files people drop; each ends in `archived/` or, with a reason, in `refused/`."""
        return self.root / "inbox"

    @property
    def catalog_overlay(self) -> Path:
        """The operator's own catalogue files, which extend or replace the shipped ones."""
        return self.root / "catalog"

    @property
    def workshop(self) -> Path:
        """Where models are built: the home itself, or a folder of its own for a build as of a past time."""
        return self.root if self.as_of is None else self.root / "as_of" / self.as_of.strftime("%Y-%m-%dT%H%M%z")

    @property
    def built(self) -> Path:
        """The note that a build as of a past time is whole."""
        return self.workshop / "built.json"

    @property
    def made_before(self) -> Path:
        """Notes of what the sample delivered, by source."""
        return self.root / "sample"

    @property
    def warehouse(self) -> Path:
        """The working DuckDB file; nobody but the pipeline opens it."""
        return self.workshop / "warehouse.duckdb"

    @property
    def outlook_model(self) -> Path:
        """What the fits of the forecast came to."""
        return self.root / "outlook_model.json"

    @property
    def releases(self) -> Path:
        """Published releases, one folder each."""
        return self.root / "releases"

    @property
    def serving(self) -> Path:
        """Relative link to the current release: what people and BI tools read."""
        return self.root / "serving"

    @property
    def status(self) -> Path:
        """Last attempt to publish: outcome and reason."""
        return self.root / "status.json"

    @property
    def rejected(self) -> Path:
        """Releases somebody rolled back from."""
        return self.root / "rejected.json"

    @property
    def held(self) -> Path:
        """Exists while readers are held at a release; newer ones wait."""
        return self.root / "held.json"

    @property
    def rebuilding(self) -> Path:
        """Exists while the lake is being rebuilt and holds only a part of the archive."""
        return self.root / "rebuilding.json"

    @property
    def restoring(self) -> Path:
        """Exists while a backup is being restored into an empty home."""
        return self.root / "restoring.json"

    @property
    def dagster(self) -> Path:
        """Dagster's instance folder."""
        return self.root / "dagster"


def path_problem(home: Path) -> str | None:
    """Say why a path cannot hold the state, in one sentence; None where it can."""
    try:
        path = home.expanduser().resolve()
    except (RuntimeError, OSError) as error:  # a circle of links, a user without a home
        return f"the path {str(home)!r} leads nowhere: {error}"
    name = str(path)
    if any(unicodedata.category(char) in UNPRINTABLE for char in name):
        return f"the path {name!a} holds a control character or is not UTF-8; choose another folder"
    for char, why in UNUSABLE.items():
        if char in name:
            return f"the path {name} holds {char!r}: {why}; choose a folder without it"
    if len(os.fsencode(path)) > HOME_BYTES:
        return f"the path has {len(os.fsencode(path))} bytes, and at most {HOME_BYTES} leave room for the files below it; choose a shorter one"
    if path.exists() and not path.is_dir():
        return f"the path {name} is not a folder"
    return None


def _listed(text: str) -> tuple[str, ...]:
    return tuple(item.strip().lower() for item in text.split(",") if item.strip())
