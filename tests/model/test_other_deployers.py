# mypy: disable-error-code="arg-type"
"""Deployments by other deployers as values: what their programs are told, and what is refused."""

import os
import re
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aws_cdk import Duration

from dpra_constructs import DeploymentTarget, InvalidArgumentError
from dpra_constructs.build_actions import SecretsManagerSecret, SecureParameter
from dpra_constructs.environments import PipelineIdentity
from dpra_constructs.other_deployers import (
    ExternalDeployment,
    OctopusDeployment,
    SpinnakerPipeline,
    TerraformDeployment,
)
from tests.model.test_imports import test_imports_without as imports_without
from tests.runtime.loopback import serving
from tests.runtime.test_octopus import KEY, Octopus
from tests.runtime.test_spinnaker import TOKEN, Gate

TARGET = DeploymentTarget(
    pipeline=PipelineIdentity(name="fruit", account="111111111111", region="us-west-2"),
    environment="gamma",
    account="333333333333",
    region="eu-central-1",
    configuration={},
    is_production=False,
)
SECRET = SecretsManagerSecret("acme/octopus", json_key="key")


def octopus(**more: Any) -> OctopusDeployment:
    given = {
        "space": "Default",
        "project": "Fruit & Co",
        "environment": "{environment} {region}",
        "api_key": SECRET,
        **more,
    }
    return OctopusDeployment(given.pop("server_url", "https://acme.octopus.app/"), **given)


def spinnaker(**more: Any) -> SpinnakerPipeline:
    given = {
        "application": "fruit",
        "pipeline": "deploy it",
        "token": SecureParameter("/acme/spinnaker"),
        "parameters": {"tag": "{commit}", "where": "{region}"},
        **more,
    }
    return SpinnakerPipeline(given.pop("gate_url", "https://gate.acme.example"), **given)


def document_of(deployment: ExternalDeployment) -> str:
    commands = list(deployment.in_target(TARGET).command)
    assert len(commands) == 1
    return commands[0]


def told(deployment: ExternalDeployment) -> list[str]:
    document = document_of(deployment)
    return shlex.split(document.splitlines()[0].removesuffix("<<'PYTHON'"))


def test_the_program_of_octopus_is_told_all() -> None:
    assert told(octopus(package_version="1.{commit}", channel="Hotfix")) == [
        "python3",
        "-I",
        "-",
        "--url=https://acme.octopus.app",
        "--space=Default",
        "--project=Fruit & Co",
        "--environment=gamma eu-central-1",
        "--version=0.0.0-g{commit}",
        "--package-version=1.{commit}",
        "--channel=Hotfix",
        "--minutes=30",
    ]


def test_the_program_of_spinnaker_is_told_all() -> None:
    assert told(spinnaker(timeout=Duration.hours(2))) == [
        "python3",
        "-I",
        "-",
        "--url=https://gate.acme.example",
        "--application=fruit",
        "--pipeline=deploy it",
        '--parameters={"tag": "{commit}", "where": "eu-central-1"}',
        "--minutes=120",
    ]


@pytest.mark.parametrize(
    ("deployment", "variable"),
    [(octopus(), "OCTOPUS_API_KEY"), (spinnaker(), "SPINNAKER_TOKEN")],
    ids=["octopus", "spinnaker"],
)
def test_it_runs_in_a_rollback_too_with_its_key_as_a_secret(deployment: Any, variable: str) -> None:
    action = deployment.in_target(TARGET)
    assert action.run_on_rollback
    assert action.secrets == {variable: deployment.key}
    assert action.environment == {"DPRA_EXECUTION": "#{codepipeline.PipelineExecutionId}"}
    source = document_of(deployment).partition("<<'PYTHON'\n")[2].removesuffix("PYTHON")
    compile(source, "program", "exec")


@pytest.mark.parametrize(
    ("deployment", "world", "key"),
    [
        (octopus(), Octopus(states=["Success"]), KEY),
        (spinnaker(), Gate(states=["SUCCEEDED"]), TOKEN),
    ],
    ids=["octopus", "spinnaker"],
)
def test_the_action_runs_as_codebuild_runs_it(
    deployment: Any, world: Any, key: str, tmp_path: Path
) -> None:
    if isinstance(deployment, OctopusDeployment):
        deployment = octopus(project="fruit", environment="Production")
    with serving(world) as server:
        document = re.sub(r"--url=\S+", f"--url={server.url}", document_of(deployment))
        done = subprocess.run(
            ["bash", "-e", "-c", document],
            cwd=tmp_path,
            env={
                "PATH": os.environ["PATH"],
                deployment.KEY: key,
                "DPRA_EXECUTION": "e1",
                "CODEBUILD_RESOLVED_SOURCE_VERSION": "0123456789abcdef0123456789abcdef01234567",
                "CODEBUILD_BUILD_ID": "fruit-Gamma-x:1",
            },
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].endswith((": deployed", ": succeeded"))
    assert key not in done.stdout + done.stderr


def terraform(**more: Any) -> TerraformDeployment:
    given = {
        "environment": "Network",
        "version": "1.14.0",
        "sha256": {"Linux-x86_64": "0" * 64},
        **more,
    }
    return TerraformDeployment(given.pop("directory", "infra/terraform"), **given)


def test_terraform_is_told_where_what_and_as_whom() -> None:
    deployment = terraform(
        variables={"name": "fruit-{environment}-{region}"},
        outputs={"API_URL": "api_url"},
        timeout=Duration.minutes(50),
    )
    action = deployment.in_target(TARGET)
    apply, export = list(action.command)
    beginning = apply.splitlines()[0].removesuffix("<<'PYTHON'")
    assert shlex.split(beginning)[3:] == [
        "--directory=infra/terraform",
        "--region=eu-central-1",
        "--minutes=50",
        "--outputs=/tmp/dpra-terraform",
        "--output=API_URL=api_url",
        "--role=arn:$(echo $CODEBUILD_BUILD_ARN | cut -d: -f2)"
        ":iam::333333333333:role/fruit-gamma-eu-central-1-Network-terraform",
    ]
    assert export == 'export API_URL="$(cat /tmp/dpra-terraform/API_URL)"'
    assert action.environment == {
        "TF_VAR_name": "fruit-gamma-eu-central-1",
        "TF_VAR_health_alarm_name": "fruit-gamma-eu-central-1-health",
    }
    assert action.outputs == {"TERRAFORM_STATE_BUCKET": "NetworkStateBucket"}
    assert action.run_on_rollback
    assert deployment.role_name(TARGET) == "fruit-gamma-eu-central-1-Network-apply"
    [permission] = action.permissions
    assert permission.actions == ("sts:AssumeRole",)


def test_terraform_is_downloaded_and_checked_by_its_hash() -> None:
    [install] = terraform().in_target(TARGET).install
    assert (
        "url=https://releases.hashicorp.com/terraform/1.14.0/terraform_1.14.0_linux_amd64.zip "
        f"sha256={'0' * 64} ;;"
    ) in install
    assert "sha256sum --check" in install


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "a name with a space": (
        lambda: octopus(name="a b"),
        "OctopusDeployment \"a b\": name='a b' is not a valid name",
    ),
    "plain http": (
        lambda: octopus(server_url="http://octopus.acme.example"),
        "server_url='http://octopus.acme.example' is not an address that begins with https://",
    ),
    "no space": (lambda: octopus(space=" "), "space=' ' is not a text that says something"),
    "no project": (lambda: octopus(project=""), "project='' is not a text that says something"),
    "no environment": (
        lambda: octopus(environment=None),
        "environment=None is not a text that says something",
    ),
    "a plain key": (
        lambda: octopus(api_key="API-123"),
        "api_key is a plain value of type str, which would stand in the template",
    ),
    "one version for all": (
        lambda: octopus(release_version="1.0.0"),
        "release_version='1.0.0' is the same for every commit, so that a rollback could not name "
        'the old one; put {commit} into it, like release_version="0.0.0-g{commit}"',
    ),
    "one version of packages for all": (
        lambda: octopus(package_version="1.0.0"),
        "package_version='1.0.0' is the same for every commit",
    ),
    "too long": (
        lambda: octopus(timeout=Duration.hours(8)),
        "timeout=480 minutes is not between 1 and 420 minutes",
    ),
    "a network that is none": (
        lambda: octopus(network="vpc-1"),
        "network='vpc-1' is of type str, and BuildNetwork is needed",
    ),
    "a wrong gate": (
        lambda: spinnaker(gate_url="gate.acme.example"),
        "gate_url='gate.acme.example' is not an address that begins with https://",
    ),
    "no application": (
        lambda: spinnaker(application=""),
        "application='' is not a text that says something",
    ),
    "no pipeline": (
        lambda: spinnaker(pipeline=""),
        "pipeline='' is not a text that says something",
    ),
    "a plain token": (lambda: spinnaker(token=7), "token is a plain value of type int"),
    "no commit": (
        lambda: spinnaker(parameters={"tag": "latest"}),
        "no parameter has the commit, so that a rollback could not name the old one; give one, "
        'like parameters={"tag": "{commit}"}',
    ),
    "a directory outside": (
        lambda: terraform(directory="../infra"),
        "directory='../infra' is not a path inside the repository",
    ),
    "a name that is none": (
        lambda: terraform(environment="a b"),
        "environment='a b' is not a valid name",
    ),
    "a version without a lock in S3": (
        lambda: terraform(version="1.9.8"),
        "version='1.9.8' is not a version from 1.10 on; write it like version=\"1.14.0\"",
    ),
    "no hash": (
        lambda: terraform(sha256={}),
        "sha256={} is not a mapping of Linux-x86_64 and Linux-aarch64 to hashes",
    ),
    "a hash of another platform": (
        lambda: terraform(sha256={"Darwin-arm64": "0" * 64}),
        "is not a mapping of Linux-x86_64 and Linux-aarch64 to hashes",
    ),
    "a hash that is none": (
        lambda: terraform(sha256={"Linux-x86_64": "abc"}),
        "sha256['Linux-x86_64']='abc' is not a SHA-256, 64 digits of 0-9 a-f",
    ),
    "a secret variable": (
        lambda: terraform(variables={"db_password": "x"}),
        "variables has db_password, which by its name is a secret",
    ),
    "an output that is none": (
        lambda: terraform(outputs={"API_URL": "api url"}),
        "outputs['API_URL']='api url' is not a name of Terraform",
    ),
    "longer than the role holds": (
        lambda: terraform(timeout=Duration.minutes(51)),
        "timeout=51 minutes is not between 1 and 50 minutes",
    ),
    "a project that is none": (
        lambda: terraform(project="large"),
        "project='large' is of type str, and CodeBuildProject is needed",
    ),
    "a secret as a parameter": (
        lambda: spinnaker(parameters={"API_KEY": "x{commit}"}),
        "parameters has API_KEY, which by its name is a secret",
    ),
}


@pytest.mark.parametrize(("make", "message"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_is_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(InvalidArgumentError) as raised:
        make()
    assert message in str(raised.value)
    assert "API-123" not in str(raised.value)


@pytest.mark.parametrize(
    ("blocked", "code"),
    [
        ({"aws_cdk", "jsii", "constructs", "boto3"}, "import dpra_constructs.other_deployers"),
        (
            {"aws_cdk", "jsii", "constructs", "boto3", "botocore"},
            "from dpra_constructs.other_deployers.runtime import octopus, spinnaker, terraform",
        ),
    ],
    ids=["values", "programs"],
)
def test_neither_the_cdk_nor_boto3_is_needed(blocked: set[str], code: str) -> None:
    imports_without(blocked, code)
