"""Software on EC2 and on-premises servers, deployed some servers at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from aws_cdk import (
    Acknowledgment,
    ArnFormat,
    CfnResource,
    CustomResource,
    Duration,
    Stack,
    Validations,
)
from aws_cdk import aws_codedeploy as codedeploy
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from dpra_constructs import arguments
from dpra_constructs.environments import DeploymentTarget
from dpra_constructs.errors import InvalidArgumentError
from dpra_constructs.monitoring import ApplicationLogs
from dpra_constructs.progressive_deployment import code_deploy
from dpra_constructs.progressive_deployment.appspec import FILE_NAME, check_appspec
from dpra_constructs.progressive_deployment.deployed_progressively import record
from dpra_constructs.progressive_deployment.rollback_alarms import RollbackAlarm, RollbackAlarms

_RUNTIME = Path(__file__).parent / "runtime"
_CONFIGS = {"one": "OneAtATime", "half": "HalfAtATime", "all": "AllAtOnce"}


class ServerDeployment(Construct):
    """A revision on EC2 or on-premises servers, by CodeDeploy (DPRA-PROD-PROGRESSIVE).

    When the stack is deployed, CodeDeploy installs the revision on some servers after the others,
    and CloudFormation waits for it, up to 55 minutes. When an alarm fires, a script fails or a
    person stops it, the servers get the revision before, CloudFormation's deployment fails, and
    the pipeline's stage with it. The servers and their CodeDeploy agent are the team's own.

    Args:
        scope: the stack, in the target's account and region.
        id: the construct's id.
        target: what the pipeline deploys to, as the application got it.
        revision: the folder with `appspec.yml`, which is checked, and all that it names.
        logs: makes the log group of the function that follows the deployment.
        ec2_tags: tags of EC2 instances; an instance that has one of them gets the revision.
        on_premises_tags: tags of on-premises instances; likewise.
        at_a_time: how many servers change at a time: `one`, `half` or `all`; `all` is not
            progressive.
        alarms: those that roll a deployment back, or their names; at most 50.

    Raises:
        InvalidArgumentError: an argument is not one of those, or CodeDeploy would refuse the
            revision.
        ModuleNotFoundError: PyYAML is not installed: `pip install 'dpra-constructs[cli]'`.

    Source: https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-configurations.html
    """

    def __init__(
        self,
        scope: Construct,
        id: str,
        *,
        target: DeploymentTarget,
        revision: str | Path,
        logs: ApplicationLogs,
        ec2_tags: Mapping[str, str] | None = None,
        on_premises_tags: Mapping[str, str] | None = None,
        at_a_time: str = "one",
        alarms: Iterable[RollbackAlarm] = (),
    ) -> None:
        where = f'{type(self).__name__} "{id}"'
        arguments.instance(
            where, "target", target, DeploymentTarget, "target, which the application was given"
        )
        arguments.instance(
            where, "logs", logs, ApplicationLogs, 'ApplicationLogs(self, "Logs", target=target)'
        )
        arguments.one_of(where, "at_a_time", at_a_time, _CONFIGS)
        folder = _checked_revision(where, revision)
        ec2 = _tags(where, "ec2_tags", ec2_tags)
        on_premises = _tags(where, "on_premises_tags", on_premises_tags)
        if not ec2 and not on_premises:
            raise InvalidArgumentError(
                where,
                "it has neither ec2_tags nor on_premises_tags, and so no server",
                'write it like ec2_tags={"Role": "shop"}',
            )
        super().__init__(scope, id)
        self._alarms = RollbackAlarms(where, self)
        self._alarms.add(alarms)
        #: The revision, as it is published once and installed everywhere.
        self.revision = s3_assets.Asset(self, "Revision", path=str(folder))
        #: The CodeDeploy application.
        self.application = codedeploy.CfnApplication(self, "Application", compute_platform="Server")
        names = self._alarms.names
        #: The CodeDeploy deployment group.
        self.deployment_group = codedeploy.CfnDeploymentGroup(
            self,
            "DeploymentGroup",
            application_name=self.application.ref,
            service_role_arn=self._service_role(target, names).attr_arn,
            deployment_config_name=f"CodeDeployDefault.{_CONFIGS[at_a_time]}",
            deployment_style={
                "deploymentType": "IN_PLACE",
                "deploymentOption": "WITHOUT_TRAFFIC_CONTROL",
            },
            ec2_tag_filters=ec2 or None,
            on_premises_instance_tag_filters=on_premises or None,
            auto_rollback_configuration=code_deploy.ROLLBACK,
            alarm_configuration={
                "enabled": True,
                "ignorePollAlarmFailure": False,
                "alarms": [{"name": name} for name in names],
            }
            if names
            else None,
        )
        self._deploy(self._function(id, logs))
        if at_a_time != "all":
            record(self)

    def grant_read(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let servers read the revision, and nothing else of its bucket.

        Args:
            grantee: the role of their instance profile. Where the bootstrap's bucket has a key of
                the customer's, they need `kms:Decrypt` for it too.
        """
        return iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["s3:GetObject", "s3:GetObjectVersion"],
            resource_arns=[self.revision.bucket.arn_for_objects(self.revision.s3_object_key)],
        )

    def _service_role(self, target: DeploymentTarget, names: list[str]) -> iam.CfnRole:
        region = Stack.of(self).region
        statements: list[dict[str, Any]] = [
            {
                "Effect": "Allow",
                "Action": [
                    "ec2:DescribeInstanceStatus",
                    "ec2:DescribeInstances",
                    "tag:GetResources",
                ],
                "Resource": "*",
                "Condition": {"StringEquals": {"aws:RequestedRegion": region}},
            }
        ]
        role = code_deploy.service_role(
            self, f"Installs {self.node.id} of {target.pipeline.name} on servers", []
        )
        if names:
            statements.append(self._alarms.read_by(role))
        policy: Any = {
            "policyName": "Deploys",
            "policyDocument": {"Version": "2012-10-17", "Statement": statements},
        }
        role.policies = [policy]
        Validations.of(role).acknowledge(
            Acknowledgment(
                id="AwsSolutions-IAM5[Resource::*]",
                reason="Instances are found by their tags, and Amazon EC2 describes them only to "
                "permissions on *, as CloudWatch does composite alarms; nothing is changed.",
            )
        )
        return role

    def _function(self, id: str, logs: ApplicationLogs) -> lambda_.Function:
        stack = Stack.of(self)
        group = logs.log_group(f"{id}Follow")
        role = iam.Role(self, "FollowRole", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        group.grant_write(role)

        def arn(resource: str, name: str) -> str:
            return stack.format_arn(
                service="codedeploy",
                resource=resource,
                resource_name=name,
                arn_format=ArnFormat.COLON_RESOURCE_NAME,
            )

        deployments = f"{self.application.ref}/{self.deployment_group.ref}"
        for actions, resource in (
            (
                [
                    "codedeploy:CreateDeployment",
                    "codedeploy:GetDeployment",
                    "codedeploy:StopDeployment",
                ],
                arn("deploymentgroup", deployments),
            ),
            (
                ["codedeploy:GetApplicationRevision", "codedeploy:RegisterApplicationRevision"],
                arn("application", self.application.ref),
            ),
            (
                ["codedeploy:GetDeploymentConfig"],
                arn("deploymentconfig", str(self.deployment_group.deployment_config_name)),
            ),
        ):
            role.add_to_policy(iam.PolicyStatement(actions=actions, resources=[resource]))
        return lambda_.Function(
            self,
            "Follow",
            description="Starts a deployment to servers, and follows it for CloudFormation",
            runtime=lambda_.Runtime.PYTHON_3_14,
            architecture=lambda_.Architecture.ARM_64,
            handler="server_deployment.handler",
            code=lambda_.Code.from_asset(
                str(_RUNTIME), exclude=["**/__pycache__", "**/*.pyc", "__pycache__"]
            ),
            role=role,
            log_group=group,
            memory_size=256,
            timeout=Duration.minutes(15),
            # It answers CloudFormation itself, and a second start would be a second deployment.
            retry_attempts=0,
        )

    def _deploy(self, function: lambda_.Function) -> None:
        again = iam.CfnPolicy(
            self,
            "FollowAgain",
            policy_name="CallsItself",
            roles=[function.role.role_name] if function.role else [],
            policy_document={
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Action": "lambda:InvokeFunction",
                        "Resource": function.function_arn,
                    }
                ],
            },
        )
        #: The deployment of the revision, of which CloudFormation awaits the end.
        self.deployment = CustomResource(
            self,
            "Deployment",
            service_token=function.function_arn,
            service_timeout=Duration.hours(1),
            resource_type="Custom::ServerDeployment",
            properties={
                "Application": self.application.ref,
                "DeploymentGroup": self.deployment_group.ref,
                "Bucket": self.revision.s3_bucket_name,
                "Key": self.revision.s3_object_key,
            },
        )
        resource = self.deployment.node.default_child
        assert isinstance(resource, CfnResource)
        resource.add_resource_dependency(again)


def _checked_revision(where: str, revision: str | Path) -> Path:
    folder = Path(revision)
    appspec = folder / FILE_NAME
    if not appspec.is_file():
        raise InvalidArgumentError(
            where,
            f"revision={str(revision)!r} is not a folder with {FILE_NAME}",
            f"give the folder that the build made, with {FILE_NAME} at its top",
        )
    files = frozenset(
        each.relative_to(folder).as_posix() for each in folder.rglob("*") if each.is_file()
    )
    check_appspec(appspec.read_text(), files)
    return folder


def _tags(where: str, argument: str, given: object) -> list[Any]:
    if given is None:
        return []
    if (
        not isinstance(given, Mapping)
        or not given
        or not all(isinstance(text, str) and text for pair in given.items() for text in pair)
    ):
        raise InvalidArgumentError(
            where,
            f"{argument}={arguments.shown(given)} is not a mapping of keys to values of tags",
            f'write it like {argument}={{"Role": "shop"}}',
        )
    return [{"key": key, "value": value, "type": "KEY_AND_VALUE"} for key, value in given.items()]
