"""One module per source; `sources` gives them in the order in which they are asked."""

from ingest.catalog.configuration import SHIPPED_ONLY, Configuration
from ingest.source import Source
from ingest.sources.bars import Bars
from ingest.sources.capacity import Capacity
from ingest.sources.catalog import Catalog
from ingest.sources.cost import Cost
from ingest.sources.customs import Customs
from ingest.sources.czce import Czce
from ingest.sources.expiry import Expiry
from ingest.sources.fx import Fx
from ingest.sources.gfex import Gfex
from ingest.sources.policy import Policy
from ingest.sources.shfe import Shfe
from ingest.sources.spot import Spot
from ingest.sources.unread import Unread


def sources(configuration: Configuration) -> tuple[Source, ...]:
    """Make every source for one run. They parse payloads by the catalogue that is passed in."""
    vendors = (Spot(configuration), Cost(configuration), Capacity(configuration), Bars(configuration))
    return (
        Catalog(),
        Shfe(configuration=configuration),
        Gfex(configuration),
        Czce(),
        Expiry(configuration),
        *vendors,
        Customs(configuration),
        Fx(),
        Policy(configuration=configuration),
        Unread(),
    )


SOURCES = sources(SHIPPED_ONLY)
"""Every source with the shipped catalogue, to ask for names, tables and days. A run parses with sources of its own."""
