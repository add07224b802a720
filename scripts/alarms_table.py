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
from dpra_constructs.monitoring.health_alarms.functions import function_dimensions
from dpra_constructs.monitoring.synthetic_tests.definition import failing
from dpra_constructs.progressive_deployment.progressive_function import (
    ALIAS,
    version_definitions,
)

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
    tables = {name: _table(alarms) for name, alarms in definitions().items()}
    for name, lines in {**tables, "dimensions of calls": _dimensions()}.items():
        table = "\n".join(lines)
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


def _dimensions() -> Iterator[str]:
    """Yield the table of whose calls the alarms of functions watch."""
    thresholds = FunctionThresholds(concurrent_count=100)
    all_of_them = [each.id for each in thresholds.definitions()]
    of_version = [each.id for each in version_definitions(thresholds)]
    function = "<function>"
    yield "| Alarms | Made by | Dimensions | Calls that count |"
    yield "| --- | --- | --- | --- |"
    for alarms, maker, dimensions, calls in (
        (
            all_of_them,
            "`function_alarms(function)`",
            function_dimensions(function),
            "all, of every version and alias",
        ),
        (
            all_of_them,
            "`function_alarms(alias)`, and `ProgressiveFunction` with its alias",
            function_dimensions(function, ALIAS),
            "those by the alias, which are those of users",
        ),
        (
            of_version,
            "`ProgressiveFunction`, where the shift is progressive",
            function_dimensions(function, ALIAS, "<version>"),
            "those by the alias that the new version answered",
        ),
    ):
        shown = ", ".join(f"`{name}={value}`" for name, value in dimensions)
        yield f"| {', '.join(f'`{each}`' for each in alarms)} | {maker} | {shown} | {calls} |"


if __name__ == "__main__":
    DOCUMENT.write_text(document(DOCUMENT.read_text("utf-8")), "utf-8")
