"""Seals what the build made, and verifies it before each stage is deployed to."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from aws_cdk import Duration, RemovalPolicy, Stack, pipelines
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_codepipeline as codepipeline
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from dpra_constructs.artifact_integrity import ArtifactSigning
from dpra_constructs.artifact_integrity.runtime.signed_functions import (
    FOLDERS,
    profile_version_of,
)
from dpra_constructs.artifact_integrity.seal_program import PROFILES, seal_command, seal_install
from dpra_constructs.build_actions.build_action import BuildAction
from dpra_constructs.build_actions.kept_reports import EVIDENCE, EXECUTION, EXECUTION_ID
from dpra_constructs.build_actions.permission import Permission
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.pipeline.code_build_steps import PUBLISHES_TAG, CodeBuildSteps
from dpra_constructs.pipeline.deployed_stacks import DeployedStack
from dpra_constructs.pipeline.evidence import EvidenceStore
from dpra_constructs.pipeline.invoke_step import ArtifactAccess, InvokeStep, invoked_function
from dpra_constructs.pipeline.logs import EncryptedLogs
from dpra_constructs.pipeline.permissions import Statement, allow
from dpra_constructs.pipeline.plan import SEAL, VERIFY, PipelinePlan, PlannedStage
from dpra_constructs.pipeline.release_functions import release_function
from dpra_constructs.release.pipeline_permissions import JOB_RESULTS
from dpra_constructs.release.runtime.change_summary import publishing_role_of
from dpra_constructs.requirements import Requirement

# CodeBuild takes 5 input artifacts, and the assembly is one.
_MOST_OUTPUTS = 4
_SEAL_MINUTES = 10
_FUNCTION = "VerifyArtifacts"
# As long as a function may run: an artifact of some gigabytes takes a minute.
_VERIFY_SECONDS = 900
# A whole processor, for the hashes.
_VERIFY_MIB = 1_769
_STORAGE_MIB = 4_096
# All but signing, and what would let others sign: granting, or importing key material.
_ADMINISTRATION = (
    "kms:CancelKeyDeletion",
    "kms:DescribeKey",
    "kms:DisableKey",
    "kms:EnableKey",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:GetPublicKey",
    "kms:ListGrants",
    "kms:ListKeyPolicies",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateKeyDescription",
    "kms:Verify",
)


class ArtifactSeal:
    """Makes the action that seals, and those that verify.

    Attributes:
        key: the one that signs.
        role: that of `Seal`, which alone may sign.
        step: the action `Seal`, whose output every later action reads.
    """

    def __init__(
        self,
        scope: Construct,
        plan: PipelinePlan,
        signing: ArtifactSigning,
        *,
        source: pipelines.CodePipelineSource,
        steps: CodeBuildSteps,
        synth: pipelines.CodeBuildStep,
        logs: EncryptedLogs,
        evidence: EvidenceStore,
    ) -> None:
        self._scope = scope
        self._plan = plan
        self._signing = signing
        self._profiles = signing.functions.profiles if signing.functions else ()
        self._logs = logs
        self._evidence = evidence
        self._revision = source.source_attribute(plan.repository.revision_attribute)
        self.role = iam.Role(
            scope,
            "SealRole",
            description=f"Seals the artifacts of {plan.pipeline.name}: nothing else may sign",
            assumed_by=iam.ServicePrincipal("codebuild.amazonaws.com"),
        )
        self.key = self._signing_key()
        self.step = self._seal(synth, steps.outputs)
        self._verifications: list[InvokeStep] = []

    def _signing_key(self) -> kms.CfnKey:
        name = self._plan.pipeline.name
        # Another generation is another key: asymmetric keys do not rotate.
        key = kms.CfnKey(
            self._scope,
            f"SigningKey{self._signing.key_generation}",
            description=f"Signs the artifacts of the pipeline {name}",
            key_spec="ECC_NIST_P256",
            key_usage="SIGN_VERIFY",
            key_policy={
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {
                            "AWS": f"arn:{Stack.of(self._scope).partition}:iam::"
                            f"{self._plan.pipeline.account}:root"
                        },
                        "Action": list(_ADMINISTRATION),
                        "Resource": "*",
                    },
                    {
                        "Effect": "Allow",
                        "Principal": {"AWS": self.role.role_arn},
                        "Action": ["kms:GetPublicKey", "kms:Sign"],
                        "Resource": "*",
                    },
                ],
            },
        )
        # What it sealed has to be verified for as long as it can be rolled back to.
        key.apply_removal_policy(RemovalPolicy.RETAIN)
        return key

    def _seal(
        self,
        synth: pipelines.CodeBuildStep,
        outputs: Mapping[str, tuple[str, pipelines.FileSet]],
    ) -> pipelines.CodeBuildStep:
        plan = self._plan
        project = f"{plan.pipeline.name}-Build-{SEAL}"
        self._logs.of_project(project)
        sboms, others = _outputs_to_seal(plan)
        if len(sboms) + len(others) > _MOST_OUTPUTS:
            raise InvalidArgumentError(
                f'DeploymentPipeline "{plan.pipeline.name}"',
                f"{SEAL} would read {', '.join([*sboms, *others])}, and CodeBuild takes "
                f"{_MOST_OUTPUTS} outputs beside the assembly",
                "write the SBOMs of several tools into one output",
            )
        repository = plan.repository
        assembly = synth.primary_output
        assert assembly is not None  # the synth action has one
        return pipelines.CodeBuildStep(
            SEAL,
            input=assembly,
            additional_inputs={f"../sealed-{name}": outputs[name][1] for name in (*sboms, *others)},
            primary_output_directory=".",
            project_name=project,
            timeout=Duration.minutes(_SEAL_MINUTES),
            role=self.role,
            role_policy_statements=[
                iam.PolicyStatement(
                    actions=["kms:GetPublicKey", "kms:Sign"], resources=[self.key.attr_arn]
                ),
                *(
                    iam.PolicyStatement.from_json(each)
                    for each in _signing_functions(plan.pipeline.name, self._profiles)
                ),
                self._evidence.written_by(project),
            ],
            env={
                "REVISION": self._revision,
                EXECUTION: EXECUTION_ID,
            },
            install_commands=[seal_install()],
            commands=[
                seal_command(
                    pipeline=plan.pipeline.name,
                    repository=repository.uri,
                    branch=repository.branch,
                    sboms=[f"{name}=../sealed-{name}" for name in sboms],
                    others=[f"../sealed-{name}" for name in others],
                )
            ],
        )

    def verify(self, stage: PlannedStage, assembly: pipelines.FileSet) -> InvokeStep:
        """Return the action that verifies before anything of a stage is deployed."""
        targets: dict[str, list[str]] = {}
        for target in stage.targets:
            targets.setdefault(target.account, []).append(target.region)
        told = {
            "repository": self._plan.repository.uri,
            "revision": self._revision,
            "execution": EXECUTION_ID,
            "targets": targets,
        }
        step = InvokeStep(VERIFY, None, json.dumps(told), reads=assembly)
        self._verifications.append(step)
        return step

    def read(
        self,
        stacks: Iterable[DeployedStack],
        pipeline: codepipeline.Pipeline,
        access: ArtifactAccess,
    ) -> None:
        """Make the function that verifies: it reads what the publishing roles have published."""
        roles = dict.fromkeys(
            publishing_role_of(stack.deploying_role) for stack in stacks if stack.deploying_role
        )
        accepted = self._signing.accepted_keys
        images = _pushed(self._plan)
        function = release_function(
            self._scope,
            _FUNCTION,
            package="artifact_integrity",
            pipeline=self._plan.pipeline.name,
            module="verify_artifacts",
            description="Verifies that what is deployed is what was sealed",
            permissions=[JOB_RESULTS, *_asking_for_images(images)],
            statements_besides=[
                allow(["kms:Verify"], [self.key.attr_arn, *(key.key_arn for key in accepted)]),
                *([allow(["sts:AssumeRole"], list(roles))] if roles else []),
            ],
            logs=self._logs,
            environment={
                "SIGNING_KEY": self.key.attr_arn,
                "ACCEPTED_KEYS": json.dumps([_of_environment(key) for key in accepted]),
                **({"IMAGES": self._profiles_of(images)} if images else {}),
            },
            timeout_seconds=_VERIFY_SECONDS,
            memory_mib=_VERIFY_MIB,
        )
        function.ephemeral_storage = lambda_.CfnFunction.EphemeralStorageProperty(size=_STORAGE_MIB)
        invoked = invoked_function(self._scope, _FUNCTION, function, pipeline, access=access)
        for step in self._verifications:
            step.call(invoked)

    def _profiles_of(self, images: Mapping[str, str | None]) -> str:
        """Return the repositories with the ARNs of their profiles, as the function reads it."""
        pipeline = self._plan.pipeline
        place = f"{Stack.of(self._scope).partition}:signer:{pipeline.region}:{pipeline.account}"
        return json.dumps(
            {
                repository: f"arn:{place}:/signing-profiles/{profile}" if profile else ""
                for repository, profile in images.items()
            }
        )

    def after_build(self) -> None:
        """Mark the project, which CDK Pipelines makes when it is built; say what it signs with.

        CDK Pipelines writes a hash of a project that it is given into the pipeline: another key
        or profile would change the structure, and nothing of before it could be rolled back to.
        """
        project = self.step.project.node.default_child
        assert isinstance(project, codebuild.CfnProject)
        key = {"Name": "SIGNING_KEY", "Type": "PLAINTEXT", "Value": self.key.attr_arn}
        evidence = {"Name": EVIDENCE, "Type": "PLAINTEXT", "Value": self._evidence.address}
        profiles = {"Name": PROFILES, "Type": "PLAINTEXT", "Value": " ".join(self._profiles)}
        project.add_property_override(
            "Environment.EnvironmentVariables",
            [evidence, key, profiles] if self._profiles else [evidence, key],
        )
        # A workstation has no key to seal with.
        project.tags.set_tag(PUBLISHES_TAG, "true")


def _signing_functions(pipeline: str, profiles: Sequence[str]) -> Iterator[Statement]:
    """Yield what lets functions be signed, by each profile and below the pipeline's own keys."""
    for arn in profiles:
        profile = profile_version_of(arn)
        bucket = f"arn:{profile.partition}:s3:::{profile.bucket}"
        yield allow(
            ["signer:StartSigningJob"],
            [profile.profile_arn],
            {"StringEquals": {"signer:ProfileVersion": [profile.version]}},
        )
        yield allow(["signer:DescribeSigningJob"], [f"{profile.jobs_arn}/*"])
        yield allow(
            ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"],
            [f"{bucket}/{folder}/{pipeline}/*" for folder in FOLDERS],
        )
        # AWS Signer asks for it, and it tells an object that is absent from one that is not to be
        # read: https://docs.aws.amazon.com/signer/latest/developerguide/gs-iam.html
        yield allow(["s3:ListBucket"], [bucket])


def _pushed(plan: PipelinePlan) -> dict[str, str | None]:
    """Return the repositories that the build pushes images to, each with who signs them."""
    pushed: dict[str, str | None] = {}
    for action in plan.build_actions:
        if isinstance(action, BuildAction):
            for repository, profile in action.pushes.items():
                pushed[repository] = pushed.get(repository) or profile
    return dict(sorted(pushed.items()))


def _asking_for_images(images: Mapping[str, str | None]) -> Iterator[Permission]:
    for action, repositories in (
        ("ecr:DescribeImages", list(images)),
        ("ecr:DescribeImageSigningStatus", [each for each in images if images[each]]),
    ):
        if repositories:
            yield Permission(
                actions=[action],
                resources=[
                    f"arn:{{partition}}:ecr:{{region}}:{{account}}:repository/{each}"
                    for each in repositories
                ],
            )


def _of_environment(key: Any) -> dict[str, str]:
    times = {"from": key.valid_from, "until": key.valid_until}
    return {
        "key": key.key_arn,
        **{name: moment.isoformat() for name, moment in times.items() if moment},
    }


def _outputs_to_seal(plan: PipelinePlan) -> tuple[list[str], list[str]]:
    """Return the outputs that hold SBOMs, and those that may name images that were pushed."""
    sboms: list[str] = []
    others: list[str] = []
    for action in plan.build_actions:
        if not isinstance(action, BuildAction):
            continue
        if Requirement.BUILD_SBOM in action.meets:
            sboms.extend(action.outputs)
        elif action.publishes:
            others.extend(action.outputs)
    return sboms, others
