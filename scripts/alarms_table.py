"""Writes the tables of `docs/alarms.md` from the code.

Run as `python scripts/alarms_table.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from dpra_constructs.monitoring import (
    AlarmDefinition,
    ApiThresholds,
    ErrorLineThresholds,
    FunctionThresholds,
    LoadBalancerThresholds,
    QueueThresholds,
    ServiceThresholds,
    TableThresholds,
    TargetGroupThresholds,
)
from dpra_constructs.monitoring.synthetic_tests.definition import failing

DOCUMENT = Path(__file__).parents[1] / "docs" / "alarms.md"
_COMPARED = {"GreaterThanThreshold": ">", "LessThanThreshold": "<"}
_COLUMNS = (
    *("Alarm", "Metrics", "Statistic", "Period", "Watched", "Datapoints", "Bad when"),
    *("Missing data", "Why"),
)


def definitions() -> dict[str, list[AlarmDefinition]]:
    """Return the alarms with their default thresholds, by the function that makes them."""
    api = ApiThresholds(client_error_percent=20)
    queue = QueueThresholds()
    return {
        "function_alarms": list(FunctionThresholds(concurrent_count=100).definitions()),
        "http_api_alarms": list(api.definitions(rest=False)),
        "rest_api_alarms": list(api.definitions(rest=True)),
        "load_balancer_alarms": list(LoadBalancerThresholds().definitions()),
        "target_group_alarms": list(TargetGroupThresholds().definitions()),
        "service_alarms": list(ServiceThresholds().definitions()),
        "queue_alarms": [*queue.definitions(), *queue.dead_letter_definitions()],
        "table_alarms": list(TableThresholds().definitions()),
        "SyntheticTest": [failing()],
        "error_line_alarms": list(ErrorLineThresholds().definitions("<log group>")),
    }


def document(text: str) -> str:
    """Return the document with its tables as the code has them."""
    for name, alarms in definitions().items():
        table = "\n".join(_table(alarms))
        begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
        text, found = re.subn(
            f"{re.escape(begin)}.*?{re.escape(end)}",
            f"{begin}\n{table}\n{end}".replace("\\", r"\\"),
            text,
            flags=re.DOTALL,
        )
        if found != 1:
            raise SystemExit(f"{DOCUMENT.name} has {found} places for {name}")
    return text


def _table(alarms: Iterable[AlarmDefinition]) -> Iterator[str]:
    yield f"| {' | '.join(_COLUMNS)} |"
    yield f"| {' | '.join('---' for _ in _COLUMNS)} |"
    for alarm in alarms:
        # Several operations have the same metric.
        measures = dict.fromkeys((each.metric, each.statistic) for each in alarm.measures.values())
        cells = (
            f"`{alarm.id}`",
            ", ".join(f"`{metric}`" for metric, _ in measures),
            ", ".join(statistic for _, statistic in measures),
            f"{alarm.period_seconds} s",
            f"`{alarm.expression}`",
            f"{alarm.datapoints} of {alarm.periods}",
            f"{_COMPARED[alarm.comparison]} {alarm.threshold:g}",
            f"`{alarm.missing}`: {alarm.missing_because}",
            f"{alarm.why}.",
        )
        yield f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    DOCUMENT.write_text(document(DOCUMENT.read_text("utf-8")), "utf-8")
