"""Software on servers, deployed some servers at a time."""

from pathlib import Path
from typing import Any

import pytest
from aws_cdk import App, Stack, Stage
from aws_cdk import aws_iam as iam

from dpra_constructs import InvalidArgumentError
from dpra_constructs.monitoring import ApplicationLogs
from dpra_constructs.progressive_deployment import ServerDeployment
from dpra_constructs.progressive_deployment.deployed_progressively import deployed_progressively
from dpra_constructs.testing import unacknowledged_findings
from tests.conftest import resources
from tests.synth.test_deployment_health import TARGET, alarm, application, template_of

APPSPEC = """
version: 0.0
os: linux
files: [{source: /, destination: /srv/shop}]
hooks: {ApplicationStart: [{location: start.sh, timeout: 60}]}
"""


@pytest.fixture
def revision(tmp_path: Path) -> Path:
    (tmp_path / "appspec.yml").write_text(APPSPEC)
    (tmp_path / "start.sh").write_text("systemctl start shop\n")
    return tmp_path


def servers(stack: Stack, revision: Path, **given: Any) -> ServerDeployment:
    arguments = {"target": TARGET, "revision": revision, "ec2_tags": {"Role": "shop"}, **given}
    if "logs" not in given:
        arguments["logs"] = ApplicationLogs(stack, "Logs", target=TARGET)
    return ServerDeployment(stack, "Shop", **arguments)


def group_in(template: dict[str, Any]) -> dict[str, Any]:
    [group] = resources(template, "AWS::CodeDeploy::DeploymentGroup")
    return group


def test_servers_with_a_tag_change_some_at_a_time(revision: Path) -> None:
    for at_a_time, name in (("one", "OneAtATime"), ("half", "HalfAtATime"), ("all", "AllAtOnce")):
        stack = application()
        made = servers(stack, revision, at_a_time=at_a_time, on_premises_tags={"Site": "a"})
        group = group_in(template_of(stack))
        assert group["DeploymentConfigName"] == f"CodeDeployDefault.{name}"
        tag = {"Type": "KEY_AND_VALUE"}
        assert group["Ec2TagFilters"] == [{"Key": "Role", "Value": "shop", **tag}]
        assert group["OnPremisesInstanceTagFilters"] == [{"Key": "Site", "Value": "a", **tag}]
        found = deployed_progressively(Stage.of(stack))
        assert found == (() if at_a_time == "all" else (made,))


def test_a_deployment_rolls_back_on_failure_alarm_and_stop(revision: Path) -> None:
    stack = application()
    servers(stack, revision, alarms=[alarm(stack)])
    group = group_in(template_of(stack))
    assert group["AutoRollbackConfiguration"]["Events"] == [
        "DEPLOYMENT_FAILURE",
        "DEPLOYMENT_STOP_ON_ALARM",
        "DEPLOYMENT_STOP_ON_REQUEST",
    ]
    assert len(group["AlarmConfiguration"]["Alarms"]) == 1


def test_cloudformation_waits_for_the_deployment_of_the_published_revision(revision: Path) -> None:
    stack = application()
    servers(stack, revision)
    template = template_of(stack)
    [deployment] = [
        each for each in template["Resources"].values() if each["Type"].startswith("Custom::")
    ]
    properties = deployment["Properties"]
    assert properties["ServiceTimeout"] == "3600"
    assert properties["Key"].endswith(".zip")
    assert [each[:-8] for each in deployment["DependsOn"]] == ["ShopFollowAgain"]


def test_another_revision_is_another_deployment(revision: Path) -> None:
    keys = []
    for text in ("one", "two"):
        (revision / "version").write_text(text)
        stack = application()
        servers(stack, revision)
        [properties] = resources(template_of(stack), "Custom::ServerDeployment")
        keys.append(properties["Key"])
    assert keys[0] != keys[1]


def test_the_function_may_deploy_to_this_group_alone(revision: Path) -> None:
    stack = application()
    servers(stack, revision)
    template = template_of(stack)
    statements = [
        statement
        for policy in resources(template, "AWS::IAM::Policy")
        for statement in policy["PolicyDocument"]["Statement"]
    ]
    deploys = [each for each in statements if "codedeploy:CreateDeployment" in each["Action"]]
    assert len(deploys) == 1
    assert "*" not in str([each["Resource"] for each in statements])
    [calls] = [each for each in statements if each["Action"] == "lambda:InvokeFunction"]
    assert calls["Resource"]["Fn::GetAtt"][0].startswith("ShopFollow")


def test_servers_may_read_the_revision_alone(revision: Path) -> None:
    stack = application()
    made = servers(stack, revision)
    role = iam.Role(stack, "Server", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"))
    made.grant_read(role)
    [statement] = [
        statement
        for policy in resources(template_of(stack), "AWS::IAM::Policy")
        for statement in policy["PolicyDocument"]["Statement"]
        if "s3:GetObject" in statement["Action"]
    ]
    assert statement["Action"] == ["s3:GetObject", "s3:GetObjectVersion"]
    assert str(statement["Resource"]).count(".zip") == 1


def test_nothing_is_left_to_cdk_nag(revision: Path) -> None:
    app = App()
    servers(application(app), revision, alarms=["fruit-synthetic"])
    assert unacknowledged_findings(app) == []


def test_every_argument_is_checked(revision: Path, tmp_path: Path) -> None:
    for given, said in (
        ({"target": "prod"}, "target='prod' is of type str"),
        ({"logs": None}, "logs=None is of type NoneType"),
        ({"at_a_time": "two"}, "at_a_time='two' is not one of all, half, one"),
        ({"ec2_tags": None}, "it has neither ec2_tags nor on_premises_tags"),
        ({"ec2_tags": "shop"}, "ec2_tags='shop' is not a mapping of keys to values of tags"),
        ({"on_premises_tags": {"a": 1}}, "on_premises_tags={'a': 1} is not a mapping"),
        ({"alarms": 5}, "alarms=5 is no sequence of alarms"),
        ({"revision": "nowhere"}, "revision='nowhere' is not a folder with appspec.yml"),
    ):
        with pytest.raises(InvalidArgumentError) as raised:
            servers(application(), **{"revision": revision, **given})  # type: ignore[arg-type]
        assert f'ServerDeployment "Shop": {said}' in str(raised.value)


def test_a_revision_that_codedeploy_would_refuse_is_refused(revision: Path) -> None:
    (revision / "start.sh").unlink()
    with pytest.raises(InvalidArgumentError, match=r"'start\.sh' is not in the revision"):
        servers(application(), revision)
