"""One page per source. `SOURCES` lists them in the order they are asked."""

from ingest.source import Source
from ingest.sources.bars import Bars
from ingest.sources.capacity import Capacity
from ingest.sources.catalog import Catalog
from ingest.sources.cost import Cost
from ingest.sources.customs import Customs
from ingest.sources.fx import Fx
from ingest.sources.gfex import Gfex
from ingest.sources.policy import Policy
from ingest.sources.shfe import Shfe
from ingest.sources.spot import Spot
from ingest.sources.unread import Unread

SOURCES: tuple[Source, ...] = (Catalog(), Shfe(), Gfex(), Spot(), Cost(), Capacity(), Bars(), Customs(), Fx(), Policy(), Unread())
