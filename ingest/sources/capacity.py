"""Capacity, operating rate, output and stocks as vendors state them (SMM, ALD, Mysteel; never mixed), by drop file."""

from ingest.catalog.configuration import SHIPPED_ONLY, Configuration
from ingest.vendor import Feed, VendorSource


class Capacity(VendorSource):
    """Feeds `capacity` and `inventory` into `capacity__series`."""

    def __init__(self, configuration: Configuration = SHIPPED_ONLY) -> None:
        super().__init__("capacity", {"capacity": Feed("capacity__series", "weekly"), "inventory": Feed("capacity__series", "weekly")}, configuration)
