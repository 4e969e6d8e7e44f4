"""Cost, profit and input prices as vendors state them, by drop file.

The daily cost-profit model and the monthly weighted full cost are different series: `basis_note` carries the model, the
series id separates them, and one id under two models is refused by the table's rules.
"""

from ingest.catalog.configuration import SHIPPED_ONLY, Configuration
from ingest.vendor import Feed, VendorSource


class Cost(VendorSource):
    """Feeds `cost_profit` and `inputs` (bauxite, caustic soda, coal, power, lime) into `cost__series`."""

    def __init__(self, configuration: Configuration = SHIPPED_ONLY) -> None:
        super().__init__("cost", {"cost_profit": Feed("cost__series", "daily"), "inputs": Feed("cost__series", "weekly")}, configuration)
