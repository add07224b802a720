"""Asks the addresses of a deployed application, so that its alarms have data."""

from __future__ import annotations

import math
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

from dpra_constructs.errors import RehearsalError
from dpra_constructs.rehearsal.isolation import is_loopback

_SECONDS = 30


@contextmanager
def load(
    addresses: Sequence[str], *, per_minute: float, time_scale: float, slowest_seconds: float = 0.0
) -> Iterator[None]:
    """Ask each address until the end.

    Args:
        addresses: of the emulator.
        per_minute: how often each is asked in a minute of the rehearsal.
        time_scale: how many of its minutes pass in one.
        slowest_seconds: how long an answer takes; the next is asked for meanwhile, as users would
            not wait for each other.

    Raises:
        RehearsalError: an address is not on this machine.
    """
    for address in addresses:
        if not is_loopback(address):
            raise RehearsalError(f"the application's address {address} is not on this machine")
    over = threading.Event()
    between = 60 / per_minute / time_scale
    at_once = 2 + math.ceil(slowest_seconds / between)
    pause = between * at_once - slowest_seconds
    threads = [
        threading.Thread(target=_ask, args=(address, pause, over), daemon=True)
        for address in addresses
        for _ in range(at_once)
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join(_SECONDS)


def _ask(address: str, pause: float, over: threading.Event) -> None:
    while not over.wait(pause):
        # An error is an answer too; that nobody listens is seen by whoever follows the pipeline.
        with suppress(urllib.error.URLError, OSError):
            urllib.request.urlopen(address, timeout=_SECONDS).close()
