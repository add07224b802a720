"""Turns where a build runs, and the secrets it gets, into what CodeBuild knows."""

from __future__ import annotations

import re
from collections.abc import Mapping

from aws_cdk import Acknowledgment, Stack, Validations, pipelines
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from constructs import Construct, IConstruct

from dpra_constructs.build_actions import (
    CodeBuildProject,
    SecretsManagerSecret,
    SecureParameter,
)

Secrets = Mapping[str, SecretsManagerSecret | SecureParameter]

# The image of builds that say nothing else: the same as CodeBuildProject().build_image.
DEFAULT_IMAGE = codebuild.LinuxBuildImage.STANDARD_8_0
_ECR_IMAGE = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?/"
    r"(?P<repository>[\w./-]+)(:(?P<tag>[\w.-]+)|@(?P<digest>sha256:[0-9a-f]{64}))?"
)


def build_environment(
    scope: Construct, id: str, project: CodeBuildProject, secrets: Secrets
) -> codebuild.BuildEnvironment | None:
    """Return a project's environment; None where it is the pipeline's default.

    Args:
        scope: where an imported image repository is made.
        id: the id of that.
        project: where the build runs.
        secrets: its secret environment variables.
    """
    if project == CodeBuildProject() and not secrets:
        return None
    return codebuild.BuildEnvironment(
        build_image=_image(scope, id, project),
        compute_type=codebuild.ComputeType[project.compute_type],
        privileged=project.privileged,
        environment_variables={
            variable: codebuild.BuildEnvironmentVariable(
                type=codebuild.BuildEnvironmentVariableType.SECRETS_MANAGER
                if isinstance(secret, SecretsManagerSecret)
                else codebuild.BuildEnvironmentVariableType.PARAMETER_STORE,
                value=secret.code_build_value,
            )
            for variable, secret in secrets.items()
        },
    )


def decryption(secrets: Secrets) -> list[iam.PolicyStatement]:
    """Return the permission to decrypt secrets with keys of the team's own."""
    keys = sorted({secret.kms_key_arn for secret in secrets.values() if secret.kms_key_arn})
    return [iam.PolicyStatement(actions=["kms:Decrypt"], resources=keys)] if keys else []


def cache_of(project: CodeBuildProject) -> codebuild.Cache | None:
    """Return the cache of a project; None for none."""
    if not project.cache_paths:
        return None
    return codebuild.Cache.local(codebuild.LocalCacheMode.CUSTOM)


def _image(scope: Construct, id: str, project: CodeBuildProject) -> codebuild.IBuildImage:
    kind: type[codebuild.LinuxBuildImage | codebuild.LinuxArmBuildImage]
    arm = project.architecture == "ARM_64"
    kind = codebuild.LinuxArmBuildImage if arm else codebuild.LinuxBuildImage
    name = project.build_image
    if is_curated(project):
        return kind.from_code_build_image_id(name)
    found = ecr_repository(scope, id, name)
    if not found:
        return kind.from_docker_registry(name)
    return kind.from_ecr_repository(*found)


def is_curated(project: CodeBuildProject) -> bool:
    """Whether a project runs on an image of CodeBuild's own."""
    return project.build_image.startswith("aws/codebuild/")


def acknowledge_image(
    made: IConstruct | pipelines.CodeBuildStep, project: CodeBuildProject
) -> None:
    """Acknowledge what cdk-nag finds of an image that the team has chosen."""
    if not is_curated(project):
        if isinstance(made, pipelines.CodeBuildStep):
            # Asked only now, as it is a call to the jsii kernel.
            made = made.project
        Validations.of(made).acknowledge(
            Acknowledgment(
                id="AwsSolutions-CB5",
                reason=f"The team builds on its own choice, {project.build_image}",
            )
        )


def ecr_repository(scope: Construct, id: str, image: str) -> tuple[ecr.IRepository, str] | None:
    """Return the repository and the tag or digest of an image in Amazon ECR; None for others."""
    found = _ECR_IMAGE.fullmatch(image)
    if not found:
        return None
    arn = Stack.of(scope).format_arn(
        service="ecr",
        account=found["account"],
        region=found["region"],
        resource="repository",
        resource_name=found["repository"],
    )
    repository = ecr.Repository.from_repository_attributes(
        scope, id, repository_arn=arn, repository_name=found["repository"]
    )
    return repository, found["digest"] or found["tag"] or "latest"
