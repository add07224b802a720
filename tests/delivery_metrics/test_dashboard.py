"""What stands on the dashboards."""

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import App, Environment, Stack
from cfnlint.jsonschema import StandardValidator

from dpra_constructs import InvalidArgumentError
from dpra_constructs.delivery_metrics import FleetDashboard, PipelineDashboard
from dpra_constructs.delivery_metrics.dashboard import fleet_body
from dpra_constructs.delivery_metrics.runtime.publish import UNITS
from tests.conftest import Synthesized, resources
from tests.delivery_metrics.dashboard_schema import SCHEMA

FULL = PipelineDashboard(
    time_budgets_minutes={"Build": 10, "Beta": 30, "Gamma": 30, "Extra": 5},
    health=[("gamma", "us-west-2"), ("prod", "us-west-2"), ("prod", "eu-central-1")],
)


def body(dashboard: PipelineDashboard = FULL) -> dict[str, Any]:
    return dashboard.body(
        pipeline="fruit", region="us-west-2", log_group="/aws/lambda/fruit-X", window_days=30
    )


def problems(document: dict[str, Any]) -> list[str]:
    return [error.message for error in StandardValidator(SCHEMA).iter_errors(document)]


@pytest.mark.parametrize(
    "document",
    [
        body(),
        body(PipelineDashboard()),
        fleet_body(regions=["us-west-2"], window_days=90),
        fleet_body(regions=["us-west-2", "eu-central-1"], window_days=455),
    ],
    ids=["full", "of another pipeline", "fleet", "fleet of two regions"],
)
def test_the_body_is_one_that_cloudwatch_takes(document: dict[str, Any]) -> None:
    assert problems(document) == []
    assert len(json.dumps(document)) < 100_000


def spoil_view(widgets: list[dict[str, Any]]) -> None:
    widgets[1]["properties"]["view"] = "lines"


def spoil_period(widgets: list[dict[str, Any]]) -> None:
    widgets[1]["properties"]["period"] = 90


def spoil_width(widgets: list[dict[str, Any]]) -> None:
    widgets[1]["width"] = 25


def spoil_region(widgets: list[dict[str, Any]]) -> None:
    del widgets[1]["properties"]["region"]


def spoil_id(widgets: list[dict[str, Any]]) -> None:
    widgets[1]["properties"]["metrics"][0][0]["id"] = "E1"


@pytest.mark.parametrize("spoil", [spoil_view, spoil_period, spoil_width, spoil_region, spoil_id])
def test_the_schema_finds_what_cloudwatch_refuses(
    spoil: Callable[[list[dict[str, Any]]], None],
) -> None:
    spoilt = copy.deepcopy(body())
    spoil(spoilt["widgets"])
    assert problems(spoilt)


def test_no_widget_lies_on_another() -> None:
    for document in (body(), fleet_body(regions=["us-west-2"], window_days=30)):
        taken: set[tuple[int, int]] = set()
        for widget in document["widgets"]:
            assert widget["x"] + widget["width"] <= 24
            cells = {
                (widget["x"] + across, widget["y"] + down)
                for across in range(widget["width"])
                for down in range(widget["height"])
            }
            assert not taken & cells
            taken |= cells


def titles(document: dict[str, Any]) -> list[str]:
    return [widget["properties"].get("title", "") for widget in document["widgets"]]


def test_what_is_on_the_dashboard_of_a_pipeline() -> None:
    assert titles(body()) == [
        "",
        "Lead time (hours)",
        "Deploy frequency (a day)",
        "MTBF (hours)",
        "MTTR (hours)",
        "Change failure rate (%)",
        "Deployments",
        "Rollbacks",
        "Build: minutes, and its budget",
        "Beta: minutes, and its budget",
        "Gamma: minutes, and its budget",
        "Extra: minutes, and its budget",
        "Health",
        "Bake in progress (readings)",
        "Last executions",
    ]


def metrics_of(document: dict[str, Any]) -> set[tuple[str, ...]]:
    return {
        tuple(part for part in metric if isinstance(part, str))
        for widget in document["widgets"]
        for metric in widget["properties"].get("metrics", [])
        if isinstance(metric[0], str)
    }


def test_the_metrics_are_those_that_are_published() -> None:
    found = metrics_of(body())
    assert {metric for metric in found if len(metric) == 4} == {
        ("DPRA", name, "Pipeline", "fruit") for name in UNITS
    }
    assert ("DPRA", "StageDuration", "Pipeline", "fruit", "Stage", "Beta") in found
    environment = ("Environment", "prod", "Region", "eu-central-1")
    assert ("DPRA", "Healthy", "Pipeline", "fruit", *environment) in found


def test_delivery_metrics_are_read_by_a_statistic_that_repetition_does_not_change() -> None:
    for widget in body()["widgets"]:
        if any(metric in str(widget) for metric in UNITS):
            assert widget["properties"]["stat"] == "Maximum"


def test_the_fleet_finds_every_pipeline_by_search() -> None:
    document = fleet_body(regions=["us-west-2", "eu-central-1"], window_days=30)
    expressions = [
        (metric[0]["region"], metric[0]["expression"])
        for widget in document["widgets"]
        for metric in widget["properties"].get("metrics", [])
    ]
    assert len(expressions) == 2 * len(UNITS)
    assert (
        "eu-central-1",
        "FILL(SEARCH('{DPRA,Pipeline} MetricName=\"LeadTime\"', 'Maximum', 86400), REPEAT)/3600",
    ) in expressions


def test_the_dashboard_of_the_example(fruit_api: Synthesized) -> None:
    [dashboard] = resources(fruit_api.template, "AWS::CloudWatch::Dashboard")
    document = json.loads(dashboard["DashboardBody"])
    assert problems(document) == []
    healthy = {metric for metric in metrics_of(document) if metric[1] == "Healthy"}
    # Six regions of gamma and six of prod.
    assert len(healthy) == 6 + 6
    assert "Gamma: minutes, and its budget" in titles(document)


def test_the_fleet_dashboard_is_one_resource() -> None:
    stack = Stack(App(), "Fleet", env=Environment(account="111111111111", region="eu-central-1"))
    fleet = FleetDashboard(stack, "Fleet")
    document = json.loads(fleet.dashboard.dashboard_body)
    assert problems(document) == []
    assert document["widgets"][1]["properties"]["region"] == "eu-central-1"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"name": "a b"},
            "FleetDashboard \"Fleet\": name='a b' is not the name of a dashboard: 1 to 255 "
            'letters, digits, hyphens and underscores; write it like name="delivery-metrics"',
        ),
        (
            {"regions": ["us"]},
            "FleetDashboard \"Fleet\": regions='us' is not the name of an AWS region; write it "
            'like "eu-central-1"',
        ),
        (
            {"shown_days": 0},
            'FleetDashboard "Fleet": shown_days=0 is not a whole number from 1 to 455; write it '
            "like shown_days=80",
        ),
        (
            {"regions": []},
            'FleetDashboard "Fleet": regions is empty; give regions at least one',
        ),
    ],
)
def test_a_fleet_dashboard_that_cannot_be_is_refused(
    arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        FleetDashboard(Stack(App(), "Fleet"), "Fleet", **arguments)
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"time_budgets_minutes": ["Build"]},
            "PipelineDashboard: time_budgets_minutes=['Build'] is not a mapping of names of "
            'pipeline stages to minutes; write it like time_budgets_minutes={"Build": 10}',
        ),
        (
            {"time_budgets_minutes": {"Build": 0}},
            "PipelineDashboard: time_budgets_minutes['Build']=0 is not a whole number from 1 to "
            "10080; write it like time_budgets_minutes['Build']=80",
        ),
        (
            {"health": ["prod"]},
            "PipelineDashboard: health=['prod'] is not a sequence of pairs of an environment and a "
            'region; write it like health=[("prod", "us-west-2")]',
        ),
    ],
)
def test_a_dashboard_that_cannot_be_is_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        PipelineDashboard(**arguments)
    assert str(raised.value) == message
