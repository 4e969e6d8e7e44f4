"""The embedded sample: AO from its listing to 2025-07-23 in the exact payload formats of the real sources, each of their feeds among them.

Three files hold all of its facts. `published.csv` lists the figures that were really published, each with its source and precision.
`events.csv` lists dated policy and market events with their sources. `simulated.toml` holds anchors and settings set by hand; they are
no market data. The modules turn these files and one seed into payloads, byte for byte the same on every machine.

No real payload, vendor file or price series lives here, no parsing and no I/O beyond reading those files. The sample knows
the formats from the outside, as an exchange would: it shares no code with the parsers it feeds.
"""

from ingest.sample.deliveries import deliveries
from ingest.sample.history import FIRST_DAY, LAST_DAY

__all__ = ["FIRST_DAY", "LAST_DAY", "deliveries"]
