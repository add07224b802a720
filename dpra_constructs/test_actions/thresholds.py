"""What a load test has to reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from dpra_constructs import arguments
from dpra_constructs.build_actions.build_action import Report
from dpra_constructs.build_actions.inlined_python import inlined_python
from dpra_constructs.errors import InvalidArgumentError

_RUNTIME = Path(__file__).parent / "runtime"
_REPORT = "reports/thresholds.xml"


@dataclass(frozen=True, kw_only=True, slots=True)
class Thresholds:
    """Limits that fail a load test (DPRA-GAMMA-PERFORMANCE); one that measures nothing fails too.

    Args:
        p95_ms: in how many milliseconds 95 % of the requests have to be answered.
        error_percent: how many of 100 requests may fail.
        per_second: how many requests a second have to be answered at least.

    Raises:
        InvalidArgumentError: a value is no positive number, or all are left out.

    >>> Thresholds(p95_ms=300, error_percent=0.1).arguments
    ('--p95-ms=300', '--error-percent=0.1')
    """

    p95_ms: float | None = None
    error_percent: float | None = None
    per_second: float | None = None

    def __post_init__(self) -> None:
        """Check the values."""
        where = "Thresholds"
        given = {name: getattr(self, name) for name in ("p95_ms", "error_percent", "per_second")}
        if all(value is None for value in given.values()):
            raise InvalidArgumentError(
                where, "there is none", "give one, like Thresholds(p95_ms=300, error_percent=1)"
            )
        for name, value in given.items():
            least, most = (0, 100) if name == "error_percent" else (1e-3, 1e9)
            number = isinstance(value, int | float) and not isinstance(value, bool)
            if value is not None and not (number and least <= value <= most):
                raise InvalidArgumentError(
                    where,
                    f"{name}={arguments.shown(value)} is not a number from {least:g} to {most:g}",
                    f"write it like {name}=1",
                )

    @property
    def arguments(self) -> tuple[str, ...]:
        """What the program that checks them is told."""
        return tuple(
            f"--{name.replace('_', '-')}={value:g}"
            for name in ("p95_ms", "error_percent", "per_second")
            if (value := getattr(self, name)) is not None
        )

    def command(self, format: str, results: str) -> str:
        """Return the command that checks a load generator's results."""
        given: Sequence[str] = [format, results, _REPORT, *self.arguments]
        return inlined_python("load_thresholds", given, _RUNTIME)

    @property
    def report(self) -> Report:
        """What that command writes."""
        return Report("load-test", [_REPORT])
