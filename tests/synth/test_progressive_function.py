"""A function that is deployed a part of its callers at a time."""

from typing import Any

import pytest
from aws_cdk import App, Duration, Stack, Stage
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_signer as signer

from dpra_constructs import InvalidArgumentError
from dpra_constructs.monitoring import ApplicationLogs, FunctionThresholds
from dpra_constructs.progressive_deployment import ProgressiveFunction, TrafficShift
from dpra_constructs.progressive_deployment.deployed_progressively import deployed_progressively
from dpra_constructs.testing import unacknowledged_findings
from tests.conftest import resources
from tests.synth.every_health_alarm import function as plain_function
from tests.synth.test_deployment_health import TARGET, alarm, application, health, template_of

CANARY = TrafficShift.canary(10, Duration.minutes(10))


def function(stack: Stack, **given: Any) -> ProgressiveFunction:
    arguments = {
        "target": TARGET,
        "shift": CANARY,
        "runtime": lambda_.Runtime.PYTHON_3_14,
        "handler": "index.handler",
        "code": lambda_.Code.from_inline("def handler(*_): ..."),
        **given,
    }
    if "logs" not in given:
        arguments["logs"] = ApplicationLogs(stack, "Logs", target=TARGET)
    return ProgressiveFunction(stack, "Prices", **arguments)


def message(stack: Stack, **given: Any) -> str:
    with pytest.raises(InvalidArgumentError) as raised:
        function(stack, **given)
    return str(raised.value)


def alias_in(template: dict[str, Any]) -> dict[str, Any]:
    [alias] = [r for r in template["Resources"].values() if r["Type"] == "AWS::Lambda::Alias"]
    return dict(alias)


def test_callers_of_the_alias_are_moved_to_the_new_version_by_the_deployment_group() -> None:
    stack = application()
    made = function(stack)
    template = template_of(stack)
    alias = alias_in(template)
    [version] = [
        name for name, r in template["Resources"].items() if r["Type"] == "AWS::Lambda::Version"
    ]
    assert alias["Properties"]["Name"] == "live"
    assert alias["Properties"]["FunctionVersion"] == {"Fn::GetAtt": [version, "Version"]}
    assert alias["UpdatePolicy"] == {
        "CodeDeployLambdaAliasUpdate": {
            "ApplicationName": {"Ref": "PricesApplication21E3F25D"},
            "DeploymentGroupName": {"Ref": "PricesDeploymentGroup0ADA0C98"},
        }
    }
    assert stack.resolve(made.alias.function_arn) == {"Ref": "PricesAliasCF46F72E"}


def test_a_deployment_rolls_back_when_it_fails_an_alarm_fires_or_a_person_stops_it() -> None:
    stack = application()
    made = function(stack, alarms=[alarm(stack), "fruit-synthetic"])
    made.add_alarms(alarm(stack, "Late"))
    [group] = resources(template_of(stack), "AWS::CodeDeploy::DeploymentGroup")
    assert group["AutoRollbackConfiguration"] == {
        "Enabled": True,
        "Events": [
            "DEPLOYMENT_FAILURE",
            "DEPLOYMENT_STOP_ON_ALARM",
            "DEPLOYMENT_STOP_ON_REQUEST",
        ],
    }
    configuration = group["AlarmConfiguration"]
    assert (configuration["Enabled"], configuration["IgnorePollAlarmFailure"]) == (True, False)
    named = [each["Name"] for each in configuration["Alarms"]]
    assert named[1] == "fruit-synthetic"
    assert [str(each["Ref"])[:-8] for each in (named[0], *named[2:])] == [
        "Errors",
        "PricesFunctionCurrentVersionErrorRateAlarm",
        "PricesFunctionCurrentVersionLatencyAlarm",
        "Late",
    ]


def test_no_alarm_of_the_version_before_can_stop_a_rollback() -> None:
    stack = application()
    function(stack)
    template = template_of(stack)
    [group] = resources(template, "AWS::CodeDeploy::DeploymentGroup")
    found = template["Resources"]
    version = alias_in(template)["Properties"]["FunctionVersion"]
    for each in group["AlarmConfiguration"]["Alarms"]:
        properties = found[each["Name"]["Ref"]]["Properties"]
        # Another name is another alarm: it begins without what the one before has seen.
        _, parts = properties["AlarmName"]["Fn::Join"]
        assert version in parts
        measured = [query["MetricStat"]["Metric"] for query in properties["Metrics"][1:]]
        assert all(
            {"Name": "ExecutedVersion", "Value": version} in metric["Dimensions"]
            for metric in measured
        )


def test_an_alarm_given_twice_counts_once() -> None:
    stack = application()
    made = function(stack, alarms=["one", "one"])
    made.add_alarms(*made.alarms)
    [group] = resources(template_of(stack), "AWS::CodeDeploy::DeploymentGroup")
    # That of the test, and all five of the function.
    assert len(group["AlarmConfiguration"]["Alarms"]) == 6


def test_the_new_version_is_watched_alone_while_it_has_a_part_of_the_callers() -> None:
    stack = application()
    function(stack)
    template = template_of(stack)
    [watched] = [
        each["Metrics"]
        for each in resources(template, "AWS::CloudWatch::Alarm")
        if each["AlarmDescription"].startswith("The new version: More than 1 of 100 calls")
    ]
    dimensions = {
        each["Name"]: each["Value"] for each in watched[1]["MetricStat"]["Metric"]["Dimensions"]
    }
    assert list(dimensions) == ["FunctionName", "Resource", "ExecutedVersion"]
    assert dimensions["ExecutedVersion"] == alias_in(template)["Properties"]["FunctionVersion"]


def test_all_at_once_has_no_alarms_of_the_version_and_is_not_progressive() -> None:
    stack = application()
    made = function(stack, shift=TrafficShift.all_at_once())
    assert len(made.alarms) == 3
    [group] = resources(template_of(stack), "AWS::CodeDeploy::DeploymentGroup")
    assert group["AlarmConfiguration"]["Enabled"] is False
    assert deployed_progressively(Stage.of(stack)) == ()


def test_the_pipeline_finds_what_is_deployed_progressively() -> None:
    stack = application()
    made = function(stack)
    assert deployed_progressively(Stage.of(stack)) == (made,)


@pytest.mark.parametrize(
    ("shift", "name"),
    [
        (TrafficShift.all_at_once(), "LambdaAllAtOnce"),
        (TrafficShift.canary(10, Duration.minutes(5)), "LambdaCanary10Percent5Minutes"),
        (TrafficShift.canary(10, Duration.minutes(30)), "LambdaCanary10Percent30Minutes"),
        (TrafficShift.linear(10, Duration.minutes(1)), "LambdaLinear10PercentEvery1Minute"),
        (TrafficShift.linear(10, Duration.minutes(3)), "LambdaLinear10PercentEvery3Minutes"),
    ],
)
def test_a_configuration_that_every_account_has_is_used(shift: TrafficShift, name: str) -> None:
    stack = application()
    function(stack, shift=shift)
    template = template_of(stack)
    [group] = resources(template, "AWS::CodeDeploy::DeploymentGroup")
    assert group["DeploymentConfigName"] == f"CodeDeployDefault.{name}"
    assert resources(template, "AWS::CodeDeploy::DeploymentConfig") == []


@pytest.mark.parametrize(
    ("shift", "routing"),
    [
        (
            TrafficShift.canary(5, Duration.minutes(10)),
            {
                "Type": "TimeBasedCanary",
                "TimeBasedCanary": {"CanaryPercentage": 5, "CanaryInterval": 10},
            },
        ),
        (
            TrafficShift.linear(20, Duration.minutes(1)),
            {
                "Type": "TimeBasedLinear",
                "TimeBasedLinear": {"LinearPercentage": 20, "LinearInterval": 1},
            },
        ),
    ],
)
def test_a_configuration_is_made_where_there_is_none(
    shift: TrafficShift, routing: dict[str, Any]
) -> None:
    stack = application()
    function(stack, shift=shift)
    [made] = resources(template_of(stack), "AWS::CodeDeploy::DeploymentConfig")
    assert made == {"ComputePlatform": "Lambda", "TrafficRoutingConfig": routing}


def test_code_deploy_may_move_this_alias_and_read_its_alarms_and_nothing_else() -> None:
    stack = application()
    function(stack)
    template = template_of(stack)
    [role] = [each for each in resources(template, "AWS::IAM::Role") if "Policies" in each]
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "codedeploy.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": TARGET.account}}
    [policy] = role["Policies"]
    moves, reads = policy["PolicyDocument"]["Statement"]
    arn = {"Fn::GetAtt": ["PricesFunction8CAED115", "Arn"]}
    assert moves["Resource"] == [arn, {"Fn::Join": ["", [arn, ":live"]]}]
    assert reads["Action"] == "cloudwatch:DescribeAlarms"
    assert len(reads["Resource"]) == 2


def test_alarms_of_an_unknown_kind_need_a_wide_permission_of_the_region() -> None:
    for unknown in (
        "fruit-synthetic",
        lambda stack: cloudwatch.CompositeAlarm(
            stack, "All", alarm_rule=cloudwatch.AlarmRule.from_boolean(False)
        ),
    ):
        stack = application()
        given = unknown if isinstance(unknown, str) else unknown(stack)
        function(stack, alarms=[given])
        [role] = [
            each for each in resources(template_of(stack), "AWS::IAM::Role") if "Policies" in each
        ]
        reads = role["Policies"][0]["PolicyDocument"]["Statement"][1]
        assert (reads["Resource"], reads["Condition"]) == (
            "*",
            {"StringEquals": {"aws:RequestedRegion": TARGET.region}},
        )


def test_hooks_are_called_and_may_answer_this_deployment_group_alone() -> None:
    stack = application()
    made = function(stack)
    made.add_pre_hook(plain_function(stack, "Check"))
    made.add_post_hook(plain_function(stack, "Report"))
    template = template_of(stack)
    alias = alias_in(template)
    update = alias["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
    assert [
        update[each]["Ref"][:-8] for each in ("BeforeAllowTrafficHook", "AfterAllowTrafficHook")
    ] == ["Check", "Report"]
    policies = resources(template, "AWS::IAM::Policy")
    answers = [
        statement
        for policy in policies
        for statement in policy["PolicyDocument"]["Statement"]
        if statement["Action"] == "codedeploy:PutLifecycleEventHookExecutionStatus"
    ]
    assert [str(each["Resource"]).count("deploymentgroup:") for each in answers] == [1, 1]
    calls = {
        each["PolicyName"]: each["PolicyDocument"]["Statement"][0]["Resource"]
        for each in policies
        if each["PolicyName"].startswith("Calls")
    }
    assert {name: arn["Fn::GetAtt"][0][:-8] for name, arn in calls.items()} == {
        "CallsPreHook": "Check",
        "CallsPostHook": "Report",
    }
    # Before the alias moves, CodeDeploy has to be allowed to call them.
    assert [each[:-8] for each in alias["DependsOn"]] == [
        "PricesDeploymentGroup",
        "PricesPostHookPolicy",
        "PricesPreHookPolicy",
    ]


def test_the_log_is_encrypted_and_kept() -> None:
    stack = application()
    function(stack)
    template = template_of(stack)
    [group] = resources(template, "AWS::Logs::LogGroup")
    assert group["RetentionInDays"] == 90
    assert "KmsKeyId" in group


def test_the_code_has_to_be_signed_where_a_configuration_says_so() -> None:
    stack = application()
    profile = signer.SigningProfile(
        stack, "Profile", platform=signer.Platform.AWS_LAMBDA_SHA384_ECDSA
    )
    config = lambda_.CodeSigningConfig(stack, "Signing", signing_profiles=[profile])
    function(stack, code_signing_config=config)
    [made] = resources(template_of(stack), "AWS::Lambda::Function")
    assert made["CodeSigningConfigArn"]["Fn::GetAtt"][1] == "CodeSigningConfigArn"


def test_other_options_are_those_of_the_cdk() -> None:
    stack = application()
    role = iam.Role(stack, "Own", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    function(
        stack,
        role=role,
        memory_size=512,
        architecture=lambda_.Architecture.X86_64,
        environment={"A": "b"},
        thresholds=FunctionThresholds(latency_ms=50),
    )
    [made] = resources(template_of(stack), "AWS::Lambda::Function")
    assert (made["MemorySize"], made["Architectures"], made["Environment"]) == (
        512,
        ["x86_64"],
        {"Variables": {"A": "b"}},
    )
    assert made["Role"]["Fn::GetAtt"][0][:-8] == "Own"


def test_nothing_is_left_to_cdk_nag() -> None:
    app = App()
    stack = application(app)
    made = function(stack, alarms=["fruit-synthetic"])
    health(stack, alarms=made.alarms)
    assert unacknowledged_findings(app) == []


def test_every_argument_is_checked() -> None:
    for given, said in (
        ({"target": "prod"}, "target='prod' is of type str"),
        ({"shift": 10}, "shift=10 is of type int"),
        ({"logs": None}, "logs=None is of type NoneType"),
        ({"thresholds": 5}, "thresholds=5 is of type int"),
        ({"alarms": "one"}, "alarms='one' is no sequence of alarms"),
        ({"alarms": [5]}, "alarms has 5, which is no alarm"),
        ({"alarms": [""]}, "alarms='' is not a text"),
        ({"log_group": 1}, "log_group is set by this construct; give logs=ApplicationLogs(...)"),
        ({"log_retention": 1}, "log_retention is set by this construct"),
        ({"current_version_options": 1}, "current_version_options is set by this construct"),
    ):
        assert f'ProgressiveFunction "Prices": {said}' in message(application(), **given)


def test_what_the_cdk_needs_is_needed() -> None:
    stack = application()
    with pytest.raises(InvalidArgumentError, match="runtime is missing"):
        ProgressiveFunction(
            stack,
            "Prices",
            target=TARGET,
            shift=CANARY,
            logs=ApplicationLogs(stack, "Logs", target=TARGET),
            code=lambda_.Code.from_inline("x"),
            handler="index.handler",
        )


def test_a_function_in_a_network_needs_a_role() -> None:
    stack = application()
    network = ec2.Vpc(stack, "Network", restrict_default_security_group=False)
    assert "vpc is given without role" in message(stack, vpc=network)


def test_no_more_alarms_than_a_deployment_group_takes() -> None:
    names = [f"alarm-{number}" for number in range(49)]
    assert "51 alarms are to roll a deployment back, and a deployment takes 50" in message(
        application(), alarms=names
    )


def test_a_shift_that_ends_before_its_alarms_show_anything_is_refused() -> None:
    assert (
        "the shift is 50 %, the rest after 2 minutes, which ends after 2 minutes, and its alarms "
        "show a bad version after 4; let it take 4 minutes or more"
    ) in message(application(), shift=TrafficShift.canary(50, Duration.minutes(2)))


def test_a_shift_outside_the_limits_of_code_deploy_is_refused() -> None:
    assert 'ProgressiveFunction "Prices": the shift is 0.5 %' in message(
        application(), shift=TrafficShift.canary(0.5, Duration.minutes(10))
    )


def test_one_hook_of_a_kind() -> None:
    stack = application()
    made = function(stack)
    made.add_pre_hook(plain_function(stack, "Check"))
    with pytest.raises(InvalidArgumentError, match="it has a PreHook already"):
        made.add_pre_hook(plain_function(stack, "Again"))
    with pytest.raises(InvalidArgumentError, match="PostHook='check' is of type str"):
        made.add_post_hook("check")  # type: ignore[arg-type]
