"""SMM-style spot prices: national index, regional ranges and the vendor's own 11:30 spread, by drop file."""

from ingest.vendor import VendorSource


class Spot(VendorSource):
    """Feed `spot_price` into `spot__quotes`."""

    def __init__(self) -> None:
        super().__init__("spot", "spot__quotes", {"spot_price": "daily"})
