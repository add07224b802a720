"""The logs of an application: encrypted, kept for a stated time, not public."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from aws_cdk import App, Duration, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_apigatewayv2 as apigatewayv2
from aws_cdk.assertions import Template

from dpra_constructs import InvalidArgumentError
from dpra_constructs.monitoring import ApplicationLogs
from dpra_constructs.testing import unacknowledged_findings
from tests.conftest import resources
from tests.synth.every_health_alarm import balancer
from tests.synth.test_deployment_health import TARGET, application


def logs_in(stack: Stack, **given: Any) -> ApplicationLogs:
    return ApplicationLogs(stack, "Logs", **{"target": TARGET, **given})


def template_of(stack: Stack) -> dict[str, Any]:
    return dict(Template.from_stack(stack).to_json())


def test_a_log_group_is_encrypted_and_kept_for_as_long_as_it_says() -> None:
    stack = application()
    logs_in(stack, retention=Duration.days(30)).log_group("Function")
    template = template_of(stack)
    [group] = resources(template, "AWS::Logs::LogGroup")
    [key] = [name for name, each in template["Resources"].items() if "KMS" in each["Type"]]
    assert group == {"KmsKeyId": {"Fn::GetAtt": [key, "Arn"]}, "RetentionInDays": 30}


def test_logs_of_production_stay_and_others_go_with_their_stack() -> None:
    for target, policy in (
        (TARGET, "Retain"),
        (replace(TARGET, is_production=False), "Delete"),
    ):
        stack = application()
        logs_in(stack, target=target).log_group("Function")
        assert {each["DeletionPolicy"] for each in template_of(stack)["Resources"].values()} == {
            policy
        }


def test_the_key_encrypts_log_groups_of_this_stack_alone() -> None:
    stack = application()
    logs_in(stack).log_group("Function")
    [key] = resources(template_of(stack), "AWS::KMS::Key")
    [service] = [each for each in key["KeyPolicy"]["Statement"] if "Service" in each["Principal"]]
    assert service["Principal"] == {"Service": "logs.eu-central-1.amazonaws.com"}
    assert service["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"] == {
        "Fn::Join": [
            "",
            [
                "arn:",
                {"Ref": "AWS::Partition"},
                f":logs:eu-central-1:444444444444:log-group:{stack.stack_name}-*",
            ],
        ]
    }
    assert key["EnableKeyRotation"] is True


def test_apis_log_who_asked_and_nothing_that_a_client_sent() -> None:
    stack = application()
    logs = logs_in(stack)
    http = apigatewayv2.HttpApi(stack, "Http", create_default_stage=False)
    stage = apigatewayv2.HttpStage(stack, "Stage", http_api=http)
    rest = apigateway.RestApi(stack, "Rest", cloud_watch_role=False)
    rest.root.add_method("GET")
    logs.access_log_of_http_api(stage)
    logs.access_log_of_rest_api(rest.deployment_stage)
    template = template_of(stack)
    [made] = resources(template, "AWS::ApiGatewayV2::Stage")
    [deployed] = resources(template, "AWS::ApiGateway::Stage")
    for setting in (made["AccessLogSettings"], deployed["AccessLogSetting"]):
        assert "Fn::GetAtt" in setting["DestinationArn"]
        assert "$context.status" in setting["Format"]
        assert "body" not in setting["Format"].lower()


def test_a_load_balancers_log_is_in_a_bucket_that_is_not_public_and_expires() -> None:
    app = App()
    stack = application(app)
    load_balancer = balancer(stack)
    logs_in(stack).access_log_of_load_balancer(load_balancer)
    [bucket] = resources(template_of(stack), "AWS::S3::Bucket")
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["LifecycleConfiguration"]["Rules"][0]["ExpirationInDays"] == 90
    assert "BucketEncryption" in bucket
    assert not [each for each in unacknowledged_findings(app) if "Logs" in str(each)]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda stack: logs_in(stack, target="prod"),
            r'ApplicationLogs "Logs": target=\'prod\' is of type str, and DeploymentTarget is',
        ),
        (
            lambda stack: logs_in(stack, retention=Duration.days(31)),
            r"retention=31 days is none that CloudWatch Logs has: 1, 3, .* 3653; write "
            r"retention=Duration.days\(60\)",
        ),
        (
            lambda stack: logs_in(stack, retention=Duration.days(4000)),
            "retention=4000 days is not between 1 and 3653 days",
        ),
        (
            lambda stack: logs_in(stack).access_log_of_http_api("stage"),  # type: ignore[arg-type]
            "ApplicationLogs.access_log_of_http_api: stage='stage' is of type str, and HttpStage",
        ),
        (
            lambda stack: logs_in(stack).access_log_of_rest_api("stage"),  # type: ignore[arg-type]
            "ApplicationLogs.access_log_of_rest_api: stage='stage' is of type str, and Stage",
        ),
        (
            lambda stack: logs_in(stack).access_log_of_load_balancer("lb"),  # type: ignore[arg-type]
            "access_log_of_load_balancer: load_balancer='lb' is of type str",
        ),
    ],
)
def test_bad_input_is_refused(make: Callable[[Stack], object], message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        make(application())
