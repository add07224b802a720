"""CloudWatch's time: minutes that pass as fast as those of a bake.

Data points are stored with the real time. For an evaluation they are put on a line on which a
minute is as much shorter as the rehearsal is faster; only the age of data counts there.
"""

from __future__ import annotations

import os
import time

from dpra_constructs.rehearsal.settings import TIME_SCALE

SCALE = float(os.environ.get(TIME_SCALE, "1"))
_BEGAN = time.time()


def scaled(real: float) -> float:
    """Return where a real time stands on the scaled line."""
    return _BEGAN + (real - _BEGAN) * SCALE


def unscaled(scaled: float) -> float:
    """Return the real time of a place on the scaled line."""
    return _BEGAN + (scaled - _BEGAN) / SCALE
