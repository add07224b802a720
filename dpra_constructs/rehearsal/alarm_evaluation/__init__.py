"""In which state an alarm of CloudWatch is, by the service's documented rules. Pure.

The emulator evaluates its alarms with it, and so can a test: what an alarm of a template says
about a course of data, without AWS.

>>> from dpra_constructs.rehearsal.alarm_evaluation import Datapoint, Metric, evaluate_alarm
>>> alarm = {
...     "Namespace": "Fruit", "MetricName": "Errors", "Statistic": "Sum", "Period": 60,
...     "EvaluationPeriods": 3, "DatapointsToAlarm": 2, "Threshold": 5,
...     "ComparisonOperator": "GreaterThanThreshold", "TreatMissingData": "notBreaching"}
>>> errors = [Datapoint(0, 9), Datapoint(65, 1), Datapoint(130, 7)]
>>> evaluate_alarm(alarm, {Metric("Fruit", "Errors"): errors}, now=180).state
'ALARM'

Not evaluated, and an error that names it: anomaly detection, Metrics Insights, PromQL, wall clock
windows, warm-up, metrics of other accounts, and statistics other than the basic ones and
percentiles.

Sources: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html,
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html,
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

from dpra_constructs.rehearsal.alarm_evaluation.composite_alarm import (
    child_alarms,
    evaluate_composite_alarm,
)
from dpra_constructs.rehearsal.alarm_evaluation.datapoints import Datapoint, Metric, statistic_set
from dpra_constructs.rehearsal.alarm_evaluation.definition import AlarmDefinition, read_alarm
from dpra_constructs.rehearsal.alarm_evaluation.metric_alarm import (
    evaluate_alarm,
    evaluation_interval_seconds,
)
from dpra_constructs.rehearsal.alarm_evaluation.states import (
    ALARM,
    INSUFFICIENT_DATA,
    OK,
    AlarmEvaluationError,
    Evaluation,
    NotEvaluatedError,
)

__all__ = [
    "ALARM",
    "INSUFFICIENT_DATA",
    "OK",
    "AlarmDefinition",
    "AlarmEvaluationError",
    "Datapoint",
    "Evaluation",
    "Metric",
    "NotEvaluatedError",
    "child_alarms",
    "evaluate_alarm",
    "evaluate_composite_alarm",
    "evaluation_interval_seconds",
    "read_alarm",
    "statistic_set",
]
