"""One page per source. `SOURCES` lists them in the order they are asked."""

from ingest.source import Source
from ingest.sources.capacity import Capacity
from ingest.sources.catalog import Catalog
from ingest.sources.shfe import Shfe
from ingest.sources.spot import Spot
from ingest.sources.unread import Unread

SOURCES: tuple[Source, ...] = (Catalog(), Shfe(), Spot(), Capacity(), Unread())
