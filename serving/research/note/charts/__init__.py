"""The charts of the page, as Vega-Lite made with Altair. Each shows published rows known at the decision; one without any is not drawn."""

from collections.abc import Callable, Sequence

from serving.research.note.charts import futures, goods, physical, statements
from serving.research.note.charts.drawing import CONFIG, Chart
from serving.research.note.charts.futures import Level
from serving.research.note.known import Known

FIGURES: tuple[Callable[[Known], Chart | None], ...] = (goods.receipts, physical.premium, physical.profit, physical.imports, physical.trade)
"""The figures of a research note after the first, the price."""
MORE: tuple[Callable[[Known], Chart | None], ...] = (
    physical.regions,
    futures.curve,
    futures.spreads,
    futures.positions,
    futures.members,
    goods.season_receipts,
    goods.season_stocks,
    goods.season_basis,
    statements.score,
    statements.record,
)
"""What a desk looks up beside them."""
SIX = 1 + len(FIGURES)


def draw(known: Known, levels: Sequence[Level]) -> tuple[list[Chart], list[Chart]]:
    """Draw the figures of the note and what a desk looks up beside them; `levels` are the outlook's own price levels, in the order they are told."""
    from altair.utils.schemapi import debug_mode

    with debug_mode(False):  # checking every part against the schema takes half the time; the tests check the whole
        first = [found for found in (futures.price(known, levels), *(make(known) for make in FIGURES)) if found]
        return first, [found for make in MORE if (found := make(known))]


__all__ = ["CONFIG", "SIX", "Chart", "Level", "draw"]
