"""How long alarms need after a deployment until they show it. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable

#: For CloudWatch to receive the last data points, and to evaluate them.
EVALUATION_DELAY_MINUTES = 2
SHORTEST_MINUTES = 5


def settle_minutes(alarms: Iterable[tuple[int, int]]) -> int:
    """Return the minutes after which every alarm has seen data of the new version alone.

    Args:
        alarms: for each its longest period in seconds, and how many periods it evaluates.

    >>> settle_minutes([(60, 3), (300, 2)])
    12
    >>> settle_minutes([(10, 1)])
    5
    """
    longest = max((period * periods for period, periods in alarms), default=0)
    return max(SHORTEST_MINUTES, math.ceil(longest / 60) + EVALUATION_DELAY_MINUTES)
