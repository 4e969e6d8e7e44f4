"""What the panel's fit and licence are worth on generated panels, and what they cost.

    make bench
    python -m tests.benchmarks --part panel

Seeds by the hundred: how often a licence is earned where nothing can be known, and where 60 of 100 can; whether intervals hold what they
say; processor seconds of a fit of ten years of eighty products, both horizons. Of the models' tables only what the fit reads is generated,
but for the intervals, which the models make of generated quotes.
"""

import time
from pathlib import Path

from serving.research.panel.fitting import walk
from serving.research.panel.protocol import Protocol
from tests.benchmarks.results import Result, at_least, at_most
from tests.panels import MEDIUM, NORMAL_SIXTIETH, SHORT, configured, generated_quotes, generated_rows
from tests.pipeline.conftest import compiled, empty
from tests.pipeline.panel_house import PanelHouse, catalogue

SEEDS, PLANTED_SEEDS, INTERVAL_SEEDS, INTERVAL_PRODUCTS = 200, 20, 20, 6
SESSIONS = {SHORT: 1_500, MEDIUM: 2_200}
TEN_YEARS, EIGHTY = 2_430, 80


def results(folder: Path, home: Path) -> list[Result]:
    """Measure all of it; the home is not read."""
    protocol = configured()
    found: list[Result] = []
    for horizon, sessions in SESSIONS.items():
        for planted, seeds in ((0.0, SEEDS), (NORMAL_SIXTIETH, PLANTED_SEEDS)):
            earned = 0
            for seed in range(seeds):
                rows, span = generated_rows(seed, horizon, sessions, planted=planted)
                earned += walk(rows, horizon, span, protocol, judged=protocol.licence_refits).fits[-1].is_licensed
            how = f"15 products that move together (0.23), {sessions} sessions, {seeds} seeds, at the last refit"
            name = f"panel: licences of the {horizon.name} horizon where {'60 of 100 can' if planted else 'nothing can'} be known"
            # Power where something can be known depends on how alike the products move; it is shown, one licence is asked for.
            found.append(at_least(name, earned, "licences", 1, how) if planted else at_most(name, 100 * earned / seeds, "%", 5, how))
    return [*found, *intervals(folder), cost(protocol)]


def intervals(folder: Path) -> list[Result]:
    """Coverage of the intervals, as the mean over seeds of ten years of independent products."""
    models, base = compiled(empty(folder / "compiled")), catalogue(folder / "catalogue")
    wanted = [model for model in models if not model[0].endswith("_studies")]
    told: dict[str, list[float]] = {}
    for seed in range(INTERVAL_SEEDS):
        house = PanelHouse(base, wanted, generated_quotes(seed, INTERVAL_PRODUCTS, TEN_YEARS))
        for horizon, coverage in house.coverage().items():
            told.setdefault(horizon, []).append(coverage)
        house.con.close()
    how = f"mean of {INTERVAL_SEEDS} seeds, {INTERVAL_PRODUCTS} independent products, {TEN_YEARS} sessions; meant to lie between 78 and 82"
    return [
        at_most(f"panel: coverage of the {horizon} interval, distance from 80 %", abs(100 * sum(values) / len(values) - 80), "points", 2, how)
        for horizon, values in told.items()
    ]


def cost(protocol: Protocol) -> Result:
    """Processor seconds of a fit of ten years of eighty products, both horizons with every licence judged."""
    panels = [(horizon, *generated_rows(1, horizon, TEN_YEARS, EIGHTY)) for horizon in SESSIONS]
    started = time.process_time()
    fits = sum(len(walk(rows, horizon, span, protocol).fits) for horizon, rows, span in panels)
    return at_most("panel: fit of ten years of eighty products", time.process_time() - started, "CPU s", 60, f"{fits} refits, both horizons")
