"""All that the constructs of progressive deployment make: valid, private, encrypted, kept."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Duration, Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_lambda as lambda_
from cfnlint.api import lint_file

from dpra_constructs.monitoring import ApplicationLogs
from dpra_constructs.progressive_deployment import (
    FeatureFlags,
    Flag,
    ProgressiveFunction,
    ProgressiveService,
    ServerDeployment,
    TrafficShift,
)
from tests.synth.every_health_alarm import function as plain_function
from tests.synth.test_deployment_health import TARGET, application, template_of
from tests.synth.test_progressive_service import CERTIFICATE, IMAGE

Properties = dict[str, Any]


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> tuple[Properties, Properties]:
    """The template with what surrounds the constructs alone, and that with all of them."""
    revision = tmp_path_factory.mktemp("revision")
    (revision / "appspec.yml").write_text("version: 0.0\nos: linux\n")
    return made(None), made(revision)


def made(revision: Path | None) -> Properties:
    stack = application(App())
    vpc = ec2.Vpc(stack, "Network", max_azs=2, restrict_default_security_group=False)
    hook = plain_function(stack, "Hook")
    certificate = acm.Certificate.from_certificate_arn(stack, "Certificate", CERTIFICATE)
    if revision:
        every_construct(stack, vpc, hook, certificate, revision)
    return template_of(stack)


def every_construct(
    stack: Stack,
    vpc: ec2.IVpc,
    hook: lambda_.Function,
    certificate: acm.ICertificate,
    revision: Path,
) -> None:
    logs = ApplicationLogs(stack, "Logs", target=TARGET)
    function = ProgressiveFunction(
        stack,
        "Prices",
        target=TARGET,
        shift=TrafficShift.canary(5, Duration.minutes(10)),
        logs=logs,
        alarms=["fruit-synthetic"],
        runtime=lambda_.Runtime.PYTHON_3_14,
        handler="index.handler",
        code=lambda_.Code.from_inline("def handler(*_): ..."),
    )
    function.add_pre_hook(hook)
    function.add_post_hook(hook)
    service = ProgressiveService(
        stack,
        "Shop",
        target=TARGET,
        shift=TrafficShift.linear(20, Duration.minutes(5)),
        logs=logs,
        image=IMAGE,
        vpc=vpc,
        port=8080,
        certificate=certificate,
        test_port=8443,
        environment={"LOG_LEVEL": "INFO"},
    )
    service.add_lifecycle_hook(hook, [ecs.DeploymentLifecycleStage.POST_SCALE_UP])
    FeatureFlags(
        stack,
        "Flags",
        target=TARGET,
        shift=TrafficShift.linear(20, Duration.minutes(5)),
        alarms=function.alarms,
        flags={"newList": Flag(False, {"rows": 20})},
    )
    ServerDeployment(
        stack,
        "Servers",
        target=TARGET,
        revision=revision,
        logs=logs,
        ec2_tags={"Role": "shop"},
        alarms=function.alarms,
    )


def fine(resource: Properties) -> bool:
    """What holds no data, and is reached by nobody from outside."""
    return True


def log_group(resource: Properties) -> bool:
    properties = resource["Properties"]
    return "KmsKeyId" in properties and properties["RetentionInDays"] > 0


def bucket(resource: Properties) -> bool:
    properties = resource["Properties"]
    return bool(
        all(properties["PublicAccessBlockConfiguration"].values())
        and properties["BucketEncryption"]
        and properties["LifecycleConfiguration"]["Rules"]
        and resource["DeletionPolicy"] == "Retain"
    )


def closed(resource: Properties) -> bool:
    rules = resource["Properties"].get("SecurityGroupIngress", [])
    return not any(rule.get("CidrIp") == "0.0.0.0/0" for rule in rules)


def trusted_by_services(resource: Properties) -> bool:
    statements = resource["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    return all(set(each["Principal"]) == {"Service"} for each in statements)


#: Each resource type that the constructs make, and what has to be true of it.
RULES: dict[str, Callable[[Properties], bool]] = {
    "AWS::AppConfig::Application": fine,
    "AWS::AppConfig::ConfigurationProfile": lambda r: "KmsKeyIdentifier" in r["Properties"],
    "AWS::AppConfig::Deployment": lambda r: "KmsKeyIdentifier" in r["Properties"],
    "AWS::AppConfig::DeploymentStrategy": fine,
    "AWS::AppConfig::Environment": fine,
    "AWS::AppConfig::HostedConfigurationVersion": fine,
    "AWS::CloudWatch::Alarm": fine,
    "AWS::CodeDeploy::Application": fine,
    "AWS::CodeDeploy::DeploymentConfig": fine,
    "AWS::CodeDeploy::DeploymentGroup": lambda r: r["Properties"]["AutoRollbackConfiguration"][
        "Enabled"
    ],
    "AWS::EC2::SecurityGroup": closed,
    "AWS::EC2::SecurityGroupEgress": fine,
    "AWS::EC2::SecurityGroupIngress": lambda r: "SourceSecurityGroupId" in r["Properties"],
    "AWS::ECS::Cluster": fine,
    "AWS::ECS::Service": lambda r: (
        r["Properties"]["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"]
        == "DISABLED"
    ),
    "AWS::ECS::TaskDefinition": lambda r: all(
        each["LogConfiguration"] and each["ReadonlyRootFilesystem"] and "@sha256:" in each["Image"]
        for each in r["Properties"]["ContainerDefinitions"]
    ),
    "AWS::ElasticLoadBalancingV2::Listener": lambda r: r["Properties"]["Protocol"] == "HTTPS",
    "AWS::ElasticLoadBalancingV2::ListenerRule": fine,
    "AWS::ElasticLoadBalancingV2::LoadBalancer": lambda r: r["Properties"]["Scheme"] == "internal",
    "AWS::ElasticLoadBalancingV2::TargetGroup": fine,
    "AWS::IAM::Policy": fine,
    "AWS::IAM::Role": trusted_by_services,
    "AWS::KMS::Key": lambda r: r["Properties"]["EnableKeyRotation"],
    "AWS::Lambda::Alias": lambda r: "UpdatePolicy" in r,
    "AWS::Lambda::Function": lambda r: "LogGroup" in r["Properties"]["LoggingConfig"],
    "AWS::Lambda::Version": fine,
    "AWS::Logs::LogGroup": log_group,
    "AWS::S3::Bucket": bucket,
    "AWS::Lambda::EventInvokeConfig": fine,
    "AWS::S3::BucketPolicy": fine,
    "Custom::ServerDeployment": fine,
}


def own(templates: tuple[Properties, Properties]) -> dict[str, Properties]:
    around, everything = templates
    return {
        name: resource
        for name, resource in everything["Resources"].items()
        if name not in around["Resources"]
        # What the team's own hook is allowed to do.
        and not name.startswith("Hook")
    }


def test_there_is_a_rule_for_each_resource_type_and_no_rule_is_idle(
    templates: tuple[Properties, Properties],
) -> None:
    assert {resource["Type"] for resource in own(templates).values()} == set(RULES)


def test_nothing_is_public_unencrypted_or_without_retention(
    templates: tuple[Properties, Properties],
) -> None:
    assert [
        name for name, resource in own(templates).items() if not RULES[resource["Type"]](resource)
    ] == []


def test_no_permission_has_a_wildcard_action(templates: tuple[Properties, Properties]) -> None:
    documents = []
    for resource in own(templates).values():
        properties = resource.get("Properties", {})
        documents += [each["PolicyDocument"] for each in properties.get("Policies", [])]
        if resource["Type"] == "AWS::IAM::Policy":
            documents.append(properties["PolicyDocument"])
    actions = {
        action
        for document in documents
        for statement in document["Statement"]
        for action in (
            [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        )
    }
    assert [each for each in sorted(actions) if "*" in each] == []
    assert "cloudwatch:DescribeAlarms" in actions


def test_cfn_lint_finds_nothing_that_the_cdk_does_not_write_itself(
    templates: tuple[Properties, Properties], tmp_path: Path
) -> None:
    path = tmp_path / "everything.template.json"
    path.write_text(json.dumps(templates[1]))
    # W3005: a function waits for its role twice. W3010: the zones of a network of the tests.
    assert {match.rule.id for match in lint_file(path)} <= {"W3005", "W3010"}
