from typing import Any

import pytest
from aws_cdk import Duration, Stack, aws_cloudwatch
from aws_cdk.assertions import Template

from dpra_constructs.rehearsal.alarm_evaluation import (
    AlarmEvaluationError,
    Datapoint,
    Metric,
    evaluate_alarm,
    evaluation_interval_seconds,
    read_alarm,
)

ALARM: dict[str, Any] = {
    "Namespace": "Fruit",
    "MetricName": "Errors",
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 3,
    "Threshold": 1,
    "ComparisonOperator": "GreaterThanThreshold",
}


def query(id: str, *, period: Any = 60, **more: Any) -> dict[str, Any]:
    metric = {"Namespace": "Fruit", "MetricName": id}
    return {
        "Id": id,
        "MetricStat": {"Metric": metric, "Period": period, "Stat": "Sum"},
        "ReturnData": False,
        **more,
    }


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"MetricName": None}, "the alarm has neither MetricName nor Metrics"),
        ({"Threshold": None}, "the alarm has no Threshold"),
        ({"Period": 45}, "Period 45 is neither 10, 20 or 30 nor a multiple of 60 seconds"),
        ({"Period": None}, "Period None is neither 10, 20 or 30 nor a multiple of 60 seconds"),
        ({"EvaluationPeriods": 0}, "EvaluationPeriods 0 is no whole number from 1 up"),
        ({"EvaluationPeriods": "x"}, "EvaluationPeriods 'x' is no whole number from 1 up"),
        ({"DatapointsToAlarm": 4}, "DatapointsToAlarm 4 is more than EvaluationPeriods 3"),
        (
            {"TreatMissingData": "bad"},
            "TreatMissingData 'bad' is none of missing, ignore, breaching, notBreaching",
        ),
        (
            {"ComparisonOperator": "GreaterThanUpperThreshold"},
            "ComparisonOperator 'GreaterThanUpperThreshold' is not evaluated here; "
            "GreaterThanThreshold, GreaterThanOrEqualToThreshold, LessThanThreshold, "
            "LessThanOrEqualToThreshold are",
        ),
        (
            {"Statistic": None, "ExtendedStatistic": "tm90"},
            "the statistic 'tm90' is not evaluated here; SampleCount, Average, Sum, Minimum, "
            "Maximum and percentiles such as p99.9 are",
        ),
        ({"ThresholdMetricId": "ad1"}, "alarms with ThresholdMetricId are not evaluated here"),
        (
            {"EvaluationWindow": {"WallClockWindow": {}}},
            "alarms with a wall clock window are not evaluated here",
        ),
        (
            {"Metrics": [query("m1"), query("m2")]},
            "ReturnData is true for none; it has to be for exactly one of the Metrics",
        ),
        (
            {"Metrics": [query("m1", ReturnData=True), query("m2", ReturnData=True)]},
            "ReturnData is true for m1, m2; it has to be for exactly one of the Metrics",
        ),
        (
            {"Metrics": [query("m1", ReturnData=True), query("m2", period=300)]},
            "the Metrics have the periods [60, 300]; only one is evaluated here",
        ),
        (
            {"Metrics": [query("m1", ReturnData=True, AccountId="111111111111")]},
            "m1 reads a metric of account 111111111111, which is not done here",
        ),
        (
            {"Metrics": [query("m1"), {"Id": "e1", "Expression": "m1 * m2"}]},
            "the expression 'm1 * m2': there is no m2; there is: m1, e1",
        ),
        (
            {"Metrics": [query("m1"), {"Id": "e1", "Expression": "SUM(m1)"}]},
            "the expression 'SUM(m1)' is a number; an alarm watches one time series",
        ),
    ],
)
def test_an_alarm_that_cannot_be_evaluated_is_refused(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(AlarmEvaluationError) as caught:
        read_alarm({**ALARM, **changes})
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("period", "periods", "seconds"),
    [(10, 3, 10), (30, 1, 10), (60, 1440, 60), (300, 1, 60), (3600, 24, 60), (86_400, 2, 3600)],
)
def test_how_often_an_alarm_is_evaluated(period: int, periods: int, seconds: int) -> None:
    definition = read_alarm({**ALARM, "Period": period, "EvaluationPeriods": periods})
    assert evaluation_interval_seconds(definition) == seconds


def test_numbers_may_be_text_as_in_a_template() -> None:
    text = {**ALARM, "Period": "60", "EvaluationPeriods": "3", "Threshold": "1"}
    assert read_alarm(text) == read_alarm(ALARM)


@pytest.mark.parametrize(("errors", "state"), [(4, "OK"), (6, "ALARM")])
def test_an_expression_alarm_of_a_synthesized_template_is_evaluated(
    errors: int, state: str
) -> None:
    stack = Stack()
    where = {"Function": "fruit"}
    period = Duration.minutes(1)
    rate = aws_cloudwatch.MathExpression(
        expression="100 * errors / requests",
        period=period,
        using_metrics={
            "errors": aws_cloudwatch.Metric(
                namespace="Fruit", metric_name="Errors", dimensions_map=where, statistic="Sum"
            ),
            "requests": aws_cloudwatch.Metric(
                namespace="Fruit", metric_name="Requests", dimensions_map=where, statistic="Sum"
            ),
        },
    )
    rate.create_alarm(stack, "Rate", threshold=5, evaluation_periods=1)
    resources = Template.from_stack(stack).find_resources("AWS::CloudWatch::Alarm")
    (alarm,) = (resource["Properties"] for resource in resources.values())
    dimensions = (("Function", "fruit"),)
    data = {
        Metric("Fruit", "Errors", dimensions): [Datapoint(0, errors)],
        Metric("Fruit", "Requests", dimensions): [Datapoint(0, 100)],
    }
    assert evaluate_alarm(alarm, data, now=60).state == state
