"""A deployment by Terraform, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import ClassVar

from dpra_constructs import arguments
from dpra_constructs.build_actions.code_build_project import CodeBuildProject
from dpra_constructs.build_actions.inlined_python import ISOLATED, here_document, runtime_source
from dpra_constructs.build_actions.locked_tools import Download, download
from dpra_constructs.build_actions.permission import Permission
from dpra_constructs.build_actions.shell import command
from dpra_constructs.environments import DeploymentTarget
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.other_deployers.external_deployment import ExternalDeployment, in_place
from dpra_constructs.release.runtime import names
from dpra_constructs.test_actions import runtime as test_runtime
from dpra_constructs.test_actions.deployed_test import DeployedTest

_RUNTIME = Path(__file__).parent / "runtime"
_TEST_RUNTIME = Path(test_runtime.__file__ or "").parent
_ADDRESS = "https://releases.hashicorp.com/terraform/{version}/terraform_{version}_{platform}.zip"
_PLATFORMS = {"Linux-x86_64": "linux_amd64", "Linux-aarch64": "linux_arm64"}
_VERSION = arguments.matching(r"1\.\d{2,}\.\d+", "a version from 1.10 on", "1.14.0")
_SHA256 = arguments.matching(r"[0-9a-f]{64}", "a SHA-256, 64 digits of 0-9 a-f", "0123...")
_NAME = arguments.matching(r"[A-Za-z_][A-Za-z0-9_-]*", "a name of Terraform", "api_url")
_OUTPUTS = "/tmp/dpra-terraform"  # of the build's own container


@dataclass(frozen=True, slots=True)
class TerraformDeployment(ExternalDeployment):
    """Applies a Terraform configuration in each region, after its stacks and before its tests.

    Plans, and applies exactly what it has planned, with a role of the environment's account and
    the state in a bucket there; the application makes both with a `TerraformEnvironment` (of
    `dpra_constructs.terraform`). In a rollback the configuration of the old commit is applied,
    which brings back what Terraform can bring back, and no data.
    Not run against Terraform itself by this library's tests.
    Source: https://developer.hashicorp.com/terraform/language/backend/s3

    Args:
        directory: of the configuration, in the repository, with its `.terraform.lock.hcl`.
        environment: the id of the application's `TerraformEnvironment`.
        version: of Terraform, from 1.10 on, which locks the state in Amazon S3.
        sha256: of that version's archives, as the publisher states them, by `Linux-x86_64` or
            `Linux-aarch64`.
        variables: input variables as text, in which `{environment}` and `{region}` stand for the
            target's; no secrets, as they stand in the template.
        outputs: for environment variables of the stage's tests, which output of the configuration
            gives the value; sensitive ones are refused when they are read.
        project: where it runs.
        name: the action's name in the pipeline.
        timeout: how long it may take, 1 to 50 minutes, as a role that is assumed by a role holds
            for an hour; it is interrupted then, and fails. 30 minutes without it.
        network: the VPC to run in.

    Raises:
        InvalidArgumentError: a value is not one of those.

    >>> TerraformDeployment("terraform", environment="Terraform", version="1.14.0",
    ...     sha256={"Linux-x86_64": "0" * 64}, outputs={"API_URL": "api_url"}).name
    'TerraformDeployment'
    """

    LONGEST_MINUTES: ClassVar[int] = 50

    directory: str
    _: KW_ONLY
    environment: str
    version: str
    sha256: Mapping[str, str] = field(hash=False)
    variables: Mapping[str, str] = field(default_factory=dict, hash=False)
    outputs: Mapping[str, str] = field(default_factory=dict, hash=False)
    project: CodeBuildProject | None = None

    def check(self) -> None:
        """Check what it has of its own."""
        arguments.relative_path(self.where, "directory", self.directory)
        arguments.name(self.where, self.environment, "environment")
        _VERSION(self.where, "version", self.version)
        object.__setattr__(self, "sha256", _hashes(self.where, self.sha256))
        variables = arguments.plain(self.where, "variables", self.variables)
        object.__setattr__(self, "variables", variables)
        outputs = arguments.variables(self.where, "outputs", self.outputs)
        for variable, output in outputs.items():
            _NAME(self.where, f"outputs[{variable!r}]", output)
        object.__setattr__(self, "outputs", outputs)
        arguments.optional(CodeBuildProject)(self.where, "project", self.project)

    @property
    def shared(self) -> Mapping[str, str]:
        """Variables that the tests of the target get."""
        return self.outputs

    def role_name(self, target: DeploymentTarget) -> str:
        """Return the name of the action's role, which the environment's role trusts."""
        place = (target.pipeline.name, target.environment, target.region)
        return names.terraform_action_role_name(*place, self.environment)

    def in_target(self, target: DeploymentTarget) -> DeployedTest:
        """Return the action that deploys for one target; it runs in a rollback too."""
        place = (target.pipeline.name, target.environment, target.region)
        role = names.terraform_role_name(*place, self.environment)
        arn = names.role_arn("{partition}", target.account, role)
        given = command(
            ISOLATED,
            [f"--directory={self.directory}", f"--region={target.region}"],
            [f"--minutes={self.timeout_minutes}", f"--outputs={_OUTPUTS}"],
            [f"--output={variable}={output}" for variable, output in self.outputs.items()],
        )
        source = runtime_source("environment_cli", _TEST_RUNTIME) + runtime_source(
            "terraform", _RUNTIME
        )
        # The build knows its partition by its own ARN.
        rest = arn.removeprefix("arn:{partition}:")
        whose = f'--role="arn:$(echo "$CODEBUILD_BUILD_ARN" | cut -d: -f2):{rest}"'
        return DeployedTest(
            [
                here_document(f"{given} {whose}", source),
                *(f'export {each}="$(cat {_OUTPUTS}/{each})"' for each in self.outputs),
            ],
            name=self.name,
            install=[self._tool],
            outputs={"TERRAFORM_STATE_BUCKET": f"{self.environment}StateBucket"},
            environment={
                f"TF_VAR_{name}": in_place(value, target) for name, value in self.variables.items()
            }
            | {"TF_VAR_health_alarm_name": names.health_alarm_name(*place)},
            permissions=[Permission(actions=["sts:AssumeRole"], resources=[arn])],
            project=self.project,
            # In a rollback the configuration is that of the old commit.
            run_on_rollback=True,
        )

    @property
    def _tool(self) -> str:
        return download(
            "terraform",
            {
                platform: Download(
                    _ADDRESS.format(version=self.version, platform=_PLATFORMS[platform]), value
                )
                for platform, value in self.sha256.items()
            },
        )


def _hashes(where: str, given: object) -> Mapping[str, str]:
    if not isinstance(given, Mapping) or not given or not given.keys() <= _PLATFORMS.keys():
        raise InvalidArgumentError(
            where,
            f"sha256={arguments.shown(given)} is not a mapping of {' and '.join(_PLATFORMS)} to "
            "hashes",
            'write it like sha256={"Linux-x86_64": "..."}, as the publisher states it',
        )
    for platform, value in given.items():
        _SHA256(where, f"sha256[{platform!r}]", value)
    return MappingProxyType(dict(given))
