"""What a build action says stands in its CodeBuild project, in its role, and nowhere else."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from constructs import Construct

from dpra_constructs import InvalidArgumentError, Requirement
from dpra_constructs.build_actions import (
    BuildAction,
    CodeBuildProject,
    Permission,
    Pytest,
    PythonBuild,
    Ruff,
    SecretsManagerSecret,
    SecureParameter,
)
from dpra_constructs.build_actions.inspector_code_security import InspectorCodeSecurity
from dpra_constructs.build_actions.pipeline_action import PipelineAction
from dpra_constructs.build_actions.requirement_actions import REQUIREMENT_ACTIONS
from dpra_constructs.testing import unacknowledged_findings
from tests.build_actions.other_actions import ACTIONS
from tests.conftest import resources
from tests.pipelines import (
    SCANS,
    beta_stage,
    build_stage,
    pipeline,
    source_stage,
    template_of,
    tools_stack,
)

KEY = "arn:aws:kms:us-west-2:111111111111:key/1c2d3e4f"
ECR = "111111111111.dkr.ecr.us-west-2.amazonaws.com/build/java"


def synthesized(*actions: Any, **arguments: Any) -> dict[str, Any]:
    stack = tools_stack()
    all_actions = [PythonBuild(), Pytest(), Ruff(), SCANS, *actions]
    build = build_stage(stack, actions=all_actions, **arguments)
    return template_of(pipeline(stack, last_stage=beta_stage(stack, build=build)))


def project(template: dict[str, Any], name: str) -> dict[str, Any]:
    projects = resources(template, "AWS::CodeBuild::Project")
    [found] = [each for each in projects if each.get("Name") == f"fruit-Build-{name}"]
    return found


def statements(template: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Return what the role of a project may do."""
    role = project(template, name)["ServiceRole"]["Fn::GetAtt"][0]
    return [
        statement
        for policy in resources(template, "AWS::IAM::Policy")
        if policy["Roles"] == [{"Ref": role}]
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def flat(value: Any) -> str:
    """Return a value as text, with the joins of CloudFormation put together."""
    match value:
        case {"Fn::Join": [separator, parts]}:
            return str(separator).join(map(flat, parts))
        case {"Ref": name}:
            return f"<{name}>"
        case {"Fn::GetAtt": [name, attribute]}:
            return f"<{name}.{attribute}>"
        case _:
            return str(value)


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def run_orders(template: dict[str, Any]) -> dict[str, int]:
    [made] = resources(template, "AWS::CodePipeline::Pipeline")
    return {action["Name"]: action["RunOrder"] for action in made["Stages"][1]["Actions"]}


def test_the_source_is_checked_first_and_alone() -> None:
    template = synthesized()
    orders = run_orders(template)
    assert [name for name, order in orders.items() if order == 1] == ["SourceLayout"]
    assert orders["Synth"] == 3
    assert orders["Seal"] == max(orders.values()) == 4
    made = project(template, "SourceLayout")
    assert made["TimeoutInMinutes"] == 5
    spec = made["Source"]["BuildSpec"]
    assert "python3 -I - '" in spec
    # It installs nothing: it reads the commits and their authors from Git.
    assert "pip" not in str(json.loads(spec)["phases"]["install"])


def test_a_waived_kind_of_source_is_not_checked() -> None:
    reason = {Requirement.SOURCE_STATIC_ASSETS: "an API without pages or styles"}
    stack = tools_stack()
    build = build_stage(stack, source=source_stage(stack, waivers=reason))
    template = template_of(pipeline(stack, last_stage=beta_stage(stack, build=build)))
    [command, _] = json.loads(project(template, "SourceLayout")["Source"]["BuildSpec"])["phases"][
        "build"
    ]["commands"]
    assert "static_assets" not in command.splitlines()[0]
    assert "dependency_manifests" in command.splitlines()[0]


def test_an_action_runs_after_those_whose_outputs_it_reads() -> None:
    sbom = BuildAction("Sbom", commands=["make"], inputs=["dist"], outputs={"sbom": "sbom"})
    check = BuildAction("Check", commands=["make"], inputs=["sbom", "dist"])
    template = synthesized(check, sbom)
    orders = run_orders(template)
    assert (orders["Package"], orders["Sbom"], orders["Check"], orders["Synth"]) == (2, 3, 4, 5)
    [made] = resources(template, "AWS::CodePipeline::Pipeline")
    actions = {action["Name"]: action for action in made["Stages"][1]["Actions"]}
    [artifact] = actions["Sbom"]["OutputArtifacts"]
    assert artifact in actions["Check"]["InputArtifacts"]
    assert artifact in actions["Synth"]["InputArtifacts"]
    spec = json.loads(project(template, "Check")["Source"]["BuildSpec"])
    links = [each for each in spec["phases"]["install"]["commands"] if "ln -s" in each]
    assert [link.split()[-1] for link in links] == ['"sbom"', '"dist"']


def test_each_build_runs_where_the_stage_or_the_action_says() -> None:
    own = CodeBuildProject(architecture="ARM_64", compute_type="X2_LARGE", privileged=True)
    template = synthesized(
        BuildAction("Image", commands=["make"], project=own),
        project=CodeBuildProject(image="aws/codebuild/standard:7.0", compute_type="LARGE"),
    )
    expected = {
        "ComputeType": "BUILD_GENERAL1_LARGE",
        "Image": "aws/codebuild/standard:7.0",
        "ImagePullCredentialsType": "CODEBUILD",
        "PrivilegedMode": False,
        "Type": "LINUX_CONTAINER",
    }
    for name in ("SourceLayout", "Package", "Synth"):
        assert project(template, name)["Environment"] == expected
    assert project(template, "Image")["Environment"] == {
        "ComputeType": "BUILD_GENERAL1_2XLARGE",
        "Image": "aws/codebuild/amazonlinux-aarch64-standard:3.0",
        "ImagePullCredentialsType": "CODEBUILD",
        "PrivilegedMode": True,
        "Type": "ARM_CONTAINER",
    }


@pytest.mark.parametrize("end", [":21", "@sha256:" + "0a" * 32])
def test_an_image_of_the_teams_own_may_be_pulled(end: str) -> None:
    action = BuildAction("Java", commands=["make"], project=CodeBuildProject(image=ECR + end))
    template = synthesized(action)
    image = flat(project(template, "Java")["Environment"]["Image"])
    assert image.replace("<AWS::URLSuffix>", "amazonaws.com") == ECR + end
    [pull] = [
        each for each in statements(template, "Java") if "ecr:BatchGetImage" in each["Action"]
    ]
    assert flat(pull["Resource"]).endswith(":ecr:us-west-2:111111111111:repository/build/java")


def test_cdk_nag_finds_nothing_in_what_actions_need() -> None:
    own = CodeBuildProject(image=ECR, cache_paths=["/root/.m2/**/*"])
    action = BuildAction("Java", commands=["make"], secrets=SECRETS, publishes=True)
    stack = tools_stack()
    actions = [PythonBuild(), Pytest(), Ruff(), SCANS, action]
    build = build_stage(stack, actions=actions, project=own, pull_requests=True)
    made = pipeline(stack, last_stage=beta_stage(stack, build=build))
    assert unacknowledged_findings(made) == []


def test_a_public_image_is_one() -> None:
    name = "public.ecr.aws/docker/library/golang:1.25"
    action = BuildAction("Go", commands=["make"], project=CodeBuildProject(image=name))
    assert project(synthesized(action), "Go")["Environment"]["Image"] == name


def test_directories_are_cached_on_the_host() -> None:
    cached = CodeBuildProject(cache_paths=["/root/.m2/**/*"])
    made = project(synthesized(BuildAction("Java", commands=["make"], project=cached)), "Java")
    assert made["Cache"] == {"Type": "LOCAL", "Modes": ["LOCAL_CUSTOM_CACHE"]}
    assert json.loads(made["Source"]["BuildSpec"])["cache"] == {"paths": ["/root/.m2/**/*"]}


SECRETS: dict[str, SecretsManagerSecret | SecureParameter] = {
    "SONAR_TOKEN": SecretsManagerSecret("acme/sonar", json_key="token", kms_key_arn=KEY),
    "SNYK_TOKEN": SecureParameter("/acme/snyk"),
}


def test_a_secret_is_a_reference_that_the_action_alone_may_read() -> None:
    template = synthesized(BuildAction("Scan", commands=["make"], secrets=SECRETS))
    assert project(template, "Scan")["Environment"]["EnvironmentVariables"] == [
        {"Name": "SONAR_TOKEN", "Type": "SECRETS_MANAGER", "Value": "acme/sonar:token"},
        {"Name": "SNYK_TOKEN", "Type": "PARAMETER_STORE", "Value": "/acme/snyk"},
    ]
    reading = {
        action: flat(statement["Resource"])
        for statement in statements(template, "Scan")
        for action in ("secretsmanager:GetSecretValue", "ssm:GetParameters", "kms:Decrypt")
        if statement["Action"] == action
    }
    begin = "arn:<AWS::Partition>"
    assert reading == {
        "secretsmanager:GetSecretValue": (
            f"{begin}:secretsmanager:us-west-2:111111111111:secret:acme/sonar-??????"
        ),
        "ssm:GetParameters": f"{begin}:ssm:us-west-2:111111111111:parameter/acme/snyk",
        "kms:Decrypt": KEY,
    }
    for name in ("SourceLayout", "Package", "Synth"):
        text = json.dumps(statements(template, name))
        assert "secretsmanager" not in text
        assert "ssm:" not in text


def test_a_permission_is_one_of_the_actions_role_with_the_pipelines_places() -> None:
    push = Permission(
        actions=["ecr:PutImage"],
        resources=["arn:{partition}:ecr:{region}:{account}:repository/fruit"],
    )
    template = synthesized(BuildAction("Push", commands=["make"], permissions=[push]))
    [statement] = [
        each for each in statements(template, "Push") if each["Action"] == "ecr:PutImage"
    ]
    assert flat(statement["Resource"]) == (
        "arn:<AWS::Partition>:ecr:us-west-2:111111111111:repository/fruit"
    )
    assert "ecr:PutImage" not in json.dumps(statements(template, "Package"))


def test_a_wildcard_with_a_reason_is_acknowledged_for_the_action_alone() -> None:
    login = Permission(
        actions=["ecr:GetAuthorizationToken"],
        resources=["*"],
        reason="the service knows no resources for it",
    )
    uploads = Permission(
        actions=["s3:PutObject"],
        resources=["arn:{partition}:s3:::acme-reports/fruit/*"],
        reason="each build writes a file with a name of its own",
    )
    stack = tools_stack()
    action = BuildAction("Push", commands=["make"], permissions=[login, uploads])
    build = build_stage(stack, actions=[PythonBuild(), Pytest(), Ruff(), SCANS, action])
    made = pipeline(stack, last_stage=beta_stage(stack, build=build))
    assert unacknowledged_findings(made) == []


def test_what_publishes_is_tagged_for_readers_of_the_template() -> None:
    template = synthesized(BuildAction("Publish", commands=["make"], publishes=True))
    assert project(template, "Publish")["Tags"] == [{"Key": "dpra:publishes", "Value": "true"}]
    assert "Tags" not in project(template, "Package")


def test_builds_take_no_longer_than_the_time_budget() -> None:
    from aws_cdk import Duration

    template = synthesized(time_budget=Duration.minutes(12))
    for name in ("Package", "UnitTests", "Synth"):
        assert project(template, name)["TimeoutInMinutes"] == 12


def test_the_log_of_each_project_is_encrypted_and_kept_for_a_stated_time() -> None:
    from aws_cdk import Duration

    template = synthesized(log_retention=Duration.days(30))
    groups = {each["LogGroupName"]: each for each in resources(template, "AWS::Logs::LogGroup")}
    for made in resources(template, "AWS::CodeBuild::Project"):
        name = made.get("Name")
        if name:
            assert f"/aws/codebuild/{name}" in groups
        else:
            # CDK Pipelines names the project, so it is told where to log.
            configured = made["LogsConfig"]["CloudWatchLogs"]
            assert configured["Status"] == "ENABLED"
            assert template["Resources"][configured["GroupName"]["Ref"]]["Type"] == (
                "AWS::Logs::LogGroup"
            )
    for group in groups.values():
        assert group["RetentionInDays"] == 30
        assert group["KmsKeyId"]["Fn::GetAtt"][0].startswith("PipelineArtifactKey")
    [key] = [each for each in resources(template, "AWS::KMS::Key") if "KeyUsage" not in each]
    [statement] = [
        each
        for each in key["KeyPolicy"]["Statement"]
        if each["Principal"] == {"Service": "logs.us-west-2.amazonaws.com"}
    ]
    arns = statement["Condition"]["ArnLike"]["kms:EncryptionContext:aws:logs:arn"]
    assert [flat(arn).rpartition("log-group:")[2] for arn in arns] == [
        "/aws/codebuild/fruit-*",
        "/aws/lambda/fruit-*",
        "/aws/vendedlogs/states/fruit-*",
    ]


def test_an_action_that_is_not_code_build() -> None:
    scan = InspectorCodeSecurity(input="dist", name="Inspect")
    assert isinstance(scan, PipelineAction)
    stack = tools_stack()
    build = build_stage(stack, actions=[PythonBuild(), Pytest(), Ruff(), SCANS, scan])
    made = pipeline(stack, last_stage=beta_stage(stack, build=build))
    assert unacknowledged_findings(made) == []
    assert "  3 Inspect <- dist (DPRA-BUILD-SCA)" in made.pipeline_outline().splitlines()
    template = template_of(made)
    [found] = resources(template, "AWS::CodePipeline::Pipeline")
    actions = {action["Name"]: action for action in found["Stages"][1]["Actions"]}
    inspect = actions["Inspect"]
    assert inspect["ActionTypeId"] == {
        "Category": "Invoke",
        "Owner": "AWS",
        "Provider": "InspectorScan",
        "Version": "1",
    }
    assert inspect["Configuration"] == scan.configuration()
    assert inspect["InputArtifacts"] == actions["Package"]["OutputArtifacts"]
    assert inspect["OutputArtifacts"] == [{"Name": "inspector-sbom"}]
    assert (inspect["RunOrder"], actions["Synth"]["RunOrder"]) == (3, 4)
    role = inspect["RoleArn"]["Fn::GetAtt"][0]
    allowed = {
        action: flat(as_list(statement["Resource"])[-1])
        for policy in resources(template, "AWS::IAM::Policy")
        if policy["Roles"] == [{"Ref": role}]
        for statement in policy["PolicyDocument"]["Statement"]
        for action in as_list(statement["Action"])
    }
    assert {action.split(":")[0] for action in allowed} == {"inspector-scan", "kms", "logs", "s3"}
    assert allowed["inspector-scan:ScanSbom"] == "*"
    assert allowed["logs:PutLogEvents"].endswith(":log-group:/aws/codepipeline/fruit:*")


@dataclass(frozen=True, kw_only=True)
class OfTheSource:
    """An action of CodePipeline that reads the source."""

    name: str = "Lint"
    category: str = "Build"
    provider: str = "Example"
    input: str | None = None
    output: str = "lint"
    meets: tuple[Requirement, ...] = ()

    def permissions(self, pipeline: str) -> tuple[Permission, ...]:
        return ()

    def configuration(self) -> Mapping[str, str]:
        return {}


def test_an_action_that_is_not_code_build_may_read_the_source() -> None:
    template = synthesized(OfTheSource())
    [found] = resources(template, "AWS::CodePipeline::Pipeline")
    [source] = found["Stages"][0]["Actions"]
    actions = {action["Name"]: action for action in found["Stages"][1]["Actions"]}
    assert actions["Lint"]["InputArtifacts"] == source["OutputArtifacts"]
    assert actions["Lint"]["RunOrder"] == 2


def test_no_typed_action_has_a_finding_of_cdk_nag() -> None:
    # Without inputs and outputs, of which one pipeline takes only so many.
    actions = [
        replace(action.to_build_action(), name=f"A{number}", inputs=(), outputs={})
        for number, action in enumerate(ACTIONS.values())
    ]
    stack = tools_stack()
    for number in range(0, len(actions), 30):
        build = build_stage(
            (scope := Construct(stack, f"Part{number}")),
            actions=actions[number : number + 30],
            waivers=dict.fromkeys(REQUIREMENT_ACTIONS, "the actions are only looked at here"),
        )
        made = pipeline(scope, name=f"part{number}", last_stage=beta_stage(scope, build=build))
        assert unacknowledged_findings(made) == []


def test_two_artifacts_of_one_name_are_refused() -> None:
    stack = tools_stack()
    actions = [PythonBuild(), Pytest(), Ruff(), SCANS, OfTheSource(output="dist")]
    with pytest.raises(InvalidArgumentError, match="the actions' outputs has dist more than once"):
        build_stage(stack, actions=actions)


def test_a_requirement_may_be_met_by_an_action_that_is_not_code_build() -> None:
    meets = tuple(SCANS.meets)
    stack = tools_stack()
    build_stage(stack, actions=[PythonBuild(), Pytest(), Ruff(), OfTheSource(meets=meets)])


def test_the_outline_shows_what_each_action_meets_needs_and_makes() -> None:
    stack = tools_stack()
    actions = [
        PythonBuild(),
        Pytest(),
        Ruff(),
        SCANS,
        BuildAction("Publish", commands=["make"], secrets=SECRETS, inputs=["dist"], publishes=True),
    ]
    made = pipeline(stack, last_stage=beta_stage(stack, build=build_stage(stack, actions=actions)))
    lines = made.pipeline_outline().splitlines()
    assert "Build (time budget 10 min)" in lines
    assert "  2 Package -> dist (DPRA-BUILD-CODE)" in lines
    assert "  3 Publish <- dist (secrets SONAR_TOKEN SNYK_TOKEN, publishes)" in lines
    assert "acme" not in "".join(lines[3:])
