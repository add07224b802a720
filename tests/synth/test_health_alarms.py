"""The ready-made alarms: what they look at, and when they fire on courses of data."""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import pytest
from aws_cdk import App, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from aws_cdk.assertions import Template
from hypothesis import given
from hypothesis import strategies as st

from dpra_constructs import InvalidArgumentError
from dpra_constructs.monitoring import (
    ApiThresholds,
    DeploymentHealth,
    ErrorLineThresholds,
    FunctionThresholds,
    LoadBalancerThresholds,
    QueueThresholds,
    ServiceThresholds,
    TableThresholds,
    TargetGroupThresholds,
    error_line_alarms,
    function_alarms,
    http_api_alarms,
    load_balancer_alarms,
    queue_alarms,
    rest_api_alarms,
    service_alarms,
    table_alarms,
    target_group_alarms,
)
from dpra_constructs.rehearsal.alarm_evaluation import ALARM, Datapoint, Metric, evaluate_alarm
from dpra_constructs.testing import unacknowledged_findings
from tests.conftest import resources
from tests.synth.every_health_alarm import alarms_of_every_kind, function
from tests.synth.test_deployment_health import TARGET, application

KINDS, PROPERTIES = alarms_of_every_kind()
ALARMS = {
    f"{kind}: {alarm.definition.id}": (alarm.definition, PROPERTIES[alarm.node.path])
    for kind, alarms in KINDS.items()
    for alarm in alarms
}
# Long enough for every alarm to have looked at nothing but it.
MINUTES = 30
START = 1_800_000_000 // 3600 * 3600
BUSY, QUIET = 200, 3

#: What a resource publishes in one minute, by scenario: values of each metric.
Course = Callable[[int], list[float]]


def constant(*values: float) -> Course:
    return lambda minute: list(values)


def once(bad: list[float], good: list[float]) -> Course:
    return lambda minute: bad if minute == MINUTES // 2 else good


def requests(count: int, failing: int) -> Course:
    """A metric that is 1 for a request that fails, and 0 for one that does not."""
    return constant(*[1.0] * failing, *[0.0] * (count - failing))


def course(scenario: str, metric: str) -> Course:
    """What a metric of ours is like in a scenario; empty where the service publishes nothing."""
    busy = {"healthy": 0, "outage": BUSY, "slow burn": BUSY * 3 // 100}
    match metric:
        case "Invocations" | "Count" | "RequestCount":
            count = QUIET if scenario == "one bad request" else BUSY
            return constant() if scenario == "no traffic" else constant(*[1.0] * count)
        case (
            "Errors"
            | "5xx"
            | "5XXError"
            | "4xx"
            | "4XXError"
            | "HTTPCode_Target_5XX_Count"
            | ("Throttles")
        ):
            if scenario == "no traffic":
                return constant()
            if scenario == "one bad request":
                return once([1.0, 0.0, 0.0], [0.0] * QUIET)
            # Where 3 of 100 is not much, the burn is a stronger one.
            failing = busy[scenario] * (8 if metric.startswith("4") else 1)
            return requests(BUSY, min(BUSY, failing))
        case "HTTPCode_ELB_5XX_Count":
            if scenario == "one bad request":
                return once([1.0], [])
            return constant(*[1.0] * busy.get(scenario, 0))
        case "Duration" | "Latency" | "TargetResponseTime" | "SuccessfulRequestLatency":
            unit = {"TargetResponseTime": 1e-3, "SuccessfulRequestLatency": 0.1}.get(metric, 1)
            fast, slow = 50 * unit, 5_000 * unit
            return {
                "healthy": constant(*[fast] * BUSY),
                "outage": constant(*[slow] * BUSY),
                "slow burn": constant(*[slow] * (BUSY // 4), *[fast] * (BUSY * 3 // 4)),
                "no traffic": constant(),
                "one bad request": once([slow, fast, fast], [fast] * QUIET),
            }[scenario]
        case "ConcurrentExecutions":
            return course_of(scenario, 20, 900, 150, [], 1)
        case "RejectedConnectionCount":
            return course_of(scenario, None, 50, 3, [], 1)
        case "UnHealthyHostCount":
            return course_of(scenario, 0, 2, 1, [0], 0)
        case "CPUUtilization" | "MemoryUtilization":
            # Each of two tasks reports once a minute; in an outage none is left.
            return course_of(scenario, 30, None, 95, [2], 30, tasks=2)
        case "ApproximateAgeOfOldestMessage":
            return course_of(scenario, 2, 4_000, 400, [], 100)
        case "ApproximateNumberOfMessagesVisible":
            return {
                # Old dead letters are no news.
                "healthy": constant(7),
                "outage": lambda minute: [7.0 + 20 * minute],
                "slow burn": lambda minute: [7.0 + minute],
                "no traffic": constant(),
                "one bad request": lambda minute: [7.0 + (minute >= MINUTES // 2)],
            }[scenario]
        case "SuccessPercent":
            # It runs without traffic too; in the slow burn two of three runs fail.
            return {
                "healthy": constant(100),
                "outage": constant(0),
                "slow burn": lambda minute: [0.0 if minute % 3 else 100.0],
                "no traffic": constant(100),
                "one bad request": once([0.0], [100.0]),
            }[scenario]
        case "ReadThrottleEvents" | "WriteThrottleEvents" | "SystemErrors":
            return course_of(scenario, None, 100, 8, [], 1)
        case _:
            # Lines of a log that report errors, of all its lines.
            assert metric.startswith("EveryLog")
            return course_of(scenario, 0, 50, 8, [], 1)


def course_of(
    scenario: str,
    healthy: float | None,
    outage: float | None,
    burn: float,
    quiet: list[float],
    one: float,
    tasks: int = 1,
) -> Course:
    def values(value: float | None) -> list[float]:
        return [] if value is None else [float(value)] * tasks

    return {
        "healthy": constant(*values(healthy)),
        "outage": constant(*values(outage)),
        "slow burn": constant(*values(burn)),
        "no traffic": constant(*(quiet * tasks)),
        "one bad request": once(values(one), values(healthy)),
    }[scenario]


def fires(properties: Mapping[str, Any], scenario: str) -> bool:
    """Say whether an alarm is in ALARM at any minute of a course."""
    data: dict[Metric, list[Datapoint]] = {}
    for query in properties["Metrics"]:
        if "MetricStat" not in query:
            continue
        metric = query["MetricStat"]["Metric"]
        values = course(scenario, metric["MetricName"])
        data[
            Metric(
                metric["Namespace"],
                metric["MetricName"],
                tuple((each["Name"], json.dumps(each["Value"])) for each in metric["Dimensions"]),
            )
        ] = [
            Datapoint(START + 60 * minute + second % 60, value)
            for minute in range(MINUTES)
            for second, value in enumerate(values(minute))
        ]
    flat = json.loads(json.dumps(properties))
    for query in flat["Metrics"]:
        for dimension in query.get("MetricStat", {}).get("Metric", {}).get("Dimensions", ()):
            dimension["Value"] = json.dumps(dimension["Value"])
    # Before the 16th minute there is nothing before what it looks at.
    return any(
        evaluate_alarm(flat, data, now=START + 60 * minute).state == ALARM
        for minute in range(16, MINUTES + 1)
    )


SCENARIOS = {
    "healthy": (),
    "no traffic": (),
    "one bad request": (),
    "slow burn": tuple(each for each in ALARMS if each != "ECS service: RunningTasks"),
    # Tasks that do not run use no CPU.
    "outage": tuple(
        each for each in ALARMS if each not in ("ECS service: Cpu", "ECS service: Memory")
    ),
}


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("name", ALARMS)
def test_an_alarm_fires_on_outages_and_slow_burns_and_on_nothing_else(
    name: str, scenario: str
) -> None:
    _, properties = ALARMS[name]
    assert fires(properties, scenario) == (name in SCENARIOS[scenario])


def test_it_takes_data_that_is_missing_as_it_says() -> None:
    for definition, properties in ALARMS.values():
        assert properties["TreatMissingData"] == definition.missing
        assert all((definition.missing_because, definition.why, definition.says))


def test_an_expression_has_no_more_metrics_than_an_alarm_takes() -> None:
    for _, properties in ALARMS.values():
        assert sum("MetricStat" in each for each in properties["Metrics"]) <= 10


@given(failing=st.integers(0, 400), healthy=st.integers(0, 400))
def test_a_rate_is_one_whatever_the_traffic(failing: int, healthy: int) -> None:
    """More than 1 of 100, and 2 or more: whatever the traffic is."""
    definition = next(iter(FunctionThresholds().definitions()))
    alarm = {
        "Metrics": [
            {"Id": "watched", "Expression": definition.expression},
            *(
                {
                    "Id": id,
                    "ReturnData": False,
                    "MetricStat": {
                        "Metric": {"Namespace": "AWS/Lambda", "MetricName": measure.metric},
                        "Period": 60,
                        "Stat": measure.statistic,
                    },
                }
                for id, measure in definition.measures.items()
            ),
        ],
        "EvaluationPeriods": definition.periods,
        "DatapointsToAlarm": definition.datapoints,
        "Threshold": definition.threshold,
        "ComparisonOperator": definition.comparison,
        "TreatMissingData": definition.missing,
    }
    minutes = [START + 60 * minute for minute in range(10)]
    data = {
        Metric("AWS/Lambda", "Errors"): [Datapoint(at, failing) for at in minutes],
        Metric("AWS/Lambda", "Invocations"): [Datapoint(at, failing + healthy) for at in minutes],
    }
    state = evaluate_alarm(alarm, data, now=START + 600).state
    bad = failing >= 2 and 100 * failing / (failing + healthy) > 1
    assert (state == ALARM) == bad


def test_an_alias_is_watched_by_itself() -> None:
    stack = Stack(App(), "Api")
    alias = lambda_.Alias(stack, "Live", alias_name="live", version=function(stack).current_version)
    function_alarms(alias)
    alarms = resources(dict(Template.from_stack(stack).to_json()), "AWS::CloudWatch::Alarm")
    name = {"Ref": "Function76856677"}
    for alarm in alarms:
        for query in alarm["Metrics"][1:]:
            assert query["MetricStat"]["Metric"]["Dimensions"] == [
                {"Name": "FunctionName", "Value": name},
                {"Name": "Resource", "Value": {"Fn::Join": ["", [name, ":live"]]}},
            ]


def test_the_lines_of_a_log_that_report_errors_are_counted_from_zero() -> None:
    stack = Stack(App(), "Api")
    error_line_alarms(logs.LogGroup(stack, "Log"), pattern='{ $.level = "ERROR" }')
    template = dict(Template.from_stack(stack).to_json())
    [filter] = resources(template, "AWS::Logs::MetricFilter")
    [alarm] = resources(template, "AWS::CloudWatch::Alarm")
    assert filter["FilterPattern"] == '{ $.level = "ERROR" }'
    [transformation] = filter["MetricTransformations"]
    assert transformation["DefaultValue"] == 0
    metric = alarm["Metrics"][1]["MetricStat"]["Metric"]
    assert (metric["Namespace"], metric["MetricName"]) == (
        transformation["MetricNamespace"],
        transformation["MetricName"],
    )


def test_health_takes_ready_made_alarms_beside_a_teams_own() -> None:
    stack = application()
    own = cloudwatch.Metric(namespace="Fruit", metric_name="Sales").create_alarm(
        stack, "Sales", threshold=1, evaluation_periods=2
    )
    health = DeploymentHealth(
        stack, "Health", target=TARGET, alarms=[*function_alarms(function(stack)), own]
    )
    # The team's own has a period of 5 minutes, twice.
    assert health.settle_minutes == 12
    template = dict(Template.from_stack(stack).to_json())
    [made] = resources(template, "AWS::CloudWatch::CompositeAlarm")
    assert json.dumps(made["AlarmRule"]).count("ALARM(") == 4


def test_health_takes_alarms_by_their_cloudformation_type() -> None:
    stack = application()
    own = cloudwatch.CfnAlarm(
        stack,
        "Own",
        comparison_operator="GreaterThanThreshold",
        evaluation_periods=4,
        period=120,
        threshold=1,
    )
    assert DeploymentHealth(stack, "Health", target=TARGET, alarms=[own]).settle_minutes == 10


def test_health_settles_as_long_as_the_slowest_ready_made_alarm() -> None:
    stack = application()
    dead = sqs.Queue(stack, "Dead")
    queue = sqs.Queue(
        stack, "Queue", dead_letter_queue=sqs.DeadLetterQueue(max_receive_count=3, queue=dead)
    )
    health = DeploymentHealth(stack, "Health", target=TARGET, alarms=queue_alarms(queue))
    assert health.settle_minutes == 7


def test_cdk_nag_finds_nothing_in_alarms() -> None:
    app = App()
    stack = Stack(app, "Api")
    error_line_alarms(logs.LogGroup(stack, "Log"))
    assert unacknowledged_findings(app) == []


def _with(thresholds: Any, field: str, value: object, _: Stack) -> object:
    return thresholds(**{field: value})


def _of_a_text(make: Any, _: Stack) -> object:
    return make("fruit")


def refused() -> Iterator[tuple[str, Callable[[Stack], object], str]]:
    for thresholds in (
        FunctionThresholds,
        ApiThresholds,
        LoadBalancerThresholds,
        TargetGroupThresholds,
        ServiceThresholds,
        QueueThresholds,
        TableThresholds,
        ErrorLineThresholds,
    ):
        for field in thresholds.__dataclass_fields__:
            for value in (-1, "1", True):
                yield (
                    f"{thresholds.__name__}({field}={value!r})",
                    partial(_with, thresholds, field, value),
                    rf"{thresholds.__name__}: {field}={value!r} is not a number from .* to .*; "
                    rf"write it like {field}=",
                )
    yield (
        "one error is no rate",
        lambda _: FunctionThresholds(minimum_count=1),
        r"minimum_count=1 is not a number from 2 to 1e\+06",
    )
    for make, argument in (
        (function_alarms, "function"),
        (http_api_alarms, "api"),
        (rest_api_alarms, "api"),
        (load_balancer_alarms, "load_balancer"),
        (target_group_alarms, "target_group"),
        (service_alarms, "service"),
        (queue_alarms, "queue"),
        (table_alarms, "table"),
        (error_line_alarms, "log_group"),
    ):
        yield (
            f"{make.__name__} of a text",
            partial(_of_a_text, make),
            rf"{make.__name__}: {argument}='fruit' is of type str, and \w+ is needed",
        )
    yield (
        "thresholds of another kind",
        lambda stack: function_alarms(function(stack), ApiThresholds()),  # type: ignore[arg-type]
        r"function_alarms: thresholds=ApiThresholds.* is of type ApiThresholds, and "
        "FunctionThresholds is needed",
    )
    yield (
        "dead letters that are no queue",
        lambda stack: queue_alarms(sqs.Queue(stack, "Q"), dead_letters="dead"),  # type: ignore[arg-type]
        r"queue_alarms: dead_letters='dead' is of type str, and Queue is needed",
    )
    yield (
        "an empty pattern",
        lambda stack: error_line_alarms(logs.LogGroup(stack, "L"), pattern=" "),
        r"error_line_alarms: pattern=' ' is not a text that says something",
    )
    yield (
        "a long pattern",
        lambda stack: error_line_alarms(logs.LogGroup(stack, "L"), pattern="x" * 1025),
        r"error_line_alarms: pattern has 1025 characters, and a metric filter takes 1024; look "
        "for fewer words",
    )
    yield (
        "twice",
        lambda stack: [function_alarms(each) for each in [function(stack)] * 2],
        r"function 'Api/Function': has the alarm ErrorRate already; make its alarms once",
    )


REFUSED = {name: (make, message) for name, make, message in refused()}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input_is_refused(name: str) -> None:
    make, message = REFUSED[name]
    with pytest.raises(InvalidArgumentError, match=message):
        make(Stack(App(), "Api"))
