"""How tests ask servers on this machine."""

from functools import cache

import httpx


@cache
def local() -> httpx.Client:
    """Give the client of this process, which is made once: each new one reads every certificate of the machine, 30 ms of processor time.

    It opens a connection for each question, as servers come and go.
    """
    return httpx.Client(timeout=120, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))
