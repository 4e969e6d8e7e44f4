"""Generated panels whose truth is known: rows for the fit, and quotes in the exchanges' shape for the models.

One copy, for tests and benchmarks. Every panel follows from its seed. Nothing here resembles a real market more than a test needs.
"""

import numpy as np

from serving.research.panel.protocol import NEVER, Horizon, Rows, Span, rows

SHORT = Horizon("short", 5, ("mom12", "carry"))
MEDIUM = Horizon("medium", 30, ("mom12", "carry", "bmom", "rcpt"))
WARM_UP = 500
"""Sessions of a panel before its first rows."""
NORMAL_SIXTIETH = 0.2533
"""Below it lie 60 % of a normal distribution."""


def generated_rows(
    seed: int, horizon: Horizon, sessions: int, products: int = 15, *, planted: float = 0.0, correlation: float = 0.23
) -> tuple[Rows, Span]:
    """Give the rows of a panel: signals that last for months, returns of each day with a common part.

    `planted` is how far a rise goes with the sign of the first signal, in standard deviations over the horizon: NORMAL_SIXTIETH makes 60 of
    100 rises. With 0 nothing can be known, which is what permuted outcomes are: signals and outcomes of two worlds.
    """
    rng = np.random.default_rng(seed)
    h, k = horizon.sessions, len(horizon.signals)
    signals = np.empty((sessions, products, k))
    signals[0] = rng.normal(size=(products, k))
    for t in range(1, sessions):
        signals[t] = 0.98 * signals[t - 1] + np.sqrt(1 - 0.98**2) * rng.normal(size=(products, k))
    returns = np.sqrt(correlation) * rng.normal(size=(sessions, 1)) + np.sqrt(1 - correlation) * rng.normal(size=(sessions, products))
    level = np.vstack([np.zeros(products), np.cumsum(returns, axis=0)])
    outcome = np.full((sessions, products), np.nan)
    outcome[: sessions - h] = (level[h + 1 :] - level[1:-h]) / np.sqrt(h)
    outcome += planted * np.sign(signals[:, :, 0])
    session, product = np.divmod(np.arange(sessions * products), products)
    counts = session >= WARM_UP
    known = np.where(session + h < sessions, session + h, NEVER)
    told = rows(session[counts], product[counts], list(np.clip(signals, -2, 2).reshape(-1, k)[counts].T), outcome.reshape(-1)[counts], known[counts])
    return told, Span(0, sessions - 1)
