"""The simulated member ranking: fictional members, each with a steady appetite per contract and board, drifting from day to day."""

from functools import lru_cache
from random import Random
from typing import NamedTuple

from ingest.sums import added

RANKS = 20


class Place(NamedTuple):
    """One member on one board."""

    member: int
    lots: int
    change: int


@lru_cache(maxsize=1024)
def _appetite(seed: str, contract: str, board: int, members: int) -> tuple[float, ...]:
    """Give each member's share of a contract's board; the shares of all members add to 1."""
    shares = [1 / (k + 4) for k in range(members)]
    Random(f"{seed}:appetite:{contract}:{board}").shuffle(shares)
    return tuple(share / added(shares) for share in shares)


@lru_cache(maxsize=256)
def _lots(seed: str, contract: str, board: int, day: int, total: int, members: int) -> tuple[int, ...]:
    rng = Random(f"{seed}:ranking:{contract}:{board}:{day}")
    return tuple(int(total * share * (0.9 + 0.2 * rng.random())) for share in _appetite(seed, contract, board, members))


def board(seed: str, contract: str, which: int, day: int, totals: tuple[int, int], members: int, names: int) -> list[Place]:
    """Rank the members on one board; `totals` is what all of them hold today and held yesterday."""
    today, before = (_lots(seed, contract, which, day - back, totals[back], members) for back in (0, 1))
    best = sorted(range(members), key=lambda member: (-today[member], member))[:names]
    return [Place(member, today[member], today[member] - before[member]) for member in best]
