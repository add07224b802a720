"""What all synthetic tests are: a canary with a role, a log, artifacts and an alarm."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aws_cdk import Acknowledgment, Duration, RemovalPolicy, Stack, Stage, Token, Validations
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_assets as s3_assets
from aws_cdk import aws_synthetics as synthetics
from constructs import Construct

from dpra_constructs import arguments
from dpra_constructs.build_actions import SecretsManagerSecret
from dpra_constructs.environments import DeploymentTarget
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.monitoring.health_alarms import HealthAlarm
from dpra_constructs.monitoring.synthetic_tests.artifact_bucket import EXPIRY_DAYS, artifact_bucket
from dpra_constructs.monitoring.synthetic_tests.definition import (
    CANARY_NAME,
    NAMESPACE,
    canary_name,
    failing,
)
from dpra_constructs.target_constructs import check_place

_OF_STAGE = "_dpra_synthetic_tests"
_LOG_DAYS = 30
# https://docs.aws.amazon.com/AmazonSynthetics/latest/APIReference/API_CanaryRunConfigInput.html
_SHORTEST_TIMEOUT_SECONDS, _LONGEST_TIMEOUT_SECONDS = 3, 840
_SMALLEST_MIB, _LARGEST_MIB, _STEP_MIB = 960, 3008, 64
_LARGEST_ENVIRONMENT_BYTES = 4_096


@dataclass(frozen=True, kw_only=True, slots=True)
class Run:
    """How a canary runs, checked."""

    schedule_minutes: int
    timeout_seconds: int
    memory_mib: int
    runtime: str


class SyntheticTest(Construct):
    """Use `ApiSyntheticTest` or `BrowserSyntheticTest`.

    A canary of CloudWatch Synthetics that uses the application as its users do, so that there is
    always traffic that a bad deployment fails on (DPRA-GAMMA-SYNTHETICS, DPRA-PROD-SYNTHETICS).
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        target: DeploymentTarget,
        run: Run,
        code: str,
        handler: str,
        environment: Mapping[str, str],
        secrets: Iterable[SecretsManagerSecret],
    ) -> None:
        """Make the canary; the subclasses have checked the arguments.

        Args:
            scope: the stack.
            id: the construct's id.
            target: what the pipeline deploys to.
            run: how it runs.
            code: the folder with the canary's code.
            handler: its function.
            environment: variables of the canary, without secrets.
            secrets: what it may read.
        """
        super().__init__(scope, id)
        stack = Stack.of(self)
        bucket = artifact_bucket(stack)
        asset = s3_assets.Asset(self, "Code", path=code)
        #: The canary's name.
        self.canary_name = canary_name(target.pipeline.name, target.environment, self.node.path)
        role = self._role(stack, bucket, target, tuple(secrets))
        #: The canary.
        self.canary = synthetics.CfnCanary(
            self,
            "Canary",
            name=self.canary_name,
            artifact_s3_location=f"s3://{bucket.ref}/{self.canary_name}",
            artifact_config={"s3Encryption": {"encryptionMode": "SSE_S3"}},
            code={
                "handler": handler,
                "s3Bucket": asset.s3_bucket_name,
                "s3Key": asset.s3_object_key,
            },
            execution_role_arn=role.attr_arn,
            runtime_version=run.runtime,
            schedule={"expression": _rate(run.schedule_minutes)},
            run_config={
                "timeoutInSeconds": run.timeout_seconds,
                "memoryInMb": run.memory_mib,
                "environmentVariables": dict(environment),
            },
            success_retention_period=EXPIRY_DAYS,
            failure_retention_period=EXPIRY_DAYS,
            start_canary_after_creation=True,
            provisioned_resource_cleanup="AUTOMATIC",
        )
        # Lambda would make it at the first run, to be kept for ever: the role may not.
        group = logs.CfnLogGroup(
            self,
            "Log",
            log_group_name=f"/aws/lambda/cwsyn-{self.canary_name}-{self.canary.attr_id}",
            retention_in_days=_LOG_DAYS,
        )
        group.apply_removal_policy(RemovalPolicy.DESTROY)
        #: The alarm of failing runs, for `DeploymentHealth`.
        self.alarm = HealthAlarm(
            self, failing(run.schedule_minutes), [(CANARY_NAME, self.canary_name)]
        )
        stage = Stage.of(self)
        setattr(stage, _OF_STAGE, (*self.of(stage), self))

    @staticmethod
    def of(stage: Stage | None) -> tuple[SyntheticTest, ...]:
        """Return the synthetic tests of a `cdk.Stage`."""
        return tuple(getattr(stage, _OF_STAGE, ()))

    def _role(
        self,
        stack: Stack,
        bucket: s3.CfnBucket,
        target: DeploymentTarget,
        secrets: tuple[SecretsManagerSecret, ...],
    ) -> iam.CfnRole:
        bucket_arn = bucket.attr_arn
        arn = f"arn:{stack.partition}"
        place = f"{target.region}:{target.account}"
        log = f"{arn}:logs:{place}:log-group:/aws/lambda/cwsyn-{self.canary_name}-*"
        statements: list[dict[str, Any]] = [
            _allow("s3:PutObject", f"{bucket_arn}/{self.canary_name}/*"),
            _allow("s3:GetBucketLocation", bucket_arn),
            _allow("s3:ListAllMyBuckets", "*"),
            _allow(["logs:CreateLogStream", "logs:PutLogEvents"], log),
            {
                **_allow("cloudwatch:PutMetricData", "*"),
                "Condition": {"StringEquals": {"cloudwatch:namespace": NAMESPACE}},
            },
        ]
        for name in sorted({secret.name for secret in secrets}):
            # Secrets Manager puts six characters behind the name.
            secret_arn = f"{arn}:secretsmanager:{place}:secret:{name}-??????"
            statements.append(_allow("secretsmanager:GetSecretValue", secret_arn))
        for key in sorted({secret.kms_key_arn for secret in secrets if secret.kms_key_arn}):
            statements.append(
                {
                    **_allow("kms:Decrypt", key),
                    "Condition": {
                        "StringEquals": {
                            "kms:ViaService": f"secretsmanager.{target.region}.amazonaws.com"
                        }
                    },
                }
            )
        role = iam.CfnRole(
            self,
            "Role",
            description=f"Runs the canary {self.canary_name}",
            assume_role_policy_document={
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": "lambda.amazonaws.com"},
                        "Action": "sts:AssumeRole",
                    }
                ],
            },
            policies=[
                {
                    "policyName": "Canary",
                    "policyDocument": {"Version": "2012-10-17", "Statement": statements},
                }
            ],
        )
        _acknowledge(
            role,
            f"<{stack.get_logical_id(bucket)}.Arn>/{self.canary_name}/*",
            log.replace(arn, f"arn:{_shown_partition(stack)}", 1),
        )
        return role


def read_run(
    where: str,
    *,
    schedule: Duration | None,
    timeout: Duration | None,
    memory_mib: int,
    runtime: str,
    family: str,
) -> Run:
    """Check how a canary runs.

    Raises:
        InvalidArgumentError: a value is not allowed.
    """
    minutes = (
        1
        if schedule is None
        else arguments.whole(where, "schedule", schedule, at_least=1, at_most=60)
    )
    most = min(60 * minutes, _LONGEST_TIMEOUT_SECONDS)
    seconds = (
        most
        if timeout is None
        else arguments.whole(
            where,
            "timeout",
            timeout,
            at_least=_SHORTEST_TIMEOUT_SECONDS,
            at_most=most,
            unit="seconds",
        )
    )
    if (
        not isinstance(memory_mib, int)
        or isinstance(memory_mib, bool)
        or not _SMALLEST_MIB <= memory_mib <= _LARGEST_MIB
        or memory_mib % _STEP_MIB
    ):
        raise InvalidArgumentError(
            where,
            f"memory_mib={arguments.shown(memory_mib)} is not a multiple of {_STEP_MIB} from "
            f"{_SMALLEST_MIB} to {_LARGEST_MIB}",
            "write it like memory_mib=1024",
        )
    if not isinstance(runtime, str) or not runtime.startswith(family):
        raise InvalidArgumentError(
            where,
            f"runtime={arguments.shown(runtime)} is not one that runs its code: {family}...",
            f'write it like runtime="{family}14.0", by the list of Synthetics runtime versions',
        )
    return Run(
        schedule_minutes=minutes, timeout_seconds=seconds, memory_mib=memory_mib, runtime=runtime
    )


def check_target(where: str, scope: Construct, target: object) -> DeploymentTarget:
    """Return the target of a test, in whose account and region its stack has to be.

    Raises:
        InvalidArgumentError: it is none, or the stack is elsewhere.
    """
    arguments.instance(
        where, "target", target, DeploymentTarget, "target, which the application was given"
    )
    assert isinstance(target, DeploymentTarget)  # narrows the type
    check_place(where, Stack.of(scope), target)
    return target


def check_environment(where: str, variables: Mapping[str, str]) -> None:
    """Refuse more environment variables than a canary takes.

    Raises:
        InvalidArgumentError: they are more than 4 KiB.
    """
    size = sum(
        len(name) + (0 if Token.is_unresolved(value) else len(value.encode()))
        for name, value in variables.items()
    )
    if size > _LARGEST_ENVIRONMENT_BYTES:
        raise InvalidArgumentError(
            where,
            f"its environment variables have {size} bytes, and a canary takes "
            f"{_LARGEST_ENVIRONMENT_BYTES}",
            "keep what is longer in a file beside the script",
        )


def _rate(minutes: int) -> str:
    return "rate(1 minute)" if minutes == 1 else f"rate({minutes} minutes)"


def _allow(actions: str | list[str], resource: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": resource}


def _shown_partition(stack: Stack) -> str:
    """Return the partition as cdk-nag shows it: a literal by a feature flag, else a reference."""
    partition = stack.partition
    return "<AWS::Partition>" if Token.is_unresolved(partition) else partition


def _acknowledge(role: iam.CfnRole, artifacts: str, log: str) -> None:
    reasons = {
        "*": "Synthetics needs ListAllMyBuckets, which has no resource; PutMetricData has none "
        "either, and is limited to the namespace of Synthetics",
        artifacts: "A canary writes each run's artifacts under its own name",
        log: "Synthetics puts an id behind the canary's name",
    }
    Validations.of(role).acknowledge(
        *(
            Acknowledgment(id=f"AwsSolutions-IAM5[Resource::{resource}]", reason=reason)
            for resource, reason in reasons.items()
        )
    )
