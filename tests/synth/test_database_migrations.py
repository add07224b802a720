"""A migration in each target: after the database's stack, before the software's."""

import json
from typing import Any

import pytest
from aws_cdk import CfnOutput, Stack, Stage
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk.assertions import Template
from constructs import Construct

from dpra_constructs import DeploymentPipeline, DeploymentTarget, InvalidArgumentError
from dpra_constructs.build_actions import CodeBuildProject, SecretsManagerSecret
from dpra_constructs.database import DatabaseAccess
from dpra_constructs.test_actions import BuildNetwork, DatabaseMigration
from dpra_constructs.testing import unacknowledged_findings
from tests.conftest import resources
from tests.pipelines import (
    Fruit,
    beta_stage,
    build_stage,
    gamma_stage,
    pipeline,
    prod_waves,
    template_of,
    tools_stack,
)
from tests.synth.test_build_actions import flat
from tests.synth.test_deployment_health import TARGET, application

NETWORK = BuildNetwork(
    vpc_id="vpc-1a2b3c4d",
    subnet_ids=["subnet-1a2b3c4d", "subnet-2a2b3c4d"],
    security_group_ids=["sg-1a2b3c4d"],
)
PROJECT = CodeBuildProject(image="flyway/flyway:11.8.0")


def migration(**more: Any) -> DatabaseMigration:
    given: Any = {"changes": "database", "url_output": "DatabaseUrl", "access": "Access", **more}
    if "version" not in given:
        given["project"] = PROJECT
    return DatabaseMigration(given.pop("tool", "flyway"), **given)


class Stored(Fruit):
    """The application with a database in a stack of its own, on which its software depends."""

    def __init__(self, scope: Construct, id: str, target: DeploymentTarget) -> None:
        super().__init__(scope, id, target)
        self.database = Stack(self, "Database")
        CfnOutput(self.database, "DatabaseUrl", value="jdbc:postgresql://db:5432/fruit")
        secret = secretsmanager.Secret(self.database, "Login")
        DatabaseAccess(self.database, "Access", target=target, secret=secret)
        DatabaseAccess(self.database, "ByIam", target=target, user="migrator", resource_id="db-ABC")
        self.stack.add_stack_dependency(self.database)


def made_pipeline(
    *migrations: DatabaseMigration, application: type[Stage] = Stored
) -> DeploymentPipeline:
    stack = tools_stack()
    build = build_stage(stack, application=application)
    beta = beta_stage(stack, build=build, migrations=migrations)
    gamma = gamma_stage(stack, beta=beta, migrations=migrations)
    return pipeline(stack, last_stage=prod_waves(stack, gamma=gamma, migrations=migrations))


ALL = (
    migration(network=NETWORK),
    migration(name="Second", access="ByIam"),
    migration(
        name="Third",
        tool="liquibase",
        access=None,
        credentials=SecretsManagerSecret("fruit/database"),
        version="4.31.0",
        sha256="0" * 64,
    ),
)


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return template_of(made_pipeline(*ALL))


def actions(template: dict[str, Any], stage: str) -> list[dict[str, Any]]:
    [made] = resources(template, "AWS::CodePipeline::Pipeline")
    [found] = [each for each in made["Stages"] if each["Name"] == stage]
    return list(found["Actions"])


def project(template: dict[str, Any], name: str) -> dict[str, Any]:
    [found] = [
        each for each in resources(template, "AWS::CodeBuild::Project") if each.get("Name") == name
    ]
    return found


@pytest.mark.parametrize(
    ("stage", "region"),
    [
        ("Beta", "us-west-2"),
        ("Gamma", "us-east-1"),
        ("Prod-one-box", "us-west-2"),
        ("Prod-rest", "eu-central-1"),
    ],
)
def test_they_run_one_after_the_other_between_database_and_software(
    template: dict[str, Any], stage: str, region: str
) -> None:
    several = stage in ("Gamma", "Prod-rest")
    orders = [
        (action["RunOrder"], ".".join(action["Name"].split(".")[-2:]))
        for action in actions(template, stage)
        if not several or f"-{region}." in action["Name"]
    ]
    orders = [
        each
        for each in orders
        if each[1] not in ("Bake", "Verify-Artifacts") and "Test" not in each[1]
    ]
    ordered = [name for _, name in sorted(orders)]
    assert ordered == [
        "Database.Prepare",
        "Database.Deploy",
        "Database.DatabaseMigration",
        "Database.Second",
        "Database.Third",
        "Api.Prepare",
        "Api.Deploy",
    ]
    assert len({order for order, _ in orders}) == 7


def test_each_fails_where_it_cannot_read_whether_it_is_a_rollback(
    template: dict[str, Any],
) -> None:
    made = project(template, "fruit-Gamma-DatabaseMigration-us-east-1")
    phases = json.loads(made["Source"]["BuildSpec"])["phases"]
    assert "would change the database" in phases["install"]["commands"][0]
    assert all(
        each.startswith('if [ -z "${DPRA_ROLLBACK:-}" ]; then\n')
        for each in phases["build"]["commands"]
    )


def test_no_credential_stands_in_the_template(template: dict[str, Any]) -> None:
    made = project(template, "fruit-Gamma-Third-us-east-1")
    secrets = {
        each["Name"]: (each["Type"], each["Value"])
        for each in made["Environment"]["EnvironmentVariables"]
        if each["Name"] != "DPRA_EVIDENCE"
    }
    assert secrets == {
        "LIQUIBASE_COMMAND_USERNAME": ("SECRETS_MANAGER", "fruit/database:username"),
        "LIQUIBASE_COMMAND_PASSWORD": ("SECRETS_MANAGER", "fruit/database:password"),
    }
    [by_role] = [
        action
        for action in actions(template, "Gamma")
        if action["Name"] == "fruit-gamma-us-east-1.Database.DatabaseMigration"
    ]
    variables = {
        each["name"]: each["value"]
        for each in json.loads(by_role["Configuration"]["EnvironmentVariables"])
    }
    assert set(variables) == {"FLYWAY_URL", "DATABASE_ACCESS", "DPRA_EXECUTION"}
    assert variables["FLYWAY_URL"].endswith(".DatabaseUrl}")
    assert variables["DATABASE_ACCESS"].startswith("#{")


def test_its_role_may_assume_the_role_of_its_region_and_attach_to_its_subnets(
    template: dict[str, Any],
) -> None:
    [(role, made)] = [
        each
        for each in template["Resources"].items()
        if each[1].get("Properties", {}).get("RoleName") == "fruit-gamma-us-east-1-migrate"
    ]
    [policy] = [
        each for each in resources(template, "AWS::IAM::Policy") if {"Ref": role} in each["Roles"]
    ]
    assumed = {
        flat(each["Resource"])
        for each in policy["PolicyDocument"]["Statement"]
        if each["Action"] == "sts:AssumeRole"
    }
    assert assumed == {"arn:<AWS::Partition>:iam::333333333333:role/fruit-gamma-us-east-1-database"}
    [inline] = made["Properties"]["Policies"]
    granted = {
        action: each
        for each in inline["PolicyDocument"]["Statement"]
        for action in ([each["Action"]] if isinstance(each["Action"], str) else each["Action"])
    }
    ec2 = "arn:<AWS::Partition>:ec2:us-west-2:111111111111"
    assert [flat(each) for each in granted["ec2:CreateNetworkInterface"]["Resource"]] == [
        f"{ec2}:network-interface/*",
        f"{ec2}:subnet/subnet-1a2b3c4d",
        f"{ec2}:subnet/subnet-2a2b3c4d",
        f"{ec2}:security-group/sg-1a2b3c4d",
    ]
    subnets = {"ec2:Subnet": [f"arn:*:ec2:*:*:subnet/{each}" for each in NETWORK.subnet_ids]}
    assert granted["ec2:DeleteNetworkInterface"]["Condition"] == {"ArnLike": subnets}
    assert granted["ec2:CreateNetworkInterfacePermission"]["Condition"] == {
        "ArnLike": subnets,
        "StringEquals": {"ec2:AuthorizedService": ["codebuild.amazonaws.com"]},
    }
    assert project(template, "fruit-Gamma-DatabaseMigration-us-east-1")["VpcConfig"] == {
        "VpcId": "vpc-1a2b3c4d",
        "Subnets": ["subnet-1a2b3c4d", "subnet-2a2b3c4d"],
        "SecurityGroupIds": ["sg-1a2b3c4d"],
    }
    assert "VpcConfig" not in project(template, "fruit-Gamma-Second-us-east-1")


def test_nothing_of_it_is_left_open_for_cdk_nag() -> None:
    assert unacknowledged_findings(made_pipeline(*ALL)) == []


def test_the_plan_shows_them() -> None:
    text = str(made_pipeline(ALL[0]).plan)
    assert "  2 DatabaseMigration of database by flyway in us-west-2, before the software\n" in text


def test_the_access_trusts_the_migration_alone_and_may_log_in_and_no_more() -> None:
    stack = application()
    secret = secretsmanager.Secret(stack, "Login")
    DatabaseAccess(stack, "Access", target=TARGET, secret=secret)
    DatabaseAccess(stack, "ByIam", target=TARGET, user="migrator", resource_id="db-ABC")
    template = dict(Template.from_stack(stack).to_json())
    [role] = resources(template, "AWS::IAM::Role")
    assert role["RoleName"] == "fruit-prod-eu-central-1-database"
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    assert flat(trust["Condition"]["ArnEquals"]["aws:PrincipalArn"]) == (
        "arn:<AWS::Partition>:iam::111111111111:role/fruit-prod-eu-central-1-migrate"
    )
    [policy] = resources(template, "AWS::IAM::Policy")
    read, connect = policy["PolicyDocument"]["Statement"]
    assert read["Action"] == ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]
    assert flat(read["Resource"]).startswith("<Login")
    assert connect["Action"] == "rds-db:connect"
    assert flat(connect["Resource"]) == (
        "arn:<AWS::Partition>:rds-db:eu-central-1:444444444444:dbuser:db-ABC/migrator"
    )


class Joined(Fruit):
    """An application whose database is in the stack of its software."""

    def __init__(self, scope: Construct, id: str, target: DeploymentTarget) -> None:
        super().__init__(scope, id, target)
        CfnOutput(self.stack, "DatabaseUrl", value="jdbc:postgresql://db:5432/fruit")
        DatabaseAccess(self.stack, "Access", target=target, user="a", resource_id="db-ABC")


class Apart(Stored):
    """An application whose access is in another stack than the database."""

    def __init__(self, scope: Construct, id: str, target: DeploymentTarget) -> None:
        Fruit.__init__(self, scope, id, target)
        self.database = Stack(self, "Database")
        CfnOutput(self.database, "DatabaseUrl", value="jdbc:postgresql://db:5432/fruit")
        DatabaseAccess(self.stack, "Access", target=target, user="a", resource_id="db-ABC")


@pytest.mark.parametrize(
    ("application", "given", "message"),
    [
        (
            Joined,
            {},
            'DatabaseMigration "DatabaseMigration": no stack of fruit-beta-us-west-2 depends on '
            "Api, so the software would not wait for its migration; put the database into a stack "
            "of its own, and have the software's stack depend on it: "
            "software.add_stack_dependency(database)",
        ),
        (Apart, {}, "does not stand in the stack of the database"),
        (
            Stored,
            {"access": "Other"},
            "access='Other' is no DatabaseAccess of fruit-beta-us-west-2, which has Access, ByIam",
        ),
        (
            Stored,
            {"url_output": "Nowhere"},
            "outputs['FLYWAY_URL']='Nowhere' is no CfnOutput of fruit-beta-us-west-2, which has",
        ),
    ],
)
def test_what_a_pipeline_refuses(
    application: type[Stage], given: dict[str, Any], message: str
) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        made_pipeline(migration(**given), application=application)
    assert message in str(raised.value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"id": "a b"}, "id='a b' is not a valid name"),
        ({"target": 5}, "target=5 is of type int, and DeploymentTarget is needed"),
        ({}, "exactly one of secret, and user with resource_id, is needed"),
        ({"user": "a"}, "exactly one of secret, and user with resource_id, is needed"),
        ({"resource_id": "a"}, "exactly one of secret, and user with resource_id, is needed"),
        ({"secret": "plain"}, "secret is of type str, which is no secret"),
        ({"user": "", "resource_id": "a"}, "user='' is not a text"),
    ],
)
def test_what_an_access_refuses(given: dict[str, Any], message: str) -> None:
    arguments = {"target": TARGET, **given}
    with pytest.raises(InvalidArgumentError) as raised:
        DatabaseAccess(application(), arguments.pop("id", "Access"), **arguments)
    assert message in str(raised.value)
    assert "plain" not in str(raised.value)


def test_all_access_of_a_target_has_different_ids_and_one_stack() -> None:
    stack = application()
    given: Any = {"target": TARGET, "user": "a", "resource_id": "b"}
    DatabaseAccess(stack, "Access", **given)
    with pytest.raises(InvalidArgumentError, match="has that id already, and the pipeline names"):
        DatabaseAccess(Construct(stack, "Other"), "Access", **given)
    stage = Stage.of(stack)
    assert stage
    with pytest.raises(InvalidArgumentError, match="put all that a target has into one stack"):
        DatabaseAccess(Stack(stage, "Second"), "More", **given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("flyway", "migrations='flyway' is no sequence"),
        ([5], "migrations=5 is of type int, and DatabaseMigration is needed"),
        ([ALL[0], ALL[0]], "the names of tests has DatabaseMigration more than once"),
    ],
)
def test_what_the_stages_refuse(given: Any, message: str) -> None:
    for make in (beta_stage, gamma_stage, prod_waves):
        with pytest.raises(InvalidArgumentError) as raised:
            make(tools_stack(), migrations=given)
        assert message in str(raised.value)
