"""What stands on the dashboards, as CloudWatch's JSON: pure.

Source of its structure:
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dpra_constructs import arguments
from dpra_constructs.delivery_metrics.runtime.publish import DIMENSION, NAMESPACE
from dpra_constructs.errors import InvalidArgumentError

Widget = dict[str, Any]
_COLUMNS = 24
_HEIGHT = 6
_DAY = 86_400
_MINUTE = 60
# What is shown of a metric: its title, unit, and by what its value is divided.
_SHOWN = {
    "LeadTime": ("Lead time", "hours", 3_600),
    "DeployFrequency": ("Deploy frequency", "a day", 1),
    "MeanTimeBetweenFailures": ("MTBF", "hours", 3_600),
    "MeanTimeToRecovery": ("MTTR", "hours", 3_600),
    "ChangeFailureRate": ("Change failure rate", "%", 1),
    "Deployments": ("Deployments", "", 1),
    "Rollbacks": ("Rollbacks", "", 1),
}
_OVER_BUDGET = "#d62728"


@dataclass(frozen=True, kw_only=True, slots=True)
class PipelineDashboard:
    """What the dashboard of a pipeline shows beside its delivery metrics and executions.

    Args:
        time_budgets_minutes: how long each pipeline stage may take, by its name; of these the
            metric `StageDuration` is published.
        health: environments and regions whose bake publishes the metric `Healthy`, as pairs.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> PipelineDashboard(time_budgets_minutes={"Build": 10}, health=[("prod", "us-west-2")]).health
    (('prod', 'us-west-2'),)
    """

    time_budgets_minutes: Mapping[str, int] = field(default_factory=dict)
    health: Sequence[tuple[str, str]] = ()

    def __post_init__(self) -> None:
        """Check the values and freeze them."""
        where = type(self).__name__
        if not isinstance(self.time_budgets_minutes, Mapping):
            raise InvalidArgumentError(
                where,
                f"time_budgets_minutes={arguments.shown(self.time_budgets_minutes)} is not a "
                "mapping of names of pipeline stages to minutes",
                'write it like time_budgets_minutes={"Build": 10}',
            )
        for stage, minutes in self.time_budgets_minutes.items():
            arguments.text(where, "time_budgets_minutes", stage)
            arguments.count(1, 10_080)(where, f"time_budgets_minutes[{stage!r}]", minutes)
        health = tuple(tuple(each) for each in self.health)
        if not all(
            len(each) == 2 and all(isinstance(text, str) for text in each) for each in health
        ):
            raise InvalidArgumentError(
                where,
                f"health={arguments.shown(self.health)} is not a sequence of pairs of an "
                "environment and a region",
                'write it like health=[("prod", "us-west-2")]',
            )
        object.__setattr__(self, "health", health)

    def body(
        self, *, pipeline: str, region: str, log_group: str, window_days: int
    ) -> dict[str, Any]:
        """Return the dashboard's body.

        Args:
            pipeline: the pipeline's name.
            region: where it is.
            log_group: where the metrics' function writes.
            window_days: how far the metrics look back.
        """
        heading = (
            f"# {pipeline}\nEach value of the delivery metrics looks back {window_days} days. "
            "Health is read by bakes: 1 is healthy, 0 is not."
        )
        rows: list[list[Widget]] = [
            [_text(heading)],
            [
                _delivery_metric(name, pipeline, region)
                for name in (
                    "LeadTime",
                    "DeployFrequency",
                    "MeanTimeBetweenFailures",
                    "MeanTimeToRecovery",
                )
            ],
            [
                _delivery_metric(name, pipeline, region)
                for name in ("ChangeFailureRate", "Deployments", "Rollbacks")
            ],
        ]
        budgets = list(self.time_budgets_minutes.items())
        # Three in a row can be read.
        rows.extend(
            [_stage_duration(pipeline, region, *each) for each in budgets[start : start + 3]]
            for start in range(0, len(budgets), 3)
        )
        if self.health:
            rows.append(
                [
                    self._healths("Health", "Minimum", "singleValue", pipeline, region),
                    self._healths(
                        "Bake in progress (readings)", "SampleCount", "timeSeries", pipeline, region
                    ),
                ]
            )
        rows.append([_executions(log_group, region)])
        return {"start": f"-P{window_days}D", "widgets": list(_laid_out(rows))}

    def _healths(self, title: str, stat: str, view: str, pipeline: str, region: str) -> Widget:
        """Return the readings of all bakes: whether healthy, or that there are any."""
        properties: dict[str, Any] = {
            "title": title,
            "view": view,
            "region": region,
            "stat": stat,
            "period": _MINUTE,
            "metrics": [
                [
                    NAMESPACE,
                    "Healthy",
                    DIMENSION,
                    pipeline,
                    "Environment",
                    environment,
                    "Region",
                    where,
                    {"label": f"{environment} {where}"},
                ]
                for environment, where in self.health
            ],
        }
        if view == "timeSeries":
            properties |= {"stacked": True, "yAxis": {"left": {"min": 0, "showUnits": False}}}
        return {"type": "metric", "properties": properties}


def fleet_body(*, regions: Sequence[str], window_days: int) -> dict[str, Any]:
    """Return the body of a dashboard of all pipelines, which new ones come onto by themselves.

    Args:
        regions: where the pipelines are.
        window_days: how much time it shows at first.
    """
    names = list(_SHOWN)
    rows: list[list[Widget]] = [
        [_text("# Delivery metrics of all pipelines\nOne line for each pipeline.")],
        [_of_all(name, regions) for name in names[:2]],
        [_of_all(name, regions) for name in names[2:4]],
        [_of_all(name, regions) for name in names[4:]],
    ]
    return {"start": f"-P{window_days}D", "widgets": list(_laid_out(rows))}


def _laid_out(rows: Sequence[Sequence[Widget]]) -> Iterator[Widget]:
    """Give the widgets of each row the same width."""
    top = 0
    for row in rows:
        height = 2 if row[0]["type"] == "text" else _HEIGHT
        width = _COLUMNS // len(row)
        for index, widget in enumerate(row):
            yield {"x": index * width, "y": top, "width": width, "height": height, **widget}
        top += height


def _text(markdown: str) -> Widget:
    return {"type": "text", "properties": {"markdown": markdown}}


def _scaled(expression: str, divisor: int) -> str:
    """Return an expression that holds a value until there is another, in a larger unit."""
    held = f"FILL({expression}, REPEAT)"
    return held if divisor == 1 else f"{held}/{divisor}"


def _time_series(name: str, region: str, metrics: list[Any]) -> Widget:
    title, unit, _ = _SHOWN[name]
    return {
        "type": "metric",
        "properties": {
            "title": f"{title} ({unit})" if unit else title,
            "view": "timeSeries",
            "region": region,
            # A value that is published twice is the same value.
            "stat": "Maximum",
            "period": _DAY,
            "yAxis": {"left": {"min": 0, "showUnits": False}},
            "metrics": metrics,
        },
    }


def _delivery_metric(name: str, pipeline: str, region: str) -> Widget:
    title, _, divisor = _SHOWN[name]
    return _time_series(
        name,
        region,
        [
            [{"expression": _scaled("m1", divisor), "label": title, "id": "e1"}],
            [NAMESPACE, name, DIMENSION, pipeline, {"id": "m1", "visible": False}],
        ],
    )


def _of_all(name: str, regions: Sequence[str]) -> Widget:
    divisor = _SHOWN[name][2]
    search = f"SEARCH('{{{NAMESPACE},{DIMENSION}}} MetricName=\"{name}\"', 'Maximum', {_DAY})"
    return _time_series(
        name,
        regions[0],
        [
            [
                {
                    "expression": _scaled(search, divisor),
                    "label": f"${{PROP('Dim.{DIMENSION}')}}",
                    "id": f"e{index + 1}",
                    "region": region,
                }
            ]
            for index, region in enumerate(regions)
        ],
    )


def _stage_duration(pipeline: str, region: str, stage: str, budget_minutes: int) -> Widget:
    metric = [NAMESPACE, "StageDuration", DIMENSION, pipeline, "Stage", stage]
    return {
        "type": "metric",
        "properties": {
            "title": f"{stage}: minutes, and its budget",
            "view": "timeSeries",
            "region": region,
            "stat": "Maximum",
            "period": 3_600,
            "yAxis": {"left": {"min": 0, "showUnits": False}},
            "metrics": [
                [{"expression": "FILL(m1, REPEAT)/60", "label": stage, "id": "e1"}],
                [*metric, {"id": "m1", "visible": False}],
            ],
            "annotations": {
                "horizontal": [
                    {
                        "label": f"budget: {budget_minutes} min",
                        "value": budget_minutes,
                        "color": _OVER_BUDGET,
                        "fill": "above",
                    }
                ]
            },
        },
    }


def _executions(log_group: str, region: str) -> Widget:
    query = " | ".join(
        (
            f"SOURCE '{log_group}'",
            "fields Ended, Status, ExecutionType, Revisions, Started, ExecutionId",
            "filter ispresent(ExecutionId)",
            "sort Ended desc",
            "dedup ExecutionId",
            "limit 20",
        )
    )
    return {
        "type": "log",
        "properties": {
            "title": "Last executions",
            "view": "table",
            "region": region,
            "query": query,
        },
    }
