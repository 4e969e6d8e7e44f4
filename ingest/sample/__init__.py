"""The embedded sample: AO from its listing to 2025-07-23 in the exact payload formats of the real sources, each of their feeds among them.

Three files hold all of its facts. `published.csv` is the ledger of figures that were really published, each with its source
and precision, and `events.csv` the dated policy and market events with theirs; `simulated.toml` holds hand-set anchors and knobs,
which are nobody's data. The modules turn them into payloads: a pure function of these files and one seed, byte for byte the same
on every machine.

No real payload, vendor file or price series lives here, no parsing and no I/O beyond reading those files. The sample knows
the formats from the outside, as an exchange would: it shares no code with the parsers it feeds.
"""

from ingest.sample.deliveries import deliveries
from ingest.sample.history import FIRST_DAY, LAST_DAY

__all__ = ["FIRST_DAY", "LAST_DAY", "deliveries"]
