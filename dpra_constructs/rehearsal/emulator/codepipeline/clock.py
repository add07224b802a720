"""The executor's time: all of its waiting goes through one clock."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clock:
    """Real time, or time that passes faster.

    Args:
        scale: how many seconds of the service's waiting pass in one second here.
    """

    scale: float = 1.0

    def now(self) -> float:
        """Return the seconds since the epoch; not scaled, as it is shown to people."""
        return round(time.time(), 3)

    def wait(self, event: threading.Event, seconds: float | None) -> bool:
        """Wait until an event is set, or the time is over; return whether it is set."""
        return event.wait(None if seconds is None else seconds / self.scale)
