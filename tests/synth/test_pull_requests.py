"""Pull requests are built by the same actions, under a role that can deploy nothing."""

import json
from typing import Any

import pytest

from dpra_constructs.build_actions import (
    BuildAction,
    CdkSynth,
    CodeBuildProject,
    Permission,
    Pytest,
    PythonBuild,
    Ruff,
    SecureParameter,
)
from dpra_constructs.pipeline.pull_requests import report_command
from dpra_constructs.source import (
    Bitbucket,
    ConnectedRepository,
    GitHub,
    GitHubEnterpriseServer,
    GitLab,
    GitLabSelfManaged,
)
from dpra_constructs.testing import unacknowledged_findings
from tests.conftest import resources
from tests.pipelines import (
    CONNECTION,
    SCANS,
    beta_stage,
    build_stage,
    pipeline,
    source_stage,
    template_of,
    tools_stack,
)
from tests.synth.test_build_actions import flat

OWN = "https://git.acme.example"
OPENED = "PULL_REQUEST_CREATED, PULL_REQUEST_UPDATED"


def of_pull_requests(repository: ConnectedRepository, given: Any, **arguments: Any) -> Any:
    stack = tools_stack()
    source = source_stage(stack, repository=repository)
    build = build_stage(stack, source=source, pull_requests=given, **arguments)
    return pipeline(stack, last_stage=beta_stage(stack, build=build))


def project(template: dict[str, Any]) -> dict[str, Any]:
    projects = resources(template, "AWS::CodeBuild::Project")
    [found] = [each for each in projects if each.get("Name") == "fruit-PullRequest"]
    return found


@pytest.fixture(scope="module")
def made() -> Any:
    return of_pull_requests(GitHub("acme/fruit", connection_arn=CONNECTION, trunk="v1.x"), True)


@pytest.fixture(scope="module")
def template(made: Any) -> dict[str, Any]:
    return template_of(made)


@pytest.mark.parametrize(
    ("host", "given", "kind", "address", "events"),
    [
        (GitHub, True, "GITHUB", "https://github.com", f"{OPENED}, PULL_REQUEST_REOPENED"),
        (GitHubEnterpriseServer, OWN, "GITHUB_ENTERPRISE", OWN, f"{OPENED}, PULL_REQUEST_REOPENED"),
        (GitLab, True, "GITLAB", "https://gitlab.com", f"{OPENED}, PULL_REQUEST_REOPENED"),
        (GitLabSelfManaged, OWN, "GITLAB_SELF_MANAGED", OWN, f"{OPENED}, PULL_REQUEST_REOPENED"),
        (Bitbucket, True, "BITBUCKET", "https://bitbucket.org", OPENED),
    ],
)
def test_each_host(
    host: type[ConnectedRepository], given: Any, kind: str, address: str, events: str
) -> None:
    repository = host("acme/fruit", connection_arn=CONNECTION)
    found = project(template_of(of_pull_requests(repository, given)))
    assert found["Source"]["Type"] == kind
    assert found["Source"]["Location"] == f"{address}/acme/fruit.git"
    assert found["Source"]["Auth"] == {"Type": "CODECONNECTIONS", "Resource": CONNECTION}
    [[event, base]] = found["Triggers"]["FilterGroups"]
    assert event == {"Type": "EVENT", "Pattern": events}
    assert base == {"Type": "BASE_REF", "Pattern": "^refs/heads/main$"}


def test_only_pull_requests_to_the_trunk_are_built(template: dict[str, Any]) -> None:
    [[_, base]] = project(template)["Triggers"]["FilterGroups"]
    assert base["Pattern"] == r"^refs/heads/v1\.x$"


def test_pull_requests_of_forks_wait_for_a_persons_approval(template: dict[str, Any]) -> None:
    assert project(template)["Triggers"]["PullRequestBuildPolicy"] == {
        "RequiresCommentApproval": "FORK_PULL_REQUESTS"
    }


def test_the_result_is_reported_to_the_host(template: dict[str, Any]) -> None:
    assert project(template)["Source"]["ReportBuildStatus"] is True


def test_its_role_has_a_log_reports_and_the_connection_and_nothing_else(
    template: dict[str, Any],
) -> None:
    name = project(template)["ServiceRole"]["Fn::GetAtt"][0]
    role = template["Resources"][name]["Properties"]
    assert "ManagedPolicyArns" not in role
    assert not [
        policy
        for policy in resources(template, "AWS::IAM::Policy")
        if {"Ref": name} in policy.get("Roles", [])
    ]
    [policy] = role["Policies"]
    allowed = {
        flat(statement["Resource"]): statement["Action"]
        for statement in policy["PolicyDocument"]["Statement"]
    }
    [group] = [resource for resource in allowed if resource.startswith("<PipelineLogs")]
    reports = (
        "arn:<AWS::Partition>:codebuild:us-west-2:111111111111:report-group/fruit-PullRequest-build"
    )
    assert set(allowed) == {group, reports, CONNECTION}
    actions = {action for each in allowed.values() for action in each}
    assert {action.split(":")[0] for action in actions} == {
        "logs",
        "codebuild",
        "codeconnections",
    }
    assert not any("AssumeRole" in action or "StartBuild" in action for action in actions)


def test_no_role_of_the_pipeline_trusts_it(template: dict[str, Any]) -> None:
    name = project(template)["ServiceRole"]["Fn::GetAtt"][0]
    for role in resources(template, "AWS::IAM::Role"):
        assert name not in json.dumps(role["AssumeRolePolicyDocument"])


def test_it_has_no_secret(template: dict[str, Any]) -> None:
    assert "EnvironmentVariables" not in project(template)["Environment"]


def test_it_runs_dpra_build_with_the_tools_of_synth(template: dict[str, Any]) -> None:
    from importlib.metadata import version

    spec = json.loads(project(template)["Source"]["BuildSpec"])
    install = spec["phases"]["install"]["commands"]
    assert install[0] == (
        f"python -m pip install --quiet 'dpra-constructs[cli]=={version('dpra-constructs')}'"
    )
    assert tuple(install[1:]) == CdkSynth().to_build_action().install
    [build] = spec["phases"]["build"]["commands"]
    assert build == "dpra build --pipeline fruit --json dpra-build.json"
    # A build that failed has a report too.
    assert spec["phases"]["build"]["finally"] == [report_command()]
    assert spec["reports"]["build"]["file-format"] == "JUNITXML"


def test_actions_that_need_what_it_has_not_are_skipped_by_name() -> None:
    permission = Permission(
        actions=["ecr:PutImage"], resources=["arn:aws:ecr:us-west-2:111111111111:repository/fruit"]
    )
    found = of_pull_requests(
        GitHub("acme/fruit", connection_arn=CONNECTION),
        True,
        actions=[
            PythonBuild(),
            Pytest(),
            Ruff(),
            SCANS,
            BuildAction("Sonar", commands=["make"], secrets={"SONAR": SecureParameter("/sonar")}),
            BuildAction("Probe", commands=["make"], permissions=[permission]),
            BuildAction("Push", commands=["make"], permissions=[permission], publishes=True),
        ],
    )
    spec = json.loads(project(template_of(found))["Source"]["BuildSpec"])
    # What publishes does not run outside the pipeline anyway.
    [build] = spec["phases"]["build"]["commands"]
    assert build.endswith(" --skip Sonar --skip Probe")


def test_the_app_may_stand_in_a_folder() -> None:
    found = of_pull_requests(
        GitHub("acme/fruit", connection_arn=CONNECTION),
        True,
        synth=CdkSynth(app_directory="infra"),
    )
    [build] = json.loads(project(template_of(found))["Source"]["BuildSpec"])["phases"]["build"][
        "commands"
    ]
    assert build.endswith(" --directory infra")


def test_it_runs_where_the_build_stage_says() -> None:
    image = "111111111111.dkr.ecr.us-west-2.amazonaws.com/build/java:21"
    found = of_pull_requests(
        GitHub("acme/fruit", connection_arn=CONNECTION),
        True,
        project=CodeBuildProject(image=image, architecture="ARM_64", compute_type="LARGE"),
    )
    template = template_of(found)
    assert project(template)["Environment"] == {
        "ComputeType": "BUILD_GENERAL1_LARGE",
        "Image": image,
        "ImagePullCredentialsType": "SERVICE_ROLE",
        "PrivilegedMode": False,
        "Type": "ARM_CONTAINER",
    }
    [pull] = [
        policy
        for policy in resources(template, "AWS::IAM::Policy")
        if policy["Roles"] == [{"Ref": project(template)["ServiceRole"]["Fn::GetAtt"][0]}]
    ]
    assert "ecr:BatchGetImage" in str(pull)


def test_cdk_nag_finds_nothing(made: Any) -> None:
    assert unacknowledged_findings(made) == []


def test_the_outline_says_so(made: Any) -> None:
    line = "  - the same for pull requests to v1.x of https://github.com/acme/fruit.git"
    assert line in made.pipeline_outline().splitlines()


def test_without_it_there_is_no_such_project() -> None:
    template = template_of(of_pull_requests(GitHub("a/b", connection_arn=CONNECTION), False))
    names = {each.get("Name") for each in resources(template, "AWS::CodeBuild::Project")}
    assert "fruit-PullRequest" not in names
