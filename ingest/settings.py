"""Paths and credentials: the only reader of the environment."""

import importlib.metadata
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import AwareDatetime, Field, SecretStr
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

REPOSITORY = Path(__file__).resolve().parent.parent
PACKAGE_VERSION = importlib.metadata.version("alumina-warehouse")
DEFAULT_AGENT = f"alumina-warehouse/{PACKAGE_VERSION}"


class _Environment(EnvSettingsSource):
    """The environment without `as_of`: a variable left behind would move workshop and lock from under every command."""

    def __call__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__call__().items() if name != "as_of"}


class Settings(BaseSettings):
    """Where state lives and how much of the machine may be used. Every field but `as_of` can be set as `ALUMINA_<NAME>`."""

    model_config = SettingsConfigDict(env_prefix="ALUMINA_", frozen=True, extra="ignore")

    home: Path = Field(default=REPOSITORY / ".alumina", description="All state: archive, lake, warehouse, releases.")
    memory_limit: str = Field(default="4GB", pattern=r"^\d+(\.\d+)?\s?[KMGT]i?B$", description="DuckDB's memory limit.")
    releases_kept: int = Field(default=10, ge=2, description="Published releases kept for rollback.")
    as_of_kept: int = Field(default=3, ge=1, description="Builds as of a past time that are kept.")
    lock_wait_seconds: float = Field(default=600, ge=0, description="How long a writer waits for another one.")
    inbox_settle_seconds: float = Field(default=2, ge=0, description="How long a dropped file must be left alone before it counts.")

    user_agent: str = Field(
        default=DEFAULT_AGENT,
        pattern=r"^[!-~]([ -~]*[!-~])?$",
        description="What the HTTP client calls itself to exchanges: one line of ASCII; add an address where you can be asked.",
    )

    alert_webhook: SecretStr | None = Field(default=None, description="Address that hears of failed runs: https, or http on this machine.")

    as_of: AwareDatetime | None = Field(default=None, description="Build what was known at this time, aside; such a build is never published.")

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: PydanticBaseSettingsSource, **__: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read what the caller says, then the environment."""
        return init_settings, _Environment(settings_cls)

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
    def made_before(self) -> Path:
        """Notes of what the sample delivered, by source."""
        return self.root / "sample"

    @property
    def warehouse(self) -> Path:
        """The working DuckDB file; nobody but the pipeline opens it."""
        return self.workshop / "warehouse.duckdb"

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
    def rebuilding(self) -> Path:
        """There while the lake is made anew: until that has ended it holds a part of what the archive does."""
        return self.root / "rebuilding.json"

    @property
    def restoring(self) -> Path:
        """There while a backup is being put back into an empty home."""
        return self.root / "restoring.json"

    @property
    def dagster(self) -> Path:
        """Dagster's instance folder."""
        return self.root / "dagster"
