"""What reading a payload takes of the catalogue, in force for one run: handed to the sources, so that a parser reads no home by itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from ingest.catalog.calendar import Calendar, load_calendar
from ingest.catalog.documents import COMMODITIES, SERIES, SHIPPED, catalog_files, commodity, commodity_files, load, parsed
from ingest.catalog.limits import Limits
from ingest.catalog.schemas import Clock, ClockFile, CommodityFile, ExchangesFile, FeedsFile, LimitsFile, RegionsFile, SeriesFile
from ingest.catalog.tone import FILE as LEXICON
from ingest.catalog.tone import Lexicon, read_lexicon
from ingest.source import ConfigurationError


@dataclass(frozen=True)
class Configuration:
    """The shipped catalogue and the operator's in `overlay`. Each part is read when it is first asked for, and then stays as it is."""

    overlay: Path | None = None

    @cached_property
    def calendar(self) -> Calendar:
        """The trading calendar; raises ConfigurationError where it is wrong."""
        return load_calendar(self.overlay)

    @cached_property
    def ticks(self) -> Mapping[str, tuple[float, ...]]:
        """The ticks each configured product ever had; raises ConfigurationError where a commodity is wrong."""
        files = [commodity(name, body) for name, body in commodity_files(self.overlay)]
        return {file.commodity.product_id: tuple({spec.tick_cny_t for spec in file.contract_spec}) for file in files}

    @cached_property
    def shfe_products(self) -> Mapping[str, str]:
        """Chinese product name as SHFE prints it, INE's products among its own -> code; raises ConfigurationError where the file is wrong."""
        file = load(ExchangesFile, self.overlay)
        return {
            name: code
            for exchange in (file.ine, file.shfe)
            if exchange
            for name, code in ({printed: code for code, printed in exchange.products.items()} | exchange.aliases).items()
        }

    @cached_property
    def regions(self) -> frozenset[str]:
        """Chinese names of the regions that are known; raises ConfigurationError where the file is wrong."""
        return frozenset(names.zh for names in load(RegionsFile, self.overlay).regions.values())

    @cached_property
    def hs_codes(self) -> tuple[str, ...]:
        """HS codes of every configured commodity; a file that is wrong is the catalogue's to report."""
        codes: set[str] = set()
        for name, body in commodity_files(self.overlay):
            try:
                codes.update(row.hs_code for row in commodity(name, body).customs)
            except ConfigurationError:
                continue
        return tuple(sorted(codes))

    @cached_property
    def series(self) -> frozenset[tuple[str, str]]:
        """Provider and id of every series a mart reads; raises ConfigurationError where a file that names them is wrong."""
        files = [parsed(name, body) for name, body in catalog_files(self.overlay) if name.startswith(COMMODITIES) or name == SERIES]
        return frozenset((row.provider, row.series_id) for file in files if isinstance(file, CommodityFile | SeriesFile) for row in file.series)

    @cached_property
    def clock(self) -> Mapping[str, Clock]:
        """The window of the publication clock of each dataset; raises ConfigurationError where it is wrong."""
        return {row.dataset: row for row in load(ClockFile, self.overlay).clock}

    @cached_property
    def limits(self) -> Limits:
        """What a payload may be and may cost; raises ConfigurationError where the file is wrong."""
        return Limits(load(LimitsFile, self.overlay))

    @cached_property
    def feeds(self) -> FeedsFile:
        """What each feed is needed for, and when a silent one is left alone; raises ConfigurationError where the file is wrong."""
        return load(FeedsFile, self.overlay)

    @cached_property
    def lexicon(self) -> Lexicon:
        """The lexicon: the operator's where it is right (the catalogue reports it where not), else the shipped one."""
        if self.overlay and (own := self.overlay / LEXICON).is_file():
            try:
                return read_lexicon(own.read_bytes())
            except ConfigurationError:
                pass
        return read_lexicon((SHIPPED / LEXICON).read_bytes())


SHIPPED_ONLY = Configuration()
