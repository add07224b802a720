"""The time at which releases come to deployment windows and change calendars.

A rehearsal may be at any time of the year, so that there is none unless it is said; from there on
time passes as fast as the rehearsal's minutes.
"""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from dpra_constructs.rehearsal.emulator.alarms.minutes import SCALE
from dpra_constructs.rehearsal.settings import read_settings


def rehearsed_time(began: float = 0.0) -> datetime | None:
    """Return which time it is; None where none is said.

    Args:
        began: seconds since the epoch before which it stands still; without it and `at_since` it
            always does.
    """
    settings = read_settings()
    if not settings.at:
        return None
    since = max(began, settings.at_since)
    passed = max(0.0, time.time() - since) * SCALE if since else 0.0
    return datetime.fromisoformat(settings.at) + timedelta(seconds=passed)
