"""How values are shown to people."""

from __future__ import annotations

from dpra_constructs.delivery_metrics.runtime.calculations import Metrics

#: What stands where there is no value.
NO_VALUE = "-"
_UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def shown_duration(seconds: float | None) -> str:
    """Return a duration in its two largest units.

    >>> shown_duration(93_600), shown_duration(150), shown_duration(0), shown_duration(None)
    ('1 d 2 h', '2 min 30 s', '0 s', '-')
    """
    if seconds is None:
        return NO_VALUE
    rest = round(seconds)
    parts: list[str] = []
    for size, unit in _UNITS:
        count, rest = divmod(rest, size)
        if count or (parts and len(parts) < 2):
            parts.append(f"{count} {unit}" if count else "")
        if len(parts) == 2:
            break
    return " ".join(filter(None, parts)) or "0 s"


def shown_values(metrics: Metrics) -> list[tuple[str, str]]:
    """Return each metric's name and value, as text."""
    frequency = metrics.deploy_frequency_per_day
    rate = metrics.change_failure_rate
    return [
        ("Lead time", shown_duration(metrics.lead_time_seconds)),
        ("Deployments", str(metrics.deployments)),
        ("Deploy frequency", NO_VALUE if frequency is None else f"{frequency:.2f} a day"),
        ("MTBF", shown_duration(metrics.mtbf_seconds)),
        ("MTTR", shown_duration(metrics.mttr_seconds)),
        ("Change failure rate", NO_VALUE if rate is None else f"{rate:.0%}"),
        ("Rollbacks", str(metrics.rollbacks)),
    ]
