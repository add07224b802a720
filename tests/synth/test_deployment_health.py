"""The health of a deployed target: one alarm, and a role that reads it."""

from typing import Any

import pytest
from aws_cdk import App, Duration, Environment, Stack, Stage
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk.assertions import Template

from dpra_constructs import DeploymentTarget, InvalidArgumentError
from dpra_constructs.environments import PipelineIdentity
from dpra_constructs.monitoring import DeploymentHealth
from dpra_constructs.monitoring.settle import settle_minutes
from dpra_constructs.release.runtime import names
from dpra_constructs.testing import unacknowledged_findings
from tests.conftest import resources

TARGET = DeploymentTarget(
    pipeline=PipelineIdentity(name="fruit", account="111111111111", region="us-west-2"),
    environment="prod",
    account="444444444444",
    region="eu-central-1",
    configuration={},
    is_production=True,
)


def application(app: App | None = None, env: Environment | None = None) -> Stack:
    stage = Stage(app or App(), TARGET.stage_id, env=env or TARGET.env)
    return Stack(stage, "Api")


def alarm(stack: Stack, id: str = "Errors", seconds: int = 60, periods: int = 3) -> Any:
    metric = cloudwatch.Metric(
        namespace="Fruit", metric_name="Errors", period=Duration.seconds(seconds)
    )
    return metric.create_alarm(stack, id, threshold=1, evaluation_periods=periods)


def health(stack: Stack, **arguments: Any) -> DeploymentHealth:
    given = {"target": TARGET, **arguments}
    return DeploymentHealth(stack, "Health", **given)


def template_of(stack: Stack) -> dict[str, Any]:
    return dict(Template.from_stack(stack).to_json())


def test_the_alarm_is_red_when_any_is() -> None:
    stack = application()
    health(stack, alarms=[alarm(stack), alarm(stack, "Latency")])
    template = template_of(stack)
    [made] = resources(template, "AWS::CloudWatch::CompositeAlarm")
    assert made["AlarmName"] == "fruit-prod-eu-central-1-health"
    [_, parts] = made["AlarmRule"]["Fn::Join"]
    assert [each for each in parts if isinstance(each, str)] == [
        '(ALARM("',
        '") OR ALARM("',
        '"))',
    ]


def test_only_the_bake_of_this_pipeline_may_take_the_role_and_only_read_alarms_of_the_region() -> (
    None
):
    stack = application()
    health(stack, alarms=[alarm(stack)])
    template = template_of(stack)
    [role] = resources(template, "AWS::IAM::Role")
    [policy] = resources(template, "AWS::IAM::Policy")
    assert role["RoleName"] == "fruit-prod-eu-central-1-gate"
    partition = {"Ref": "AWS::Partition"}
    assert role["AssumeRolePolicyDocument"]["Statement"] == [
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {
                "AWS": {"Fn::Join": ["", ["arn:", partition, ":iam::111111111111:root"]]}
            },
            "Condition": {
                "ArnEquals": {
                    "aws:PrincipalArn": {
                        "Fn::Join": [
                            "",
                            ["arn:", partition, ":iam::111111111111:role/fruit-us-west-2-bake"],
                        ]
                    }
                }
            },
        }
    ]
    assert policy["PolicyDocument"]["Statement"] == [
        {
            "Effect": "Allow",
            "Action": ["cloudwatch:DescribeAlarms", "cloudwatch:DescribeAlarmHistory"],
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:RequestedRegion": "eu-central-1"}},
        }
    ]


def test_cdk_nag_finds_nothing() -> None:
    app = App()
    stack = application(app)
    health(stack, alarms=[alarm(stack)])
    assert unacknowledged_findings(app) == []


def test_a_role_name_that_would_be_too_long_is_cut_the_same_way_every_time() -> None:
    long = names.gate_role_name(
        "a-pipeline-with-quite-a-long-name", "production-eu", "ap-southeast-2"
    )
    assert long == "a-pipeline-with-quite-7807a63f-production-eu-ap-southeast-2-gate"
    assert len(long) == 64


def test_it_settles_as_long_as_its_slowest_alarm() -> None:
    stack = application()
    slow = alarm(stack, "Slow", seconds=300, periods=4)
    assert health(stack, alarms=[alarm(stack), slow]).settle_minutes == 22


def test_it_settles_for_five_minutes_at_least() -> None:
    stack = application()
    assert health(stack, alarms=[alarm(stack, seconds=10, periods=1)]).settle_minutes == 5


def test_metric_math_settles_as_its_longest_period() -> None:
    stack = application()
    rate = cloudwatch.MathExpression(
        expression="errors / requests",
        using_metrics={
            each: cloudwatch.Metric(namespace="Fruit", metric_name=each)
            for each in ("errors", "requests")
        },
        period=Duration.minutes(10),
    )
    made = rate.create_alarm(stack, "Rate", threshold=1, evaluation_periods=2)
    assert health(stack, alarms=[made]).settle_minutes == 22


def test_imported_and_composite_alarms_are_taken_with_the_time_to_settle() -> None:
    stack = application()
    imported = cloudwatch.Alarm.from_alarm_arn(
        stack, "Imported", "arn:aws:cloudwatch:eu-central-1:444444444444:alarm:theirs"
    )
    both = cloudwatch.CompositeAlarm(
        stack,
        "Both",
        alarm_rule=cloudwatch.AlarmRule.from_alarm(alarm(stack), cloudwatch.AlarmState.ALARM),
    )
    made = health(stack, alarms=[imported, both], settle=Duration.minutes(9))
    assert made.settle_minutes == 9
    for each in (imported, both):
        with pytest.raises(InvalidArgumentError, match=r"settle=Duration.minutes\(7\)"):
            health(application(), alarms=[each])


def test_it_is_found_from_the_stage() -> None:
    stack = application()
    stage = Stage.of(stack)
    assert DeploymentHealth.of(stage) is None
    made = health(stack, alarms=[alarm(stack)])
    assert DeploymentHealth.of(stage) is made


def test_a_second_one_in_a_stage_is_refused() -> None:
    stack = application()
    health(stack, alarms=[alarm(stack)])
    other = Stack(Stage.of(stack), "Web")
    with pytest.raises(InvalidArgumentError) as raised:
        health(other, alarms=[alarm(other)])
    assert str(raised.value) == (
        'DeploymentHealth "Health": fruit-prod-eu-central-1/Api/Health is the health of this '
        "target already, and both would have the same names; give all alarms to that one"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"target": "prod"}, "target='prod' is of type str, and DeploymentTarget is needed"),
        ({"alarms": []}, "alarms has 0, and a composite alarm takes 1 to 100"),
        ({"alarms": "Errors"}, "alarms='Errors' is no sequence of alarms"),
        ({"alarms": None}, "alarms=None is no sequence of alarms"),
        ({"alarms": ["Errors"]}, "alarms has 'Errors', which is no alarm"),
        ({"settle": 5}, "settle=5 is not a Duration"),
        ({"settle": Duration.minutes(4)}, "settle=4 minutes is not between 5 and 1380 minutes"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    stack = application()
    with pytest.raises(InvalidArgumentError) as raised:
        health(stack, **{"alarms": [alarm(stack)], **arguments})
    assert message in str(raised.value)


def test_alarms_that_need_longer_than_a_bake_are_refused() -> None:
    stack = application()
    slow = alarm(stack, seconds=86400, periods=1)
    with pytest.raises(InvalidArgumentError, match="need 1442 minutes to show a new version"):
        health(stack, alarms=[slow])


def test_a_stack_elsewhere_is_refused() -> None:
    stack = application(env=Environment(account="444444444444", region="us-east-1"))
    with pytest.raises(InvalidArgumentError) as raised:
        health(stack, alarms=[alarm(stack)])
    assert str(raised.value) == (
        'DeploymentHealth "Health": its stack has region us-east-1, and the target is '
        "eu-central-1; give the application's cdk.Stage env=target.env"
    )


def test_a_stack_of_no_account_is_refused() -> None:
    stack = Stack(App(), "Api")
    with pytest.raises(InvalidArgumentError, match="its stack has account none of its own"):
        health(stack, alarms=[alarm(stack)])


def test_settling_rounds_up_to_whole_minutes() -> None:
    assert settle_minutes([(30, 13)]) == 9
    assert settle_minutes([]) == 5
