"""Nothing that the constructs create is public, unencrypted or without retention."""

import ast
import importlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, CfnResource
from constructs import Construct

from dpra_constructs import (
    ChangeCalendar,
    DeploymentWindow,
    ManualApproval,
)
from tests.conftest import ROOT, Synthesized
from tests.pipelines import (
    beta_stage,
    build_stage,
    gamma_stage,
    pipeline,
    prod_waves,
    template_of,
    tools_stack,
)
from tests.synth.test_chat_channels import SLACK, TEAMS
from tests.synth.test_terraform import TARGET, Applied

Template = dict[str, Any]
TERRAFORM_STATE = "fruit-gamma-eu-central-1"


@dataclass(frozen=True)
class Made:
    """One resource, and the template that it is in."""

    where: str
    name: str
    resource: dict[str, Any]
    template: Template

    @property
    def type(self) -> str:
        return str(self.resource["Type"])

    @property
    def properties(self) -> dict[str, Any]:
        found: dict[str, Any] = self.resource.get("Properties", {})
        return found

    @property
    def is_kept(self) -> bool:
        return self.resource.get("DeletionPolicy") == "Retain"

    @property
    def may_go(self) -> bool:
        """Whether its environment is removed with what is in it."""
        return "-beta-" in self.where or "-gamma-" in self.where

    def of_type(self, type_name: str) -> str:
        """Return the properties of the template's resources of a type, as text."""
        return json.dumps(
            [
                each.get("Properties", {})
                for each in self.template["Resources"].values()
                if each["Type"] == type_name
            ]
        )


# --- what has to be true of each resource type


def holds_nothing(made: Made) -> bool:
    """It has no data, and nobody reaches it from outside."""
    return True


def bucket(made: Made) -> bool:
    rules = made.properties["LifecycleConfiguration"]["Rules"]
    # Of the state of Terraform only what was before it expires.
    expires = "NoncurrentVersionExpiration" if made.where == TERRAFORM_STATE else "ExpirationInDays"
    return (
        all(made.properties["PublicAccessBlockConfiguration"].values())
        and len(made.properties["PublicAccessBlockConfiguration"]) == 4
        and bool(made.properties["BucketEncryption"]["ServerSideEncryptionConfiguration"])
        and any(rule["Status"] == "Enabled" and expires in rule for rule in rules)
        and (made.is_kept or made.may_go)
        and f'"{made.name}"' in made.of_type("AWS::S3::BucketPolicy")
    )


def tls_only(made: Made) -> bool:
    statements = made.properties["PolicyDocument"]["Statement"]
    return any(
        each["Effect"] == "Deny" and each["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        for each in statements
        if "Condition" in each
    ) and not public(statements)


def log_group(made: Made) -> bool:
    # A canary's log has only what CloudWatch encrypts it with by itself.
    of_canary = "/aws/lambda/cwsyn-" in json.dumps(made.properties.get("LogGroupName", ""))
    return made.properties["RetentionInDays"] > 0 and ("KmsKeyId" in made.properties or of_canary)


def key(made: Made) -> bool:
    rotates = made.properties.get("EnableKeyRotation") is True
    signs = made.properties.get("KeyUsage") == "SIGN_VERIFY"
    return (
        (rotates or signs)
        and (made.is_kept or made.may_go)
        and not public(made.properties["KeyPolicy"]["Statement"])
    )


def role(made: Made) -> bool:
    statements = made.properties["AssumeRolePolicyDocument"]["Statement"]
    for each in statements:
        # An account as a whole is trusted only where a condition names who of it.
        if "AWS" in each["Principal"] and ":root" in json.dumps(each["Principal"]):
            return "Condition" in each
    return not public(statements)


def function(made: Made) -> bool:
    group = made.properties.get("LoggingConfig", {}).get("LogGroup")
    return group is not None or _logs_to_a_group_of_its_name(made)


def _logs_to_a_group_of_its_name(made: Made) -> bool:
    name = made.properties.get("FunctionName")
    return bool(name) and f'"/aws/lambda/{name}"' in made.of_type("AWS::Logs::LogGroup")


def project(made: Made) -> bool:
    name = made.properties.get("Name")
    has_no_artifacts = made.properties["Artifacts"] == {"Type": "NO_ARTIFACTS"}
    logs = made.properties.get("LogsConfig", {}).get("CloudWatchLogs")
    # Without a group that is named, CodeBuild writes to the one of the project's name.
    keeps_logs = (
        bool(logs["Status"] == "ENABLED" and "GroupName" in logs)
        if logs
        else f'"/aws/codebuild/{name}"' in made.of_type("AWS::Logs::LogGroup")
    )
    return (
        keeps_logs
        and ("EncryptionKey" in made.properties or has_no_artifacts)
        and made.properties.get("Visibility", "PRIVATE") == "PRIVATE"
    )


def called_by_one_service(made: Made) -> bool:
    return ".amazonaws.com" in made.properties["Principal"] and "SourceArn" in made.properties


def load_balancer(made: Made) -> bool:
    attributes = {each["Key"]: each["Value"] for each in made.properties["LoadBalancerAttributes"]}
    # The fruit service asks for it: it is a shop.
    asked = "fruit-service" in made.where
    return (
        attributes["access_logs.s3.enabled"],
        attributes["routing.http.drop_invalid_header_fields.enabled"],
        made.properties["Scheme"],
    ) == ("true", "true", "internet-facing" if asked else "internal")


def security_group(made: Made) -> bool:
    rules = made.properties.get("SecurityGroupIngress", [])
    is_open = [rule for rule in rules if rule.get("CidrIp") == "0.0.0.0/0"]
    return not is_open or (
        "fruit-service" in made.where and [rule["FromPort"] for rule in is_open] == [443]
    )


def topic(made: Made) -> bool:
    return "KmsMasterKeyId" in made.properties


def queue(made: Made) -> bool:
    encrypted = "KmsMasterKeyId" in made.properties or made.properties.get("SqsManagedSseEnabled")
    return bool(encrypted) and made.properties["MessageRetentionPeriod"] > 0


def policy(made: Made) -> bool:
    return not public(made.properties["PolicyDocument"]["Statement"])


def public(statements: list[dict[str, Any]]) -> bool:
    """Whether everybody is allowed something; a condition on who asks closes it."""
    return any(
        each["Effect"] == "Allow"
        and json.dumps(each.get("Principal", "")) in ('"*"', '{"AWS": "*"}')
        and not {"aws:PrincipalArn", "aws:SourceAccount", "aws:SourceArn"}
        & {name for test in each.get("Condition", {}).values() for name in test}
        for each in statements
    )


#: Each resource type that the constructs make, and what has to be true of it.
RULES: dict[str, Callable[[Made], bool]] = {
    "AWS::AppConfig::Application": holds_nothing,
    "AWS::AppConfig::ConfigurationProfile": lambda made: "KmsKeyIdentifier" in made.properties,
    "AWS::AppConfig::Deployment": lambda made: "KmsKeyIdentifier" in made.properties,
    "AWS::AppConfig::DeploymentStrategy": holds_nothing,
    "AWS::AppConfig::Environment": holds_nothing,
    "AWS::AppConfig::HostedConfigurationVersion": holds_nothing,
    "AWS::Chatbot::MicrosoftTeamsChannelConfiguration": holds_nothing,
    "AWS::Chatbot::SlackChannelConfiguration": holds_nothing,
    "AWS::CloudWatch::Alarm": holds_nothing,
    "AWS::CloudWatch::CompositeAlarm": holds_nothing,
    "AWS::CloudWatch::Dashboard": holds_nothing,
    "AWS::CodeBuild::Project": project,
    "AWS::CodeBuild::ReportGroup": lambda made: (
        made.properties["ExportConfig"] == {"ExportConfigType": "NO_EXPORT"}
    ),
    "AWS::CodeDeploy::Application": holds_nothing,
    "AWS::CodeDeploy::DeploymentConfig": holds_nothing,
    "AWS::CodeDeploy::DeploymentGroup": holds_nothing,
    "AWS::CodePipeline::Pipeline": lambda made: all(
        "EncryptionKey" in each["ArtifactStore"] for each in made.properties["ArtifactStores"]
    ),
    "AWS::EC2::SecurityGroup": security_group,
    "AWS::ECR::Repository": lambda made: (
        made.properties["ImageTagMutability"] == "IMMUTABLE"
        and made.properties["ImageScanningConfiguration"]["ScanOnPush"] is True
        and "LifecyclePolicyText" in made.properties["LifecyclePolicy"]
    ),
    "AWS::ECR::SigningConfiguration": holds_nothing,
    "AWS::ECS::Cluster": holds_nothing,
    "AWS::ECS::Service": lambda made: (
        made.properties["NetworkConfiguration"]["AwsvpcConfiguration"]["AssignPublicIp"]
        == "DISABLED"
    ),
    "AWS::ECS::TaskDefinition": lambda made: all(
        "LogConfiguration" in each and each["ReadonlyRootFilesystem"] is True
        for each in made.properties["ContainerDefinitions"]
    ),
    "AWS::ElasticLoadBalancingV2::Listener": lambda made: made.properties["Protocol"] == "HTTPS",
    "AWS::ElasticLoadBalancingV2::ListenerRule": holds_nothing,
    "AWS::ElasticLoadBalancingV2::LoadBalancer": load_balancer,
    "AWS::ElasticLoadBalancingV2::TargetGroup": holds_nothing,
    "AWS::Events::Rule": holds_nothing,
    "AWS::FIS::ExperimentTemplate": holds_nothing,
    "AWS::IAM::ManagedPolicy": policy,
    "AWS::IAM::Policy": policy,
    "AWS::IAM::Role": role,
    "AWS::KMS::Key": key,
    "AWS::Lambda::Alias": holds_nothing,
    "AWS::Lambda::CodeSigningConfig": holds_nothing,
    "AWS::Lambda::Function": function,
    "AWS::Lambda::Permission": called_by_one_service,
    "AWS::Logs::LogGroup": log_group,
    "AWS::Logs::MetricFilter": holds_nothing,
    "AWS::S3::Bucket": bucket,
    "AWS::S3::BucketPolicy": tls_only,
    "AWS::Signer::SigningProfile": holds_nothing,
    "AWS::SNS::Topic": topic,
    "AWS::SQS::Queue": queue,
    "AWS::SQS::QueuePolicy": policy,
    "AWS::SSM::Parameter": holds_nothing,
    "AWS::StepFunctions::StateMachine": lambda made: (
        made.properties["LoggingConfiguration"]["Level"] != "OFF"
    ),
    "AWS::Synthetics::Canary": lambda made: (
        made.properties["ArtifactConfig"]["S3Encryption"]["EncryptionMode"] == "SSE_S3"
        and made.properties["SuccessRetentionPeriod"] > 0
        and made.properties["FailureRetentionPeriod"] > 0
    ),
}
#: What is not in the templates below, and the test that looks at it.
SHOWN_BY = {
    "AWS::AppConfig::": "tests/synth/test_feature_flags.py",
    "AWS::CodeDeploy::DeploymentConfig": "tests/synth/test_progressive_function.py",
    "AWS::FIS::ExperimentTemplate": "tests/synth/test_fault_injection.py",
    "AWS::Lambda::CodeSigningConfig": "tests/synth/test_function_signing.py",
    "AWS::Logs::MetricFilter": "tests/synth/test_health_alarms.py",
    "AWS::Signer::SigningProfile": "tests/synth/test_function_signing.py",
}


def holds(made: Made) -> bool:
    try:
        return RULES[made.type](made)
    except KeyError:
        # A property is left out that the rule asks for.
        return False


OPEN_PORT = {"CidrIp": "0.0.0.0/0", "FromPort": 22, "ToPort": 22, "IpProtocol": "tcp"}
PUBLIC_ADDRESS = {"AwsvpcConfiguration": {"AssignPublicIp": "ENABLED"}}
EVERYBODY = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "*", "Resource": "*"}


# --- what the source of the library makes, whichever templates are looked at


def created_types() -> set[str]:
    """Return the resource types of every construct of aws_cdk that the library's code calls."""
    found: set[str] = set()
    for path in (ROOT / "dpra_constructs").rglob("*.py"):
        if "rehearsal" not in path.parts:
            found.update(_created_in(path))
    return found


def _created_in(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text("utf-8"))
    modules = {
        each.asname or each.name: each.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "aws_cdk"
        for each in node.names
        if each.name.startswith("aws_")
    }
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Name(id=alias), attr=name)):
                if alias in modules and (made := resource_type(modules[alias], name)):
                    yield made


# Constructs that are not named after the resource that they make.
_NAMED_OTHERWISE = {
    "ApplicationListener": "CfnListener",
    "ApplicationListenerRule": "CfnListenerRule",
    "ApplicationLoadBalancer": "CfnLoadBalancer",
    "ApplicationTargetGroup": "CfnTargetGroup",
    "FargateService": "CfnService",
    "FargateTaskDefinition": "CfnTaskDefinition",
}


@cache
def resource_type(module_name: str, name: str) -> str | None:
    """Return the type that a class makes, or None where the name is not a construct's."""
    module = importlib.import_module(f"aws_cdk.{module_name}")
    construct = getattr(module, name, None)
    if not isinstance(construct, type) or not issubclass(construct, Construct):
        return None
    # A file of the cloud assembly, and no resource.
    if (module_name, name) == ("aws_s3_assets", "Asset"):
        return None
    made = getattr(module, name if name.startswith("Cfn") else f"Cfn{name}", None)
    made = made or getattr(module, _NAMED_OTHERWISE[name])
    assert issubclass(made, CfnResource)
    return str(made.CFN_RESOURCE_TYPE_NAME)


# --- the templates


def every_option() -> Template:
    stack = tools_stack()
    channels = ["team@acme.example", SLACK, TEAMS]
    gamma = gamma_stage(stack, beta=beta_stage(stack, build=build_stage(stack, pull_requests=True)))
    last = prod_waves(
        stack,
        gamma=gamma,
        window=DeploymentWindow(days="MON-THU", hours=(9, 16), time_zone="Europe/Berlin"),
        calendar=ChangeCalendar(["year-end-freeze"]),
        on_bake_failure="roll_back_all",
        approval=ManualApproval(forbid_author=True, notify=["release@acme.example"]),
    )
    return template_of(pipeline(stack, last_stage=last, notify=channels))


@pytest.fixture(scope="module")
def everything(fruit_api: Synthesized, fruit_service: Synthesized) -> list[Made]:
    terraform = Applied(App(), TARGET.stage_id, TARGET).synth().stacks[0].template
    templates = {"every option": every_option(), TERRAFORM_STATE: terraform}
    for example in (fruit_api, fruit_service):
        templates.update(example.templates())
    return [
        Made(where, name, resource, template)
        for where, template in templates.items()
        for name, resource in template["Resources"].items()
    ]


def test_each_type_that_the_library_makes_has_a_rule() -> None:
    assert created_types() - set(RULES) == set()


def test_no_rule_is_idle(everything: list[Made]) -> None:
    idle = set(RULES) - {made.type for made in everything}
    for type_name in idle:
        [file] = [file for start, file in SHOWN_BY.items() if type_name.startswith(start)]
        assert type_name.rpartition("::")[2] in (ROOT / file).read_text()


@pytest.mark.parametrize(
    ("type_name", "change"),
    [
        ("AWS::CodeBuild::Project", {"EncryptionKey": None, "Artifacts": {"Type": "S3"}}),
        ("AWS::CodeBuild::Project", {"Visibility": "PUBLIC_READ"}),
        ("AWS::EC2::SecurityGroup", {"SecurityGroupIngress": [OPEN_PORT]}),
        ("AWS::ECS::Service", {"NetworkConfiguration": PUBLIC_ADDRESS}),
        ("AWS::ElasticLoadBalancingV2::Listener", {"Protocol": "HTTP"}),
        ("AWS::ElasticLoadBalancingV2::LoadBalancer", {"LoadBalancerAttributes": []}),
        ("AWS::IAM::Role", {"AssumeRolePolicyDocument": {"Statement": [EVERYBODY]}}),
        ("AWS::KMS::Key", {"EnableKeyRotation": None, "KeyUsage": None}),
        ("AWS::KMS::Key", {"KeyPolicy": {"Statement": [EVERYBODY]}}),
        ("AWS::Lambda::Function", {"FunctionName": None, "LoggingConfig": None}),
        ("AWS::Lambda::Permission", {"SourceArn": None}),
        ("AWS::Lambda::Permission", {"Principal": "*"}),
        ("AWS::Logs::LogGroup", {"RetentionInDays": None}),
        ("AWS::Logs::LogGroup", {"KmsKeyId": None, "LogGroupName": "fruit"}),
        ("AWS::S3::Bucket", {"BucketEncryption": None}),
        ("AWS::S3::Bucket", {"LifecycleConfiguration": None}),
        ("AWS::S3::Bucket", {"PublicAccessBlockConfiguration": {"BlockPublicAcls": True}}),
        ("AWS::S3::BucketPolicy", {"PolicyDocument": {"Statement": [EVERYBODY]}}),
        ("AWS::SNS::Topic", {"KmsMasterKeyId": None}),
        ("AWS::SQS::Queue", {"KmsMasterKeyId": None, "SqsManagedSseEnabled": None}),
        ("AWS::SQS::Queue", {"MessageRetentionPeriod": None}),
        ("AWS::SQS::QueuePolicy", {"PolicyDocument": {"Statement": [EVERYBODY]}}),
        ("AWS::StepFunctions::StateMachine", {"LoggingConfiguration": None}),
        ("AWS::Synthetics::Canary", {"ArtifactConfig": None}),
        ("AWS::Synthetics::Canary", {"FailureRetentionPeriod": None}),
    ],
)
def test_a_rule_notices_what_is_wrong(
    everything: list[Made], type_name: str, change: dict[str, Any]
) -> None:
    for made in everything:
        if made.type == type_name:
            given = {**made.properties, **change}
            properties = {name: value for name, value in given.items() if value is not None}
            wrong = replace(made, resource={**made.resource, "Properties": properties})
            assert not holds(wrong)


@pytest.mark.parametrize("type_name", RULES)
def test_nothing_of_it_is_public_unencrypted_or_without_retention(
    everything: list[Made], type_name: str
) -> None:
    broken = [
        f"{made.where}: {made.name}"
        for made in everything
        if made.type == type_name and not holds(made)
    ]
    assert broken == []
