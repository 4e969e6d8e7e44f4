"""SMM-style spot prices by drop file: national index, regional ranges and the vendor's own 11:30 spread; prices abroad, freight, selling FX."""

from ingest.catalog.configuration import SHIPPED_ONLY, Configuration
from ingest.vendor import Feed, VendorSource


class Spot(VendorSource):
    """Feed `spot_price` into `spot__quotes`, `overseas` (FOB, freight by route, CIF, bank selling FX) into `spot__overseas`."""

    def __init__(self, configuration: Configuration = SHIPPED_ONLY) -> None:
        super().__init__("spot", {"spot_price": Feed("spot__quotes", "daily"), "overseas": Feed("spot__overseas", "daily")}, configuration)
